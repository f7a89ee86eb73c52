"""Index texts by a suffix array, to find a phrase, the characters around it, or a near line.

The texts are joined. A place is an index into the joined text. The places are sorted by the
characters from each place onward, so that all places where a phrase begins are adjacent and two
binary searches find them. The arrays are files mapped into memory, so that opening an index reads
very little.

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

END = 0  # the code that ends each text; no phrase contains it
# places are sorted by this many characters; the rest of a longer phrase is compared at each place
DEPTH = 8
_HALF = DEPTH // 2
_BITS = 16
_SAMPLED = 256  # the most places whose order is checked when the files are loaded

# characters as codes, which are their positions in `SuffixArray.characters`, from 1
Codes = Sequence[int]


@dataclass(eq=False)
class SuffixArray:
    """An index of N texts.

    L lines, A distinct characters, T characters including text ends, and P Han characters.
    """

    characters: UInt32[np.ndarray, "A"]
    """The code points of the characters and marks, sorted."""
    text: UInt16[np.ndarray, "T"]
    """All texts as codes, each text followed by `END`."""
    order: Int32[np.ndarray, "P"]
    """The places of Han characters, sorted by the `DEPTH` characters from each place onward."""
    texts: Int32[np.ndarray, "N"]
    """The place where each text begins."""
    lines: Int32[np.ndarray, "L"]
    """The place where each line begins, sorted by the length of the line."""
    shorter: Int32[np.ndarray, "_"]
    """For each line length from 0, the number of shorter lines."""

    def __post_init__(self) -> None:
        # Single items of a memoryview are read several times faster than those of an array.
        self._text = self.text.data
        self._order = self.order.data
        self._is_han = _is_han(self.characters)

    @classmethod
    def of_texts(cls, texts: Iterable[str]) -> "SuffixArray":
        """Index texts whose lines are separated by marks.

        Raises InputError if 16 bits cannot encode the characters.
        """
        # 1) Encode the joined text, which ends with so many `END` that every place has `DEPTH`
        # characters from it onward.
        joined = "\0".join(texts) + "\0" * DEPTH
        points = np.frombuffer(joined.encode("utf-32-le"), np.uint32)
        is_used = np.zeros(int(points.max()) + 1, bool)  # an entry for each code point
        is_used[points] = True
        is_used[END] = False  # its code is 0; the others count from 1
        characters = np.flatnonzero(is_used).astype(np.uint32)
        if len(characters) >= 1 << _BITS:
            raise InputError("too_many_kinds", has=len(characters))
        # The code of a used code point is the number of used ones up to it; of any other it is 0.
        codes = np.cumsum(is_used, dtype=np.uint16) * is_used
        text = codes[points]
        # 2) Find where each text begins: at 0, and after each `END` but the `DEPTH` at the very
        # end.
        after_ends = np.flatnonzero(text == END)[:-DEPTH] + 1
        begins_of_texts = np.append(0, after_ends).astype(np.int32)
        # 3) Find where each line begins and ends: the lines are the runs of Han characters. `han`
        # changes twice for each run, at its first character and after its last.
        han = _is_han(characters)[text]
        changes = np.flatnonzero(np.diff(han, prepend=False)).astype(np.int32)
        begins = changes[::2]
        ends = changes[1::2]
        lengths = ends - begins
        lines = begins[np.argsort(lengths, kind="stable")]
        up_to_length = np.cumsum(np.bincount(lengths))  # the number of lines up to each length
        # and of lines shorter than each length: those up to the length before
        shorter = np.append(0, up_to_length).astype(np.int32)
        # 4) Sort the places. `lexsort` sorts by its last key first.
        places = np.flatnonzero(han).astype(np.int32)
        first = _packed(text, places, 0)
        second = _packed(text, places, _HALF)
        return cls(
            characters=characters,
            text=text,
            order=places[np.lexsort((second, first))],
            texts=begins_of_texts,
            lines=lines,
            shorter=shorter,
        )

    def save(self, folder: Path) -> None:
        """Write the arrays into a new folder."""
        folder.mkdir()
        for field in fields(self):
            with (folder / f"{field.name}.npy").open("wb") as file:
                np.save(file, getattr(self, field.name))
                file.flush()
                os.fsync(file.fileno())

    @classmethod
    def load(cls, folder: Path) -> "SuffixArray":
        """Map a folder's arrays into memory.

        Raises OSError, ValueError, EOFError or IndexError if one is damaged.
        """
        arrays = {}
        for field in fields(cls):
            file = folder / f"{field.name}.npy"
            if not file.is_file():  # opening a pipe would wait for a writer
                raise ValueError(f"{file.name} is no file")
            arrays[field.name] = np.asarray(np.load(file, mmap_mode="r"))
        index = cls(**arrays)
        # Check the order of a sample, because reading all places would take long. In an undamaged
        # index, no place occurs twice, and none is packed as 0, since each place has a Han
        # character, whose code is above 0.
        step = len(index.order) // _SAMPLED + 1
        sample = index.order[::step]
        packed = _packed(index.text, sample, 0)
        descends = (packed[1:] < packed[:-1]).any()
        repeats = len(set(sample.tolist())) < len(sample)
        if not packed.all() or descends or repeats:
            raise ValueError("its index is not in order")
        return index

    def encode(self, text: str) -> list[int]:
        """Return the code of each character.

        A character that no text contains gets a code that never occurs.
        """
        points = np.array([ord(character) for character in text], np.uint32)
        unknown = len(self.characters) + 1
        # Where each character is in `characters`, or would be if it occurred. A character beyond
        # the last would be at the end, where there is none to compare it with.
        positions = np.searchsorted(self.characters, points).clip(max=len(self.characters) - 1)
        occurs = self.characters[positions] == points
        # codes count from 1, positions from 0
        return np.where(occurs, positions + 1, unknown).tolist()

    def places(self, phrase: Codes) -> Int32[np.ndarray, "n"]:
        """Return the places where a phrase begins, in no particular order.

        The phrase's first character must be Han.
        """
        # The places at which the first characters of the phrase begin are those from `low` to
        # `high` in the order; each further character narrows the range.
        low = 0
        high = len(self._order)
        for depth, code in enumerate(phrase[:DEPTH]):
            code_at = self._text[depth:].__getitem__  # place -> code of the character `depth` later
            low = bisect_left(self._order, code, low, high, key=code_at)
            high = bisect_right(self._order, code, low, high, key=code_at)
        places = self.order[low:high]
        # The order ignores characters beyond `DEPTH`, so these are compared at each place.
        for depth in range(DEPTH, len(phrase)):
            places = places[self.text[places + depth] == phrase[depth]]
        return places

    def lines_of(self, length: int) -> Int32[np.ndarray, "n"]:
        """Return the places where the lines of `length` characters begin, in ascending order."""
        # The last entry of `shorter` counts all lines. For a length beyond the longest, both bounds
        # are this entry, so that no line is found.
        lengths = np.minimum([length, length + 1], len(self.shorter) - 1)
        low, high = self.shorter[lengths]
        return self.lines[low:high]

    def texts_at(self, places: Int[np.ndarray, "n"]) -> Int[np.ndarray, "n"]:
        """Return the index of the text that contains each place.

        A place is an index into the joined text.
        """
        return np.searchsorted(self.texts, places, side="right") - 1

    def longest(self, line: str) -> str:
        """Return a line's longest substring that the texts contain, or "" if there is none.

        Of equally long substrings, this is the first.
        """
        codes = self.encode(line)
        best = ""
        for start in range(len(line)):
            # Only a longer part matters, and a part cannot occur if its beginning does not.
            end = start + len(best) + 1
            while end <= len(line) and len(self.places(codes[start:end])):
                best = line[start:end]
                end += 1
        return best

    def nearest(self, line: str) -> tuple[int, int]:
        """Find the line in the texts nearest to `line`.

        Return its place and the number of characters equal in both.

        The place is an index into the joined text. Only lines of the same length are compared,
        position by position. Of equally similar lines, the first in the texts is chosen. If no line
        has an equal character, return 0 and 0.
        """
        starts = self.lines_of(len(line))
        same = np.zeros(len(starts), np.int8)
        for depth, code in enumerate(self.encode(line)):
            same += self.text[starts + depth] == code
        if not same.any():
            return 0, 0
        best = same.argmax()
        return int(starts[best]), int(same[best])

    def between(self, before: Codes, after: Codes) -> UInt16[np.ndarray, "n"]:
        """Return the codes of Han characters c with before + c + after in the texts.

        Either `before` or `after` may be empty, but not both.
        """
        # 1) Find places of c by the longer side, because a longer phrase occurs at fewer places.
        if len(before) >= len(after):
            of_before = self.places(before)
            places = of_before + len(before)
        else:
            of_after = self.places(after)
            places = of_after - 1
        # 2) Keep the places where both sides fit. A negative index wraps around to the end of the
        # text, which holds only `END`, so it fits no side.
        for distance, code in enumerate(reversed(before), start=1):
            places = places[self.text[places - distance] == code]
        for distance, code in enumerate(after, start=1):
            places = places[self.text[places + distance] == code]
        codes = np.unique(self.text[places])
        return codes[self._is_han[codes]]

    def counts(self, places: Int[np.ndarray, "n"]) -> dict[str, int]:
        """Count how often each Han character occurs at the given places."""
        times = np.bincount(self.text[places], minlength=len(self._is_han)) * self._is_han
        return {chr(self.characters[code - 1]): int(times[code]) for code in np.flatnonzero(times)}


def _is_han(characters: UInt32[np.ndarray, "A"]) -> Bool[np.ndarray, "_"]:
    """Return for each code, from `END`, whether it is that of a Han character."""
    marks = [ord(mark) for mark in MARKS + "\n"]
    return np.append(False, ~np.isin(characters, marks))


def _packed(
    text: UInt16[np.ndarray, "T"], places: Int[np.ndarray, "P"], start: int
) -> UInt64[np.ndarray, "P"]:
    """Pack `_HALF` characters, from place + `start` onward, into one integer per place.

    The integers sort like these characters, because the first character has the highest bits.
    """
    packed: Array = np.zeros(len(places), np.uint64)
    for depth in range(start, start + _HALF):
        packed = packed << np.uint64(_BITS) | text[places + depth].astype(np.uint64)
    return packed
