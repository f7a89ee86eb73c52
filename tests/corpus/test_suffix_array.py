"""SuffixArray against reading every text; the files that it is kept in."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pingze.corpus.poem import lines as lines_of
from pingze.corpus.suffix_array import DEPTH, SuffixArray
from pingze.errors import InputError

LETTERS = "天地山𠀀"
texts = st.lists(
    st.text(LETTERS + "，。\n", min_size=1, max_size=2 * DEPTH), min_size=1, max_size=12
).filter(lambda found: not set(LETTERS).isdisjoint("".join(found)))
line = st.text(LETTERS + "水", min_size=1, max_size=2 * DEPTH)


@given(texts, line)
def test_the_longest_part_is_the_first_of_the_longest(known: list[str], text: str) -> None:
    parts = [text[a:b] for a in range(len(text)) for b in range(a + 1, len(text) + 1)]
    shared = [part for part in parts if any(part in other for other in known)]
    assert SuffixArray.of_texts(known).longest(text) == max(shared, key=len, default="")


@given(texts, st.text(LETTERS, max_size=3), st.text(LETTERS, max_size=3))
def test_between_two_phrases_are_the_characters_that_join_them(
    known: list[str], before: str, after: str
) -> None:
    index = SuffixArray.of_texts(known)
    found = index.between(index.encode(before), index.encode(after))
    expected = {c for c in LETTERS if any(before + c + after in other for other in known)}
    assert {chr(index.characters[code - 1]) for code in found} == expected


@given(texts, line)
@settings(max_examples=200)
def test_the_nearest_line_has_the_most_in_place(known: list[str], text: str) -> None:
    def same(other: str) -> int:
        return sum(a == b for a, b in zip(other, text, strict=True))

    near = [
        other
        for each in known
        for other in lines_of(each)
        if len(other) == len(text) and same(other)
    ]
    best = max(near, key=same, default="")
    place, count = SuffixArray.of_texts(known).nearest(text)
    assert count == (same(best) if best else 0)
    assert not best or "\0".join(known)[place:].startswith(best)


def test_more_characters_than_codes_are_refused() -> None:
    with pytest.raises(InputError, match=r"65,?636 kinds of characters"):
        SuffixArray.of_texts(map(chr, np.arange(0x20000, 0x20000 + 65_636)))
