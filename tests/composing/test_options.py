"""The one schema: its bounds, and that Python's signature and the command line have the same fields."""

import subprocess
import sys
from dataclasses import fields
from inspect import signature
from typing import Any, get_type_hints

import numpy as np
import pytest

from pingze import compose
from pingze.cli.composing import compose as command
from pingze.composing.request.options import Composing, Options, Revising, Sampling, check_bounds
from pingze.errors import InputError


def test_python_and_the_command_line_take_its_fields_and_defaults() -> None:
    expected = {each.name: each.default for each in fields(Composing)}
    python = {name: p.default for name, p in signature(compose).parameters.items() if name != "model"}
    assert python == expected
    own = ("model", "reference", "explain", "as_json")
    typed = {name: p.default for name, p in signature(command).parameters.items() if name not in own}
    assert typed == expected


def test_type_checkers_know_its_fields_and_types() -> None:
    types, options = get_type_hints(Composing), get_type_hints(Options)
    assert {"start": str} | options == types


def test_python_explains_each_field_in_its_sentence() -> None:
    for each in fields(Composing):
        if each.name != "start":
            assert f"\n        {each.name}: {each.metadata['description']}\n" in str(compose.__doc__)


@pytest.mark.parametrize(
    ("particles", "of_lengths"), [(64, [64, 64, 62, 28, 8]), (256, [256, 256, 248, 113, 8]), (4, [4] * 5)]
)
def test_a_long_poem_is_drawn_among_fewer_texts(particles: int, of_lengths: list[int]) -> None:
    asked = Sampling(0.6, particles)
    assert [asked.within(tokens).particles for tokens in (32, 64, 65, 96, 10**6)] == of_lengths


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"temperature": float("inf")}, "temperature is inf; it must be at least 0 and at most 100"),
        ({"top_p": 0.0}, "top_p is 0.0; it must be above 0 and at most 1"),
        ({"particles": 0}, "particles is 0; it must be at least 1 and at most 4096"),
        ({"seed": 10**5000}, "seed is 10^5000; it must be at least 0 and at most 9007199254740991"),
        ({"level": "lax"}, "level 'lax' is unknown; choose one of customary, strict"),
        ({"include": "春" * 101}, "include has 101 characters; give 100 at most"),
        (
            {"exclude": "\udc00"},
            "exclude holds half a character (a lone surrogate); if you typed it whole, set PYTHONUTF8=1",
        ),
        ({"original": 1}, "original is 1; it must be at least 2 and at most 100"),
    ],
)
def test_out_of_bounds(values: dict[str, object], message: str) -> None:
    with pytest.raises(InputError) as error:
        Revising(**values)  # type: ignore[arg-type]
    assert str(error.value) == message
    assert error.value.field == next(iter(values))


def test_wrong_types() -> None:
    """In a process of its own: here beartype would refuse them first."""
    values = [
        ({"include": 5}, "include must be text, not int"),
        ({"title": ["春"]}, "title must be text, not list"),
        ({"seed": False}, "seed must be a whole number, not bool"),
        ({"particles": 2.0}, "particles must be a whole number, not float"),
        ({"temperature": "hot"}, "temperature must be a number, not str"),
        ({"repeat": 1}, "repeat must be True or False, not int"),
    ]
    script = f"""
import numpy
from pingze import InputError, compose, revise
def message(call):
    try:
        call()
    except InputError as error:
        return str(error)
for values, expected in {values!r}:
    assert message(lambda: compose(form="五絕", **values)) == expected, values
assert message(lambda: revise("春", [1])) == "poem must be a Poem, as compose and read_poem give, not str"
assert message(lambda: compose(5, form="五絕")) == "start must be text, not int"
poem, *_ = compose(form="五絕", seed=numpy.int64(3), temperature=numpy.float32(0.5), top_p=1, model="report")
places = "targets must be a list of lines and places, as [2, (3, 5)], not int"
assert message(lambda: revise(poem, 2)) == places
for target, kind in (("2", "str"), ((1, 2, 3), "tuple"), (1.5, "float"), ((1, "2"), "tuple")):
    expected = "targets must be lines and places, as [2, (3, 5)], not " + kind
    assert message(lambda: revise(poem, [target])) == expected, target
"""
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize("number", [np.int64(0), np.float32(0), 0])
def test_bounds_hold_for_numbers_of_numpy_too(number: Any) -> None:
    with pytest.raises(InputError, match=r"particles is 0(\.0)?; it must be at least 1"):
        check_bounds("particles", number, {"minimum": 1, "maximum": 9})
