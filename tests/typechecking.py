"""How annotations are checked while the tests run: an int may stand for a float, as PEP 484 has it."""

from collections.abc import Callable
from inspect import Signature, signature

from beartype import BeartypeConf, beartype

_beartype = beartype(conf=BeartypeConf(is_pep484_tower=True))
_checked: dict[tuple[str, str, Signature], Callable[..., object]] = {}


def check(function: Callable[..., object]) -> Callable[..., object]:
    """Check a function's annotations; a function that is defined in each call of another is compiled once."""
    key = function.__module__, function.__qualname__, signature(function)
    try:
        return _checked.get(key) or _checked.setdefault(key, _beartype(function))
    except TypeError:  # an unhashable default
        return _beartype(function)
