"""Compose poems: compile a request for a model, write populations of particles, choose a poem."""

import math
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TypeVar, Unpack

import numpy as np

from pingze.arrays import Array, Float, Int
from pingze.composing.constraints.conflict import clashing
from pingze.composing.constraints.copying import Copying
from pingze.composing.constraints.inclusion import Effort, Inclusion
from pingze.composing.constraints.lexicon import Lexicon
from pingze.composing.constraints.masks import Constraints
from pingze.composing.particles import Population, Writing, finish
from pingze.composing.poem import Poem, in_lines
from pingze.composing.request.options import Composing, Options, Revising, Sampling, with_options
from pingze.composing.request.request import Request, read_request
from pingze.composing.steering.antithesis import Opposites, antithesis_of
from pingze.composing.steering.mood import Mood, leanings
from pingze.composing.steering.taste import Taste
from pingze.composing.steering.term import Term
from pingze.deadline import Deadline, check_deadline, current_deadline, within
from pingze.errors import InfeasibleError, InputError
from pingze.network import checkpoint
from pingze.network.conditions import ABOUT, Conditions
from pingze.network.reference import ReferenceNetwork, State
from pingze.network.step_graph import GraphNetwork
from pingze.network.vocabulary import EOS
from pingze.threads import threads
from pingze.verse.characters import mark_after
from pingze.verse.forms import opening_name

ROWS = 256
"""The most particles of a batch where several poems are asked for."""
POPULATION = 64
"""The most particles of a population; a poem with more has several, each on a processor of its own."""

PopulationSeed = tuple[int, int]
"""A poem's seed and the number of one of its populations, which together seed its random numbers."""
B = TypeVar("B")
R = TypeVar("R")


@with_options
def compose(start: str = "", *, model: str | Path | None = None, **options: Unpack[Options]) -> list[Poem]:
    """Compose `count` poems that keep every constraint.

    No character appears twice, except in reduplication 疊字, where you fix it, and with `repeat`. Lines and characters
    count from 1; Simplified characters are read as Traditional ones.

    Args:
        start: The opening, of any length up to the whole poem.
        form: 五絕 五律 五排 五古 七絕 七律 七排 七古.
        lines: The number of lines, for a 排 or 古.
        template: A template's name or part of it: 平起, 首句入韻.
        rhyme: The rhyme group, as 陽.
        acrostic: One character a line, as 春夏秋冬.
        acrostic_at: Where in the lines: head 藏頭, middle 藏中, end 藏尾.
        pattern: A block a line, ＿ where free: '＿＿明月＿ ＿＿＿＿＿'.
        count: How many poems.
        level: How strictly tones are judged: customary or strict.
        include: Words that must appear, as '雁 芙蓉'; a space separates them.
        exclude: Characters that must not appear.
        repeat: Let a character appear twice, apart.
        original: The most characters in a row that a line may share with a line of the corpus.
        antithesis: How much antithesis 對仗 weighs in the couplets that need it; 0 leaves it to the model.
        taste: How much the likely judgement of a reader weighs; 0 leaves it to the model.
        title: A title, of 20 characters at most, for models that know titles.
        about: A theme, as 江雪, of 8 characters at most, for models that know themes.
        mood: joyful, calm, sad; by default the mood of the title or theme, if it has one.
        poet: A poet's manner, for models that know poets.
        temperature: 0 takes the likeliest character; higher dares more.
        top_p: The share of the nucleus: the likeliest characters that together have this probability.
        particles: How many particles each poem has; fewer for a long one.
        seed: The same seed gives the same poem.
        model: A shipped model's name, a checkpoint, or the folder of a run or an export.

    Raises InputError on a value that cannot be used, InfeasibleError when the constraints clash, UnfinishedError
    when no particle could stay original, CorpusError when `original` finds no corpus, CheckpointError on a model that
    cannot be read.
    """
    return compose_as(Composing(start=start, **options), model)


def compose_as(asked: Composing, model: str | Path | None = None, *, reference: bool = False) -> list[Poem]:
    """Compose poems of some options; raises as `compose` does."""
    chosen, inclusion = prepare(asked, model, reference=reference)
    return chosen.write_many(inclusion, asked.sampling, seeds(asked))


def prepare(
    asked: Composing, model: str | Path | None = None, *, reference: bool = False
) -> "tuple[Composer, Inclusion]":
    """Load the model and compile the request; raises as `compose` does."""
    chosen = composer(model, asked, reference=reference)
    return chosen, chosen.prepare(read_request(chosen.vocabulary, asked))


def seeds(asked: Revising) -> range:
    """List a seed for each poem, from a random one where none is asked for."""
    first = secrets.randbelow(2**32) if asked.seed is None else asked.seed
    return range(first, first + (asked.count if isinstance(asked, Composing) else 1))


class Composer:
    """A model, with the tables that every poem needs."""

    def __init__(self, loaded: checkpoint.Checkpoint, *, reference: bool = False) -> None:
        self.name, self.vocabulary, self.reward = loaded.name, loaded.vocabulary, loaded.reward
        self.network = ReferenceNetwork(loaded) if reference else GraphNetwork(loaded.rounded())
        self.conditions = Conditions(loaded.vocabulary)

    def prepare(self, request: Request, old: dict[int, int] | None = None) -> Inclusion:
        """Compile a request.

        Characters that are fixed or included have the tones in which verse reads them, and no pause of the line parts
        a word to include, if some poem keeps that; else first pauses are allowed, then other tones.

        Args:
            request: What a poem must keep.
            old: The former characters of places that are written again.

        Raises InfeasibleError, which names what clashes, if no poem can keep it; InputError if its words can be placed
        in too many ways; CorpusError if it asks for originality and there is no corpus.
        """
        copying, effort = self._copying(request), Effort(request)
        ways = [(self.lexicon, False)]
        if request.fixed or request.include:
            read, words = self.lexicon.reading(request), any(len(word) > 1 for word in request.include)
            ways = [*[(read, True)] * words, (read, False), *ways]
        for lexicon, whole in ways:
            inclusion = Inclusion(Constraints(lexicon, request, old, copying), whole=whole, effort=effort)
            if inclusion.is_possible:
                return inclusion
        raise InfeasibleError(request.form.name, clashing(self.lexicon, request, copying, effort))

    def prefix(self, request: Request) -> list[int]:
        """List the tokens of a request's conditions; none where the model knows none."""
        if not self.conditions:
            return []
        parts = self.conditions.prefix(request.form.name, request.poet, request.title, about=request.about)
        return [int(id_) for part in parts for id_ in part]

    def _copying(self, request: Request) -> Copying | None:
        """Index the substrings that may not be copied, if the request asks for originality."""
        if not request.original:
            return None
        from pingze.corpus import Store  # composing without it needs no database

        with Store.open() as store:
            return Copying(store.index, self.vocabulary, request.form.width, request.original)

    def write(self, inclusion: Inclusion, sampling: Sampling, seed: int) -> Poem:
        """Write the poem of a seed."""
        return self.write_many(inclusion, sampling, [seed])[0]

    def write_many(self, inclusion: Inclusion, sampling: Sampling, seeds: Sequence[int]) -> list[Poem]:
        """Write the poem of each seed, from populations of its own; several poems are written as one batch."""
        count, size = self.populations(inclusion.constraints, sampling)
        every = [(seed, number) for seed in seeds for number in range(count)]
        together = max(1, min(ROWS // size, math.ceil(len(every) / threads())))
        batches = [every[start : start + together] for start in range(0, len(every), together)]

        def write(batch: Sequence[PopulationSeed]) -> list[Population]:
            writing = self.begin(inclusion, sampling, batch)
            finish(writing)
            return self.choose(writing)

        chosen = [population for batch in each(write, batches) for population in batch]
        return [
            self.poem(inclusion.constraints, chosen[number * count : (number + 1) * count], seed)
            for number, seed in enumerate(seeds)
        ]

    def populations(self, constraints: Constraints, sampling: Sampling) -> tuple[int, int]:
        """Count the populations of a poem, and the particles of each.

        A long poem has fewer particles. One that must stay original has all of them in one population, for only many
        particles can.
        """
        if constraints.request.original:
            return 1, sampling.particles
        particles = sampling.within(constraints.tokens).particles
        count = math.ceil(particles / POPULATION)
        return count, math.ceil(particles / count)

    def begin(self, inclusion: Inclusion, sampling: Sampling, seeds: Sequence[PopulationSeed]) -> Writing:
        """Begin a population for each seed."""
        constraints = inclusion.constraints
        _, size = self.populations(constraints, sampling)
        return Writing(
            self.network,
            constraints,
            [inclusion.draw(size, np.random.default_rng(seed)) for seed in seeds],
            sampling=sampling,
            prefix=self.prefix(constraints.request),
            terms=self.terms(constraints),
        )

    def terms(self, constraints: Constraints) -> list[Term]:
        """List the terms to which a request gives weight."""
        request, terms = constraints.request, list[Term]()
        if request.mood:
            terms.append(Mood(leanings(self.vocabulary)[request.mood]))
        if request.antithesis and request.form.antithetical(request.lines):
            terms.append(Opposites(antithesis_of(self.vocabulary), constraints))
        if request.taste:
            terms.append(Taste(self.vocabulary, request, self.reward))
        return terms

    def choose(self, writing: Writing) -> list[Population]:
        """Choose a text of each population of a finished writing, and read it to its end."""
        chosen = [population.chosen() for population in writing.populations]
        mark = self.vocabulary.ids[mark_after(writing.constraints.request.lines - 1)]
        states = State.joined([population.states for population in chosen])
        ends = self.network.step(states, np.full(len(chosen), mark)).log_p[:, EOS]
        return [
            replace(population, log_probabilities=population.log_probabilities + end)
            for population, end in zip(chosen, ends, strict=True)
        ]

    def weighed(self, constraints: Constraints, place: int) -> Float[Array, "V"]:
        """Sum what the terms add for each character at a place of the text that a request fixes."""
        text = np.array(constraints.fixed)
        added = [term.at_place(text, place) for term in self.terms(constraints)]
        return sum((each for each in added if each is not None), np.zeros(len(self.vocabulary), np.float32))

    @cached_property
    def lexicon(self) -> Lexicon:
        """The prosody of the vocabulary."""
        return Lexicon.of(self.vocabulary)

    def poem(self, constraints: Constraints, chosen: Sequence[Population], seed: int) -> Poem:
        """Choose among the texts of a seed's populations, and make the poem."""
        population = Population.joined(chosen).chosen()
        request = constraints.request
        template, group = np.argwhere(population.alive[0])[0]  # the first of several
        opening = request.openings[template]
        return Poem(
            form=request.form.name,
            template=opening_name(constraints.width, opening[0]) if opening else None,
            rhyme=request.groups[group],
            title=request.title,
            poet=request.poet,
            about=request.about,
            mood=request.mood,
            seed=seed,
            model=self.name,
            lines=in_lines(self.vocabulary.decode(population.ids[0]), constraints.width),
            log_probability=float(population.log_probabilities[0]),
        )

    def log_probability(self, lines: list[str], prefix: Sequence[int] = ()) -> float:
        """Compute ln p of a poem's text after a prefix, marks and end included, at temperature 1."""
        return float(self.score(lines, prefix)[1].sum(dtype=np.float64))

    def token_ids(self, lines: list[str]) -> Int[Array, "N"]:
        """List the ids of a poem's whole text: its characters, the mark after each line, and `<eos>`."""
        text = "".join(line + mark_after(number) for number, line in enumerate(lines))
        return np.append(self.vocabulary.encode(text), EOS)

    def score(self, lines: list[str], prefix: Sequence[int] = ()) -> tuple[Array, Array]:
        """Compute ln p over the vocabulary before each token of a poem, (N, V), and of the token itself, (N,).

        The tokens are the characters, the mark after each line, and `<eos>`; the prefix is read before them.
        """
        ids = self.token_ids(lines)
        states = [self.network.start(prefix=prefix)]
        for id_ in ids[:-1]:
            check_deadline()
            states.append(self.network.step(states[-1], id_[None]))
        log_p = np.concatenate([state.log_p for state in states])
        return log_p, log_p[np.arange(len(ids)), ids]


def composer(
    model: str | Path | None = None, asked: Revising | None = None, *, reference: bool = False
) -> Composer:
    """Load the composer of a model, or take it from a cache; the `reference` steps by the formulas alone.

    Raises CheckpointError where the model cannot be read, and InputError where the options have a title, poet or theme
    with which it was not trained.
    """
    name = str(model or checkpoint.DEFAULT)
    chosen = _composer(name, checkpoint.changed(name), reference)
    conditions, about = bool(chosen.conditions), ABOUT in chosen.conditions.names
    for field, knows in (("title", conditions), ("poet", conditions), ("about", about)):
        if asked and getattr(asked, field) and not knows:
            raise InputError("no_condition", field=field, model=chosen.name)
    return chosen


@lru_cache(maxsize=4)
def _composer(name: str, changed: tuple[int, ...], reference: bool) -> Composer:
    """Key the cache by the time when the model's files were last changed."""
    return Composer(checkpoint.load(name), reference=reference)


def each(compute: Callable[[B], R], batches: Sequence[B]) -> list[R]:
    """Compute each batch, several at once on as many threads as there are processors; results keep their order.

    Under a deadline the batches are computed one after another in the caller's thread. Where one fails, the others
    stop at their next `check_deadline`, and its error is raised.
    """
    if len(batches) == 1 or current_deadline():
        return [compute(batch) for batch in batches]
    deadline = Deadline(math.inf)

    def computed(batch: B) -> R:
        with within(deadline):
            return compute(batch)

    with ThreadPoolExecutor(threads()) as pool:
        tasks = [pool.submit(computed, batch) for batch in batches]
        try:
            return [task.result() for task in tasks]
        except BaseException:
            deadline.gone = True
            pool.shutdown(wait=False, cancel_futures=True)
            raise
