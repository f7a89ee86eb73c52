import tomllib
from pathlib import Path
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingze.verse import pasted_text
from pingze.verse.checking import check
from pingze.verse.pasted_text import ReadText, read_lines, read_text, split_poems

LINES = ["山月照東水", "天風吹白雲", "人來花樹下", "客去酒樽前"]
COUPLETS = [f"{LINES[0]}，{LINES[1]}。", f"{LINES[2]}，{LINES[3]}。"]
PASTED = tomllib.loads(Path(__file__).with_name("pasted.toml").read_text(encoding="utf-8"))["texts"]


@pytest.mark.parametrize("text", PASTED)
def test_lines_are_found_as_people_write_them(text: str) -> None:
    assert read_lines(text) == LINES
    assert [read_lines(poem) for poem in split_poems(text)] == [LINES]


def test_lost_and_repeated_characters_keep_their_places() -> None:
    assert read_lines("山□照東水，天風々白雲。") == ["山□照東水", "天風風白雲"]
    for lost in "□○◯＿囗？?":
        read = [f"山月{lost}東水", *LINES[1:]]
        for text in ("{}，{}。{}，{}。".format(*read), "\n".join(read)):
            assert read_lines(text) == ["山月□東水", *LINES[1:]]


def test_places_without_a_character_that_follow_one_another_are_all_kept() -> None:
    for lost in "□＿○":
        read = [f"山{lost * 3}水", LINES[1], lost * 5, lost * 5]
        wanted = ["山□□□水", LINES[1], "□" * 5, "□" * 5]
        for text in ("{}，{}。{}，{}。".format(*read), "\n".join(read)):
            assert read_lines(text) == wanted


SEVEN = [f"年年{line}" for line in LINES]


@pytest.mark.parametrize(
    ("text", "poems"),
    [
        ("夜思\n" + "\n".join(COUPLETS) + "\n春思\n" + "\n".join(COUPLETS), [LINES, LINES]),
        (
            "《夜思》\n" + "\n".join(COUPLETS) + "\n《春思》\n某甲\n" + "\n".join(COUPLETS),
            [LINES, LINES],
        ),
        ("其一\n" + "\n".join(COUPLETS) + "\n其二\n" + "\n".join(COUPLETS), [LINES, LINES]),
        ("夜思二首\n其一\n" + "\n".join(LINES) + "\n其二\n" + "\n".join(LINES), [LINES, LINES]),
        ("\n".join(COUPLETS) + "\n" + "\n".join(SEVEN), [LINES, SEVEN]),
    ],
)
def test_poems_without_a_blank_line_between_are_separated(
    text: str, poems: list[list[str]]
) -> None:
    assert [read_lines(poem) for poem in split_poems(text)] == poems


def test_lines_of_several_lengths_stay() -> None:
    lines = ["山水花", "山水花月人", "山水花月人酒", "山水"]
    assert read_lines("\n".join(lines)) == read_lines("{}，{}。\n{}，{}。".format(*lines)) == lines


def test_blank_lines_separate_poems_and_titles_go_with_theirs() -> None:
    poem = "\n".join(COUPLETS)
    poems = split_poems(f"其一\n\n{poem}\n \n\u3000\n其二\n{poem}\r\n\r\n{poem}\n")
    assert [read_lines(each) for each in poems] == [LINES] * 3
    assert poems[1].startswith("其二")


def test_what_has_no_verse_is_no_poem_and_a_line_that_begins_like_a_commentary_is_verse() -> None:
    assert split_poems("") == split_poems(" \n\n\u3000\n") == split_poems("abc\n\n123") == []
    assert split_poems("山水") == ["山水"]
    lines = [LINES[0], LINES[1], "賞析花樹下", LINES[3]]
    assert read_lines("，\n".join(lines)) == lines


def test_every_text_between_two_poems_that_is_no_chinese_keeps_its_place() -> None:
    poem = "，".join(LINES) + "。"
    text = f"{poem}\n\nfoo\n\nbar\n\n{poem}\n\nend"
    assert split_poems(text, keep_others=True) == [poem, "foo", "bar", poem]


@given(st.text(st.characters()))
def test_any_text_can_be_split(text: str) -> None:
    for poem in split_poems(text):
        assert all(read_lines(poem))


def test_what_was_understood_is_told() -> None:
    text = "夜思（其一）\n某甲\n" + "".join(LINES)
    assert read_text(text) == ReadText(
        lines=LINES, left_out=["夜思", "某甲", "（其一）"], headings=["夜思", "某甲"], cut=5
    )
    assert check(text).notes[:2] == (
        "left out as no verse: 夜思, 某甲, （其一）",
        "cut into lines of 5 characters, for it has no marks",
    )
    assert read_text("".join(COUPLETS)) == ReadText(lines=LINES, left_out=[], headings=[], cut=None)
    assert read_text("".join(COUPLETS) + "\n注釋：山月。\n某。") == ReadText(
        lines=LINES, left_out=["注釋：山月。", "某。"], headings=[], cut=None
    )


def test_two_quatrains_and_poems_signed_with_their_titles_stay_apart() -> None:
    poem = "\n".join(LINES)
    assert split_poems(f"{poem}\n\n{poem}") == [poem, poem]
    assert len(split_poems("\n\n".join([*COUPLETS, "\n".join(COUPLETS)]))) == 2
    signed = [f"{''.join(COUPLETS)}\n——某甲《{title}》" for title in ("夜思", "春思")]
    assert split_poems("\n\n".join(signed)) == signed
    titled = [f"{title}\n{'，'.join(SEVEN)}" for title in ("玉樓春", "某甲之漁家傲")]
    assert split_poems("\n\n".join(titled).replace("傲\n", "傲\n\n")) == titled


def test_twice_as_many_blocks_take_twice_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """4,000 blocks of remarks took 12 s: each was read with all before it."""
    rows, read = Mock(wraps=pasted_text._Row), []
    monkeypatch.setattr(pasted_text, "_Row", rows)
    for blocks in (500, 1000):
        split_poems("\n\n".join(["（記）"] * blocks))
        read.append(rows.call_count)
    assert read[1] - read[0] < 2.5 * read[0]


def test_a_long_poem_is_not_read_to_its_end_at_every_line(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = Mock(wraps=pasted_text._lines_of)
    monkeypatch.setattr(pasted_text, "_lines_of", ends)
    split_poems("\n".join(SEVEN * 100))
    assert ends.call_count < 40
