"""The one schema: its bounds, and that Python's signature and the command line have the same fields."""

from dataclasses import fields
from inspect import Parameter, signature

import pytest

from pingze import compose
from pingze.cli.composing import compose as command
from pingze.composing.options import Composing, Revising
from pingze.errors import InputError


def test_python_and_the_command_line_take_its_fields_and_defaults() -> None:
    expected = {each.name: each.default for each in fields(Composing)}
    python = {name: p.default for name, p in signature(compose).parameters.items() if name != "model"}
    assert python.pop("form") is Parameter.empty
    assert python == {name: value for name, value in expected.items() if name != "form"}
    own = ("model", "explain", "as_json")
    typed = {name: p.default for name, p in signature(command).parameters.items() if name not in own}
    assert typed == expected


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"temperature": float("inf")},
            "temperature is inf; it must be a finite number, at least 0 and at most 100",
        ),
        ({"temperature": -0.1}, "temperature is -0.1; it must be at least 0 and at most 100"),
        ({"top_p": 0.0}, "top_p is 0.0; it must be above 0 and at most 1"),
        ({"top_p": 1.1}, "top_p is 1.1; it must be above 0 and at most 1"),
        ({"particles": 0}, "particles is 0; it must be at least 1 and at most 4096"),
        ({"seed": 10**30}, "seed is 10^30 or so; it must be at least 0 and at most 9007199254740991"),
        ({"level": "lax"}, "level 'lax' is unknown; choose one of customary, strict"),
        ({"include": "春" * 101}, "include has 101 characters; give 100 at most"),
        ({"exclude": "\udc00"}, "exclude holds half a character (a lone surrogate)"),
        ({"seed": -(10**5000)}, "seed is -10^5000 or so; it must be at least 0 and at most 9007199254740991"),
        ({"antithesis": 1e100}, "antithesis is 1e+100; it must be at least 0 and at most 10"),
        ({"original": 1}, "original is 1; it must be at least 2 and at most 100"),
    ],
)
def test_out_of_bounds(values: dict[str, object], message: str) -> None:
    with pytest.raises(InputError) as error:
        Revising(**values)  # type: ignore[arg-type]
    assert str(error.value) == message
    assert error.value.field == next(iter(values))
