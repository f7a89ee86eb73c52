import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingze.corpus.clean import REASONS, clean, fault
from pingze.corpus.records import File, Record
from tests.corpus.invented import text

FINE = text([1, 2, 3, 4])


def _file(dynasty: str, number: int, *texts: str) -> File:
    return File(dynasty, (0, number), [Record(" 題 ", " 某\n", text) for text in texts], "")


@pytest.mark.parametrize(
    ("sign", "reason"),
    [
        *[(sign, "lost characters") for sign in "□○●囗"],
        *[(sign, "brackets, quotes or notes") for sign in "（）()[]〖〗{}〔〕〈〉【】《》「」『』"],
        *[(sign, "other signs") for sign in ["A", "1", " ", ".", "·", "\n", "\ue855", "カ", "　", "\ud800"]],
        *[(sign, None) for sign in "，。？！；：、㐀一𠀀\U000323af"],
    ],
)
def test_one_sign_decides(sign: str, reason: str | None) -> None:
    assert fault(FINE + sign) == reason


def test_the_first_reason_that_holds_is_the_one() -> None:
    assert [fault(text) for text in ("□（A", "（A", "A", "甲")] == list(REASONS)


def test_marks_count_towards_the_twenty_characters() -> None:
    assert fault("甲" * 19 + "。") is None
    assert fault("甲" * 19) == fault("") == "too short"


@given(st.text(st.characters() | st.sampled_from("甲乙丙，。□囗（"), max_size=40))
def test_what_is_kept_is_what_the_design_says(text: str) -> None:
    kept = "囗" not in text and re.fullmatch(r"[㐀-䶿一-鿿豈-\ufaff𠀀-\U000323af，。？！；：、]{20,}", text)
    assert (fault(text) is None) == bool(kept)


def test_texts_titles_and_authors_are_in_nfc() -> None:
    record = Record("題\u0301e ", "\uf900", "\uf900" + FINE)
    (poem,) = clean([File("tang", (0, 0), [record], "")]).poems
    assert poem.text == "豈" + FINE
    assert (poem.title, poem.author) == (unicodedata.normalize("NFC", "題\u0301e"), "豈")


def test_order_is_tang_first_then_number_then_place() -> None:
    texts = [text(range(4 * n, 4 * n + 4)) for n in range(5)]
    files = [
        _file("song", 0, texts[4]),
        _file("tang", 1000, texts[3]),
        _file("tang", 0, texts[0], "短", texts[1]),
        _file("tang", 200, texts[2]),
    ]
    assert [poem.text for poem in clean(files).poems] == texts
    assert clean(files) == clean(reversed(files))


def test_what_was_dropped_is_counted_by_dynasty_and_reason() -> None:
    cleaned = clean([_file("tang", 0, FINE, "短", "短", FINE + "□"), _file("song", 0, FINE + "「")])
    assert cleaned.dropped == {
        ("tang", "too short"): 2,
        ("tang", "lost characters"): 1,
        ("song", "brackets, quotes or notes"): 1,
    }
    assert [poem.title for poem in cleaned.poems] == ["題"]
