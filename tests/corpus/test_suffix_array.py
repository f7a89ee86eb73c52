"""SuffixArray against reading every line."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pingze.corpus.suffix_array import DEPTH, SuffixArray
from pingze.errors import InputError

LETTERS = "天地山𠀀"
lines = st.lists(st.text(LETTERS, min_size=1, max_size=2 * DEPTH), min_size=1, max_size=12)
line = st.text(LETTERS + "水", min_size=1, max_size=2 * DEPTH)


def substrings_of(text: str) -> list[str]:
    return [text[a:b] for a in range(len(text)) for b in range(a + 1, len(text) + 1)]


@given(lines, line)
def test_a_substring_is_found_wherever_it_begins(known: list[str], part: str) -> None:
    index = SuffixArray.of_lines(known)
    whole, expected = "\0".join(known), []
    while (at := whole.find(part, expected[-1] + 1 if expected else 0)) >= 0:
        expected.append(at)
    assert sorted(index.places(index.encode(part)).tolist()) == expected


@given(lines, line)
def test_the_longest_substring_is_the_first_of_the_longest(known: list[str], text: str) -> None:
    shared = [part for part in substrings_of(text) if any(part in other for other in known)]
    assert SuffixArray.of_lines(known).longest(text) == max(shared, key=len, default="")


@given(lines, st.text(LETTERS, max_size=3), st.text(LETTERS, max_size=3))
def test_what_stands_between_is_what_completes_a_substring(known: list[str], before: str, after: str) -> None:
    index = SuffixArray.of_lines(known)
    found = index.between(index.encode(before), index.encode(after))
    expected = {c for c in LETTERS if any(before + c + after in other for other in known)}
    assert {chr(index.characters[code - 1]) for code in found} == expected


@given(lines, line)
@settings(max_examples=200)
def test_the_nearest_line_has_the_most_in_place(known: list[str], text: str) -> None:
    def same(other: str) -> int:
        return sum(a == b for a, b in zip(other, text, strict=True))

    alike = [other for other in known if len(other) == len(text) and same(other)]
    best = max(alike, key=same, default="")
    assert SuffixArray.of_lines(known).nearest(text) == (best, same(best) if best else 0)


def test_characters_that_no_line_holds_occur_nowhere() -> None:
    index = SuffixArray.of_lines(["天地"])
    assert index.longest("水火") == ""
    assert len(index.places(index.encode("\U000323af"))) == 0


def test_more_characters_than_codes_are_refused() -> None:
    with pytest.raises(InputError, match=r"65,636 kinds of characters"):
        SuffixArray.of_lines(map(chr, np.arange(0x20000, 0x20000 + 65_636)))
