"""Poems of the corpus: which are kept, and their form, lines and digest."""

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingze.corpus.clean import REASONS, clean, fault
from pingze.corpus.poem import CorpusPoem, digest, lines, poet_name
from pingze.corpus.sources import File
from tests.corpus.invented import line, poem, text

FINE = text([1, 2, 3, 4])


def _file(dynasty: str, number: int, *texts: str) -> File:
    poems = [CorpusPoem(dynasty, " 題 ", " 某\n", text) for text in texts]
    return File((0, ["tang", "song"].index(dynasty), number), poems, "")


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        *[(FINE + sign, "lost characters") for sign in "□○●囗"],
        *[
            (FINE + sign, "brackets, quotes or notes")
            for sign in "（）()[]〖〗{}〔〕〈〉【】《》「」『』"
        ],
        *[(FINE + sign, "other signs") for sign in "A1 .·\n\ue855カ　\ud800"],
        *[(FINE + sign, None) for sign in "，。？！；：、㐀一𠀀\U000323af"],
        *zip(("□（A", "（A", "A", "甲"), REASONS, strict=True),  # the first reason that holds
        ("甲" * 19 + "。", None),
        ("甲" * 19, "too short"),
        ("", "too short"),  # marks count
    ],
)
def test_why_a_text_is_dropped(written: str, reason: str | None) -> None:
    assert fault(written) == reason


@given(st.text(st.characters() | st.sampled_from("甲乙丙，。□囗（"), max_size=40))
def test_what_is_kept_is_what_the_design_says(text: str) -> None:
    kept = "囗" not in text and re.fullmatch(
        r"[㐀-䶿一-鿿豈-\ufaff𠀀-\U000323af，。？！；：、]{20,}", text
    )
    assert (fault(text) is None) == bool(kept)


def test_poems_are_in_nfc_and_in_order_and_the_dropped_are_counted() -> None:
    texts = [text(range(4 * n, 4 * n + 4)) for n in range(5)]
    files = [
        _file("song", 0, texts[4], FINE + "「"),
        _file("tang", 1000, texts[3]),
        _file("tang", 0, texts[0], "短", "短", "\uf900" + texts[1]),
        _file("tang", 200, texts[2]),
    ]
    cleaned = clean(files)
    texts[1] = "豈" + texts[1]
    assert [poem.text for poem in cleaned.poems] == texts
    assert {(poem.title, poem.author) for poem in cleaned.poems} == {("題", "某")}
    assert cleaned.dropped == {("tang", "too short"): 2, ("song", "brackets, quotes or notes"): 1}
    assert clean(reversed(files)) == cleaned


@pytest.mark.parametrize(
    ("count", "width", "name"),
    [
        (4, 5, "五絕"),
        (8, 5, "五律"),
        (4, 7, "七絕"),
        (8, 7, "七律"),
        (10, 5, "五言"),
        (6, 5, "五言"),
        (5, 5, "五言"),
        (12, 7, "七言"),
        (1, 7, "七言"),
        (4, 4, ""),
        (4, 6, ""),
        (8, 3, ""),
        (0, 5, ""),
    ],
)
def test_the_shape_names_the_form(count: int, width: int, name: str) -> None:
    assert poem(range(count), width).form == name
    assert CorpusPoem("tang", "", "", text([1, 2, 3]) + line(4, 7)).form == ""
    assert CorpusPoem("tang", "", "", text([1, 2, 3, 4]), "憶江南").form == ""


def test_lines_are_between_marks_and_the_digest_is_of_the_han_characters_alone() -> None:
    assert lines("甲乙，丙。丁？！戊；己：庚、辛") == ["甲乙", "丙", "丁", "戊", "己", "庚", "辛"]
    assert lines("，。") == []
    expected = hashlib.blake2b("甲乙丙𠀀".encode(), digest_size=8).digest()
    assert digest("甲乙，丙𠀀。") == digest("甲，乙丙𠀀？") == int.from_bytes(expected, "big")


def test_what_stands_beside_a_poets_name_is_left_out() -> None:
    for author in ("楊敬述進", "楊敬述", "楊敬述 六首", "楊敬述2", "[楊]敬述"):
        assert poet_name(author) == "楊敬述"
    assert poet_name("劉汝進") == "劉汝進"
