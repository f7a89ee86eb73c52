"""Define terms: potentials that multiply a text's weight, beside the model and the constraints.

This file defines the base class. Each module defines one kind of term.
"""

from collections.abc import Sequence
from typing import NamedTuple

from pingze.arrays import Array, Float, Int


class Token(NamedTuple):
    """The token that was just added to each of N texts."""

    texts: Int[Array, "N P"]
    """The ids of the characters of each text.

    `FREE` at positions that are neither written nor fixed.
    """
    place: int | None
    """The position of the character in the text, from 0; None for a mark."""
    log_p: Float[Array, "N"]
    """ln p of the token under the model at temperature 1, before any character is ruled out."""
    h: Float[Array, "N H"] | None
    """The model's hidden state after the token.

    None after the last token, which the model does not read.
    """


class Term:
    """The base class of terms. Each method adds nothing unless a subclass overrides it."""

    def before_draw(self, texts: Int[Array, "N P"], place: int) -> Float[Array, "... V"] | None:
        """Return the log of a factor for each character at `place`, in float32; None adds nothing.

        The array has a row for each text, or one row for all texts, and a column for each of the
        model's V ids. `texts` is as in `Token`; all positions before `place` are written.

        A character is drawn by its probability times its factor, and the factors also change the
        log-weight of the text. They do not change its score, by which finished texts are compared.
        At a fixed position nothing is drawn, but the log-weight still changes by the factor of the
        fixed character. The nucleus (`top_p`) is found without the factors. A character outside the
        nucleus is drawn only if the constraints allow no character inside the nucleus.
        """
        return None

    def after_token(self, token: Token) -> Float[Array, "N"] | None:
        """Return a number for each text's last token, to add to its log-weight and its score."""
        return None

    def of_text(self, lines: Sequence[str]) -> float:
        """Return a number to add to a finished text's score, but not to its log-weight."""
        return 0.0
