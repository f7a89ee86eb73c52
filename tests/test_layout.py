"""CONTRIBUTING's picture of the house is true: rooms, their order, and what they import."""

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
ROOT = Path(__file__).parents[1]  # the package may be an installed one
CONTRIBUTING = ROOT / "CONTRIBUTING.md"


def pictured() -> list[str]:
    """The parts of the package in the order of CONTRIBUTING's picture."""
    picture = (
        CONTRIBUTING.read_text(encoding="utf-8").split("src/pingze/ ", 1)[1].split("\nlab/", 1)[0]
    )
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
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = (
        project["optional-dependencies"][name] for name in ("serve", "mcp", "hub", "train", "plots")
    )
    asked_for = {re.split(r"[<>=\[]", each)[0] for each in chain(project["dependencies"], *extras)}
    imported = (
        set().union(*map(packages, PACKAGE.rglob("*.py"))) - sys.stdlib_module_names - {"pingze"}
    )
    brought_by_others = {"anyio", "pydantic", "starlette", "h11", "markupsafe"}
    assert imported - brought_by_others == asked_for


def test_the_picture_names_every_part() -> None:
    assert sorted(pictured()) == sorted(parts())


@pytest.mark.parametrize("part", sorted(parts() - {"__init__"}))
def test_imports_point_upward(part: str) -> None:
    order = pictured()
    above = set(order[: order.index(part)]) | {part}
    files = (
        [PACKAGE / f"{part}.py"]
        if (PACKAGE / f"{part}.py").exists()
        else (PACKAGE / part).rglob("*.py")
    )
    for file in files:
        own = {name.split(".")[1] for name in modules(file) if name.startswith("pingze.")}
        assert own <= above, f"{file.name} imports from below"


def children(room: Path) -> dict[str, list[Path]]:
    """The files of each file or folder that lies in a room, without those of no Python."""
    found = {}
    for path in sorted(room.iterdir()):
        files = [path] if path.suffix == ".py" else sorted(path.rglob("*.py"))
        if files and path.name != "__init__.py":
            found[path.stem] = files
    return found


def imported_by(room: Path) -> dict[str, set[str]]:
    """For each file or folder that lies in a room, the others there from which it imports."""
    prefix = ".".join(("pingze", *room.relative_to(PACKAGE).parts))
    found: dict[str, set[str]] = {}
    for child, files in children(room).items():
        found[child] = set()
        for file in files:
            for name in modules(file):
                if name.startswith(f"{prefix}."):
                    found[child].add(name.removeprefix(f"{prefix}.").split(".")[0])
        found[child] -= {child}
    return found


ROOMS = sorted({path.parent for path in PACKAGE.rglob("*.py")} - {PACKAGE})


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: str(room.relative_to(PACKAGE)))
def test_nothing_imports_in_a_circle_inside_a_room(room: Path) -> None:
    left = imported_by(room)
    while left:
        leaves = {child for child, others in left.items() if not others & left.keys()}
        assert leaves, f"in a circle: {left}"
        left = {child: others for child, others in left.items() if child not in leaves}


def test_one_module_imports_onnx_runtime_and_silences_it_first() -> None:
    """ONNX Runtime sends events to its maker unless it is told otherwise before it is imported."""
    folders = ("tests", "lab", "tools", "docs", "examples")
    files = [
        *PACKAGE.rglob("*.py"),
        *(file for folder in folders for file in (ROOT / folder).rglob("*.py")),
    ]
    naming = (file for file in files if "onnxruntime" in file.read_text(encoding="utf-8"))
    assert {file.name for file in naming if "onnxruntime" in packages(file)} == {"step_graph.py"}
    text = (PACKAGE / "network" / "step_graph.py").read_text(encoding="utf-8")
    assert text.index('os.environ["ORT_DISABLE_TELEMETRY"] = "1"') < text.index(
        "import onnxruntime"
    )
