"""The notebooks of examples/ run from their first cell to their last, in the interpreter that tests them."""

import ast
import json
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "examples").glob("*.ipynb"))


def cells(path: Path) -> list[dict]:
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def run(source: str, names: dict[str, object]) -> object:
    """Run a cell, and give the value of its last expression, which a notebook draws."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names) if last else None  # type: ignore[attr-defined]


def test_there_are_three() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["check", "compose", "inside"]


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path) -> None:
    names: dict[str, object] = {}
    values = [run("".join(cell["source"]), names) for cell in cells(path) if cell["cell_type"] == "code"]
    drawn = [value._repr_html_() for value in values if hasattr(value, "_repr_html_")]
    assert drawn or path.stem == "inside"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_short_and_committed_without_output(path: Path) -> None:
    code = [cell for cell in cells(path) if cell["cell_type"] == "code"]
    assert len(cells(path)) <= 12
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in code)
