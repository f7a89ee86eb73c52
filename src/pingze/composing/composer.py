"""Compose poems: compile a request for a model, write populations of particles, and choose a poem from them."""

import math
import secrets
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain, islice
from typing import TYPE_CHECKING, Unpack, cast

import numpy as np

from pingze.arrays import Array, Float, Int
from pingze.composing.conflict import find_clashes
from pingze.composing.constraints.masks import Ban, Constraints
from pingze.composing.lexicon import Lexicon, network_ids
from pingze.composing.options import (
    Collecting,
    Composing,
    Coupling,
    Options,
    Revising,
    Sampling,
    with_options,
)
from pingze.composing.originality import Originality
from pingze.composing.poem import Poem, marked
from pingze.composing.request import Request, read_request
from pingze.composing.smc import Populations, Text, best, each, finish
from pingze.composing.terms import Term
from pingze.composing.terms.antithesis import Opposites, antithesis_table
from pingze.composing.terms.mood import Leaning, leanings, likeness
from pingze.composing.terms.taste import Taste
from pingze.composing.typed_text import tell
from pingze.composing.words import Effort, Inclusion
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

if TYPE_CHECKING:
    from pingze.composing.collecting import Collected

ROWS = 256  # the maximum number of particles in a batch that joins several populations
POPULATION = 64
"""The maximum number of particles in a population; a poem with more particles has several populations."""
LEXICONS = 8  # the maximum number of lexicons that are kept for later requests
PopulationSeed = tuple[int, int]
"""A poem's seed and the index of one of its populations; together they seed the population's random numbers."""


@with_options
def compose(
    start: str = "", *, model: Model | None = None, **options: Unpack[Options]
) -> list[Poem]:
    """Compose `count` poems that keep every constraint.

    A character appears only once unless it is reduplicated 疊字, you fix it, or `repeat` is set.
    Lines and characters are numbered from 1; Simplified characters are read as Traditional ones.

    Args:
        start: The opening, of any length up to the whole poem.
        form: One of 五絕 五律 五排 五古 七絕 七律 七排 七古, or a tune, as 浣溪沙.
        lines: The number of lines, for a 排 or 古.
        template: The name of an opening template, or part of the name, as 平起 or 首句入韻.
        rhyme: The rhyme group, as 陽; for a tune a part of 詞林正韻, as 第二部.
        acrostic: One character per line, as 春夏秋冬.
        acrostic_at: Where in each line the acrostic is: head 藏頭, middle 藏中, end 藏尾.
        pattern: One block of characters per line, with ＿ at each free position: '＿＿明月＿
            ＿＿＿＿＿'.
        like: Characters to prefer, as those of a poem to resemble.
        unlike: Characters to use less, as those of other poems on the subject.
        count: The number of poems.
        level: How strictly tones are judged: customary or strict, with +RULE or -RULE to add or
            drop a rule.
        standard: How characters are read: pingshui 平水韻, tongyun 中華通韻, xinyun 中華新韻.
        include: Words that must appear, separated by spaces, as '雁 芙蓉'.
        exclude: Characters that must not appear.
        repeat: Allow a character to appear more than once, not only in reduplication.
        original: The maximum number of consecutive characters that a line may share with a line of
            the corpus.
        antithesis: How strongly antithesis 對仗 counts in the couplets that need it; 0 leaves it to
            the model.
        taste: How strongly the predicted judgement of a reader counts; 0 leaves the choice to the
            model.
        title: A title of at most 20 characters, for models that know titles.
        about: A theme of at most 8 characters, as 江雪, for models that know themes.
        mood: One of joyful, calm, sad; by default the mood of the title or theme, if it has one.
        poet: The poet whose manner to imitate, for models that know poets.
        temperature: 0 always takes the likeliest character; higher values draw less likely ones
            more often.
        top_p: The nucleus: draw almost only from the smallest set of likeliest characters with this
            total probability.
        particles: The number of particles for each poem; long poems use fewer.
        seed: The same seed gives the same poem.
        model: A shipped model's name, a checkpoint, or the folder of a run or an export.

    Raises InputError if a value cannot be used, InfeasibleError if the constraints clash,
    UnfinishedError if every attempt would copy a line of the corpus, CorpusError if `original` is
    set and there is no corpus, CheckpointError if the model cannot be read.
    """
    return compose_as(Composing(start=start, **options), model)


def collect(
    *, poets: str = "", model: Model | None = None, **options: Unpack[Options]
) -> "list[Collected]":
    """Put together poems of quoted lines 集句 that keep every constraint; each line is from a different poem.

    Each line keeps its place in its couplet: first lines stay first, and second lines stay second.
    The model chooses which lines follow one another.

    Args:
        poets: Poets or dynasties whose lines to quote, separated by spaces, as '杜甫 李白' or 唐;
            all by default.
        model: A shipped model's name, a checkpoint, or the folder of a run or an export.
        options: The options of `compose` except `original`, such as `form`, `title`, `rhyme` and
            `seed`.

    Raises the same errors as `compose`, and CorpusError if there is no corpus, which `pingze corpus
    fetch` builds.
    """
    return cast("list[Collected]", compose_as(Collecting(poets=poets, **options), model))


def compose_as(
    asked: Composing, model: Model | None = None, *, reference: bool = False
) -> list[Poem]:
    """Compose poems with the given options; raise the same errors as `compose`."""
    chosen, inclusion = prepare(asked, model, reference=reference)
    return chosen.write_many(inclusion, asked, seeds(asked))


def prepare(
    asked: Composing, model: Model | None = None, *, reference: bool = False
) -> "tuple[Composer, Inclusion]":
    """Load the model and compile the request; raise the same errors as `compose`."""
    chosen = composer(model, asked, reference=reference)
    request = read_request(chosen.vocabulary, asked)
    if request.form.tune and not chosen.conditions.form_token(request.form):
        tell(Note("no_tune", field="form", has=request.form.tune.names[0], model=chosen.name))
    return chosen, chosen.prepare(request)


def seeds(asked: Revising | Coupling) -> range:
    """Return consecutive seeds, one for each poem.

    The first seed is the given one or, by default, a random one.
    """
    first = secrets.randbelow(2**32) if asked.seed is None else asked.seed
    return range(first, first + (asked.count if isinstance(asked, Composing | Coupling) else 1))


class Composer:
    """A model with the tables that are needed to compose poems."""

    def __init__(self, loaded: checkpoint.Checkpoint, *, reference: bool = False) -> None:
        self.name, self.vocabulary, self.reward = loaded.name, loaded.vocabulary, loaded.reward
        self.network = ReferenceNetwork(loaded) if reference else GraphNetwork(loaded.rounded())
        self.conditions = Conditions(loaded.vocabulary)

    def prepare(self, request: Request, old: dict[int, int] | None = None) -> Inclusion:
        """Compile a request.

        If it rewrites a poem, `old` maps each rewritten position to the id of its old character.

        Raises InfeasibleError (with the clashing constraints) if no poem can satisfy the request;
        InputError if the words to include can be placed in too many ways; CorpusError if the
        request needs the corpus and there is none.
        """
        # 1. Find what may not be copied or, for a 集句, what may be quoted.
        own = self.lexicon(request)
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
        effort, ways = Effort(request), [(own, False)]
        if request.fixed or request.include:
            read, words = own.reading(request), any(len(word) > 1 for word in request.include)
            ways = [*[(read, True)] * words, (read, False), *ways]
        for lexicon, whole in ways:
            inclusion = Inclusion(
                Constraints(lexicon, request, old, ban), whole=whole, effort=effort
            )
            if inclusion.is_possible:
                return inclusion
        raise InfeasibleError(request.form.name, find_clashes(own, request, ban, effort))

    def prefix(self, request: Request) -> list[int]:
        """List the token ids of a request's form, poet, title and theme; [] if the model was trained without them."""
        if not self.conditions:
            return []
        form = self.conditions.form_token(request.form)
        return self.conditions.prefix(form, request.poet, request.title, about=request.about).ids

    def write(self, inclusion: Inclusion, sampling: Sampling, seed: int) -> Poem:
        """Write the poem for a seed."""
        return self.write_many(inclusion, sampling, [seed])[0]

    def write_many(
        self, inclusion: Inclusion, sampling: Sampling, seeds: Sequence[int]
    ) -> list[Poem]:
        """Write one poem per seed.

        Each poem has its own populations; a batch may hold populations of several poems.
        """
        count, size = self.populations(inclusion.constraints, sampling)
        every = [(seed, number) for seed in seeds for number in range(count)]
        together = max(1, min(ROWS // size, math.ceil(len(every) / threads())))
        batches = [every[start : start + together] for start in range(0, len(every), together)]
        texts = chain.from_iterable(
            each(lambda batch: finish(self.begin(inclusion, sampling, batch)), batches)
        )
        return [
            self.poem(inclusion.constraints, list(islice(texts, count)), seed) for seed in seeds
        ]

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
        self, inclusion: Inclusion, sampling: Sampling, seeds: Sequence[PopulationSeed]
    ) -> Populations:
        """Start writing one population for each seed."""
        constraints = inclusion.constraints
        _, size = self.populations(constraints, sampling)
        starts = [inclusion.draw(size, np.random.default_rng(seed)) for seed in seeds]
        prefix, terms = self.prefix(constraints.request), self.terms(constraints)
        return Populations(
            self.network, constraints, starts, sampling=sampling, prefix=prefix, terms=terms
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
        given = "".join([*(fix.character for fix in request.fixed), *request.include])
        unknown = "".join(sorted({*given} - self.vocabulary.ids.keys()))
        return lexicon_of(self.vocabulary, request.standard, unknown)

    def poem(self, constraints: Constraints, texts: Sequence[Text], seed: int) -> Poem:
        """Choose a poem from `texts`, which holds one text from each population of a seed."""
        weights, scores = (
            np.array([getattr(text, name) for text in texts]) for name in ("log_weight", "score")
        )
        text = texts[best(weights, scores, texts[0].rng)]
        template = int(text.alive.any(axis=1).argmax())  # the first hypothesis that the text keeps
        request = constraints.request
        opening, form = request.openings[template], request.form
        poem = Poem(
            form=form.name,
            template=opening_name(form.width, opening[0]) if opening else None,
            rhyme="、".join(constraints.named(text.alive[template])),
            **{name: getattr(request, name) for name in ("title", "poet", "about", "mood")},
            seed=seed,
            model=self.name,
            lines=constraints.layout.cut(constraints.lexicon.vocabulary.decode(text.ids)),
            log_probability=text.log_probability,
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
    poet or theme but the model was trained without titles, poets or themes.
    """
    form = form or getattr(asked, "form", None)
    name = str(model or (CI if form and find_form(form).tune else checkpoint.DEFAULT))
    chosen = _composer(name, checkpoint.changed(name), reference)
    conditions, about = bool(chosen.conditions), ABOUT in chosen.conditions.names
    for field, knows in (("title", conditions), ("poet", conditions), ("about", about)):
        if asked and getattr(asked, field) and not knows:
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
