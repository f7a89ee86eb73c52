"""Run the notebooks in examples/, and store the outputs of their cells in them.

    python -m tools.run_notebooks

Run the script again when a notebook, a model or composing changes: tests/test_examples.py compares
the stored outputs.
"""

import ast
import json
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "examples"

Notebook = dict[str, Any]


def main() -> None:
    """Run each notebook, and write it with its outputs."""
    for path in sorted(FOLDER.glob("*.ipynb")):
        notebook = run(json.loads(path.read_text(encoding="utf-8")))
        text = json.dumps(notebook, ensure_ascii=False, indent=1)
        path.write_text(text + "\n", encoding="utf-8", newline="\n")


def run(notebook: Notebook) -> Notebook:
    """Run a notebook's code cells in order here, and return it with their outputs."""
    names: dict[str, object] = {}
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for count, cell in enumerate(code, 1):
        with redirect_stdout(StringIO()) as printed:
            value = _run_cell("".join(cell["source"]), names)
        outputs: list[dict[str, object]] = []
        text = printed.getvalue()
        if text:
            outputs.append({"name": "stdout", "output_type": "stream", "text": _lines(text)})
        if value is not None:
            outputs.append(_result(value, count))
        cell["execution_count"] = count
        cell["outputs"] = outputs
    return notebook


def _run_cell(source: str, names: dict[str, object]) -> object:
    """Run a cell, and return its last expression's value, which a notebook shows, or None."""
    tree = ast.parse(source)
    last = tree.body[-1]
    if not isinstance(last, ast.Expr):
        exec(compile(tree, "cell", "exec"), names)
        return None
    tree.body.pop()
    exec(compile(tree, "cell", "exec"), names)
    value: object = eval(compile(ast.Expression(last.value), "cell", "eval"), names)
    return value


def _result(value: Any, count: int) -> dict[str, object]:
    data = {"text/plain": _lines(str(value))}
    if hasattr(value, "_repr_html_"):
        data = {"text/html": _lines(value._repr_html_()), **data}
    return {"data": data, "execution_count": count, "metadata": {}, "output_type": "execute_result"}


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


if __name__ == "__main__":
    main()
