"""Couplets 對聯 of the shipped model, judged by rules that are written out here."""

from itertools import pairwise
from typing import Any

import pytest

from pingze import Couplet, InputError, check, couplet
from pingze.composing.composer import Composer, load_composer
from pingze.composing.couplets import places_in
from pingze.composing.smc import Text
from pingze.composing.terms.antithesis import antithesis_table
from pingze.composing.terms.taste import contradicts
from pingze.composing.typed_text import ConversionWarning
from pingze.verse.character_table import forms
from pingze.verse.standard import PINGSHUI

PLACES = (
    "2 4",
    "2 4 5",
    "2 4 6",
    "2 4 6 7",
    "2 4 6 8",
    "2 4 6 8 9",
    "2 4 5 7 9 10",
    "2 4 6 7 9 11",
)
POINTS = {length: tuple(map(int, places.split())) for length, places in enumerate(PLACES, 4)}
"""The places at which lines of each length have opposite tones, from 1."""
UPPER = """書山有路 海糖存知己 松下清風滿院 山重水複疑無路 海納百川有容乃大 四面荷花三面楊柳路
    一水護田將綠繞柳岸 風聲雨聲讀書聲聲聲入耳"""


def judge(found: Couplet, points: tuple[int, ...]) -> None:
    upper, lower = found.upper, found.lower
    assert len(upper) == len(lower) == len(found.antithesis)
    assert not {form for one in upper for form in forms(one)} & set(lower)
    assert [upper.index(one) for one in upper] == [lower.index(one) for one in lower]
    assert "仄" in PINGSHUI.tones(upper[-1])
    assert "平" in PINGSHUI.tones(lower[-1])
    for point in points:
        one, other = PINGSHUI.tones(upper[point - 1]), PINGSHUI.tones(lower[point - 1])
        assert any({a, b} == {"平", "仄"} for a in one for b in other)
        if found.tones[0][point - 1] != "中":
            assert {"平": "仄", "仄": "平"}[found.tones[0][point - 1]] in other
    assert found.antithesis[0] == pytest.approx(
        antithesis_table().score(upper[0], lower[0]), abs=1e-3
    )


@pytest.mark.parametrize("upper", UPPER.split())
def test_lower_lines_keep_every_rule(upper: str) -> None:
    found = couplet(upper, count=2, particles=12, seed=1)
    assert len({each.lower for each in found}) == len(found) == 2
    for each in found:
        assert (each.upper, each.banner) == (upper, None)
        judge(each, POINTS[len(upper)])
    assert couplet(upper, count=2, particles=12, seed=found[0].seed) == found


def test_the_likeliest_of_the_lower_lines_found_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """No other line of the same particles that is neither weak nor out of season is likelier."""
    written: list[Text] = []
    write = Composer.texts

    def recording(self: Composer, *args: Any, **options: Any) -> list[list[Text]]:
        found = write(self, *args, **options)
        written.extend(text for texts in found for text in texts)
        return found

    monkeypatch.setattr(Composer, "texts", recording)
    line = "海內存知己"
    (taken,) = couplet(line, seed=1)
    decode = load_composer().vocabulary.decode
    lower_lines = {decode(text.ids)[len(line) :]: text.log_probability for text in written}
    sound = [
        lower
        for lower in lower_lines
        if not contradicts([line, lower])
        and len(antithesis_table().alike(line, lower)) < 2
        and places_in(lower) == places_in(line)
    ]
    assert len(sound) > 8
    assert taken.lower == max(sound, key=lambda lower: lower_lines[lower])
    assert taken.log_probability == lower_lines[taken.lower]
    best_score = max(written, key=lambda text: text.score)
    assert taken.lower != decode(best_score.ids)[len(line) :]


def test_as_many_lower_lines_as_asked_are_found_where_there_are() -> None:
    assert len({each.lower for each in couplet("海內存知己", count=12, seed=1)}) == 12


def test_an_upper_line_is_written_to_a_lower_one_and_marks_show_the_pauses() -> None:
    (found,) = couplet("春風楊柳萬千條", upper=True, particles=12, seed=1)
    assert found.lower == "春風楊柳萬千條"
    judge(found, POINTS[7])
    for each in couplet("綠水本無憂，因風皺面", count=2, particles=12, seed=1):
        judge(each, (2, 4, 5, 7, 9))


def test_a_line_that_ends_level_is_read_as_the_lower_one() -> None:
    with pytest.warns(ConversionWarning, match="條, which is level.* --upper"):
        (found,) = couplet("春風楊柳萬千條", particles=12, seed=1)
    assert [found] == couplet("春風楊柳萬千條", upper=True, particles=12, seed=1)


def test_fewer_couplets_than_asked_are_told() -> None:
    with pytest.warns(ConversionWarning, match="of 9 couplets were found"):
        assert len(couplet("山重水複疑無路", count=9, temperature=0, particles=12, seed=1)) < 9


def test_the_lower_line_keeps_the_place_of_a_name() -> None:
    (found,) = couplet("洛陽城裏春光好", seed=1)
    assert places_in(found.lower) == {0}


def test_a_line_with_a_rescue_is_answered_as_the_pattern_that_it_varies() -> None:
    for found in couplet("登樓望秋月", count=3, particles=12, seed=1):
        assert check(f"{found.upper}，{found.lower}", form="對聯").ok


@pytest.mark.parametrize("length", [4, 5, 7, 11])
def test_both_lines_and_a_banner_are_written_to_a_theme(length: int) -> None:
    for found in couplet(write="新春", length=length, count=2, particles=12, seed=1):
        judge(found, POINTS[length])
        assert len(found.banner or "") == 4
        assert not set(found.banner or "") & set(found.upper + found.lower)
        assert len(set(found.upper)) == length
        tones = [
            PINGSHUI.tones(found.upper[point - 1]) for point in POINTS[length] if point < length
        ]
        if length == 7:
            assert all(one != other for one, other in pairwise(tones))


def test_what_has_no_place_at_an_occasion_is_left_out() -> None:
    usual = couplet(write="鴛鴦", count=3, particles=12, seed=1)
    unwanted = usual[0].upper + usual[1].upper
    for found in couplet(
        write="鴛鴦", count=3, particles=12, seed=1, exclude=unwanted, mood="joyful"
    ):
        assert not set(unwanted) & set(found.upper + found.lower + (found.banner or ""))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"line": "海內存知己", "upper": True}, "the lower line ends in 己, which is oblique"),
        ({"line": "春雨"}, "a line of 4 to 11 characters, not 2, or a theme"),
        ({}, "not 0, or"),
        ({"write": "新春", "model": "report"}, "about: the model report was not trained"),
        ({"line": "海內存知a"}, "line: the model does not know the character 'a'"),
    ],
)
def test_bad_input_is_named(options: dict[str, str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        couplet(**options)
