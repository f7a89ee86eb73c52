"""Sequential Monte Carlo: draw texts from the model that keep all constraints.

Masks alone bend the distribution: where a rhyme is forced, an unlucky line is finished as readily as a lucky one. So a
population of particles is advanced together, each with a weight (sequential Monte Carlo). The target is the product
of the tempered conditionals over all texts that keep the constraints. Each step multiplies a particle's weight by the
share of the conditional that was allowed; where few particles carry the weight, the population is drawn anew from
itself; at the end one particle is drawn by weight. Several populations of one request are independent, and what all
their particles weigh tells how much each of them counts. docs/sampling.md explains it from the beginning.

Source: Doucet, de Freitas & Gordon 2001; for language models Lew et al. 2023, Loula et al. 2025.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from pingze.arrays import Array, Bool, Float, Int
from pingze.composing.constraints.feasibility import Plan
from pingze.composing.constraints.lexicon import FREE
from pingze.composing.constraints.masks import Constraints
from pingze.composing.poem import mark_after
from pingze.composing.proposal import choose, effective_sizes, resample
from pingze.composing.request.options import Sampling
from pingze.composing.steering.antithesis import Antithesis
from pingze.composing.steering.taste import Taste
from pingze.deadline import check_deadline
from pingze.errors import UnfinishedError
from pingze.network.reference import ReferenceNetwork, State
from pingze.network.step_graph import softmax

COLDEST = 0.01
"""A temperature below this is read as this: particles need some breadth."""


class Start(NamedTuple):
    """What a population of N particles begins with."""

    plans: list[Plan]
    log_weights: Float[Array, "N"]
    rng: np.random.Generator
    """All its chance: so a population is the same whichever others are written beside it."""


@dataclass(frozen=True)
class Population:
    """N finished texts with their weights."""

    ids: Int[Array, "N P"]
    """A character for each place of each text."""
    log_weights: Float[Array, "N"]
    alive: Bool[Array, "N T G"]
    """The hypotheses, template and rhyme group, that each text keeps."""
    effective_sizes: list[float]
    """The effective number of particles after each place, before they were drawn anew."""
    log_probabilities: Float[Array, "N"]
    """ln p of each text at temperature 1, up to its last mark; of one that was read to its end, all of it."""
    scores: Float[Array, "N"]
    """What taste added to the logarithm of each text's weight; 0 without any."""
    states: State
    """What the model remembers of each text before it reads the last mark."""
    rng: np.random.Generator
    """All its chance."""
    taste: Taste | None
    """What chooses among its texts."""

    def chosen(self) -> "Population":
        """The text that taste likes best, or one drawn by weight; it weighs what all do."""
        if self.taste:
            row = self.taste.best(self.ids, self.scores)
        else:
            row = int((self.log_weights + self.rng.gumbel(size=len(self.log_weights))).argmax())
        rows = slice(row, row + 1)
        return replace(
            self,
            ids=self.ids[rows],
            log_weights=np.logaddexp.reduce(self.log_weights, keepdims=True),
            alive=self.alive[rows],
            log_probabilities=self.log_probabilities[rows],
            scores=self.scores[rows],
            states=self.states.take(np.array([row])),
        )

    @classmethod
    def joined(cls, populations: Sequence["Population"]) -> "Population":
        """Populations of one request as one, with the chance of the first."""
        return replace(
            populations[0],
            ids=np.concatenate([each.ids for each in populations]),
            log_weights=np.concatenate([each.log_weights for each in populations]),
            alive=np.concatenate([each.alive for each in populations]),
            effective_sizes=np.sum([each.effective_sizes for each in populations], axis=0).tolist(),
            log_probabilities=np.concatenate([each.log_probabilities for each in populations]),
            scores=np.concatenate([each.scores for each in populations]),
            states=State.joined([each.states for each in populations]),
        )


class Writing:
    """G populations of N particles each, on their way to keeping one request.

    Every text has written as many characters as every other. It goes on one token at a time, in a batch that other
    writings may share: `write` draws the token, and after the model has read it `read` draws populations anew.

    `Sampling.top_p` below 1 keeps to the likeliest characters that together have that share of the tempered
    conditional; others are `sampling.OUTSIDE` times as likely as they were, so that a poem whose constraints need them
    is still written.
    `prefix` holds the tokens of the poems' conditions. With `antithesis` a text is exp(w·s) times as likely for each
    pair of opposite characters, w being the request's weight and s their score, and exp(`leaning`) times for each
    character. With `taste` its weight holds what a reader would make of it.
    """

    def __init__(
        self,
        network: ReferenceNetwork,
        constraints: Constraints,
        starts: Sequence[Start],
        *,
        sampling: Sampling,
        prefix: Sequence[int] = (),
        antithesis: Antithesis | None = None,
        leaning: Float[Array, "V"] | None = None,
        taste: Taste | None = None,
    ) -> None:
        self.network, self.constraints, self.starts = network, constraints, starts
        self.top_p, self.antithesis, self.leaning, self.taste = sampling.top_p, antithesis, leaning, taste
        self.marks = [constraints.lexicon.vocabulary.ids[mark_after(line)] for line in range(2)]
        self.coldness = np.float32(1 / max(sampling.temperature, COLDEST))
        self.log_weights = np.stack([start.log_weights for start in starts])
        plans = [plan for start in starts for plan in start.plans]
        self.histories, self.state = constraints.start(plans), network.start(len(plans), prefix)
        self.texts = np.full((len(plans), constraints.places), FREE)
        self.ids = np.zeros(len(plans), np.int64)
        self.log_probabilities, self.scores = np.zeros(len(plans)), np.zeros(len(plans))
        self.sizes: list[Float[Array, G]] = []
        self.place, self.at_mark = 0, False

    @property
    def finished(self) -> bool:
        """Whether the last mark was written, which the model need not read."""
        return self.place == self.constraints.places and not self.at_mark

    def write(self) -> None:
        """Draw the next token of every text.

        Raises UnfinishedError when no draft of a population can stay original.
        """
        is_mark, logits = self.at_mark, self.state.logits
        if is_mark:
            self._write_mark(logits * self.coldness)
        else:
            self._write_character(logits * self.coldness)
        log_p = logits[np.arange(len(logits)), self.ids] - self.state.log_sum
        self.log_probabilities += log_p
        if self.taste:
            self._gain(self.taste.of_token(log_p))
            if not is_mark:
                self._gain(self.taste.of_character(self.texts, self.place - 1))

    def _gain(self, added: Float[Array, "rows"]) -> None:
        self.scores += added
        self.log_weights = self.log_weights + added.reshape(self.log_weights.shape)

    def _write_mark(self, logits: Float[Array, "rows V"]) -> None:
        mark = self.marks[(self.place - 1) // self.constraints.width % 2]
        log_p = logits[:, mark] - softmax(logits)[1]
        self.log_weights = self.log_weights + log_p.reshape(self.log_weights.shape)
        self.ids[:] = mark
        self.at_mark = False

    def _write_character(self, logits: Float[Array, "rows V"]) -> None:
        constraints, histories, place = self.constraints, self.histories, self.place
        allowed = constraints.allowed(histories, place)
        original = constraints.original(allowed, self.texts, histories.plans, place)
        dead = ~original.any(axis=1)  # such a draft goes on without weight, until it is drawn anew
        original[dead] = allowed[dead]
        original = constraints.renewed(original, place)
        lean = self._lean()
        log_mass, ids = choose(logits, original, self.top_p, self._random, lean)
        log_mass = np.where(dead, -np.inf, log_mass).reshape(self.log_weights.shape)
        self.log_weights = self.log_weights + log_mass
        if (self.log_weights.max(axis=1) == -np.inf).any():
            raise _unfinished(constraints, self.log_weights.shape[1], place)
        constraints.advance(histories, place, ids)
        self.ids, self.texts[:, place] = ids, ids
        self.place += 1
        self.at_mark = self.place % constraints.width == 0

    def _lean(self) -> Float[Array, "rows V"] | None:
        """What mood, and antithesis to the character above, add to the logarithm of each character's weight."""
        lean = None
        if self.leaning is not None:
            lean = np.broadcast_to(self.leaning, (len(self.texts), len(self.leaning)))
        above = self.constraints.opposite(self.place)
        if self.antithesis is not None and above is not None:
            weight = np.float32(self.constraints.request.antithesis)
            answers = self.antithesis.opposite(self.texts[:, above]) * weight
            lean = answers if lean is None else answers + lean
        return lean

    def _random(self) -> Float[Array, "rows"]:
        N = self.log_weights.shape[1]
        return np.concatenate([start.rng.random(N) for start in self.starts])

    def read(self, state: State) -> None:
        """Go on from the model's state after the token; populations of few weights are drawn anew."""
        self.state = state
        if self.taste and not self.finished:
            self._gain(self.taste.of_state(state.h))
        if self.at_mark:
            return
        G, N = self.log_weights.shape
        rows = np.arange(G * N).reshape(G, N)
        sizes = effective_sizes(self.log_weights)
        self.sizes.append(sizes)
        for g in np.flatnonzero(sizes < N / 2).tolist() if not self.finished else ():
            rows[g] = rows[g][resample(self.log_weights[g], self.starts[g].rng)]
            self.log_weights[g] = np.logaddexp.reduce(self.log_weights[g]) - np.log(N)
        if (np.diff(rows.ravel()) != 1).any():
            kept = rows.ravel()
            self.histories, self.state = self.histories.take(kept), self.state.take(kept)
            self.texts = self.texts[kept]
            self.log_probabilities, self.scores = self.log_probabilities[kept], self.scores[kept]

    @property
    def populations(self) -> list[Population]:
        """The finished populations."""
        G, N = self.log_weights.shape
        alive = self.histories.alive
        parts = (
            self.texts.reshape(G, N, -1),
            self.log_weights,
            alive.reshape(G, N, *alive.shape[1:]),
            np.transpose(self.sizes).tolist(),
            self.log_probabilities.reshape(G, N),
            self.scores.reshape(G, N),
            [self.state.take(slice(g * N, g * N + N)) for g in range(G)],
            [start.rng for start in self.starts],
            [self.taste] * G,
        )
        return [Population(*part) for part in zip(*parts, strict=True)]


def go_on(network: ReferenceNetwork, writings: Sequence[Writing]) -> dict[Writing, UnfinishedError]:
    """One more token of every text of several writings, in one batch; those that cannot go on, and why.

    Their requests may differ in everything but the model. Each is written as it would be alone.
    """
    failed: dict[Writing, UnfinishedError] = {}
    for writing in writings:
        try:
            writing.write()
        except UnfinishedError as error:
            failed[writing] = error
    reading = [writing for writing in writings if writing not in failed and not writing.finished]
    if reading:
        state = State.joined([writing.state for writing in reading])
        state = network.step(state, np.concatenate([writing.ids for writing in reading]))
        for writing, rows in zip(reading, _rows(reading), strict=True):
            writing.read(state.take(rows))
    for writing in writings:
        if writing not in failed and writing.finished:
            writing.read(writing.state)
    return failed


def _rows(writings: Sequence[Writing]) -> list[slice]:
    """The rows of each in their batch."""
    edges = np.cumsum([0, *(len(writing.texts) for writing in writings)]).tolist()
    return [slice(start, end) for start, end in pairwise(edges)]


def finish(writing: Writing) -> list[Population]:
    """Write to the end, alone. Raises UnfinishedError when no draft of a population can stay original."""
    while not writing.finished:
        check_deadline()
        for error in go_on(writing.network, [writing]).values():
            raise error
    return writing.populations


def _unfinished(constraints: Constraints, particles: int, place: int) -> UnfinishedError:
    line, position = divmod(place, constraints.width)
    where = f"line {line + 1}, character {position + 1}, with original {constraints.request.original}"
    return UnfinishedError(
        f"none of {particles} drafts could go on at {where}: ask for more particles, another seed, or a larger number",
        line=line + 1,
        position=position + 1,
        original=constraints.request.original,
        particles=particles,
    )
