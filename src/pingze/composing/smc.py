"""Draw texts from the model that keep all constraints, by sequential Monte Carlo.

Masks alone distort the distribution: a line with an unlikely forced rhyme is finished as often as a
line with a likely forced rhyme. Therefore a population of weighted particles (partly written texts)
advances together. The target is a distribution over the texts that keep the constraints: the
product of the model's tempered conditionals, times the exponential of the sum of the terms (log
factors such as those for mood or antithesis). Each step multiplies the weight of a particle by the
total probability of the allowed characters and by the terms' factors. At the end the text to which
the terms give the highest score is chosen. If no term gives a score, a text is drawn by weight. A
request may have several independent populations; each counts by its total weight. See
docs/sampling.md.

Source: Doucet, de Freitas & Gordon 2001; for language models Lew et al. 2023, Loula et al. 2025.
"""

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event
from typing import NamedTuple, TypeVar

import numpy as np

from pingze.arrays import Array, Bool, Float, Int
from pingze.composing.constraints.feasibility import Histories
from pingze.composing.constraints.masks import Constraints
from pingze.composing.options import Sampling
from pingze.composing.proposal import choose, effective_sizes, resample
from pingze.composing.terms import Term, Token
from pingze.composing.words import Start
from pingze.deadline import Deadline, check_deadline, current_deadline, within
from pingze.errors import UnfinishedError
from pingze.machine import threads
from pingze.network.reference import ReferenceNetwork, State
from pingze.network.step_graph import softmax
from pingze.network.vocabulary import EOS

COLDEST = 0.01
"""The lowest temperature that is used.

At a lower temperature, all particles would be the same text.
"""
ESS_THRESHOLD = 0.5
"""A population is resampled when its effective sample size falls below this fraction of its particles."""
B = TypeVar("B")
R = TypeVar("R")


class Text(NamedTuple):
    """The text that is chosen from a finished population."""

    ids: Int[Array, "P"]
    """The id of the character at each position."""
    alive: Bool[Array, "T G"]
    """Whether the text fits each hypothesis (a template with a rhyme group)."""
    log_probability: float
    """ln p of the text at temperature 1, including its marks and the end token."""
    score: float
    """The sum of the scores that the terms (`steering`) gave each token of the text and the finished text."""
    log_weight: float
    """The logarithm of the weight of the whole population."""
    rng: np.random.Generator


def best(
    log_weights: Float[Array, "N"], scores: Float[Array, "N"], rng: np.random.Generator
) -> int:
    """Return the index of the text with the highest score; if all scores are 0, draw a text by weight."""
    if scores.any():
        return int(np.where(log_weights > -np.inf, scores, -np.inf).argmax())
    return int((log_weights + rng.gumbel(size=len(log_weights))).argmax())


class Writing:
    """G populations of N particles each, which write texts for one request.

    A particle is a text with a weight.

    All texts have the same length. A step has three parts: `write` draws the next token of every
    text, the model reads these tokens, and `weigh` reweighs and resamples the particles.

    Particles with the same tokens so far, such as copies made by resampling, share one row of the
    model's state. `state` has a row for each distinct text, and `rows` has the row number of each
    particle.

    `prefix` has the ids of the tokens for title, poet and other conditions. The model reads these
    tokens before any text. If `top_p` is below 1, the likeliest characters with a total probability
    of `top_p` form the nucleus. Other characters keep the fraction `proposal.OUTSIDE` of their
    probability, not 0, as a constraint may require them.
    """

    def __init__(
        self,
        network: ReferenceNetwork,
        constraints: Constraints,
        starts: Sequence[Start],
        *,
        sampling: Sampling,
        prefix: Sequence[int] = (),
        terms: Sequence[Term] = (),
    ) -> None:
        self.network, self.constraints, self.starts = network, constraints, starts
        self.top_p, self.terms = sampling.top_p, terms
        request = constraints.request
        self.marks = constraints.lexicon.vocabulary.encode(
            request.form.marks(request.lines)
        ).tolist()
        self.inverse_temperature = np.float32(1 / max(sampling.temperature, COLDEST))
        self.log_weights = np.stack([start.log_weights for start in starts])
        self.histories = Histories.joined([start.histories for start in starts])
        count = self.log_weights.size
        self.state, self.rows = network.start(prefix=prefix), np.zeros(count, np.int64)
        self.ids, self.log_p = np.zeros(count, np.int64), np.zeros(count)
        self.log_probabilities, self.scores = np.zeros(count), np.zeros(count)
        self.sizes: list[Float[Array, G]] = []
        self.place, self.at_mark = 0, False
        self.written: int | None = None
        """The position of the character that the last step wrote.

        None if that step wrote a punctuation mark.
        """

    @property
    def texts(self) -> Int[Array, "GN P"]:
        """The ids of the characters of each text.

        `FREE` at positions that are neither written nor fixed.
        """
        return self.histories.texts

    @property
    def read_texts(self) -> Int[Array, "GN P"]:
        """The ids that the network reads for `texts`: it reads an unknown character as a known variant, or as `UNK`."""
        return self.constraints.lexicon.reads[self.texts]

    @property
    def finished(self) -> bool:
        """Whether every text is complete, with its last mark, which the model does not read."""
        return self.place == self.constraints.places and not self.at_mark

    def step(self) -> None:
        """Add one token to every text: draw it, let the model read it, reweigh and resample.

        Raises UnfinishedError as `write` does.
        """
        self.write()
        if self.finished:  # the model need not read the last token
            self.weigh(None)
            return
        rows, ids = self.merge()
        self.weigh(self.network.read(self.state, rows, ids))
        self.state = self.network.predict(self.state)

    def write(self) -> None:
        """Draw the next token of every text.

        Raises UnfinishedError if no particle of a population can continue.
        """
        logits = self.state.logits
        tempered = logits * self.inverse_temperature
        if self.at_mark:
            self.written, self.at_mark = None, False
            self.ids = np.full_like(
                self.ids, self.marks[self.constraints.layout.line[self.place - 1]]
            )
            share = (tempered[:, self.ids[0]] - softmax(tempered, shifted=True)[1])[self.rows]
        else:
            share = self._write_character(tempered)
        self.log_weights += share.reshape(self.log_weights.shape)
        self.log_p = logits[self.rows, self.ids] - self.state.log_sum[self.rows]
        self.log_probabilities += self.log_p

    def _write_character(self, logits: Float[Array, "U V"]) -> Float[Array, "GN"]:
        """Draw an allowed character for each text; return the log of the allowed characters' total probability."""
        constraints, histories, place = self.constraints, self.histories, self.place
        G, N = self.log_weights.shape
        # 1. Find the allowed characters. A text that cannot stay original has weight 0 until it is
        #    resampled.
        allowed, dead = constraints.allowed(histories, place)
        if (dead.reshape(G, N) | (self.log_weights == -np.inf)).all(axis=1).any():
            line, position = constraints.layout.where(place)
            longest = constraints.request.original
            code = constraints.ban.dead_end if constraints.ban else ""
            raise UnfinishedError(
                code, line=line + 1, position=position + 1, original=longest, particles=N
            )
        # 2. Draw allowed characters in proportion to the model's probabilities and the terms'
        #    factors.
        texts, V = self.read_texts, logits.shape[1]
        added = [
            each for term in self.terms if (each := term.before_draw(texts, place)) is not None
        ]
        lean = sum(added[1:], added[0]) if added else None
        rows, given = allowed[:, V:].nonzero()  # characters that the model does not know
        allowed[rows, constraints.lexicon.reads[V + given]] = True
        random = np.concatenate([start.rng.random((2, N)) for start in self.starts], axis=1)
        share, self.ids = choose(logits, self.rows, allowed[:, :V], self.top_p, random, lean)
        # 3. Move on to the next position.
        ids = self.ids.copy()
        ids[rows] = V + given
        constraints.advance(histories, place, ids)
        self.written, self.place = place, place + 1
        self.at_mark = self.place in constraints.layout.starts
        return np.where(dead, -np.inf, share)

    def merge(self) -> tuple[Int[Array, "U"], Int[Array, "U"]]:
        """Merge particles with the same tokens; return the row of the state that each text continues, and its token.

        The model reads these tokens, and `weigh` gets the new states.
        """
        vocabulary_size = self.state.logits.shape[1]
        tokens, self.rows = np.unique(self.rows * vocabulary_size + self.ids, return_inverse=True)
        return np.divmod(tokens, vocabulary_size)

    def weigh(self, state: State | None) -> None:
        """Weigh the new tokens and resample.

        `state` has read these tokens; it is None if the texts are finished.

        Afterwards `self.state` has only the rows of texts that are left, without their logits.
        """
        # 1. Add what each term returns for the token and, at the end, for the whole text.
        token = Token(
            self.read_texts, self.written, self.log_p, state.h[self.rows] if state else None
        )
        for term in self.terms:
            if (added := term.after_token(token)) is not None:
                self.scores += added
                self.log_weights += added.reshape(self.log_weights.shape)
        self.state = state or self.state
        if self.at_mark:
            return
        self.sizes.append(effective_sizes(self.log_weights))
        layout = self.constraints.layout
        if self.finished:
            decode = self.constraints.lexicon.vocabulary.decode
            texts = [layout.cut(decode(text)) for text in self.texts]
            self.scores += [sum(term.of_text(lines) for term in self.terms) for lines in texts]
            return
        # 2. Resample the populations in which few particles carry most of the weight.
        if self.constraints.request.poets is not None and self.place not in layout.starts:
            # few lines of the corpus have the same beginning, so only whole quoted lines can be
            # compared
            return
        G, N = self.log_weights.shape
        rows = np.arange(G * N).reshape(G, N)
        for g in np.flatnonzero(self.sizes[-1] < ESS_THRESHOLD * N).tolist():
            rows[g] = rows[g][resample(self.log_weights[g], self.starts[g].rng)]
            self.log_weights[g] = np.logaddexp.reduce(self.log_weights[g]) - np.log(N)
        if (np.diff(kept := rows.ravel()) != 1).any():
            self.histories, self.rows = self.histories.take(kept), self.rows[kept]
            self.log_probabilities, self.scores = self.log_probabilities[kept], self.scores[kept]
            left, self.rows = np.unique(self.rows, return_inverse=True)
            self.state = self.state.take(left)

    def chosen(self) -> list[Text]:
        """Choose one text from each finished population."""
        G, N = self.log_weights.shape
        rngs, scores = [start.rng for start in self.starts], self.scores.reshape(G, N)
        rows = [g * N + best(self.log_weights[g], scores[g], rng) for g, rng in enumerate(rngs)]
        ends = self.network.step(
            self.state.take(self.rows[rows]), np.full(G, self.marks[-1])
        ).log_p[:, EOS]
        log_p, totals = (
            self.log_probabilities[rows] + ends,
            np.logaddexp.reduce(self.log_weights, axis=1),
        )
        columns = (
            self.texts[rows],
            self.histories.alive[rows],
            log_p.tolist(),
            self.scores[rows],
            totals,
            rngs,
        )
        return list(map(Text, *columns))


def finish(writing: Writing) -> list[Text]:
    """Finish the texts, and choose one from each population.

    Raises UnfinishedError as `Writing.write` does.
    """
    while not writing.finished:
        check_deadline()
        writing.step()
    return writing.chosen()


def each(compute: Callable[[B], R], batches: Sequence[B]) -> list[R]:
    """Apply `compute` to every batch, on as many threads as there are processors; return the results in order.

    The threads work within the deadline of the calling thread, if it has one. If a batch fails, the
    other threads stop at their next `check_deadline`.
    """
    if len(batches) == 1 or threads() == 1:
        return [compute(batch) for batch in batches]
    outer = current_deadline() or Deadline(math.inf)
    failed = Event()
    deadline = replace(outer, gone=lambda: failed.is_set() or outer.gone())

    def computed(batch: B) -> R:
        with within(deadline):
            return compute(batch)

    with ThreadPoolExecutor(threads()) as pool:
        try:
            return list(pool.map(computed, batches))
        except BaseException:
            failed.set()
            raise
