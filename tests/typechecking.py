"""How annotations are checked while the tests run: an int may stand for a float, as PEP 484 has it.

jaxtyping's own decorator handles every function, also one without a shape. With it, the tests of
`verse` take 53 s of processor time instead of 15 s.
"""

from collections.abc import Callable
from functools import wraps
from inspect import isclass, isgeneratorfunction
from typing import Any, get_args, get_type_hints

from beartype import BeartypeConf, beartype
from jaxtyping import AbstractArray, TypeCheckError, jaxtyped

EVERY_CALL = 500
"""How many calls of a function are all checked; of later ones, every tenth is.

To check every call takes a third of the tests' time, most of it for a few small functions.
"""
_beartype = beartype(conf=BeartypeConf(is_pep484_tower=True, violation_type=TypeCheckError))
_shapes = jaxtyped("context")
_compiled: dict[object, tuple[Any, ...]] = {}


def checked(function: Any = None, **_: object) -> Any:
    """Check the annotations of a function: what `jaxtyped` does, to which dataclasses and generators are left.

    Beartype alone checks what names no shape. It compiles the check at the first call, and once for
    a function that is defined in each call of another.
    """
    if function is None:
        return checked
    if isclass(function) or isgeneratorfunction(function):
        return jaxtyped(function, typechecker=_beartype)
    key = id(function.__code__)
    calls = 0

    @wraps(function)
    def called(*arguments: object, **named: object) -> object:
        nonlocal calls
        calls += 1
        if calls > EVERY_CALL and calls % 10 != 0:
            return function(*arguments, **named)
        check, has_shape, _ = _compiled.get(key) or _compiled.setdefault(key, _compile(function))
        if check is None:
            return function(*arguments, **named)
        named["__beartype_func"] = function  # the one that the check calls
        if not has_shape:
            return check(*arguments, **named)
        with _shapes:
            return check(*arguments, **named)

    return called


def _compile(function: Callable[..., object], **names: Any) -> tuple[Any, ...]:
    """The check, None where there is none; whether an annotation has a shape; and the code, whose id stays its own."""
    try:
        function.__annotations__ = get_type_hints(function, localns=names, include_extras=True)
    except NameError as error:  # only type checkers import it
        return _compile(function, **names, **{error.name: Any})
    if (check := _beartype(function)) is function:
        return None, False, function.__code__
    return check, any(map(_has_shape, function.__annotations__.values())), function.__code__


def _has_shape(hint: Any) -> bool:
    return (isclass(hint) and issubclass(hint, AbstractArray)) or any(
        map(_has_shape, get_args(hint))
    )
