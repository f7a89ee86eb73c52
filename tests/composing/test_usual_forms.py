"""Usual forms: which variants are replaced, and which a tone or a rhyme keeps."""

import pytest

from pingze.composing.desk import alternatives, fill, in_usual_forms
from pingze.composing.options import Composing
from pingze.composing.read_request import read_request
from pingze.composing.request import Request
from pingze.composing.sheet import Sheet
from pingze.composing.typed_text import ConversionWarning
from pingze.verse.character_table import usual_form
from pingze.verse.checking import check
from tests.composing.verse import POOL, composer

CHOSEN = composer(f"{POOL}猨疎烟羣窓隣", seed=6)
"""The characters after the pool each stand for a word whose usual form the model does not know."""


@pytest.fixture(autouse=True)
def _random_model(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("composer", "desk"):
        monkeypatch.setattr(f"pingze.composing.{name}.load_composer", lambda *_, **__: CHOSEN)


def request(**options: object) -> Request:
    return read_request(CHOSEN.vocabulary, Composing(**options))  # type: ignore[arg-type]


@pytest.mark.parametrize("pair", ["猨猿", "疎疏", "烟煙", "羣群", "峯峰", "劒劍", "牀床", "衆眾"])
def test_a_variant_has_a_usual_form(pair: str) -> None:
    assert usual_form(pair[0]) == pair[1]


@pytest.mark.parametrize("character", "沈沉遊游回迴閑閒鐘鍾山")
def test_a_form_in_frequent_use_stays(character: str) -> None:
    assert usual_form(character) == character


def test_composed_variants_are_written_in_their_usual_forms() -> None:
    assert in_usual_forms(["猨烟山", "疎羣月"], request()) == ["猿煙山", "疏群月"]


def test_a_given_variant_stays() -> None:
    assert in_usual_forms(["猨烟"], request(include="猨")) == ["猨煙"]


def test_a_variant_of_another_tone_stays_with_a_note() -> None:
    with pytest.warns(ConversionWarning, match="tones or rhymes: 鋤?虯 .usually 鋤?蚪"):
        assert in_usual_forms(["虯猨"], request()) == ["虯猿"]


def test_poems_in_usual_forms_are_without_fault() -> None:
    sheet = Sheet(form="五絕", particles=4, include="月", usual_forms=True)
    before = Sheet(form="五絕", particles=4, include="月")
    changed = 0
    for seed in range(20):
        (poem,) = fill(sheet, seed=seed)
        assert check(str(poem)).ok
        changed += poem.lines != fill(before, seed=seed)[0].lines
    assert changed > 3


def test_alternatives_are_in_usual_forms() -> None:
    poem = fill(Sheet(form="五絕", particles=4), seed=1)[0]
    found = []
    for line in range(1, 5):
        sheet = Sheet.of(poem, usual_forms=True)
        for position in range(1, 5):
            found += [one.text for one in alternatives(sheet, line, position, position, count=99)]
    assert set(found) & set("猿疏煙群窗鄰")
    assert not set(found) & set("猨疎烟羣窓隣")
