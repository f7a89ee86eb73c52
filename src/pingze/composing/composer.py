"""Prepare a model to compose: compile requests, write populations of particles, choose poems."""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from itertools import chain
from pathlib import Path

import numpy as np

from pingze.arrays import Array, Float, Int
from pingze.composing.constraints.conflict import clashing
from pingze.composing.constraints.copying import Copying
from pingze.composing.constraints.inclusion import Effort, Inclusion
from pingze.composing.constraints.lexicon import Lexicon
from pingze.composing.constraints.masks import Constraints
from pingze.composing.parallel import each, one_blas_thread_each
from pingze.composing.particles import Population, Writing, finish
from pingze.composing.poem import Poem, in_lines
from pingze.composing.request.options import Revising, Sampling
from pingze.composing.request.request import Request
from pingze.composing.steering.antithesis import Antithesis, Opposites, antithesis_table
from pingze.composing.steering.mood import Mood, leanings
from pingze.composing.steering.taste import WornPairs, taste_terms
from pingze.composing.steering.term import Term
from pingze.deadline import check_deadline
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
        sampling = self.sampling(inclusion.constraints, sampling)
        count = self.population_count(inclusion, sampling)
        every = [(seed, number) for seed in seeds for number in range(count)]
        together = ROWS // self.population_size(inclusion, sampling)
        together = max(1, min(together, math.ceil(len(every) / threads())))

        def write(batch: Sequence[PopulationSeed]) -> list[Population]:
            writing = self.begin(inclusion, sampling, batch)
            with one_blas_thread_each():
                finish(writing)
            return self.choose([writing])

        batches = [every[start : start + together] for start in range(0, len(every), together)]
        chosen = dict(zip(every, chain(*each(write, batches)), strict=True))
        return [
            self.poem(inclusion.constraints, [chosen[seed, number] for number in range(count)], seed)
            for seed in seeds
        ]

    def sampling(self, constraints: Constraints, asked: Sampling) -> Sampling:
        """Reduce the particles of a long request, unless it must stay original, which only many particles can."""
        return asked if constraints.request.original else asked.within(constraints.tokens)

    def population_size(self, inclusion: Inclusion, sampling: Sampling) -> int:
        """Count the particles of a population: all of them where a poem must stay original."""
        if inclusion.constraints.request.original:
            return sampling.particles
        return math.ceil(sampling.particles / math.ceil(sampling.particles / POPULATION))

    def population_count(self, inclusion: Inclusion, sampling: Sampling) -> int:
        """Count the populations of a poem."""
        return math.ceil(sampling.particles / self.population_size(inclusion, sampling))

    def begin(self, inclusion: Inclusion, sampling: Sampling, seeds: Sequence[PopulationSeed]) -> Writing:
        """Begin a population for each seed."""
        particles, constraints = self.population_size(inclusion, sampling), inclusion.constraints
        return Writing(
            self.network,
            constraints,
            [inclusion.draw(particles, np.random.default_rng(seed)) for seed in seeds],
            sampling=sampling,
            prefix=self.prefix(constraints.request),
            terms=self.terms(constraints),
        )

    def terms(self, constraints: Constraints) -> list[Term]:
        """List the terms to which a request gives weight."""
        request, terms = constraints.request, list[Term]()
        if request.mood:
            terms.append(Mood(self.leanings[request.mood]))
        if request.antithesis and request.form.antithetical(request.lines):
            terms.append(Opposites(self.antithesis, constraints))
        if request.taste:
            terms += taste_terms(self.worn_pairs, request, self.reward)
        return terms

    def choose(self, writings: Sequence[Writing]) -> list[Population]:
        """Choose a text of each population of some finished writings, and read it to its end."""
        chosen = [population.chosen() for writing in writings for population in writing.populations]
        lines = [writing.constraints.request.lines for writing in writings for _ in writing.starts]
        last_marks = np.array([self.vocabulary.ids[mark_after(count - 1)] for count in lines])
        states = State.joined([population.states for population in chosen])
        ends = self.network.step(states, last_marks).log_p[:, EOS]
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

    @cached_property
    def worn_pairs(self) -> WornPairs:
        """The worn pairs of the vocabulary."""
        return WornPairs(self.vocabulary)

    @cached_property
    def leanings(self) -> dict[str, Float[Array, "V"]]:
        """The weights of the vocabulary's tokens in each mood."""
        return leanings(self.vocabulary)

    @cached_property
    def antithesis(self) -> Antithesis:
        """The scores of the vocabulary's characters opposite each other."""
        return antithesis_table().of(self.vocabulary)

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
