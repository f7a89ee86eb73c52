"""Encode characters as ids, and decode ids."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import SupportsIndex

import numpy as np

from pingze.arrays import Bool, Int64
from pingze.errors import InputError
from pingze.verse.characters import MARKS

PAD, BOS, EOS, UNK = range(4)
SPECIAL_TOKENS = ("<pad>", "<bos>", "<eos>", "<unk>")
_TOKEN = re.compile(r"[^\s\ud800-\udfff]|<[^<>\n\ud800-\udfff]+>")


class Vocabulary:
    """The tokens of a model.

    Args:
        tokens: The tokens in the order of their ids: `SPECIAL_TOKENS`, tokens of conditions, characters.

    Raises InputError if the tokens do not begin with `SPECIAL_TOKENS`, or a token occurs twice or is not valid.
    """

    def __init__(self, tokens: Sequence[str]) -> None:
        self.tokens = tuple(tokens)
        self.ids = {token: id_ for id_, token in enumerate(self.tokens)}
        if self.tokens[: len(SPECIAL_TOKENS)] != SPECIAL_TOKENS:
            raise InputError("vocabulary_begins", wanted=" ".join(SPECIAL_TOKENS))
        if len(self.ids) != len(self.tokens):
            raise InputError("vocabulary_twice")
        if odd := [token for token in self.tokens if not _TOKEN.fullmatch(token)]:
            raise InputError("vocabulary_token", has=ascii(odd[0]))

    @classmethod
    def of_texts(cls, texts: Iterable[str], size: int, condition_tokens: Sequence[str] = ()) -> "Vocabulary":
        """Build a vocabulary of special tokens and the texts' most frequent characters; ties are ordered by code point.

        Args:
            texts: The texts whose characters are counted.
            size: Maximum number of tokens, including special tokens.
            condition_tokens: Tokens such as <七絕> (`pingze.network.conditions`); none by default.
        """
        counts = Counter(character for text in texts for character in text)
        ranked = sorted(counts, key=lambda character: (-counts[character], character))
        special = SPECIAL_TOKENS + tuple(condition_tokens)
        return cls(special + tuple(ranked[: size - len(special)]))

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
        """Return the id of each character; the id of unknown characters is `UNK`.

        Args:
            text: The characters; the name of a special token is not recognized as a token.
        """
        return np.array([self.ids.get(character, UNK) for character in text], dtype=np.int64)

    def decode(self, ids: Iterable[SupportsIndex]) -> str:
        """Return the text of ids, in which special tokens appear by name.

        Args:
            ids: Ids from 0 to the number of tokens - 1.
        """
        return "".join(self.tokens[id_] for id_ in ids)

    @cached_property
    def is_han(self) -> Bool[np.ndarray, "V"]:
        """Whether each id belongs to a Han character."""
        return np.array([len(token) == 1 and token not in MARKS for token in self.tokens])
