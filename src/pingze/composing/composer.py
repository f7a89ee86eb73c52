"""Compile a request for a model, write populations of particles, and choose a poem from them."""

import math
import secrets
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from pingze.arrays import Array, Int
from pingze.composing.conflict import find_clashes
from pingze.composing.constraints.feasibility import Fixes, PartialTexts
from pingze.composing.constraints.masks import Ban, Constraints
from pingze.composing.lexicon import Lexicon, network_ids
from pingze.composing.options import Composing, Sampling
from pingze.composing.originality import Originality
from pingze.composing.poem import Poem, marked
from pingze.composing.read_request import read_request
from pingze.composing.request import Request
from pingze.composing.sheet import Sheet
from pingze.composing.smc import Populations, Text, finish, on_threads, ranking
from pingze.composing.terms import Term
from pingze.composing.terms.antithesis import Opposites, antithesis_table
from pingze.composing.terms.mood import Leaning, leanings, likeness
from pingze.composing.terms.taste import Taste
from pingze.composing.typed_text import tell
from pingze.composing.words import Effort, Start, Starts
from pingze.deadline import check_deadline
from pingze.errors import InfeasibleError, InputError
from pingze.network import CI, checkpoint
from pingze.network.checkpoint import Model
from pingze.network.conditions import ABOUT, Conditions
from pingze.network.reference import ReferenceNetwork
from pingze.network.step_graph import GraphNetwork
from pingze.network.vocabulary import EOS
from pingze.verse.forms import find_form, opening_name
from pingze.verse.patterns import STRICT
from pingze.verse.verdict import Note

ROWS = 256  # the maximum number of particles in a batch that joins several populations
POPULATION = 64
"""The maximum number of particles in a population; for more, a poem has several populations."""
lexicon_of = lru_cache(maxsize=8)(Lexicon.of)
"""`Lexicon.of`, which keeps some lexicons for later requests."""
PopulationSeed = tuple[int, int]
"""A poem's seed and the index of a population, which seed the population's random numbers."""


def prepare(
    asked: Composing, model: Model | None = None, *, reference: bool = False
) -> "tuple[Composer, Starts]":
    """Load the model and compile the request; raise the same errors as `compose`."""
    composer = load_composer(model, asked, reference=reference)
    request = read_request(composer.vocabulary, asked)
    if request.form.tune and not composer.conditions.form_token(request.form):
        tell(Note("no_tune", field="form", has=request.form.tune.names[0], model=composer.name))
    return composer, composer.prepare(request)


def first_seed(seed: int | None) -> int:
    """Return the seed, or a random one if it is None."""
    return secrets.randbelow(2**32) if seed is None else seed


class Composer:
    """A model with the tables that are needed to compose poems."""

    def __init__(self, loaded: checkpoint.Checkpoint, *, reference: bool = False) -> None:
        self.name = loaded.name
        self.vocabulary = loaded.vocabulary
        self.reward = loaded.reward
        self.network = ReferenceNetwork(loaded) if reference else GraphNetwork(loaded.rounded())
        self.conditions = Conditions(loaded.vocabulary)

    def prepare(self, request: Request) -> Starts:
        """Compile a request.

        Raises InfeasibleError (with the clashing constraints) if no poem can satisfy the request;
        InputError if the words to include can be placed in too many ways; CorpusError if the
        request needs the corpus and there is none.
        """
        return compile_request(self.lexicon(request), request)

    def prefix(self, request: Request) -> list[int]:
        """List the token ids of a request's form, poet, title and theme.

        The list is empty if the model was trained without them.
        """
        if not self.conditions:
            return []
        form = self.conditions.form_token(request.form)
        return self.conditions.prefix(form, request.poet, request.title, about=request.about).ids

    def write(self, starts: Starts, sampling: Sampling, seed: int) -> Poem:
        """Write the poem of a seed, the best of its populations."""
        count, _ = self.populations(starts.constraints, sampling)
        found = self.texts(starts, sampling, [(seed, number) for number in range(count)])
        best_of_each = [texts[0] for texts in found]
        best = ranking(best_of_each)[0]
        return self.poem(starts.constraints, best_of_each[best], seed)

    def texts(
        self,
        starts: Starts,
        sampling: Sampling,
        populations: Sequence[PopulationSeed],
        most: int = 1,
    ) -> list[list[Text]]:
        """Write populations, and choose the best texts of each, at most `most`.

        The threads share the populations, and a thread writes several populations in one batch.
        What a population writes does not depend on the others.
        """
        _, particles = self.populations(starts.constraints, sampling)

        def written(batch: Sequence[PopulationSeed]) -> list[list[Text]]:
            return finish(self.begin(starts, sampling, batch), most)

        # a batch has at most `ROWS` particles, unless a single population has more
        return on_threads(written, populations, largest_batch=ROWS // particles)

    def populations(self, constraints: Constraints, sampling: Sampling) -> tuple[int, int]:
        """Return the number of populations for a poem, and the number of particles in each.

        A long poem has fewer particles. In a 集句 or a poem that must stay original, one population
        has all particles, because a small population is likely to lose every particle.
        """
        if constraints.ban:
            return 1, sampling.particles
        particles = sampling.particles_for(constraints.tokens)
        count = math.ceil(particles / POPULATION)
        return count, math.ceil(particles / count)

    def begin(
        self, starts: Starts, sampling: Sampling, seeds: Sequence[PopulationSeed]
    ) -> Populations:
        """Start writing one population for each seed."""
        constraints = starts.constraints
        _, particles = self.populations(constraints, sampling)
        drawn = [starts.draw(particles, np.random.default_rng(seed)) for seed in seeds]
        return self._populations(constraints, drawn, sampling)

    def judge(
        self, constraints: Constraints, texts: Sequence[Fixes], sampling: Sampling
    ) -> list[Text]:
        """Score texts all of whose characters are fixed; leave out those that break a constraint.

        The threads share the texts.
        """

        def judged(part: Sequence[Fixes]) -> list[Text]:
            """Score a part of the texts, as particles of one population; nothing is drawn."""
            possible = []
            for text in part:
                begun = constraints.begin(text)
                if begun is not None:
                    possible.append(begun)
            partial_texts = PartialTexts.joined(possible)
            number = len(partial_texts.texts)
            equal_log_weights = np.zeros(number)
            # a population needs a generator; as nothing is drawn, its seed does not matter
            start = Start(partial_texts, equal_log_weights, np.random.default_rng(0))
            population = self._populations(constraints, [start], sampling)
            (found,) = finish(population, most=number)
            return found

        return on_threads(judged, texts, largest_batch=len(texts))

    def _populations(
        self, constraints: Constraints, starts: Sequence[Start], sampling: Sampling
    ) -> Populations:
        return Populations(
            self.network,
            constraints,
            starts,
            sampling=sampling,
            prefix=self.prefix(constraints.request),
            terms=self.terms(constraints),
        )

    def terms(self, constraints: Constraints) -> list[Term]:
        """List the terms that weight the texts of a request."""
        request = constraints.request
        terms: list[Term] = []
        if request.mood:
            terms.append(Leaning(leanings(self.vocabulary)[request.mood]))
        if request.like or request.unlike:
            terms.append(Leaning(likeness(self.vocabulary, request.like, request.unlike)))
        # in many forms no couplet needs antithesis, so that the term would only cost time
        if request.antithesis and request.form.antithetical(request.lines):
            terms.append(Opposites(antithesis_table(self.vocabulary), constraints))
        if request.taste:
            terms.append(Taste(self.vocabulary, request, self.reward))
        return terms

    def lexicon(self, request: Request) -> Lexicon:
        """Return tones and rhymes of the vocabulary and of a request's characters."""
        unknown = "".join(sorted(set(request.given) - self.vocabulary.ids.keys()))
        return lexicon_of(self.vocabulary, request.standard, unknown)

    def poem(self, constraints: Constraints, text: Text, seed: int) -> Poem:
        """Return a text as a poem."""
        # `alive` is (template, rhyme group); the poem is named by the first template that it keeps
        template = int(text.alive.any(axis=1).argmax())
        request = constraints.request
        form = request.form
        opening = request.openings[template]  # "" if the form has no templates
        poem = Poem(
            form=form.name,
            template=opening_name(form.width, opening[0]) if opening else None,
            rhyme="、".join(constraints.named(text.alive[template])),
            title=request.title,
            poet=request.poet,
            about=request.about,
            mood=request.mood,
            seed=seed,
            model=self.name,
            lines=constraints.layout.cut(constraints.lexicon.vocabulary.decode(text.ids)),
            log_probability=text.log_probability,
            score=text.score,
        )
        if request.poets is None:
            return poem
        from pingze.composing.collecting import Collected, Quoting

        assert isinstance(constraints.ban, Quoting), (
            "a request for quoted lines is compiled with them"
        )
        return Collected(**vars(poem), sources=tuple(constraints.ban.sources(poem.lines)))

    def token_ids(self, lines: list[str], form: str = "") -> Int[Array, "N"]:
        """List the token ids of a poem's text, the mark after each line, and `<eos>`."""
        return np.append(network_ids(self.vocabulary, "".join(marked(lines, form))), EOS)

    def score(
        self, lines: list[str], prefix: Sequence[int] = (), form: str = ""
    ) -> tuple[Array, Array]:
        """Return ln p of every token at each place of a text, (N, V), and of its own tokens, (N,).

        The model reads `prefix` before the text.
        """
        ids = self.token_ids(lines, form)
        # The state before a token predicts it, so that the network does not read the last token.
        states = [self.network.start(prefix=prefix)]
        for id_ in ids[:-1]:
            check_deadline()
            states.append(self.network.step(states[-1], id_[None]))
        log_p = np.concatenate([state.log_p for state in states])
        return log_p, log_p[np.arange(len(ids)), ids]


def compile_request(lexicon: Lexicon, request: Request) -> Starts:
    """Compile a request against a lexicon; raise the same errors as `Composer.prepare`."""
    # 1. Find what may not be copied or, for a 集句, what may be quoted.
    ban: Ban | None = None
    if request.poets is not None:
        from pingze.composing.collecting import quoting  # needs the database

        ban = quoting(lexicon, request.form.width, request.poets)
    elif request.original:
        from pingze.corpus import Store

        with Store.open() as store:
            ban = Originality(
                store.index,
                lexicon.vocabulary,
                request.form.layout(request.lines),
                request.original,
            )
    # 2. List the ways to read the request, the strictest first: the lexicon, and whether words may
    #    not span a pause. At first, fixed and included characters have only the tones that verse
    #    gives them in context, and no included word spans a pause in the line. If no poem is
    #    possible, words may span pauses; if still no poem is possible, these characters may have
    #    their other tones too.
    effort = Effort(request)
    attempts = []
    in_context = lexicon
    if request.fixed or request.include:
        in_context = lexicon.reading(request)
        if any(len(word) > 1 for word in request.include):  # one character spans no pause
            attempts.append((in_context, True))
        attempts.append((in_context, False))
    attempts.append((lexicon, False))
    # 3. Compile the request in the first way that makes a poem possible.
    for reading, whole in attempts:
        starts = Starts(Constraints(reading, request, ban), whole=whole, effort=effort)
        if not starts.is_possible:
            continue
        # Tell which characters of the options have another tone than in context; at the strict
        # level, that is not allowed.
        rare = reading.read_otherwise(in_context, request.asked)
        if rare and request.strictness.startswith(STRICT):
            clashes = [part for part in request.parts if set(rare) & set(str(part.has))]
            raise InfeasibleError(request.form.name, clashes)
        if rare:
            tell(Note("rare_readings", has=rare))
        return starts
    raise InfeasibleError(request.form.name, find_clashes(lexicon, request, ban, effort))


def load_composer(
    model: Model | None = None,
    asked: Composing | None = None,
    *,
    form: str | None = None,
    reference: bool = False,
) -> Composer:
    """Return the composer of a model, cached until the model's files change.

    By default, `form` is the form of `asked`. The default model is `CI` for a tune, and
    `checkpoint.DEFAULT` otherwise. If `reference`, the composer runs `ReferenceNetwork`.

    Raises CheckpointError if the model cannot be read, and InputError if the options have a title,
    poet or theme but the model was trained without titles, poets or themes. A poem that stands on a
    sheet keeps its title, poet and theme all the same.
    """
    if not form and asked:
        form = asked.form
    if not model:
        model = CI if form and find_form(form).tune else checkpoint.DEFAULT
    name = str(model)
    composer = _composer(name, checkpoint.changed(name), reference)
    has_conditions = bool(composer.conditions)
    is_usable = {
        "title": has_conditions,
        "poet": has_conditions,
        "about": ABOUT in composer.conditions.names,
    }
    has_poem = isinstance(asked, Sheet) and isinstance(asked.lines, list)
    for field, can_be_given in is_usable.items():
        if asked and getattr(asked, field) and not can_be_given and not has_poem:
            raise InputError("no_condition", field=field, model=composer.name)
    return composer


@lru_cache(maxsize=4)
def _composer(name: str, changed: int, reference: bool) -> Composer:
    """Load a composer.

    `changed` is the time of the last change to the model's files, used only as a cache key.
    """
    return Composer(checkpoint.load(name), reference=reference)
