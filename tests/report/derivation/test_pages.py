"""The teaching pages of docs run, and say what they print."""

import importlib.util
import re
import warnings
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).parents[3] / "docs"


def document(name: str) -> ModuleType:
    """A script of the folder docs, as a module."""
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_exercise_has_one_answer() -> None:
    asked = re.findall(r"^(\d+)\. \*\*", (DOCS / "exercises.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert asked == [str(number) for number in range(1, 11)]
    assert len(document("exercises").ANSWERS) == 10


@pytest.mark.parametrize("number", range(1, 11))
def test_the_answer_checks_itself(number: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert document("exercises").ANSWERS[number - 1]()


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
def test_first_poem_prints_what_it_says() -> None:
    page = (DOCS / "first-poem.md").read_text(encoding="utf-8")
    assert page.count("```python") == len(document("run_page").BLOCK.findall(page))
    for block, printed in document("run_page").run(page):
        if block["kind"] == "text":
            assert printed == block["told"]
        assert printed.strip()
