"""Define a term: a potential that weighs a text beside the model's probability and the constraints.

The target of sampling is the product of the model's tempered conditionals, over all texts that keep the constraints,
times e to the power of all that the terms add. A new term is one class: it overrides what it needs.
"""

from collections.abc import Sequence
from typing import NamedTuple

from pingze.arrays import Array, Float, Int


class Token(NamedTuple):
    """The token that each of N texts has just got."""

    texts: Int[Array, "N P"]
    """The characters of each text; `FREE` at places that are not written yet."""
    place: int | None
    """The place of the character; None for a mark."""
    log_p: Float[Array, "N"]
    """ln p of the token under the model at temperature 1, before any mask."""
    h: Float[Array, "N H"] | None
    """The model's last hidden state after the token; None after the last one, which the model does not read."""


class Term:
    """A potential that by itself adds nothing."""

    def before_draw(self, texts: Int[Array, "N P"], place: int) -> Float[Array, "... V"] | None:
        """Weigh each character that may be drawn at a place: the logarithm of a factor, for each text or for all."""
        return None

    def after_token(self, token: Token) -> Float[Array, "N"] | None:
        """Weigh the token that each text has just got: the logarithm of a factor, which is added to its score too."""
        return None

    def of_text(self, lines: Sequence[str]) -> float:
        """Weigh a finished text; this is added to its score only."""
        return 0.0

    def at_place(self, text: Int[Array, "P"], place: int) -> Float[Array, "V"] | None:
        """Weigh each character that could replace the one at a place of a finished text."""
        added = self.before_draw(text[None], place)
        return added if added is None or added.ndim == 1 else added[0]
