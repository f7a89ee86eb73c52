"""The teaching pages of docs run, and say what they print."""

import importlib
import re
import warnings
from pathlib import Path
from types import ModuleType

import pytest

from tools import run_page, training_pictures

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
@pytest.mark.parametrize("name", ["first-poem", "training-explained"])
def test_a_page_prints_what_it_says(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(DOCS.parent)
    page = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    assert page.count("```python") == len(run_page.BLOCK.findall(page))
    for block, printed in run_page.run(page):
        assert printed == block["told"]
        assert printed.strip()


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
