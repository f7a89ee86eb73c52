"""What people call says of each argument and each field what it is, so that help() is enough."""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from importlib import import_module

import pytest

MODULES = """pingze pingze.composing pingze.corpus pingze.verse pingze.network.checkpoint pingze.network.vocabulary
    pingze.network.configuration pingze.network.model pingze.lstm.formulas pingze.lstm.layer pingze.lstm.initializers
    pingze.training.presets pingze.serve.app"""


def public(module_name: str) -> Iterator[tuple[str, object]]:
    """The functions and classes that a module offers: those of `__all__`, else those that it defines."""
    module = import_module(module_name)
    for name in getattr(module, "__all__", vars(module)):
        found = getattr(module, name)
        own = hasattr(module, "__all__") or getattr(found, "__module__", "") == module_name
        if own and not name.startswith("_") and (inspect.isclass(found) or inspect.isfunction(found)):
            yield name, found


def arguments(function: object) -> list[str]:
    names = list(inspect.signature(function).parameters)  # type: ignore[arg-type]
    return [name for name in names if name not in ("self", "cls")]


def listed(documented: object) -> set[str]:
    """The names to which a docstring gives a line of its own."""
    return set(re.findall(r"^ +\**(\w+): \S", getattr(documented, "__doc__", "") or "", re.MULTILINE))


def explained_fields(found: type) -> set[str]:
    """The fields that a string follows, or that carry a sentence, in a class and those it comes from."""
    described = fields(found) if is_dataclass(found) else ()
    explained = {each.name for each in described if "description" in each.metadata}
    for owner in found.__mro__:
        if not owner.__module__.startswith("pingze"):
            continue
        (definition,) = ast.parse(textwrap.dedent(inspect.getsource(owner))).body
        assert isinstance(definition, ast.ClassDef)
        for field, after in zip(definition.body, definition.body[1:], strict=False):
            if isinstance(field, ast.AnnAssign) and isinstance(after, ast.Expr):
                explained.add(field.target.id)  # type: ignore[union-attr]
    return explained


def missing(name: str, found: object) -> Iterator[str]:
    """What of a function or class nothing explains."""
    if not inspect.isclass(found):
        yield from (f"{name}({argument})" for argument in arguments(found) if argument not in listed(found))
        return
    own = [owner for owner in found.__mro__ if owner.__module__.startswith("pingze")]
    explained = explained_fields(found).union(*map(listed, own))
    yield from (f"{name}({argument})" for argument in arguments(found) if argument not in explained)
    for method_name, value in vars(found).items():
        method = value.__func__ if isinstance(value, (classmethod, staticmethod)) else value
        if not method_name.startswith("_") and inspect.isfunction(method):
            yield from missing(f"{name}.{method_name}", method)


@pytest.mark.parametrize("module", MODULES.split())
def test_every_argument_and_field_is_explained(module: str) -> None:
    assert [gap for name, found in public(module) for gap in missing(name, found)] == []
