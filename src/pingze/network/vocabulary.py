"""Encode characters as ids, and decode ids."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import SupportsIndex
from unicodedata import category

import numpy as np

from pingze.arrays import Bool, Int64
from pingze.cached import cached_property
from pingze.errors import InputError
from pingze.verse.characters import MARKS

PAD, BOS, EOS, UNK = range(4)
SPECIAL_TOKENS = ("<pad>", "<bos>", "<eos>", "<unk>")
# a character or a name in angle brackets, without surrogates, which UTF-8 cannot encode
_TOKEN = re.compile(r"[^\s\ud800-\udfff]|<[^<>\n\ud800-\udfff]+>")
_CONTROLS = ("Cc", "Cf")  # a terminal obeys such characters; U+202E turns the direction of writing


class Vocabulary:
    """The tokens of a model, each with an id.

    Args:
        tokens: The tokens in the order of their ids: `SPECIAL_TOKENS`, then tokens of conditions,
            then characters.

    Raises InputError if the tokens do not begin with `SPECIAL_TOKENS`, or if a token is repeated or
    invalid.
    """

    def __init__(self, tokens: Sequence[str]) -> None:
        self.tokens = tuple(tokens)
        self.ids = {token: id_ for id_, token in enumerate(self.tokens)}
        if self.tokens[: len(SPECIAL_TOKENS)] != SPECIAL_TOKENS:
            raise InputError("vocabulary_begins", wanted=" ".join(SPECIAL_TOKENS))
        if len(self.ids) != len(self.tokens):
            raise InputError("vocabulary_twice")
        for token in self.tokens:
            has_controls = any(category(character) in _CONTROLS for character in token)
            if has_controls or not _TOKEN.fullmatch(token):
                raise InputError("vocabulary_token", has=ascii(token))

    @classmethod
    def of_texts(
        cls, texts: Iterable[str], size: int, condition_tokens: Sequence[str] = ()
    ) -> "Vocabulary":
        """Build a vocabulary of the special tokens and the most frequent characters of some texts.

        Args:
            texts: The texts whose characters are counted. Equally frequent characters are ordered
                by code point.
            size: The maximum number of tokens, including special tokens.
            condition_tokens: The tokens of conditions, such as <七絕>
                (`pingze.network.conditions`); none by default.
        """
        counts = Counter(chain.from_iterable(texts))
        ranked = sorted(counts, key=lambda character: (-counts[character], character))
        special = [*SPECIAL_TOKENS, *condition_tokens]
        return cls(special + ranked[: size - len(special)])

    def extended(self, other: "Vocabulary") -> "Vocabulary":
        """Build a vocabulary of all tokens of this one and the new tokens of another.

        A poet belongs to the last dynasty that precedes the poet. The tokens of new conditions
        therefore come before those of this vocabulary's conditions, so that a new poet does not
        follow one of its dynasties. New characters come last.

        Args:
            other: The vocabulary whose tokens are added, in its order.
        """
        new = [token for token in other.tokens if token not in self]
        new_conditions = [token for token in new if len(token) > 1]
        new_characters = [token for token in new if len(token) == 1]
        old = self.tokens[len(SPECIAL_TOKENS) :]
        return Vocabulary([*SPECIAL_TOKENS, *new_conditions, *old, *new_characters])

    @property
    def condition_tokens(self) -> tuple[str, ...]:
        """The special tokens of conditions, such as `<七絕>` (`pingze.network.conditions`)."""
        return tuple(token for token in self.tokens[len(SPECIAL_TOKENS) :] if len(token) > 1)

    def __len__(self) -> int:
        return len(self.tokens)

    def __contains__(self, character: str) -> bool:
        return character in self.ids

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self.tokens == other.tokens

    def __hash__(self) -> int:
        return hash(self.tokens)

    def encode(self, text: str) -> Int64[np.ndarray, "length"]:
        """Return the id of each character, or `UNK` if the character is not in the vocabulary.

        Args:
            text: The characters. The name of a special token, such as `<bos>`, is read as separate
                characters.
        """
        return np.array([self.ids.get(character, UNK) for character in text], dtype=np.int64)

    def decode(self, ids: Iterable[SupportsIndex]) -> str:
        """Convert ids to text. Special tokens are written as their names, such as `<bos>`.

        Args:
            ids: Ids of at least 0 and less than the number of tokens.
        """
        return "".join(self.tokens[id_] for id_ in ids)

    @cached_property
    def is_han(self) -> Bool[np.ndarray, "V"]:
        """For each id, whether its token is a Han character."""
        return np.array([len(token) == 1 and token not in MARKS for token in self.tokens])
