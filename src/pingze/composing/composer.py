"""A `Composer`: a model made ready to write poems that keep a request."""

from collections.abc import Sequence
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from pingze import checkpoint
from pingze.arrays import Array, Bool, Float, Int
from pingze.composing.antithesis import Antithesis, antithesis_table
from pingze.composing.blas import shared_fairly
from pingze.composing.conflict import clashing
from pingze.composing.constraints import Constraints
from pingze.composing.copying import Copying
from pingze.composing.inclusion import Inclusion
from pingze.composing.lexicon import FREE, Lexicon
from pingze.composing.numpy_network import LayerStates, NumpyNetwork
from pingze.composing.options import Sampling
from pingze.composing.parallel import each
from pingze.composing.particles import Population, Writing, finish
from pingze.composing.poem import Poem, in_lines, mark_after
from pingze.composing.request import Request
from pingze.composing.softmax import log_softmax
from pingze.composing.taste import Taste, WornPairs
from pingze.conditions import Conditions
from pingze.deadline import check_deadline
from pingze.errors import InfeasibleError
from pingze.prosody.forms import opening_name
from pingze.vocabulary import EOS

ROWS = 256
"""So many particles are written side by side where several poems are asked for."""


class Composer:
    """A model made ready to compose: what is computed once and used for every poem."""

    def __init__(self, loaded: checkpoint.Checkpoint) -> None:
        self.name, self.vocabulary, self.reward = loaded.name, loaded.vocabulary, loaded.reward
        self.network = NumpyNetwork(loaded)
        self.lexicon = Lexicon.of(loaded.vocabulary)
        self.conditions = Conditions(loaded.vocabulary)

    def prepare(self, request: Request, old: dict[int, int] | None = None) -> Inclusion:
        """The request compiled; `old` holds what stood at places that are written again.

        Raises InfeasibleError, which names what clashes, if no poem can keep it; CorpusError if it asks for
        originality and there is no corpus.
        """
        copying = self._copying(request)
        inclusion = Inclusion(Constraints(self.lexicon, request, old, copying))
        if not inclusion.is_possible:
            raise InfeasibleError(request.form.name, clashing(self.lexicon, request, copying))
        return inclusion

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
            return Copying(store.suffix_array(), self.vocabulary, request.form.width, request.original)

    def write(self, inclusion: Inclusion, sampling: Sampling, seed: int) -> Poem:
        """One poem, from a population of its own."""
        return self.write_many(inclusion, sampling, [seed])[0]

    def write_many(
        self,
        inclusion: Inclusion,
        sampling: Sampling,
        seeds: Sequence[int],
    ) -> list[Poem]:
        """A poem for each seed, from a population of its own; those of some poems are written side by side."""
        sampling = self.sampling(inclusion.constraints, sampling)
        together = max(1, ROWS // sampling.particles)
        batches = [seeds[start : start + together] for start in range(0, len(seeds), together)]

        def write(batch: Sequence[int]) -> list[Poem]:
            writing = self.draft(inclusion, sampling, batch)
            with shared_fairly():
                finish(writing)
            return self.poems([writing], [batch])

        return [poem for poems in each(write, batches) for poem in poems]

    def sampling(self, constraints: Constraints, asked: Sampling) -> Sampling:
        """How the poems of a request are drawn: a long one among fewer texts."""
        if constraints.request.original:  # only in a broad population some text is sure to stay original
            return asked
        return asked.within(constraints.places + constraints.request.lines)

    def draft(
        self,
        inclusion: Inclusion,
        sampling: Sampling,
        seeds: Sequence[int],
    ) -> Writing:
        """A population for each seed, with as many texts as `sampling` has; nothing of them written yet."""
        request = inclusion.constraints.request
        return Writing(
            self.network,
            inclusion.constraints,
            [inclusion.draw(sampling.particles, np.random.default_rng(seed)) for seed in seeds],
            sampling=sampling,
            prefix=self.prefix(request),
            antithesis=self._antithesis(request),
            taste=Taste(self.worn_pairs, request, self.reward) if request.taste else None,
        )

    def poems(self, writings: Sequence[Writing], seeds: Sequence[Sequence[int]]) -> list[Poem]:
        """The poem of each population of some finished writings, whose seeds are given."""
        chosen = [
            (writing, population, self._chosen(writing, population, start.rng), int(seed))
            for writing, own in zip(writings, seeds, strict=True)
            for population, start, seed in zip(writing.populations, writing.starts, own, strict=True)
        ]
        states = [population.states.take(slice(row, row + 1)) for _, population, row, _ in chosen]
        last_marks = np.array([writing.ids[0] for writing, *_ in chosen])
        ends = log_softmax(self.network.logits(self.network.step(LayerStates.joined(states), last_marks)))[
            :, EOS
        ]
        return [
            self._poem(writing.constraints, population, row, seed, float(end))
            for (writing, population, row, seed), end in zip(chosen, ends, strict=True)
        ]

    def _chosen(self, writing: Writing, population: Population, rng: np.random.Generator) -> int:
        """The row of a population that becomes the poem: by taste, or drawn by weight."""
        if writing.taste:
            return writing.taste.best(population.ids, population.scores)
        return population.choose(rng)

    def _antithesis(self, request: Request) -> Antithesis | None:
        """The table of antithesis, where the request gives it weight and the form needs it."""
        if not request.antithesis or not request.form.antithetical(request.lines):
            return None
        return self.antithesis

    def answering(self, constraints: Constraints, place: int) -> Float[Array, "V"]:
        """What antithesis adds to ln p of each character at a place of a finished text.

        That is w·s with the character that stands opposite, in the line before or after.
        """
        request, fixed = constraints.request, constraints.fixed
        table, added = self._antithesis(request), np.zeros(len(self.vocabulary), np.float32)
        if table is None or fixed is None:
            return added
        above, below = constraints.opposite(place), place + constraints.width
        if above is not None and fixed[above] != FREE:
            added += table.opposite(np.array([fixed[above]]))[0]
        if below < constraints.places and constraints.opposite(below) == place and fixed[below] != FREE:
            added += table.over(fixed[below])
        return added * np.float32(request.antithesis)

    @cached_property
    def worn_pairs(self) -> WornPairs:
        """How worn the vocabulary's pairs are."""
        return WornPairs(self.vocabulary)

    @cached_property
    def antithesis(self) -> Antithesis:
        """How well the vocabulary's characters stand opposite each other."""
        return antithesis_table().of(self.vocabulary)

    def _poem(
        self, constraints: Constraints, population: Population, row: int, seed: int, log_end: float
    ) -> Poem:
        template, rhyme = self._kept(constraints, population.alive[row])
        request = constraints.request
        return Poem(
            form=request.form.name,
            template=template,
            rhyme=rhyme,
            title=request.title,
            poet=request.poet,
            about=request.about,
            seed=seed,
            model=self.name,
            lines=in_lines(self.vocabulary.decode(population.ids[row]), constraints.width),
            log_probability=float(population.log_probabilities[row]) + log_end,
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
        log_p = log_softmax(self.network.logits(LayerStates.joined(states)))
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
    path = Path(name) / checkpoint.MODEL_FILE if Path(name).is_dir() else Path(name)
    changed = path.stat().st_mtime_ns if name not in checkpoint.SHIPPED and path.is_file() else 0
    return _composer(name, changed)


@lru_cache(maxsize=4)
def _composer(name: str, changed: int) -> Composer:
    """Kept by name and by when the file was last changed."""
    return Composer(checkpoint.load(name))
