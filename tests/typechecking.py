"""How annotations are checked while the tests run: an int may stand for a float, as PEP 484 has it."""

from collections.abc import Callable
from inspect import Signature, signature
from typing import Any

from beartype import BeartypeConf, beartype

_beartype = beartype(conf=BeartypeConf(is_pep484_tower=True))
_checked: dict[tuple[str, str, Signature], Callable[..., object]] = {}


def check(function: Callable[..., object]) -> Callable[..., object]:
    """Check the annotations of an empty function that jaxtyping makes in place of one of pingze.

    It makes two of each: one is called with the parameters and returns Any, then one also with what was returned. The
    second need not check the parameters again. Where a function is defined in each call of another, equal ones are
    compiled once.
    """
    if (returned := function.__annotations__.get("return", Any)) is not Any:
        function.__annotations__ = {"return": returned}
    key = function.__module__, function.__qualname__, signature(function)
    try:
        return _checked.get(key) or _checked.setdefault(key, _beartype(function))
    except TypeError:  # an unhashable default
        return _beartype(function)
