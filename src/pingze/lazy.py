"""Import the public names of a package when they are first used."""

import sys
from importlib import import_module


def imported(package: str, homes: tuple[str, ...], name: str) -> object:
    """Return the object that a public name of a package refers to, and store the object in the package.

    The package's `__getattr__` calls this function once per name. The submodules `homes` are
    imported in order until one defines the name. Raises AttributeError if the package's `__all__`
    does not list the name.
    """
    module = sys.modules[package]
    if name not in module.__all__:
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    found = (import_module(f"{package}.{home}") for home in homes)
    value: object = next(getattr(home, name) for home in found if hasattr(home, name))
    setattr(module, name, value)
    return value
