"""Where words stand in a line, and how they are read there."""

import numpy as np
import pytest

from pingze.composing.constraints.inclusion import Inclusion
from pingze.composing.request.options import Composing
from pingze.composing.request.parse import read_request
from pingze.verse.tones import sides
from pingze.verse.word_tones import starts, tones_within
from tests.composing.verse import POOL, composer


@pytest.mark.parametrize(
    ("length", "width", "expected"),
    [
        (1, 5, {0, 1, 2, 3, 4}),
        (2, 5, {0, 2, 3}),
        (2, 7, {0, 2, 4, 5}),
        (3, 5, {2}),
        (3, 7, {0, 4}),
        (4, 7, {0}),
        (4, 5, {0, 1}),
        (7, 7, {0}),
    ],
)
def test_no_pause_parts_a_word_unless_one_always_does(length: int, width: int, expected: set[int]) -> None:
    assert starts(length, width) == expected


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("相思", "平平"),
        ("秋思", " 仄"),
        ("長安", "平 "),
        ("將軍", "平 "),
        ("重陽", "平 "),
        ("重陽樓", "平  "),
        ("不勝", "仄平"),
    ],
)
def test_a_word_is_read_as_verse_reads_it(word: str, expected: str) -> None:
    told = tones_within([word])
    for character, tone in zip(word, expected, strict=True):
        if len(sides(character)) == 2:
            assert told[character] == frozenset(tone)
        else:
            assert character not in told


def test_what_two_words_read_differently_may_be_either() -> None:
    assert tones_within(["相思", "秋思"])["思"] == {"平", "仄"}


CHOSEN = composer(f"{POOL}相思", seed=6)


def inclusion(**options: str) -> Inclusion:
    return CHOSEN.prepare(read_request(CHOSEN.vocabulary, Composing(form="五絕", **options)))


def test_words_to_include_stand_whole_and_in_their_own_tones() -> None:
    compiled = inclusion(include="相思")
    for plan in compiled.draw(200, np.random.default_rng(0)).plans:
        (at,) = [n for n in range(20) if plan.fixed[n : n + 2] == compiled.words[0]]
        assert at % 5 in (0, 2, 3)
        assert compiled.constraints.tones_at(plan, at) <= {"平", ""}
        assert compiled.constraints.tones_at(plan, at + 1) <= {"平", ""}


def test_where_only_a_pause_has_room_a_word_is_parted() -> None:
    compiled = inclusion(include="相思", pattern="春＿＿風月 ＿山＿夜＿ ＿雲＿水＿ ＿雨＿花＿")
    assert inclusion_line(compiled) == "春相思風月"


def inclusion_line(compiled: Inclusion) -> str:
    (plan,) = compiled.draw(1, np.random.default_rng(0)).plans
    return CHOSEN.vocabulary.decode(plan.fixed[:5])
