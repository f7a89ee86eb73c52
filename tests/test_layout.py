"""The picture in the README is true: its order is the order of imports, and nothing is missing from it."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

import pingze

PACKAGE = Path(pingze.__path__[0])
README = Path(__file__).parents[1] / "README.md"  # the package may be an installed one


def pictured() -> list[str]:
    """The parts of the package in the order of the README's picture."""
    picture = README.read_text(encoding="utf-8").split("src/pingze/\n", 1)[1].split("\ntests/", 1)[0]
    rows = re.findall(r"^  ((?:\w+(?:\.py|/)(?: +|$))+)", picture, re.MULTILINE)
    return [name.removesuffix(".py").rstrip("/") for row in rows for name in row.split()]


def parts() -> set[str]:
    return {p.stem for p in PACKAGE.iterdir() if p.suffix == ".py" or (p / "__init__.py").exists()}


def modules(path: Path) -> Iterator[str]:
    """The modules that a file imports, at its top or inside a function."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "pingze":
            yield from (f"pingze.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def packages(path: Path) -> set[str]:
    return {name.split(".")[0] for name in modules(path)}


def test_packages_are_those_that_are_asked_for() -> None:
    """Each that an installation brings is imported, and each that is imported is brought."""
    project = tomllib.loads((README.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = (project["optional-dependencies"][name] for name in ("serve", "train", "plots"))
    asked_for = {re.split(r"[<>=\[]", each)[0] for each in chain(project["dependencies"], *extras)}
    imported = set().union(*map(packages, PACKAGE.rglob("*.py"))) - sys.stdlib_module_names - {"pingze"}
    brought_by_others = {"anyio", "pydantic", "starlette", "h11", "markupsafe"}
    assert imported - brought_by_others == asked_for


def test_the_picture_names_every_part() -> None:
    assert sorted(pictured()) == sorted(parts())


@pytest.mark.parametrize("part", sorted(parts() - {"__init__"}))
def test_imports_point_upward(part: str) -> None:
    order = pictured()
    above = set(order[: order.index(part)]) | {part}
    files = [PACKAGE / f"{part}.py"] if (PACKAGE / f"{part}.py").exists() else (PACKAGE / part).rglob("*.py")
    for file in files:
        own = {name.split(".")[1] for name in modules(file) if name.startswith("pingze.")}
        assert own <= above, f"{file.name} imports from below"


def test_one_module_imports_onnx_runtime_and_silences_it_first() -> None:
    """ONNX Runtime sends events to its maker unless it is told otherwise before it is imported."""
    root = README.parent
    folders = ("src", "tests", "benchmarks", "experiments", "scripts", "docs", "examples")
    files = [*PACKAGE.rglob("*.py"), *(file for folder in folders for file in (root / folder).rglob("*.py"))]
    importing = {file.name for file in files if "onnxruntime" in packages(file)}
    assert importing == {"onnx_graph.py"}
    text = (PACKAGE / "network" / "onnx_graph.py").read_text(encoding="utf-8")
    assert text.index('os.environ["ORT_DISABLE_TELEMETRY"] = "1"') < text.index("import onnxruntime")
