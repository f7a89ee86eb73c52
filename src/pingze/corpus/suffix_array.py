"""Index texts by a suffix array: where a phrase occurs, what is around it, which line is nearest to another.

The texts are joined, and the places of the joined text are sorted by what begins there. The places at which a phrase
begins are then neighbours in that order, and two binary searches find them. The arrays are files that are mapped into
memory, so that opening an index reads next to nothing.

Source: Manber & Myers 1993.
"""

import os
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from pingze.arrays import Array, Bool, Int, Int32, UInt16, UInt32, UInt64
from pingze.errors import InputError
from pingze.verse.characters import MARKS

END = 0
"""The code of a text's end, which no phrase holds."""
DEPTH = 8
"""Places are in the order of so many characters; a longer phrase is found among those that begin like it."""
_HALF = DEPTH // 2
_BITS = 16
_SAMPLED = 256  # places whose order shows whether the files are whole

Codes = Sequence[int]
"""Characters by their codes, which count from 1 in `SuffixArray.characters`."""


@dataclass(eq=False)
class SuffixArray:
    """The arrays of an index; A kinds of characters, T characters and ends, P places, N texts, L lines."""

    characters: UInt32[np.ndarray, "A"]
    """The code points of the characters and marks, sorted."""
    text: UInt16[np.ndarray, "T"]
    """All texts by codes, each with `END` after it."""
    order: Int32[np.ndarray, "P"]
    """The places of Han characters, in the order of what begins there."""
    texts: Int32[np.ndarray, "N"]
    """Where each text begins."""
    lines: Int32[np.ndarray, "L"]
    """Where each line begins, shorter lines first."""
    shorter: Int32[np.ndarray, "_"]
    """For each length from 0: how many lines are shorter."""

    def __post_init__(self) -> None:
        # Single items of a memoryview are read several times faster than those of an array.
        self._text, self._order = self.text.data, self.order.data
        self._is_han = _is_han(self.characters)

    @classmethod
    def of_texts(cls, texts: Iterable[str]) -> "SuffixArray":
        """Index some texts, whose lines are separated by marks.

        Raises InputError where they have more kinds of characters than 16 bits can distinguish.
        """
        # 1) The joined text in codes.
        joined = "\0".join(texts) + "\0" * DEPTH
        points = np.frombuffer(joined.encode("utf-32-le"), np.uint32)
        seen = np.zeros(int(points.max()) + 1, bool)
        seen[points] = True
        seen[END] = False
        characters = np.flatnonzero(seen).astype(np.uint32)
        if len(characters) >= 1 << _BITS:
            raise InputError("too_many_kinds", has=len(characters))
        codes = np.zeros(len(seen), np.uint16)
        codes[characters] = np.arange(1, len(characters) + 1)
        text = codes[points]
        # 2) Where each text and each line begins.
        han = _is_han(characters)[text]
        begins_of_texts = np.append(0, np.flatnonzero(text == END)[:-DEPTH] + 1).astype(np.int32)
        begins, ends = np.flatnonzero(np.diff(han, prepend=False)).astype(np.int32).reshape(-1, 2).T
        lines = begins[np.argsort(ends - begins, kind="stable")]
        shorter = np.append(0, np.cumsum(np.bincount(ends - begins))).astype(np.int32)
        # 3) The places in their order.
        places = np.flatnonzero(han).astype(np.int32)
        first, second = (_packed(text, places, start) for start in (0, _HALF))
        order = places[np.lexsort((second, first))]
        return cls(characters, text, order, begins_of_texts, lines, shorter)

    def save(self, folder: Path) -> None:
        """Write the arrays into a new folder."""
        folder.mkdir()
        for each in fields(self):
            with (folder / f"{each.name}.npy").open("wb") as file:
                np.save(file, getattr(self, each.name))
                file.flush()
                os.fsync(file.fileno())

    @classmethod
    def load(cls, folder: Path) -> "SuffixArray":
        """Map the arrays of a folder into memory.

        Raises OSError, ValueError, EOFError or IndexError where they are absent or damaged.
        """
        files = (folder / f"{each.name}.npy" for each in fields(cls))
        index = cls(*(np.asarray(np.load(file, mmap_mode="r")) for file in files))
        sample = index.order[:: len(index.order) // _SAMPLED + 1]
        packed = _packed(index.text, sample, 0)
        if not packed.all() or (packed[1:] < packed[:-1]).any() or len(set(sample.tolist())) < len(sample):
            raise ValueError("its index is not in order")
        return index

    def encode(self, text: str) -> list[int]:
        """The code of each character; one that no text holds gets a code that never occurs."""
        points = np.array([ord(character) for character in text], np.uint32)
        found = np.searchsorted(self.characters, points).clip(max=len(self.characters) - 1)
        known: list[int] = np.where(
            self.characters[found] == points, found + 1, len(self.characters) + 1
        ).tolist()
        return known

    def places(self, phrase: Codes) -> Int32[np.ndarray, "n"]:
        """Where a phrase begins that begins with a Han character, in no order."""
        low, high = 0, len(self._order)
        for depth, code in enumerate(phrase[:DEPTH]):

            def there(place: int, depth: int = depth) -> int:
                return self._text[place + depth]

            low = bisect_left(self._order, code, low, high, key=there)
            high = bisect_right(self._order, code, low, high, key=there)
        found = self.order[low:high]
        for depth in range(DEPTH, len(phrase)):
            found = found[self.text[found + depth] == phrase[depth]]
        return found

    def longest(self, line: str) -> str:
        """The longest part of a line that the texts hold, the first of several; "" where there is none."""
        codes, best = self.encode(line), ""
        for start in range(len(line)):
            # Only a longer part counts, and none is longer whose beginning does not occur.
            while start + len(best) < len(line) and len(self.places(codes[start : start + len(best) + 1])):
                best = line[start : start + len(best) + 1]
        return best

    def nearest(self, line: str) -> tuple[int, int]:
        """Where the line of the same length begins that has the most characters in the same places, and how many.

        Of several it is the first in the texts; 0 and 0 where no line has any.
        """
        length = len(line)
        if length + 1 >= len(self.shorter):
            return 0, 0
        starts = self.lines[self.shorter[length] : self.shorter[length + 1]]
        same = np.zeros(len(starts), np.int8)
        for depth, code in enumerate(self.encode(line)):
            same += self.text[starts + depth] == code
        if not same.any():
            return 0, 0
        best = same.argmax()
        return int(starts[best]), int(same[best])

    def between(self, before: Codes, after: Codes) -> UInt16[np.ndarray, "n"]:
        """The Han characters, by their codes, between two phrases in the texts; one of the phrases may be empty."""
        by_before = len(before) >= len(after)
        at = self.places(before) + len(before) if by_before else self.places(after) - 1
        # A place before the text's first is read from its end, where only ends are.
        for distance, code in enumerate(reversed(before), start=1):
            at = at[self.text[at - distance] == code]
        for distance, code in enumerate(after, start=1):
            at = at[self.text[at + distance] == code]
        codes = np.unique(self.text[at])
        found: Array = codes[self._is_han[codes]]
        return found

    def counts(self, places: Int[np.ndarray, "n"]) -> dict[str, int]:
        """How often each Han character is at some places."""
        times = np.bincount(self.text[places], minlength=len(self._is_han)) * self._is_han
        return {chr(self.characters[code - 1]): int(times[code]) for code in np.flatnonzero(times)}


def _is_han(characters: UInt32[np.ndarray, "A"]) -> Bool[np.ndarray, "_"]:
    """For each code whether it is of a Han character."""
    return np.append(False, ~np.isin(characters, [ord(mark) for mark in MARKS + "\n"]))


def _packed(
    text: UInt16[np.ndarray, "T"], places: Int[np.ndarray, "P"], start: int
) -> UInt64[np.ndarray, "P"]:
    """The `_HALF` characters from `start` after each place on, as one number in their order."""
    packed: Array = np.zeros(len(places), np.uint64)
    for depth in range(start, start + _HALF):
        packed = packed << np.uint64(_BITS) | text[places + depth].astype(np.uint64)
    return packed
