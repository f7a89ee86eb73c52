r"""Score antithesis 對仗: how well two opposite characters in a couplet match.

The score of a character b below a character a is

    s(a, b) = ln p(b | a) - ln p(b),    ln p(b | a) = u_a · (d ∘ u_b) + c_b + ln p(b) - ln Z_a

where p(b | a)  is how often Tang and Song poets put b opposite a in couplets that need antithesis
      p(b)      is how often they use b in such couplets
      u         is a vector for each character, the same in both lines of a couplet
      c         is a bias for each character
      d         is a vector of signs: +1 for dimensions in which matching characters are similar, as
                山 and 水, and -1 for dimensions in which they contrast, as a level and an oblique
                tone
      Z_a       normalizes p(b | a), so that its sum over all b is 1.

The score is 0 for unrelated characters, and for characters that the table does not know.
lab/experiments/antithesis.py learns the table and measures it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from importlib.resources import as_file, files

import numpy as np
from safetensors import safe_open

from pingze.arrays import Array, Float, Float32, Int
from pingze.cached import cached_property
from pingze.composing.constraints.feasibility import CompiledRequest
from pingze.composing.terms import Term
from pingze.network.onnx_file import TYPES, Graph
from pingze.network.step_graph import session
from pingze.network.vocabulary import Vocabulary
from pingze.verse.forms import FORMS, Form
from pingze.verse.verdict import Note, Verdict

WEAK = -1.5
"""Of the couplets in Tang 律 that need antithesis, 2 % have a lower mean score.

Of shuffled couplets, over half do.
"""
ALIKE = 0.6
"""The least cosine of the vectors u of near-synonyms."""
APART = 1.3
"""The score that near-synonyms do not reach."""


class Antithesis:
    """A table of scores for K tokens.

    s(a, b) is the dot product of row a of `above` and row b of `below`. Scores are computed in
    float64 and rounded to float32: each kind of processor adds the products in a different order,
    and the rounding hides the differences.
    """

    def __init__(
        self, tokens: Sequence[str], above: Float[Array, "K R"], below: Float[Array, "K R"]
    ) -> None:
        self.rows = {token: row for row, token in enumerate(tokens)}
        self.above = above.astype(np.float64)
        self.below = below.astype(np.float64)

    @classmethod
    def of_vectors(
        cls,
        tokens: Sequence[str],
        vectors: Float32[Array, "K R"],
        signs: Float32[Array, "R"],
        bias: Float32[Array, "K"],
        log_z: Float32[Array, "K"],
    ) -> "Antithesis":
        """Build the table from u (`vectors`), d (`signs`), c (`bias`) and ln Z of the formula.

        The formula is s(a, b) = u_a · (d ∘ u_b) + c_b - ln Z_a. The last two columns add 1 · c_b
        and -ln Z_a · 1 to the dot product.
        """
        ones = np.ones_like(bias)
        return cls(
            tokens,
            above=np.column_stack([vectors * signs, ones, -log_z]),
            below=np.column_stack([vectors, bias, ones]),
        )

    def of(self, vocabulary: Vocabulary) -> "Antithesis":
        """Copy the table in the order of a vocabulary's ids. Tokens that it lacks score 0."""
        # row -1, the last, is the row of zeros that is appended below
        rows = [self.rows.get(token, -1) for token in vocabulary.tokens]
        zeros = np.zeros((1, self.above.shape[1]))
        return Antithesis(
            vocabulary.tokens,
            above=np.vstack([self.above, zeros])[rows],
            below=np.vstack([self.below, zeros])[rows],
        )

    def opposite(self, ids: Int[Array, "N"]) -> Float32[Array, "N K"]:
        """Return the scores s(a, b) of each given token a with every token b of the table."""
        distinct, inverse = np.unique(ids, return_inverse=True)
        (scores,) = self._scores({"above": self.above[distinct]})
        return scores[inverse]

    @cached_property
    def _scores(self) -> Callable[[Mapping[str, Array]], list[Array]]:
        """The function that scores N rows of `above` with every row of `below`.

        It is an ONNX graph, since NumPy's product may start threads, which would compete with those
        that compose.
        """
        K, R = self.below.shape  # K tokens, R columns
        graph = Graph()
        above = graph.input("above", "float64", ["N", R])
        below = graph.constant("below", self.below.T)
        products = graph.node("MatMul", above, below)
        graph.node("Cast", products, results=["scores"], to=TYPES["float32"])
        graph.output("scores", "float32", ["N", K])
        return session(graph.serialized())

    def score(self, first: str, second: str) -> float:
        """Return the mean score of the opposite characters in a couplet."""
        known = self._known(first, second)
        return sum(float(self.above[a] @ self.below[b]) for _, a, b in known) / len(first)

    def alike(self, first: str, second: str) -> list[int]:
        """Return the positions, from 0, of near-synonyms in two lines, which poets avoid."""
        places = []
        for place, a, b in self._known(first, second):
            if a == b or self.above[a] @ self.below[b] >= APART:
                continue
            u_a, u_b = self.below[[a, b], :-2]  # without the bias and the 1
            if u_a @ u_b >= ALIKE * np.linalg.norm(u_a) * np.linalg.norm(u_b):
                places.append(place)
        return places

    def _known(self, first: str, second: str) -> list[tuple[int, int, int]]:
        """List each pair of opposite characters as (position, row, row).

        A pair is skipped if the table lacks one of its characters.
        """
        known = []
        for place, (a, b) in enumerate(zip(first, second, strict=True)):
            if a in self.rows and b in self.rows:
                known.append((place, self.rows[a], self.rows[b]))
        return known

    def of_poem(self, form: Form, lines: Sequence[str]) -> float | None:
        """Return the mean score of a poem's couplets that need antithesis.

        Return None if the poem has no such couplet.
        """
        scores = [self.score(lines[2 * k], lines[2 * k + 1]) for k in form.antithetical(len(lines))]
        if not scores:
            return None
        return sum(scores) / len(scores)


class Opposites(Term):
    """A term that adds to a character's ln p its score with the opposite character.

    The score is weighted by the request's `antithesis`. The rows of `table` are in the order of the
    vocabulary's ids.
    """

    def __init__(self, table: Antithesis, compiled: CompiledRequest) -> None:
        self.table = table
        self.compiled = compiled
        self.weight = np.float32(compiled.request.antithesis)

    def before_draw(self, texts: Int[Array, "N P"], place: int) -> Float32[Array, "N V"] | None:
        """Return each character's weighted score, given the character above.

        Return None at a position that needs no antithesis.
        """
        above = self.compiled.opposite(place)
        if above is None:
            return None
        scores: Array = self.table.opposite(texts[:, above])
        return scores * self.weight

    def of_text(self, lines: Sequence[str]) -> float:
        """Return the weighted sum of scores of a text that is one couplet.

        A longer poem gets 0, since antithesis affects it only while it is drawn.
        """
        if self.compiled.request.lines != 2:
            return 0.0
        text = "".join(lines)
        width = self.compiled.request.form.width
        return float(self.weight) * width * self.table.score(text[:width], text[width:])


@lru_cache(maxsize=8)
def antithesis_table(vocabulary: Vocabulary | None = None) -> Antithesis:
    """Load the table that ships with the package, for a vocabulary's ids if one is given."""
    if vocabulary is not None:
        return antithesis_table().of(vocabulary)
    with (
        as_file(files("pingze.network") / "weights" / "antithesis.safetensors") as path,
        safe_open(path, framework="numpy") as file,
    ):
        tensors = {}
        for name in file.keys():  # noqa: SIM118
            tensors[name] = file.get_tensor(name).astype(np.float32)
        return Antithesis.of_vectors(file.metadata()["characters"], **tensors)


def antithesis_notes(verdict: Verdict) -> Iterator[Note]:
    """Yield a note on each couplet with weak antithesis 對仗, or near-synonyms 合掌.

    Args:
        verdict: The verdict that `check` returned. Only couplets that need antithesis are judged:
            none in 古 and 絕.
    """
    form = FORMS.get(verdict.form or "")
    couplets = range(0)
    if verdict.judged == "tones":  # the text is one couplet 對聯, which needs antithesis
        couplets = range(1)
    elif verdict.judged == "tones and rhyme" and form:
        couplets = form.antithetical(len(verdict.read))
    for k in couplets:
        first = verdict.read[2 * k]
        second = verdict.read[2 * k + 1]
        if antithesis_table().score(first, second) < WEAK:
            yield Note("weak_antithesis", line=2 * k + 1, other_line=2 * k + 2)
            continue
        # a single pair of near-synonyms is no fault
        alike = antithesis_table().alike(first, second)
        if len(alike) > 1:
            line = 2 * k + 1
            has = [f"{first[at]}{second[at]} ({line}.{at + 1})" for at in alike]
            yield Note("fine", rule="合掌", has=has, more=0)
