"""What people call says of each argument and each field what it is, so that help() is enough."""

import inspect
import re
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


def explained(found: type) -> set[str]:
    """The fields of a class and its bases that a string follows, or that have a sentence of their own."""
    own = [owner for owner in found.__mro__ if owner.__module__.startswith("pingze")]
    described = fields(found) if is_dataclass(found) else ()
    followed = re.findall(r'^ +(\w+): [^\n]*\n +r?"""', "\n".join(map(inspect.getsource, own)), re.MULTILINE)
    return {each.name for each in described if "description" in each.metadata}.union(followed, *map(listed, own))


def missing(name: str, found: object) -> Iterator[str]:
    """What of a function or class nothing explains."""
    if not inspect.isclass(found):
        yield from (f"{name}({argument})" for argument in arguments(found) if argument not in listed(found))
        return
    known = explained(found)
    yield from (f"{name}({argument})" for argument in arguments(found) if argument not in known)
    for method_name, value in vars(found).items():
        method = value.__func__ if isinstance(value, (classmethod, staticmethod)) else value
        if not method_name.startswith("_") and inspect.isfunction(method):
            yield from missing(f"{name}.{method_name}", method)


@pytest.mark.parametrize("module", MODULES.split())
def test_every_argument_and_field_is_explained(module: str) -> None:
    assert [gap for name, found in public(module) for gap in missing(name, found)] == []
