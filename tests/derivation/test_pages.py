"""The teaching pages of docs run, and say what they print."""

import importlib
import re
import warnings
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from tools import learning_pictures, run_page, training_pictures

DOCS = Path(__file__).parents[2] / "docs"


def document(name: str) -> ModuleType:
    """A script of the folder docs, as a module."""
    return importlib.import_module(f"docs.{name}")


def test_every_exercise_has_one_answer_that_checks_itself() -> None:
    asked = re.findall(
        r"^(\d+)\. \*\*", (DOCS / "exercises.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert asked == [str(number) for number in range(1, 11)]
    answers = document("exercises").ANSWERS
    assert len(answers) == 10
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [number for number, answer in enumerate(answers, 1) if not answer()] == []


def test_the_starter_code_is_open(capsys: pytest.CaptureFixture[str]) -> None:
    document("starter").main()
    told = [f"exercise {number}: open" for number in (1, 4, 6)]
    assert capsys.readouterr().out.splitlines() == told


def test_the_starter_code_tells_right_from_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    starter = document("starter")

    def step(x, h_prev, c_prev, W_x, W_h, b):  # type: ignore[no-untyped-def]
        i, f, g, o = np.split(W_x @ x + W_h @ h_prev + b, 4)
        c = starter.sigmoid(f) * c_prev + starter.sigmoid(i) * np.tanh(g)
        return starter.sigmoid(o) * np.tanh(c), c

    def step_back(  # type: ignore[no-untyped-def]
        dh, dc, x, h_prev, c_prev, gates, tanh_c, W_x, W_h
    ):
        i, f, g, o = gates
        dc = dc + dh * o * (1 - tanh_c**2)
        dnet_i = dc * g * i * (1 - i)
        dnet_f = dc * c_prev * f * (1 - f)
        dnet_c = dc * i * (1 - g**2)
        dnet_o = dh * tanh_c * o * (1 - o)
        dnet = np.concatenate([dnet_i, dnet_f, dnet_c, dnet_o])
        dW_x, dW_h = np.outer(dnet, x), np.outer(dnet, h_prev)
        return W_x.T @ dnet, W_h.T @ dnet, dc * f, dW_x, dW_h, dnet

    monkeypatch.setattr(starter, "step", step)
    monkeypatch.setattr(starter, "step_back", step_back)
    monkeypatch.setattr(starter, "missed", lambda A, s, f, C: np.diag(s) @ C)
    starter.main()
    first, second, third = capsys.readouterr().out.splitlines()
    assert (first, second) == ("exercise 1: right", "exercise 4: right")
    assert third.startswith("exercise 6: wrong: what it misses is off by ")


def test_the_walk_ends_with_a_toy_that_remembers(capsys: pytest.CaptureFixture[str]) -> None:
    assert document("walk").walk() > 0.98
    printed = capsys.readouterr().out
    for stage in "1234":
        assert f"\n{stage}. " in f"\n{printed}"
    pairs = re.findall(r"by hand (\S+), by trying (\S+)", printed)
    assert len(pairs) == 3
    for by_hand, by_trying in pairs:
        assert float(by_hand) == pytest.approx(float(by_trying), abs=2e-8)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["first-poem", "training-explained", "temperature"])
def test_a_page_prints_what_it_says(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(DOCS.parent)
    page = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    assert page.count("```python") == len(run_page.BLOCK.findall(page))
    for block, printed in run_page.run(page):
        assert printed == block["told"]
        assert printed.strip()


@pytest.mark.parametrize("stage", learning_pictures.TITLES)
def test_the_cell_is_drawn_again(stage: int) -> None:
    committed = (learning_pictures.FOLDER / f"cell-{stage}.svg").read_text(encoding="utf-8")
    assert learning_pictures.cell(stage) == committed


# A machine without a Chinese font measures the words wrongly and says so; which words stand is the same.
@pytest.mark.filterwarnings("ignore:Glyph .* missing from font")
@pytest.mark.parametrize("name", learning_pictures.CHARTS)
def test_a_chart_of_the_learners_pages_is_drawn_again(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    committed = (learning_pictures.FOLDER / f"{name}.svg").read_text(encoding="utf-8")
    monkeypatch.setattr(learning_pictures, "FOLDER", tmp_path)
    learning_pictures.main([name])
    drawn = (tmp_path / f"{name}.svg").read_text(encoding="utf-8")
    assert re.findall("<text[^>]*>([^<]*)<", drawn) == re.findall("<text[^>]*>([^<]*)<", committed)


@pytest.mark.parametrize(
    "name", ["zero", "variance", "clipping", "perplexity", "softmax", "overfitting", "valley"]
)
def test_a_picture_is_drawn_again(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the same words; where they stand depends on the machine's fonts."""
    pytest.importorskip("matplotlib")
    committed = (training_pictures.FOLDER / f"{name}.svg").read_text(encoding="utf-8")
    monkeypatch.setattr(training_pictures, "FOLDER", tmp_path)
    training_pictures.main([name])
    drawn = (tmp_path / f"{name}.svg").read_text(encoding="utf-8")
    words = [
        re.findall(r"<text[^>]*>([^<]*[a-z]{2}[^<]*)</text>", svg) for svg in (drawn, committed)
    ]
    assert words[0] == words[1]
    assert len(re.findall("<path", drawn)) > 10
