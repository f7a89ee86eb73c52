"""Mood: which titles tell one, what it adds to a text's weight against full enumeration, and what poems make of it."""

import math
import warnings
from dataclasses import replace

import pytest

from pingze.composing import alternatives, compose, revise
from pingze.composing.composer import composer
from pingze.composing.request.options import Composing
from pingze.composing.request.request import read_request
from pingze.composing.steering.leaning import CALM, JOYFUL, PRIOR, SAD, mood_of
from scripts import moods


@pytest.mark.parametrize(
    ("mood", "titles"),
    [
        (JOYFUL, "壽 壽王侍郎 賀新婚 賀友人得子 新婚 結婚 癸未生日 皇子誕辰 恭賀新禧 送友人及第歸 喜晴 慶壽 爲王漕壽"),
        (SAD, "輓 輓王侍郎 王令人蔡氏挽詞 哭李白 悼亡 送葬 弔屈原"),
        (None, "壽陽曲 壽安院 賀監宅 李賀宅 賀知章 慶元元年 祝融峰 新婚別 離婚 題挽舟圖 春曉 江雪 憶王壽翁 賀輓"),
    ],
)
def test_what_titles_tell(mood: str | None, titles: str) -> None:
    found = {title: mood_of(title) for title in titles.split()}
    assert found == dict.fromkeys(found, mood)
    assert mood_of("賀新婚", "輓") is None
    assert mood_of(None, *found) == mood


def test_a_mood_that_is_asked_for_goes_before_the_one_that_is_told() -> None:
    vocabulary = composer().vocabulary
    with warnings.catch_warnings(action="error"):
        assert read_request(vocabulary, Composing(title="賀新婚", mood=CALM)).mood == CALM
        assert read_request(vocabulary, Composing(title="賀新婚", taste=0)).mood is None
        assert read_request(vocabulary, Composing(title="春曉")).mood is None
        assert read_request(vocabulary, Composing(mood=SAD, taste=0)).mood == SAD


def test_a_poem_keeps_its_mood_while_it_is_revised() -> None:
    (poem,) = compose(form="五絕", mood=SAD, seed=1, particles=8, model="report")
    assert poem.mood == poem.as_json()["mood"] == SAD
    assert revise(poem, [2], seed=1, particles=8, model="report").mood == SAD
    assert revise(poem, [2], seed=1, particles=8, mood=CALM, model="report").mood == CALM
    asked = {"limit": 64, "repeat": True, "model": "report"}
    sad, calm = (alternatives(replace(poem, mood=mood), 1, 3, **asked) for mood in (SAD, CALM))
    assert sad != calm
    assert {each.character for each in sad} == {each.character for each in calm}


def test_counting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moods, "LEAST", 1.0)
    rows = moods.count({JOYFUL: ["春春花"], CALM: ["春山山"], SAD: ["淚淚淚", "春"]})
    assert rows["春"][0] == pytest.approx(math.log((2 + PRIOR) / (3 * (1 / 3 + 1 / 4) / 2 + PRIOR)))
    assert rows["淚"][2] == pytest.approx(math.log((3 + PRIOR) / PRIOR))
    assert next(iter(rows)) == "淚"
    assert moods.distinguished({JOYFUL: ["花"], CALM: ["山", "淚"], SAD: ["淚"]}, rows) == (
        "joyful: 100% of 1, calm: 50% of 2, sad: 100% of 1"
    )
