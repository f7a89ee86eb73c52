"""A suffix array: which substrings some lines hold, where, and what stands beside them.

A suffix array: all lines stand in one text, and the places of the text in the order of what begins there. The places
at which a substring begins are then neighbours in that order, and two binary searches find them.

Source: Manber & Myers 1993.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from pingze.arrays import Int, Int32, UInt16, UInt32, UInt64
from pingze.errors import InputError

END = 0
"""The code of a line's end, which no substring holds."""
DEPTH = 8
"""Places are in the order of so many characters; a longer substring is found among those that begin like it."""
_HALF = DEPTH // 2
_BITS = 16

Codes = Sequence[int]
"""Characters by their codes, which count from 1 in `SuffixArray.characters`."""


class SuffixArray:
    """Lines in one text, and its places in order."""

    def __init__(
        self,
        characters: UInt32[np.ndarray, "A"],
        text: UInt16[np.ndarray, "T"],
        order: Int32[np.ndarray, "P"],
    ) -> None:
        self.characters, self.text, self.order = characters, text, order
        # Single items of a memoryview are read several times faster than those of an array.
        self._text, self._order = text.data, order.data
        self._by_length: dict[int, np.ndarray] = {}

    @classmethod
    def of_lines(cls, lines: Iterable[str]) -> "SuffixArray":
        """Index some lines. Raises InputError where they have more kinds of characters than 16 bits can tell apart."""
        joined = "\0".join(lines) + "\0" * DEPTH
        points = np.frombuffer(joined.encode("utf-32-le"), np.uint32)
        seen = np.zeros(int(points.max()) + 1, bool)
        seen[points] = True
        seen[END] = False
        characters = np.flatnonzero(seen).astype(np.uint32)
        if len(characters) >= 1 << _BITS:
            raise InputError(f"the lines have {len(characters):,} kinds of characters, which is too many")
        codes = np.zeros(len(seen), np.uint16)
        codes[characters] = np.arange(1, len(characters) + 1)
        text = codes[points]
        places = np.flatnonzero(text).astype(np.int32)
        first, second = (_packed(text, places, start) for start in (0, _HALF))
        return cls(characters, text, places[np.lexsort((second, first))])

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, bytes]) -> "SuffixArray":
        """The index whose arrays are given by name, as bytes."""
        types = {"characters": np.uint32, "text": np.uint16, "order": np.int32}
        return cls(**{name: np.frombuffer(arrays[name], dtype) for name, dtype in types.items()})

    @property
    def fit_each_other(self) -> bool:
        """Whether the arrays may be of one text: its codes are those of characters, and each place is in the order."""
        if not 0 < self.text.max() <= len(self.characters) or self.text[-DEPTH:].any():
            return False
        if not 0 <= self.order.min() <= self.order.max() < len(self.text):
            return False
        there = np.zeros(len(self.text), bool)
        there[self.order] = True
        return np.array_equal(there, self.text != END)

    def encode(self, text: str) -> list[int]:
        """The code of each character; one that no line holds gets a code that never occurs."""
        points = np.array([ord(character) for character in text], np.uint32)
        found = np.searchsorted(self.characters, points).clip(max=len(self.characters) - 1)
        known: list[int] = np.where(
            self.characters[found] == points, found + 1, len(self.characters) + 1
        ).tolist()
        return known

    def places(self, substring: Codes) -> Int32[np.ndarray, "n"]:
        """Where in the text a substring begins, in no order."""
        low, high = 0, len(self._order)
        for depth, code in enumerate(substring[:DEPTH]):

            def there(place: int, depth: int = depth) -> int:
                return self._text[place + depth]

            low = bisect_left(self._order, code, low, high, key=there)
            high = bisect_right(self._order, code, low, high, key=there)
        found = self.order[low:high]
        for depth in range(DEPTH, len(substring)):
            found = found[self.text[found + depth] == substring[depth]]
        return found

    def longest(self, line: str) -> str:
        """The longest substring of a line that the text holds, the first of several; "" where there is none."""
        codes, best = self.encode(line), ""
        for start in range(len(line)):
            # Only a longer substring counts, and none is longer whose beginning does not occur.
            while start + len(best) < len(line) and len(self.places(codes[start : start + len(best) + 1])):
                best = line[start : start + len(best) + 1]
        return best

    def nearest(self, line: str) -> tuple[str, int]:
        """The line of the same length that has the most characters in the same places, and how many.

        Of several it is the first in the text; "" and 0 where no line has any.
        """
        starts = self._starts(len(line))
        same = np.zeros(len(starts), np.int8)
        for depth, code in enumerate(self.encode(line)):
            same += self.text[starts + depth] == code
        if not same.any():
            return "", 0
        start = starts[same.argmax()]
        codes = self.text[start : start + len(line)]
        return "".join(map(chr, self.characters[codes - 1])), int(same.max())

    def _starts(self, length: int) -> Int[np.ndarray, "n"]:
        """Where the lines of a length begin."""
        if length not in self._by_length:
            ends = np.flatnonzero(self.text == END)
            starts = np.append(0, ends[:-1] + 1)
            self._by_length[length] = starts[ends - starts == length]
        return self._by_length[length]

    def between(self, before: Codes, after: Codes) -> UInt16[np.ndarray, "n"]:
        """The characters, by their codes, that stand in the text between two substrings, of which one may be empty."""
        by_before = len(before) >= len(after)
        at = self.places(before) + len(before) if by_before else self.places(after) - 1
        # A place before the text's first is read from its end, where only line ends are.
        for distance, code in enumerate(reversed(before), start=1):
            at = at[self.text[at - distance] == code]
        for distance, code in enumerate(after, start=1):
            at = at[self.text[at + distance] == code]
        return np.unique(self.text[at[self.text[at] != END]])


def _packed(
    text: UInt16[np.ndarray, "T"], places: Int[np.ndarray, "P"], start: int
) -> UInt64[np.ndarray, "P"]:
    """The `_HALF` characters from `start` after each place on, as one number in their order."""
    packed = np.zeros(len(places), np.uint64)
    for depth in range(start, start + _HALF):
        packed = packed << np.uint64(_BITS) | text[places + depth].astype(np.uint64)
    return packed
