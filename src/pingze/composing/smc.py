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
from dataclasses import dataclass, replace
from itertools import chain
from threading import Event
from typing import TypeVar

import numpy as np

from pingze.arrays import Array, Bool, Float, Int
from pingze.composing.constraints.feasibility import PartialTexts
from pingze.composing.constraints.masks import Constraints
from pingze.composing.lexicon import FREE
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
"""A population is resampled when its effective sample size is below this share of its size."""
Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, eq=False)
class Text:
    """The text that is chosen from a finished population."""

    ids: Int[Array, "P"]
    """The id of the character at each position."""
    alive: Bool[Array, "T G"]
    """Whether the text fits each hypothesis (a template with a rhyme group)."""
    log_probability: float
    """ln p of the text at temperature 1, including its marks and the end token."""
    score: float
    """The sum of the scores that the terms gave each token of the text and the finished text."""
    log_weight: float
    """The logarithm of the weight of the whole population."""
    rng: np.random.Generator


def ranked(
    log_weights: Float[Array, "N"], scores: Float[Array, "N"], rng: np.random.Generator
) -> Int[Array, "N"]:
    """Return the indices of the texts, highest score first.

    If all scores are 0, draw texts by weight, one after another.
    """
    if scores.any():
        # a text of weight 0 breaks a constraint, so it comes last whatever its score
        keys = np.where(log_weights > -np.inf, scores, -np.inf)
    else:
        # sorting by log-weight plus Gumbel noise draws the texts by weight without replacement
        keys = log_weights + rng.gumbel(size=len(log_weights))
    return np.argsort(-keys, kind="stable")


def ranking(texts: Sequence[Text]) -> list[int]:
    """Return the indices of texts of several populations, best first.

    Without scores, they are drawn by the weights of their populations.
    """
    log_weights = np.array([text.log_weight for text in texts])
    scores = np.array([text.score for text in texts])
    ranks: list[int] = ranked(log_weights, scores, texts[0].rng).tolist()
    return ranks


class Populations:
    """G populations of N particles each, which write texts for one request.

    A particle is a text with a weight.

    All texts have the same length. A step has three parts: `propose` draws the next token of every
    text, the model reads these tokens, and `reweight` reweighs and resamples the particles.

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
        self.network = network
        self.constraints = constraints
        self.starts = starts
        self.top_p = sampling.top_p
        self.terms = terms
        request = constraints.request
        marks = request.form.marks(request.lines)
        self.marks = constraints.lexicon.vocabulary.encode(marks).tolist()
        self.inverse_temperature = np.float32(1 / max(sampling.temperature, COLDEST))
        self.log_weights = np.stack([start.log_weights for start in starts])
        self.partial_texts = PartialTexts.joined([start.partial_texts for start in starts])
        count = self.log_weights.size
        # every particle begins with the same tokens, so all share the only row of the state
        self.state = network.start(prefix=prefix)
        self.rows = np.zeros(count, np.int64)
        self.ids = np.zeros(count, np.int64)
        """The id of each text's last token, as the network reads it."""
        self.log_p = np.zeros(count)
        """The log-probability of each text's last token."""
        self.log_probabilities = np.zeros(count)
        """The log-probability of each text so far."""
        self.scores = np.zeros(count)
        """The sum of the scores that the terms gave each text so far."""
        self.sizes: list[Float[Array, G]] = []
        """The effective sample size of each population, before each resampling."""
        self.place = 0
        """The position of the next character."""
        self.at_mark = False
        """Whether a punctuation mark comes before the next character."""
        is_free = (self.partial_texts.texts == FREE).any(axis=0)  # in some text
        self.last_free = int(np.flatnonzero(is_free).max(initial=-1))
        """The last position that is free in some text, or -1."""
        self.last_place: int | None = None
        """The position of the character that the last step wrote.

        None if that step wrote a punctuation mark.
        """

    @property
    def texts(self) -> Int[Array, "GN P"]:
        """The ids of the characters of each text.

        `FREE` at positions that are neither written nor fixed.
        """
        return self.partial_texts.texts

    @property
    def read_texts(self) -> Int[Array, "GN P"]:
        """The ids that the network reads for `texts`.

        It reads an unknown character as a known variant, or as `UNK`.
        """
        return self.constraints.lexicon.reads[self.texts]

    @property
    def finished(self) -> bool:
        """Whether every text is complete, with its last mark, which the model does not read."""
        return self.place == self.constraints.places and not self.at_mark

    def step(self) -> None:
        """Add one token to every text: draw it, let the model read it, reweigh and resample.

        Raises UnfinishedError as `propose` does.
        """
        self.propose()
        if self.finished:  # the model need not read the last token
            self.reweight(None)
            return
        rows, ids = self.merge()
        self.reweight(self.network.read(self.state, rows, ids))
        self.state = self.network.predict(self.state)

    def propose(self) -> None:
        """Draw the next token of every text.

        Raises UnfinishedError if no particle of a population can continue.
        """
        logits = self.state.logits
        tempered = logits * self.inverse_temperature
        if self.at_mark:
            self.last_place = None  # a mark stands at no position of a character
            self.at_mark = False
            line_before_mark = self.constraints.layout.line[self.place - 1]
            mark = self.marks[line_before_mark]
            self.ids = np.full_like(self.ids, mark)
            # The mark is the only allowed token, so the allowed share is the mark's probability.
            _, log_sums = softmax(tempered, shifted=True)
            mark_log_p = tempered[:, mark] - log_sums  # one for each row of the state
            log_share = mark_log_p[self.rows]
        else:
            log_share, self.ids = self._propose_character(tempered)
        self.log_weights += log_share.reshape(self.log_weights.shape)
        # reports give probabilities at temperature 1, whatever the temperature of the draws
        self.log_p = logits[self.rows, self.ids] - self.state.log_sum[self.rows]
        self.log_probabilities += self.log_p

    def _propose_character(
        self, logits: Float[Array, "U V"]
    ) -> tuple[Float[Array, "GN"], Int[Array, "GN"]]:
        """Draw an allowed character for each text, and write it.

        Return the log of the allowed characters' total probability, and the id that the network
        reads for the drawn character.
        """
        constraints = self.constraints
        partial_texts = self.partial_texts
        place = self.place
        G, N = self.log_weights.shape
        # 1. Find the allowed characters. A text to which a ban leaves no character, such as one
        #    that cannot stay original, has weight 0 until it is resampled. If a population has no
        #    other texts, resampling cannot help it.
        allowed, dead = constraints.allowed(partial_texts, place)
        weightless = dead.reshape(G, N) | (self.log_weights == -np.inf)
        is_lost = weightless.all(axis=1)  # for each population
        if is_lost.any():
            line, position = constraints.layout.where(place)
            raise UnfinishedError(
                constraints.ban.dead_end if constraints.ban else "all_excluded",
                line=line + 1,
                position=position + 1,
                original=constraints.request.original,
                particles=N,
            )
        # 2. Draw allowed characters in proportion to the model's probabilities and the terms'
        #    factors.
        texts = self.read_texts
        V = logits.shape[1]
        lean = None
        for term in self.terms:
            added = term.before_draw(texts, place)
            if added is not None:
                lean = added if lean is None else lean + added
        # Characters that the model does not know have ids from V on. Such a character is allowed
        # only where it is fixed; there the model draws the id that it reads instead.
        particles_with_unknown, column = allowed[:, V:].nonzero()
        unknown_ids = V + column
        allowed[particles_with_unknown, constraints.lexicon.reads[unknown_ids]] = True
        # two numbers for each particle, from the generator of its population
        random = np.concatenate([start.rng.random((2, N)) for start in self.starts], axis=1)
        log_share, ids = choose(logits, self.rows, allowed[:, :V], self.top_p, random, lean)
        # 3. Write the characters, and move on to the next position. The text gets the unknown
        #    character itself, though the network reads another id.
        written = ids.copy()
        written[particles_with_unknown] = unknown_ids
        constraints.advance(partial_texts, place, written)
        self.last_place = place
        self.place = place + 1
        self.at_mark = self.place in constraints.layout.starts
        return np.where(dead, -np.inf, log_share), ids

    def merge(self) -> tuple[Int[Array, "U"], Int[Array, "U"]]:
        """Merge particles with the same tokens.

        Return the row of the state that each distinct text continues, and its new token.

        The model reads these tokens, and `reweight` gets the new states.
        """
        vocabulary_size = self.state.logits.shape[1]
        # Give each pair of a row and a token a number of its own, so that `unique` finds equal
        # pairs at once; `divmod` turns the number back into the row and the token.
        pairs = self.rows * vocabulary_size + self.ids
        distinct_pairs, self.rows = np.unique(pairs, return_inverse=True)
        return np.divmod(distinct_pairs, vocabulary_size)

    def reweight(self, state: State | None) -> None:
        """Weigh the new tokens and resample.

        `state` has read these tokens; it is None if the texts are finished.

        Afterwards `self.state` has only the rows of texts that are left, without their logits.
        """
        # 1. Add what each term returns for the token and, at the end, for the whole text.
        token = Token(
            texts=self.read_texts,
            place=self.last_place,
            log_p=self.log_p,
            h=state.h[self.rows] if state else None,
        )
        for term in self.terms:
            added = term.after_token(token)
            if added is not None:
                self.scores += added
                self.log_weights += added.reshape(self.log_weights.shape)
        if state:  # else keep the last state, from which `select` reads the end token's probability
            self.state = state
        # If a mark comes next, weigh it before texts are resampled: it is drawn for every text, and
        # how well it suits the line that has just ended belongs to the weight of this line.
        if self.at_mark:
            return
        self.sizes.append(effective_sizes(self.log_weights))
        layout = self.constraints.layout
        if self.finished:
            decode = self.constraints.lexicon.vocabulary.decode
            for particle, text in enumerate(self.texts):
                lines = layout.cut(decode(text))
                self.scores[particle] += sum(term.of_text(lines) for term in self.terms)
            return
        # 2. Resample the populations in which few particles carry most of the weight.
        #
        # After the last free position, copies of a text would stay equal to the end.
        if self.place > self.last_free:
            return
        # In a 集句, few lines of the corpus have the same beginning: resampling within a line would
        # leave copies with a single way to go on. Therefore only whole lines are compared.
        quotes_lines = self.constraints.request.poets is not None
        if quotes_lines and self.place not in layout.starts:
            return
        G, N = self.log_weights.shape
        particles = np.arange(G * N).reshape(G, N)
        for g in np.flatnonzero(self.sizes[-1] < ESS_THRESHOLD * N).tolist():
            drawn = resample(self.log_weights[g], self.starts[g].rng)
            particles[g] = particles[g][drawn]
            # the weights become equal; their sum stays
            self.log_weights[g] = np.logaddexp.reduce(self.log_weights[g]) - np.log(N)
        kept = particles.ravel()
        # 3. Keep those particles, and drop the state's rows that none of them has.
        if not np.array_equal(kept, np.arange(G * N)):
            self.partial_texts = self.partial_texts.take(kept)
            self.log_probabilities = self.log_probabilities[kept]
            self.scores = self.scores[kept]
            rows_left, self.rows = np.unique(self.rows[kept], return_inverse=True)
            self.state = self.state.take(rows_left)

    def select(self, most: int = 1) -> list[list[Text]]:
        """Choose at most `most` of the best texts of each finished population, all different."""
        G, N = self.log_weights.shape
        scores = self.scores.reshape(G, N)
        chosen = []  # the numbers of the chosen particles among all G·N
        for g, start in enumerate(self.starts):
            chosen_texts: set[bytes] = set()
            for n in ranked(self.log_weights[g], scores[g], start.rng).tolist():
                particle = g * N + n
                text = self.texts[particle].tobytes()
                keeps_constraints = self.log_weights[g, n] > -np.inf
                is_new = text not in chosen_texts
                if len(chosen_texts) < most and is_new and keeps_constraints:
                    chosen_texts.add(text)
                    chosen.append(particle)
        # The probability of a text includes that of the end token after its last mark.
        last_mark = np.full(len(chosen), self.marks[-1])
        chosen_states = self.state.take(self.rows[chosen])
        end_log_p = self.network.step(chosen_states, last_mark).log_p[:, EOS]
        log_probabilities = (self.log_probabilities[chosen] + end_log_p).tolist()
        population_weights = np.logaddexp.reduce(self.log_weights, axis=1)
        texts: list[list[Text]] = [[] for _ in range(G)]
        for particle, log_probability in zip(chosen, log_probabilities, strict=True):
            g = particle // N
            text = Text(
                ids=self.texts[particle],
                alive=self.partial_texts.alive[particle],
                log_probability=log_probability,
                score=float(self.scores[particle]),
                log_weight=float(population_weights[g]),
                rng=self.starts[g].rng,
            )
            texts[g].append(text)
        return texts


def finish(populations: Populations, most: int = 1) -> list[list[Text]]:
    """Finish the texts, and choose the best of each population, at most `most`.

    Raises UnfinishedError as `Populations.propose` does.
    """
    while not populations.finished:
        check_deadline()
        populations.step()
    return populations.select(most)


def on_threads(
    compute: Callable[[Sequence[Item]], list[Result]], items: Sequence[Item], largest_batch: int
) -> list[Result]:
    """Apply `compute` to batches of `items`, on as many threads as there are processors.

    A batch has at most `largest_batch` items, but always one, and no more than a thread's share, so
    that no thread is idle. Return the results of all batches, in the order of the items. The
    threads work within the deadline of the calling thread, if it has one. If a batch fails, the
    other threads stop at their next `check_deadline`.
    """
    share_of_thread = math.ceil(len(items) / threads())
    batch_size = max(1, min(largest_batch, share_of_thread))
    batches = [items[start : start + batch_size] for start in range(0, len(items), batch_size)]
    if len(batches) == 1 or threads() == 1:
        return list(chain.from_iterable(compute(batch) for batch in batches))
    callers_deadline = current_deadline() or Deadline(math.inf)
    failed = Event()
    # A deadline also ends work whose result nobody wants; that is so once another batch has failed.
    deadline = replace(callers_deadline, gone=lambda: failed.is_set() or callers_deadline.gone())

    def computed(batch: Sequence[Item]) -> list[Result]:
        with within(deadline):
            return compute(batch)

    with ThreadPoolExecutor(threads()) as pool:
        try:
            return list(chain.from_iterable(pool.map(computed, batches)))
        except BaseException:
            failed.set()  # before the pool waits for its threads
            raise
