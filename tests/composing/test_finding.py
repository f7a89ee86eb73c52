"""Characters and words found by tone, rhyme, meaning, and the line in which they are to stand."""

import numpy as np
import pytest

import pingze
from pingze.composing.composer import load_composer
from pingze.composing.finding import find
from pingze.errors import InputError
from pingze.verse.checking import check
from pingze.verse.standard import PINGSHUI


def texts(**asked: object) -> list[str]:
    found = find(**asked)
    return [one.text for one in (*found.characters, *found.words)]


def test_a_level_river_that_rhymes_is_found() -> None:
    found = find(tone="平", rhyme="先", meaning="river")
    assert found.characters[0].text == "川"
    assert found.characters[0].tones == "平"
    assert found.characters[0].rhymes == ("先",)
    assert "river" in found.characters[0].meaning
    assert found.words[0].text == "山川"


def test_what_verse_uses_most_comes_first() -> None:
    found = find(tone="仄", meaning="snow", count=10)
    for row in (found.characters, found.words):
        used = [one.used for one in row]
        assert used == sorted(used, reverse=True)


@pytest.mark.parametrize("asked", ["river", "Rivers", "江", " 江 "])
def test_a_meaning_is_asked_for_in_english_or_by_a_word_of_chinese(asked: str) -> None:
    assert {"河", "川"} <= set(texts(meaning=asked, count=20))


@pytest.mark.parametrize("meaning", ["drunk", "above", "dry"])
def test_a_sense_is_told_once(meaning: str) -> None:
    found = find(meaning=meaning, count=20)
    for one in found.characters:
        senses = one.meaning.split("; ")
        assert len(set(senses)) == len(senses)


def test_a_simplified_word_is_read_as_traditional() -> None:
    assert texts(meaning="忧") == texts(meaning="憂")


@pytest.mark.parametrize("tone", ["平平", "平仄", "仄平", "仄仄"])
def test_two_tones_are_those_of_a_word(tone: str) -> None:
    found = find(tone=tone, count=50)
    assert not found.characters
    for one in found.words:
        assert all(has in (wanted, "中") for has, wanted in zip(one.tones, tone, strict=True)), one


@pytest.mark.parametrize("group", ["東", "陽", "屋"])
def test_all_that_is_found_rhymes_in_the_group(group: str) -> None:
    for text in texts(rhyme=group, count=200):
        assert group in PINGSHUI.rhymes(text[-1])


def test_a_standard_of_mandarin_has_its_own_groups() -> None:
    assert "龍" in texts(rhyme="雍", standard="tongyun", count=200)
    with pytest.raises(InputError, match="rhyme '雍' is unknown"):
        find(rhyme="雍")


def test_what_fits_a_line_best_comes_first() -> None:
    """The order is that of the probability of the line, token by token."""
    found = find(line="孤舟＿夜雨", tone="平", count=200).characters
    chosen = load_composer("tang")
    token = chosen.conditions.form_token(pingze.Sheet(form="五絕").shape)
    prefix = chosen.conditions.prefix(token, None, None).ids
    for one in (found[0], found[50]):
        ids = chosen.vocabulary.encode("孤舟＿夜雨".replace("＿", one.text))
        state = chosen.network.start(prefix=prefix)
        log_p = 0.0
        for id_ in ids:
            log_p += float(state.log_p[0, id_])
            state = chosen.network.step(state, np.array([id_]))
        assert one.log_probability == pytest.approx(log_p, abs=1e-3)
    log_ps = [one.log_probability or 0.0 for one in found]
    assert log_ps == sorted(log_ps, reverse=True)


def test_two_blanks_are_for_a_word() -> None:
    found = find(line="孤舟＿＿雨")
    assert not found.characters
    assert len(found.words) == 20


@pytest.mark.parametrize("line", ["孤舟", "孤＿舟＿雨", "＿＿＿夜雨"])
def test_a_line_has_one_blank_or_two_together(line: str) -> None:
    with pytest.raises(InputError, match="needs one ＿, or two together"):
        find(line=line)


def test_nothing_is_found_if_nothing_is_asked_for() -> None:
    with pytest.raises(InputError, match="give a tone, a rhyme, a meaning or a line"):
        find()


def test_a_fault_is_mended_by_what_is_found() -> None:
    faulty = "獨坐寒窗下，無人問姓名。閑眠不可見，何處有琴{}。"
    (fault,) = check(faulty.format("天")).violations
    assert fault.rule == "出韻"
    for one in find(rhyme="庚", line="何處有琴＿", count=5).characters:
        assert check(faulty.format(one.text)).ok or one.text in faulty
