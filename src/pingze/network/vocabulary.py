"""Encode characters as ids and decode them."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import SupportsIndex

import numpy as np

from pingze.arrays import Int64
from pingze.errors import InputError
from pingze.verse.characters import MARKS

PAD, BOS, EOS, UNK = range(4)
SPECIAL_TOKENS = ("<pad>", "<bos>", "<eos>", "<unk>")
_TOKEN = re.compile(r"[^\s\ud800-\udfff]|<[^<>\n\ud800-\udfff]+>")


class Vocabulary:
    """A model's tokens.

    Args:
        tokens: In the order of their ids: `SPECIAL_TOKENS`, those of conditions, characters.

    Raises InputError when the tokens do not begin with `SPECIAL_TOKENS`, one is there twice, or is none.
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
        """Collect the texts' most frequent characters after the special tokens, ties by code point.

        Args:
            texts: Their characters are counted.
            size: How many tokens at most, special ones included.
            condition_tokens: As <七絕> (`pingze.network.conditions`); none by default.
        """
        counts = Counter(character for text in texts for character in text)
        ranked = sorted(counts, key=lambda character: (-counts[character], character))
        special = SPECIAL_TOKENS + tuple(condition_tokens)
        return cls(special + tuple(ranked[: size - len(special)]))

    @property
    def condition_tokens(self) -> tuple[str, ...]:
        """The special tokens of conditions, as `<七絕>` (`pingze.network.conditions`)."""
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
        """Return the id of each character, `UNK` for unknown ones.

        Args:
            text: Characters; a special token's name is read character by character.
        """
        return np.array([self.ids.get(character, UNK) for character in text], dtype=np.int64)

    def decode(self, ids: Iterable[SupportsIndex]) -> str:
        """Return the text of ids; special tokens appear by name.

        Args:
            ids: From 0, below the number of tokens.
        """
        return "".join(self.tokens[id_] for id_ in ids)

    def hanzi(self) -> list[bool]:
        """List for each id whether it counts for hanzi perplexity: a Han character or `UNK`."""
        return [id_ == UNK or self.is_han(id_) for id_ in range(len(self.tokens))]

    def is_han(self, id_: int) -> bool:
        """Tell whether an id is a Han character's.

        Args:
            id_: From 0, below the number of tokens.
        """
        return len(self.tokens[id_]) == 1 and self.tokens[id_] not in MARKS
