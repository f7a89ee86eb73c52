"""The notebooks of examples/ hold what they print and draw when they run from their first cell to their last."""

import json
from copy import deepcopy
from pathlib import Path

import pytest

from scripts import run_notebooks

NOTEBOOKS = sorted(run_notebooks.FOLDER.glob("*.ipynb"))


def read(path: Path) -> run_notebooks.Notebook:
    return json.loads(path.read_text(encoding="utf-8"))


def test_there_are_three() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["check", "compose", "inside"]


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_holds_what_running_it_gives(path: Path) -> None:
    assert run_notebooks.run(deepcopy(committed := read(path))) == committed


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_short_and_committed_with_its_outputs(path: Path) -> None:
    cells = read(path)["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert len(cells) <= 12
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    drawn = [output["data"] for cell in code for output in cell["outputs"] if "data" in output]
    assert path.stem == "inside" or any("text/html" in data for data in drawn)
    assert any(output.get("text") for cell in code for output in cell["outputs"])
