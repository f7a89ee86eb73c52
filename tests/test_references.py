"""What docstrings, comments and documents name in backticks is there: paths, and dotted names of the code."""

import ast
import importlib
import inspect
import json
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

import pingze
from pingze.network import checkpoint
from pingze.network.configuration import ModelConfiguration

PACKAGE = Path(pingze.__path__[0])
ROOT = PACKAGE.parents[1]
FOLDERS = ("src", "tests", "experiments", "benchmarks", "scripts", "docs")
CODE = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
HISTORY = {"CHANGELOG.md"}

PATH = re.compile(
    r"[\w.-]+(?:/[\w.-]+)*\.(?:py|md|toml|json|tsv|css|js|svg|html|png|ya?ml|safetensors|jsonl|txt|woff2?)|(?:[\w.-]+/)+"
)
BARE = re.compile(
    r"(?<![\w/.*])(?:src|docs|tests|experiments|benchmarks|scripts)/[\w./-]*\w\.(?:py|md|json|svg|toml)\b"
)
NAME = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+)(?:\(\))?")


@cache
def prose(path: Path) -> str:
    """A document without its code blocks, or the strings that explain Python code, and its comments."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    explained = [
        node.value.value
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    ]
    with path.open("rb") as file:
        comments = [
            token.string for token in tokenize.tokenize(file.readline) if token.type == tokenize.COMMENT
        ]
    return "\n".join([*explained, *comments])


def quoted(path: Path) -> list[str]:
    return [span for span in re.findall(r"`+([^`\n]+)`+", prose(path)) if "$" not in span]


@cache
def literals() -> frozenset[str]:
    """Every string of the package: a file that a program writes is named by one."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in CODE if "tests" not in path.parts]
    return frozenset(
        node.value
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


@cache
def tensors() -> frozenset[str]:
    sizes = (ModelConfiguration(tied=tied) for tied in (False, True))
    return frozenset([checkpoint.REWARD, *(name for size in sizes for name in checkpoint.shapes(size))])


@cache
def figures() -> frozenset[str]:
    return frozenset(json.loads((ROOT / "experiments" / "figures.json").read_text(encoding="utf-8")))


@cache
def rooms() -> tuple[Path, ...]:
    return (PACKAGE, *(part for part in PACKAGE.rglob("*") if part.is_dir()))


def roots(path: Path) -> Iterator[Path]:
    """Where a path may start: at the file, at a folder above it, or at a part of the package."""
    yield from path.parents
    yield from rooms()


def is_file(span: str, path: Path) -> bool:
    """Whether a path is there, or written by a program; capitals stand for a number, as in `poet.N.json`."""
    names_a_number = re.search(r"(?<![\w-])[A-Z]+(?![\w-])", span) is not None
    return (
        any((root / span).exists() for root in roots(path))
        or span.rstrip("/") in literals()
        or names_a_number
    )


def module_name(path: Path) -> str:
    base = ROOT / "src" if path.is_relative_to(PACKAGE) else ROOT
    return ".".join(path.relative_to(base).with_suffix("").parts).removesuffix(".__init__")


@cache
def module(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def has(owner: object, names: list[str]) -> bool:
    """Whether an attribute, a field or a submodule is there, and so on inside it."""
    if not names:
        return True
    first, *rest = names
    if isinstance(owner, ModuleType) and not hasattr(owner, first):
        inner = module(f"{owner.__name__}.{first}")
        return inner is not None and has(inner, rest)
    if hasattr(owner, first):
        return has(getattr(owner, first), rest)
    fields = {name for each in getattr(owner, "__mro__", ()) for name in getattr(each, "__annotations__", ())}
    return not rest and (first in fields or is_set(owner, first))


def is_set(owner: object, name: str) -> bool:
    """Whether a class gives its objects an attribute."""
    return isinstance(owner, type) and re.search(rf"self\.{name}\b", inspect.getsource(owner)) is not None


def is_there(name: str, path: Path) -> bool:
    names = name.split(".")
    if (top := module(names[0])) is not None and has(top, names[1:]):
        return True
    places = [] if path.suffix == ".md" else [module_name(path), module_name(path).rpartition(".")[0]]
    places += [
        "pingze",
        *(f"pingze.{part.name}" for part in PACKAGE.iterdir() if (part / "__init__.py").exists()),
    ]
    return any(has(found, names) for place in places if place and (found := module(place)) is not None)


@pytest.mark.parametrize("path", [*CODE, *DOCUMENTS], ids=lambda path: str(path.relative_to(ROOT)))
def test_what_is_named_is_there(path: Path) -> None:
    if path.name in HISTORY:
        pytest.skip("tells what was")
    missing = []
    for span in quoted(path):
        if PATH.fullmatch(span):
            if not is_file(span, path):
                missing.append(span)
        elif (found := NAME.fullmatch(span)) and not (
            is_there(found[1], path) or found[1] in figures() | tensors()
        ):
            missing.append(span)
    assert missing == []


@pytest.mark.parametrize("path", [*CODE, *DOCUMENTS], ids=lambda path: str(path.relative_to(ROOT)))
def test_files_named_by_the_way_are_there(path: Path) -> None:
    """Links of documents, and paths from the root that stand without backticks."""
    text = prose(path)
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text) if path.suffix == ".md" else []
    missing = [link for link in links if not (path.parent / link).exists()]
    missing += [
        named for named in BARE.findall(text) if path.name not in HISTORY and not is_file(named, ROOT / "x")
    ]
    assert missing == []
