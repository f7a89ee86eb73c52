"""Compose poems: compile a request for a model, write populations of particles, and choose a poem from them."""

import math
import secrets
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from pingze.arrays import Array, Float, Int
from pingze.composing.conflict import find_clashes
from pingze.composing.constraints.feasibility import Fixes, PartialTexts
from pingze.composing.constraints.masks import Ban, Constraints
from pingze.composing.lexicon import Lexicon, network_ids
from pingze.composing.options import Composing, Revising, Sampling
from pingze.composing.originality import Originality
from pingze.composing.poem import Poem, marked
from pingze.composing.read_request import read_request
from pingze.composing.request import Request
from pingze.composing.sheet import Sheet
from pingze.composing.smc import Populations, Text, each, finish, ordered
from pingze.composing.terms import Term
from pingze.composing.terms.antithesis import Opposites, antithesis_table
from pingze.composing.terms.mood import Leaning, leanings, likeness
from pingze.composing.terms.taste import Taste
from pingze.composing.typed_text import tell
from pingze.composing.words import Effort, Start, Starts
from pingze.deadline import check_deadline
from pingze.errors import InfeasibleError, InputError
from pingze.machine import threads
from pingze.network import CI, checkpoint
from pingze.network.checkpoint import Model
from pingze.network.conditions import ABOUT, Conditions
from pingze.network.reference import ReferenceNetwork
from pingze.network.step_graph import GraphNetwork
from pingze.network.vocabulary import EOS, Vocabulary
from pingze.verse.forms import find_form, opening_name
from pingze.verse.standard import PINGSHUI, Standard
from pingze.verse.verdict import Note

ROWS = 256  # the maximum number of particles in a batch that joins several populations
POPULATION = 64
"""The maximum number of particles in a population; a poem with more particles has several populations."""
LEXICONS = 8  # the maximum number of lexicons that are kept for later requests
PopulationSeed = tuple[int, int]
"""A poem's seed and the index of one of its populations; together they seed the population's random numbers."""


def prepare(
    asked: Composing, model: Model | None = None, *, reference: bool = False
) -> "tuple[Composer, Starts]":
    """Load the model and compile the request; raise the same errors as `compose`."""
    chosen = composer(model, asked, reference=reference)
    request = read_request(chosen.vocabulary, asked)
    if request.form.tune and not chosen.conditions.form_token(request.form):
        tell(Note("no_tune", field="form", has=request.form.tune.names[0], model=chosen.name))
    return chosen, chosen.prepare(request)


def first_seed(seed: int | None) -> int:
    """Return the seed, or a random one if it is None."""
    return secrets.randbelow(2**32) if seed is None else seed


class Composer:
    """A model with the tables that are needed to compose poems."""

    def __init__(self, loaded: checkpoint.Checkpoint, *, reference: bool = False) -> None:
        self.name, self.vocabulary, self.reward = loaded.name, loaded.vocabulary, loaded.reward
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
        """List the token ids of a request's form, poet, title and theme; [] if the model was trained without them."""
        if not self.conditions:
            return []
        form = self.conditions.form_token(request.form)
        return self.conditions.prefix(form, request.poet, request.title, about=request.about).ids

    def write(self, starts: Starts, sampling: Sampling, seed: int) -> Poem:
        """Write the poem of a seed."""
        return self.write_many(starts, sampling, [seed])[0]

    def write_many(self, starts: Starts, sampling: Sampling, seeds: Sequence[int]) -> list[Poem]:
        """Write one poem per seed, the best of its populations."""
        count, _ = self.populations(starts.constraints, sampling)
        populations = [(seed, number) for seed in seeds for number in range(count)]
        found = self.texts(starts, sampling, populations)
        poems = []
        for n, seed in enumerate(seeds):
            texts = ordered([texts[0] for texts in found[n * count : (n + 1) * count]])
            poems.append(self.poem(starts.constraints, texts[0], seed))
        return poems

    def texts(
        self,
        starts: Starts,
        sampling: Sampling,
        populations: Sequence[PopulationSeed],
        most: int = 1,
    ) -> list[list[Text]]:
        """Write populations, and choose the best texts of each, at most `most`.

        The threads share the populations, and several are written in one batch. What a population
        writes does not depend on the others.
        """
        _, size = self.populations(starts.constraints, sampling)
        together = max(1, min(ROWS // size, math.ceil(len(populations) / threads())))
        batches = [populations[at : at + together] for at in range(0, len(populations), together)]

        def written(batch: Sequence[PopulationSeed]) -> list[list[Text]]:
            return finish(self.begin(starts, sampling, batch), most)

        return [texts for texts_of_batch in each(written, batches) for texts in texts_of_batch]

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
        _, size = self.populations(constraints, sampling)
        drawn = [starts.draw(size, np.random.default_rng(seed)) for seed in seeds]
        return self._populations(constraints, drawn, sampling)

    def judge(
        self, constraints: Constraints, texts: Sequence[Fixes], sampling: Sampling
    ) -> list[Text]:
        """Score given texts, all of whose characters are fixed; the threads share them."""
        most = math.ceil(len(texts) / threads())
        parts = [texts[at : at + most] for at in range(0, len(texts), most)]

        def judged(part: Sequence[Fixes]) -> list[Text]:
            begun = [constraints.begin(text) for text in part]
            partial_texts = PartialTexts.joined([one for one in begun if one is not None])
            weights = np.zeros(len(partial_texts.texts))
            start = Start(partial_texts, weights, np.random.default_rng(0))
            (found,) = finish(self._populations(constraints, [start], sampling), len(weights))
            return found

        return [text for found in each(judged, parts) for text in found]

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
        """List the terms (mood, likeness, antithesis, taste) that weight the texts of a request."""
        request, terms = constraints.request, list[Term]()
        if request.mood:
            terms.append(Leaning(leanings(self.vocabulary)[request.mood]))
        if request.like or request.unlike:
            terms.append(Leaning(likeness(self.vocabulary, request.like, request.unlike)))
        if request.antithesis and request.form.antithetical(request.lines):
            terms.append(Opposites(antithesis_table(self.vocabulary), constraints))
        if request.taste:
            terms.append(Taste(self.vocabulary, request, self.reward))
        return terms

    def weighed(self, constraints: Constraints, place: int) -> Float[Array, "V"]:
        """Add up the log factors of all `terms` for each character at `place`.

        The request must fix the whole text.
        """
        text = constraints.lexicon.reads[np.array(constraints.fixed)]
        added = [term.at_place(text, place) for term in self.terms(constraints)]
        return sum(
            (each for each in added if each is not None), np.zeros(len(self.vocabulary), np.float32)
        )

    def lexicon(self, request: Request | None = None) -> Lexicon:
        """Return tones and rhymes of the vocabulary and of a request's characters, by the standard of the request."""
        if not request:
            return lexicon_of(self.vocabulary, PINGSHUI, "")
        unknown = "".join(sorted({*request.given} - self.vocabulary.ids.keys()))
        return lexicon_of(self.vocabulary, request.standard, unknown)

    def poem(self, constraints: Constraints, text: Text, seed: int) -> Poem:
        """Return a text as a poem."""
        template = int(text.alive.any(axis=1).argmax())  # the first hypothesis that the text keeps
        request = constraints.request
        opening, form = request.openings[template], request.form
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
        """List the token ids of a poem's whole text: its characters, the mark after each line, and `<eos>`."""
        return np.append(network_ids(self.vocabulary, "".join(marked(lines, form))), EOS)

    def score(
        self, lines: list[str], prefix: Sequence[int] = (), form: str = ""
    ) -> tuple[Array, Array]:
        """Return ln p of every token at each place of a text after `prefix` (N, V), and of the text's tokens (N,)."""
        ids = self.token_ids(lines, form)
        states = [self.network.start(prefix=prefix)]
        for id_ in ids[:-1]:
            check_deadline()
            states.append(self.network.step(states[-1], id_[None]))
        log_p = np.concatenate([state.log_p for state in states])
        return log_p, log_p[np.arange(len(ids)), ids]


def compile_request(own: Lexicon, request: Request) -> Starts:
    """Compile a request against a lexicon; raise the same errors as `Composer.prepare`."""
    # 1. Find what may not be copied or, for a 集句, what may be quoted.
    ban: Ban | None = None
    if request.poets is not None:
        from pingze.composing.collecting import quoting  # needs the database

        ban = quoting(own, request.form.width, request.poets)
    elif request.original:
        from pingze.corpus import Store

        with Store.open() as store:
            ban = Originality(
                store.index,
                own.vocabulary,
                request.form.layout(request.lines),
                request.original,
            )
    # 2. First, fixed and included characters have only the tones that verse gives them in
    #    context, and no included word spans a pause in the line. If no poem can keep that,
    #    words may span pauses; if there is still none, the characters may have other tones.
    effort = Effort(request)
    attempts = []
    if request.fixed or request.include:
        in_context = own.reading(request)
        if any(len(word) > 1 for word in request.include):
            attempts.append((in_context, True))
        attempts.append((in_context, False))
    attempts.append((own, False))
    for lexicon, whole in attempts:
        starts = Starts(Constraints(lexicon, request, ban), whole=whole, effort=effort)
        if starts.is_possible:
            return starts
    raise InfeasibleError(request.form.name, find_clashes(own, request, ban, effort))


def composer(
    model: Model | None = None,
    asked: Revising | None = None,
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
    form = form or getattr(asked, "form", None)
    name = str(model or (CI if form and find_form(form).tune else checkpoint.DEFAULT))
    chosen = _composer(name, checkpoint.changed(name), reference)
    conditions, about = bool(chosen.conditions), ABOUT in chosen.conditions.names
    stands = isinstance(asked, Sheet) and isinstance(asked.lines, list)
    for field, knows in (("title", conditions), ("poet", conditions), ("about", about)):
        if asked and getattr(asked, field) and not knows and not stands:
            raise InputError("no_condition", field=field, model=chosen.name)
    return chosen


@lru_cache(maxsize=LEXICONS)
def lexicon_of(vocabulary: Vocabulary, standard: Standard, characters: str) -> Lexicon:
    """Return tones and rhymes of a vocabulary and of further characters, by a standard."""
    return Lexicon.of(vocabulary, standard, characters)


@lru_cache(maxsize=4)
def _composer(name: str, changed: int, reference: bool) -> Composer:
    """Load a composer.

    `changed` is the time of the last change to the model's files, used only as a cache key.
    """
    return Composer(checkpoint.load(name), reference=reference)
