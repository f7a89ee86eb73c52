"""A `Composer`: a model made ready to write poems that keep a request."""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from itertools import chain
from pathlib import Path

import numpy as np

from pingze.arrays import Array, Bool, Float, Int
from pingze.composing.blas import shared_fairly
from pingze.composing.constraints.conflict import clashing
from pingze.composing.constraints.copying import Copying
from pingze.composing.constraints.inclusion import Inclusion
from pingze.composing.constraints.lexicon import FREE, Lexicon
from pingze.composing.constraints.masks import Constraints
from pingze.composing.constraints.placement import Effort
from pingze.composing.parallel import each
from pingze.composing.particles import Population, Writing, finish
from pingze.composing.poem import Poem, in_lines, mark_after
from pingze.composing.request.options import Sampling
from pingze.composing.request.request import Request
from pingze.composing.steering.antithesis import Antithesis, antithesis_table
from pingze.composing.steering.mood import leanings
from pingze.composing.steering.taste import Taste, WornPairs
from pingze.deadline import check_deadline
from pingze.errors import InfeasibleError
from pingze.network import checkpoint
from pingze.network.conditions import Conditions
from pingze.network.reference import ReferenceNetwork, State
from pingze.network.step_graph import GraphNetwork
from pingze.network.vocabulary import EOS
from pingze.threads import threads
from pingze.verse.forms import opening_name

ROWS = 256
"""So many particles are written side by side where several poems are asked for."""
POPULATION = 64
"""A poem's particles are parted into populations of so many at most, each with a processor of its own."""

Chance = tuple[int, int]
"""A poem's seed, and the number of one of its populations."""


class Composer:
    """A model made ready to compose: what is computed once and used for every poem."""

    def __init__(self, loaded: checkpoint.Checkpoint) -> None:
        self.name, self.vocabulary, self.reward = loaded.name, loaded.vocabulary, loaded.reward
        self.network: ReferenceNetwork = GraphNetwork(loaded.rounded())
        self.lexicon = Lexicon.of(loaded.vocabulary)
        self.conditions = Conditions(loaded.vocabulary)

    def prepare(self, request: Request, old: dict[int, int] | None = None) -> Inclusion:
        """The request compiled; `old` holds what stood at places that are written again.

        Words to include are parted by no pause of the line, and read as verse reads them, where that can be; what is
        given up last is how they are read.

        Raises InfeasibleError, which names what clashes, if no poem can keep it; InputError if its words can stand in
        too many ways; CorpusError if it asks for originality and there is no corpus.
        """
        copying, effort = self._copying(request), Effort(request)
        ways = [(self.lexicon, False)]
        if any(len(word) > 1 for word in request.include):
            read = self.lexicon.reading(request.include)
            ways = [(read, True), (read, False), *ways]
        for lexicon, whole in ways:
            inclusion = Inclusion(Constraints(lexicon, request, old, copying), whole=whole, effort=effort)
            if inclusion.is_possible:
                return inclusion
        raise InfeasibleError(request.form.name, clashing(self.lexicon, request, copying, effort))

    def prefix(self, request: Request) -> list[int]:
        """The tokens of a request's conditions; none where the model knows none."""
        if not self.conditions:
            return []
        parts = self.conditions.prefix(request.form.name, request.poet, request.title, about=request.about)
        return [int(id_) for part in parts for id_ in part]

    def _copying(self, request: Request) -> Copying | None:
        """The substrings that may not be copied, where the request asks for originality."""
        if not request.original:
            return None
        from pingze.corpus import Store  # composing without it needs no database

        with Store.open() as store:
            return Copying(store.index, self.vocabulary, request.form.width, request.original)

    def write(self, inclusion: Inclusion, sampling: Sampling, seed: int) -> Poem:
        """One poem, from a population of its own."""
        return self.write_many(inclusion, sampling, [seed])[0]

    def write_many(
        self,
        inclusion: Inclusion,
        sampling: Sampling,
        seeds: Sequence[int],
    ) -> list[Poem]:
        """A poem for each seed, from populations of its own; those of some poems are written side by side."""
        sampling = self.sampling(inclusion.constraints, sampling)
        of_poem = {seed: self.chances(inclusion, sampling, seed) for seed in seeds}
        chances = list(chain(*of_poem.values()))
        together = ROWS // self.population_size(inclusion, sampling)
        together = max(1, min(together, math.ceil(len(chances) / threads())))

        def write(batch: Sequence[Chance]) -> list[Population]:
            writing = self.draft(inclusion, sampling, batch)
            with shared_fairly():
                finish(writing)
            return self.choose([writing])

        batches = [chances[start : start + together] for start in range(0, len(chances), together)]
        chosen = dict(zip(chances, chain(*each(write, batches)), strict=True))
        return [
            self.poem(inclusion.constraints, [chosen[chance] for chance in of_poem[seed]], seed)
            for seed in seeds
        ]

    def sampling(self, constraints: Constraints, asked: Sampling) -> Sampling:
        """How the poems of a request are drawn: a long one among fewer texts."""
        if constraints.request.original:  # only in a broad population some text is sure to stay original
            return asked
        return asked.within(constraints.tokens)

    def chances(self, inclusion: Inclusion, sampling: Sampling, seed: int) -> list[Chance]:
        """Those of a poem's populations."""
        populations = math.ceil(sampling.particles / self.population_size(inclusion, sampling))
        return [(seed, number) for number in range(populations)]

    def population_size(self, inclusion: Inclusion, sampling: Sampling) -> int:
        """How many texts a population has."""
        if inclusion.constraints.request.original:  # only in a broad one some text is sure to stay original
            return sampling.particles
        return math.ceil(sampling.particles / math.ceil(sampling.particles / POPULATION))

    def draft(self, inclusion: Inclusion, sampling: Sampling, chances: Sequence[Chance]) -> Writing:
        """A population for each chance, nothing of them written yet."""
        particles = self.population_size(inclusion, sampling)
        request = inclusion.constraints.request
        return Writing(
            self.network,
            inclusion.constraints,
            [inclusion.draw(particles, np.random.default_rng(chance)) for chance in chances],
            sampling=sampling,
            prefix=self.prefix(request),
            antithesis=self._antithesis(request),
            leaning=self.leanings[request.mood] if request.mood else None,
            taste=Taste(self.worn_pairs, request, self.reward) if request.taste else None,
        )

    def choose(self, writings: Sequence[Writing]) -> list[Population]:
        """The text that each population of some finished writings chooses, read to its end."""
        chosen = [population.chosen() for writing in writings for population in writing.populations]
        lines = [writing.constraints.request.lines for writing in writings for _ in writing.starts]
        last_marks = np.array([self.vocabulary.ids[mark_after(count - 1)] for count in lines])
        states = State.joined([population.states for population in chosen])
        ends = self.network.step(states, last_marks).log_p[:, EOS]
        return [
            replace(population, log_probabilities=population.log_probabilities + end)
            for population, end in zip(chosen, ends, strict=True)
        ]

    def _antithesis(self, request: Request) -> Antithesis | None:
        """The table of antithesis, where the request gives it weight and the form needs it."""
        if not request.antithesis or not request.form.antithetical(request.lines):
            return None
        return self.antithesis

    def answering(self, constraints: Constraints, place: int) -> Float[Array, "V"]:
        """What mood and antithesis add to ln p of each character at a place of a finished text.

        Antithesis adds w·s with the character that stands opposite, in the line before or after.
        """
        request, fixed = constraints.request, constraints.fixed
        table, added = self._antithesis(request), np.zeros(len(self.vocabulary), np.float32)
        if request.mood:
            added += self.leanings[request.mood]
        if table is None or fixed is None:
            return added
        weight = np.float32(request.antithesis)
        above, below = constraints.opposite(place), place + constraints.width
        if above is not None and fixed[above] != FREE:
            added += weight * table.opposite(np.array([fixed[above]]))[0]
        if below < constraints.places and constraints.opposite(below) == place and fixed[below] != FREE:
            added += weight * table.over(fixed[below])
        return added

    @cached_property
    def worn_pairs(self) -> WornPairs:
        """How worn the vocabulary's pairs are."""
        return WornPairs(self.vocabulary)

    @cached_property
    def leanings(self) -> dict[str, Float[Array, "V"]]:
        """What each mood adds to ln p of the vocabulary's tokens."""
        return leanings(self.vocabulary)

    @cached_property
    def antithesis(self) -> Antithesis:
        """How well the vocabulary's characters stand opposite each other."""
        return antithesis_table().of(self.vocabulary)

    def poem(self, constraints: Constraints, chosen: Sequence[Population], seed: int) -> Poem:
        """The poem of a seed, of the texts that its populations chose."""
        population = Population.joined(chosen).chosen()
        template, rhyme = self._kept(constraints, population.alive[0])
        request = constraints.request
        return Poem(
            form=request.form.name,
            template=template,
            rhyme=rhyme,
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
        """Ln p of a poem's text after a prefix, marks and end included, at temperature 1."""
        return float(self.score(lines, prefix)[1].sum(dtype=np.float64))

    def token_ids(self, lines: list[str]) -> Int[Array, "N"]:
        """The ids of a poem's whole text: its characters, the mark after each line, and `<eos>`."""
        text = "".join(line + mark_after(number) for number, line in enumerate(lines))
        return np.append(self.vocabulary.encode(text), EOS)

    def score(self, lines: list[str], prefix: Sequence[int] = ()) -> tuple[Array, Array]:
        """Ln p over the vocabulary before each token of a poem, (N, V), and that of the token itself, (N,).

        The tokens are the characters, the mark after each line, and `<eos>`; the prefix is read before them.
        """
        ids = self.token_ids(lines)
        states = [self.network.start(prefix=prefix)]
        for id_ in ids[:-1]:
            check_deadline()
            states.append(self.network.step(states[-1], id_[None]))
        log_p = np.concatenate([state.log_p for state in states])
        return log_p, log_p[np.arange(len(ids)), ids]

    def _kept(self, constraints: Constraints, alive: Bool[Array, "T G"]) -> tuple[str | None, str]:
        """The template and the rhyme group that a text keeps; the first of several."""
        template, group = np.argwhere(alive)[0]
        opening = constraints.request.openings[template]
        name = opening_name(constraints.width, opening[0]) if opening else None
        return name, constraints.request.groups[group]


def composer(model: str | Path | None = None) -> Composer:
    """The composer of a model, kept for the next call. Raises CheckpointError where the model cannot be read."""
    name = str(model or checkpoint.DEFAULT)
    return _composer(name, checkpoint.changed(name))


@lru_cache(maxsize=4)
def _composer(name: str, changed: tuple[int, ...]) -> Composer:
    """Kept by name and by when its files were last changed."""
    return Composer(checkpoint.load(name))
