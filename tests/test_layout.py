"""The picture in the README is true: its order is the order of imports, and nothing is missing from it."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
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


def imports(path: Path) -> Iterator[str]:
    """The parts of pingze that a file imports, at its top or inside a function."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "pingze":
            if node.module == "pingze":
                yield from (alias.name for alias in node.names)
            else:
                yield node.module.split(".")[1]


def packages(path: Path) -> Iterator[str]:
    """The packages of others that a file imports, by the names that they are imported by."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
        yield from {name.split(".")[0] for name in names} - sys.stdlib_module_names - {"pingze"}


def test_packages_are_those_that_are_asked_for() -> None:
    """Each that an installation brings is imported, and each that is imported is brought."""
    project = tomllib.loads((README.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    asked = [
        *project["dependencies"],
        *(each for name in ("serve", "train", "plots") for each in extras[name]),
    ]
    asked_for = {re.split(r"[<>=\[]", each)[0] for each in asked}
    imported = {name for path in PACKAGE.rglob("*.py") for name in packages(path)}
    of_fastapi = {"anyio", "pydantic", "starlette"}
    of_uvicorn, of_plots = {"h11"}, {"cycler", "markupsafe"}
    assert imported - of_fastapi - of_uvicorn - of_plots == asked_for


def test_the_picture_names_every_part() -> None:
    assert sorted(pictured()) == sorted(parts())


@pytest.mark.parametrize("part", sorted(parts() - {"__init__"}))
def test_imports_point_upward(part: str) -> None:
    order = pictured()
    above = set(order[: order.index(part)]) | {part}
    files = [PACKAGE / f"{part}.py"] if (PACKAGE / f"{part}.py").exists() else (PACKAGE / part).rglob("*.py")
    for file in files:
        assert set(imports(file)) <= above, f"{file.name} imports from below"


def test_one_module_imports_onnx_runtime_and_silences_it_first() -> None:
    """ONNX Runtime sends events to its maker unless it is told otherwise before it is imported."""
    root = README.parent
    folders = ("src", "tests", "benchmarks", "experiments", "scripts", "docs", "examples")
    files = [*PACKAGE.rglob("*.py"), *(file for folder in folders for file in (root / folder).rglob("*.py"))]
    importing = {file.name for file in files if "onnxruntime" in imported(file)}
    assert importing == {"onnx_runtime.py"}
    text = (PACKAGE / "network" / "onnx_runtime.py").read_text(encoding="utf-8")
    assert text.index('os.environ["ORT_DISABLE_TELEMETRY"] = "1"') < text.index("import onnxruntime")


def imported(path: Path) -> set[str]:
    """The packages that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found
