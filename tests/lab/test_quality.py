"""The figures of poems and the judge of titles by their definitions; composed poems beside an invented corpus."""

import json
import math
from pathlib import Path

import pytest

from lab.experiments import quality
from pingze.corpus import CorpusPoem, Store, build
from pingze.verse.forms import FORMS
from pingze.verse.standard import PINGSHUI
from tests import invented
from tests.composing import verse
from tests.corpus.invented import record, text, write_folder

KEPT = ["仄仄平平仄", "平平仄仄東", "平平平仄仄", "仄仄仄平同"]
"""平 and 仄 stand for themselves."""


def tang(text: str, title: str = "") -> CorpusPoem:
    return CorpusPoem("tang", title, "", text)


def test_figures_by_their_definitions() -> None:
    broken = ["仄仄平平仄", "平平仄仄東", "平平平仄仄", "仄仄仄平天"]
    reference = quality.Reference([tang("仄平同山"), tang("山平平仄仄")])
    found = quality.measure(FORMS["五絕"], "invented", [KEPT, broken], reference)
    assert (found["poems"], found["kept"], found["tones"], found["rhyme"]) == (2, 0.5, 1.0, 0.5)
    assert found["distinct_1"] == 5 / 40  # 平 仄 東 同 天
    assert found["distinct_2"] == 7 / 32  # 仄仄 仄平 平平 平仄 仄東 平同 平天
    assert found["distinct_3"] == 9 / 24
    assert found["repetition"] == 32 / 40
    assert (found["overlap"], found["longest_overlap"], found["copies"]) == (4.0, 4, 0)
    assert (found["antithesis"], found["titled"]) == (None, None)
    assert found["false_doublings"] == 9  # 仄仄 平平 in all but one line of the nine
    assert quality.doubled([["山山水水明", "明月月"], ["水水"]]) == {"山": 1, "水": 2, "月": 1}
    assert quality.stock(["不知何處去", "不知"]) == 3
    toneless = ["仄仄平平仄", "平仄仄仄東", *KEPT[2:]]  # a fault of tone is not one of rhyme
    found = quality.measure(FORMS["五絕"], "invented", [toneless], reference)
    assert (found["kept"], found["tones"], found["rhyme"]) == (0.0, 0.0, 1.0)


@pytest.fixture
def store_of_every_form(tmp_path: Path, home: Path) -> None:
    shapes = [(5, 4), (7, 4), (5, 8), (7, 8)] * 100
    poems = [
        record(text(range(1000 * n, 1000 * n + lines), w)) for n, (w, lines) in enumerate(shapes)
    ]
    build(write_folder(tmp_path / "poems", {"poet.tang.0.json": poems}))


@pytest.fixture
def model(tmp_path: Path) -> str:
    many = "".join(
        c
        for group in ("東", "陽", "先", "屋", "紙", "月")
        for c in PINGSHUI.rhyme_characters(group)[:25]
    )
    return str(invented.saved(tmp_path / "model.safetensors", verse.checkpoint_of(many)))


@pytest.mark.usefixtures("store_of_every_form")
def test_the_command_measures_each_form_of_each_source(
    model: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(quality, "BASELINE", model)
    monkeypatch.setattr("sys.argv", ["quality", "--model", model, "--poems", "1", "--json"])
    quality.main()
    printed = capsys.readouterr()
    rows = {(row["form"], row["source"]): row for row in json.loads(printed.out)}
    assert list(rows) == [
        (form, source) for form in quality.MEASURED for source in (model, quality.REAL)
    ]
    assert all(row["antithesis"] is None for (form, _), row in rows.items() if form[1] == "絕")
    assert {row["kept"] for (_, source), row in rows.items() if source == model} == {1.0}
    assert f"{model} composes 七律: 1 of 1" in printed.err
    with Store.open() as store:
        assert set(quality.real_poems(FORMS["五絕"], 2, store)) <= set(store.poems(split="test"))


def test_a_table_has_a_column_for_each_source() -> None:
    rows = [
        {"form": "五絕", "source": "tang", "kept": 1.0, "poems": 3, "titled": None},
        {"form": "五絕", "source": "real", "kept": 0.5, "poems": 3, "titled": None},
    ]
    assert [line.split() for line in quality.table("五絕", rows).splitlines()] == [
        ["五絕", "tang", "real"],
        ["kept", "1.000", "0.500"],
        ["poems", "3", "3"],
        ["titled"],
    ]


TITLES = [chr(0x4E00 + n) for n in range(quality.CANDIDATES)]
TEXTS = [chr(0x5200 + n) * 2 for n in range(quality.CANDIDATES)]


def test_scores_by_their_formula() -> None:
    judge = quality.TitleJudge(
        [("雪夜", "梅花，梅山。"), ("雪", "梅山"), ("江", "舟山"), ("雪江", "舟")]
    )

    def association(together: int, of_title: int, of_text: int) -> float:
        share = of_text / 4
        return math.log((together + quality.PRIOR * share) / ((of_title + quality.PRIOR) * share))

    expected = association(2, 3, 2) + association(1, 3, 2)  # 雪 with 梅 and with 舟
    assert judge.score("《雪》", "梅舟，梅") == pytest.approx(expected)
    other = association(0, 2, 2) + association(2, 2, 2)  # 江 with 梅 and with 舟
    assert judge.score("雪江", "梅舟") == pytest.approx((expected + other) / 2)
    assert judge.score("龘", "梅") == judge.score("雪", "龘") == judge.score("", "梅") == 0


def test_own_titles_are_found_and_exchanged_ones_are_not_nor_by_their_own_characters() -> None:
    judge = quality.TitleJudge(list(zip(TITLES, TEXTS, strict=True)) * 9)
    assert judge.identified(list(zip(TITLES, TEXTS, strict=True))) == 1
    assert judge.identified(list(zip(TITLES, TEXTS[1:] + TEXTS[:1], strict=True))) == 0
    themselves = [(title, title) for title in TITLES]
    assert quality.TitleJudge(themselves * 9).identified(themselves) == 0
