"""The one schema: its bounds, and that Python's signature and the command line have the same fields."""

import subprocess
import sys
from dataclasses import fields
from inspect import signature
from typing import get_type_hints

import numpy as np
import pytest

from pingze import compose
from pingze.cli.composing import compose as command
from pingze.composing.request.options import Composing, Options, Revising, Sampling, check_bounds
from pingze.errors import InputError


def test_python_and_the_command_line_take_its_fields_types_defaults_and_sentences() -> None:
    expected = {each.name: each.default for each in fields(Composing)}
    python = {name: p.default for name, p in signature(compose).parameters.items() if name != "model"}
    assert python == expected
    own = ("model", "reference", "explain", "as_json")
    typed = {name: p.default for name, p in signature(command).parameters.items() if name not in own}
    assert typed == expected
    assert {"start": str} | get_type_hints(Options) == get_type_hints(Composing)
    for each in fields(Composing):
        if each.name != "start":
            assert f"\n        {each.name}: {each.metadata['description']}\n" in str(compose.__doc__)


def test_a_long_poem_is_drawn_among_fewer_texts_and_bounds_hold_for_numbers_of_numpy_too() -> None:
    for particles, of_lengths in ((64, [64, 64, 62, 28, 8]), (256, [256, 256, 248, 113, 8]), (4, [4] * 5)):
        asked = Sampling(0.6, particles)
        assert [asked.particles_for(tokens) for tokens in (32, 64, 65, 96, 10**6)] == of_lengths
    for number in (np.int64(0), np.float32(0), 0):
        with pytest.raises(InputError, match=r"particles is 0(\.0)?; it must be at least 1"):
            check_bounds("particles", number, {"minimum": 1, "maximum": 9})


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
    places = "targets must be lines and places, as [2, (3, 5)], not "
    values = [
        ('compose(form="五絕", include=5)', "include must be text, not int"),
        ('compose(form="五絕", seed=False)', "seed must be a whole number, not bool"),
        ('compose(form="五絕", temperature="hot")', "temperature must be a number, not str"),
        ('compose(form="五絕", repeat=1)', "repeat must be True or False, not int"),
        ("compose(5)", "start must be text, not int"),
        ('revise("春", [1])', "poem must be a Poem, as compose and read_poem give, not str"),
        ("revise(poem, 2)", "targets must be a list of lines and places, as [2, (3, 5)], not int"),
        ('revise(poem, ["2"])', f"{places}str"),
        ("revise(poem, [(1, 2, 3)])", f"{places}tuple"),
    ]
    script = f"""
import numpy
from pingze import InputError, compose, revise
poem, *_ = compose(form="五絕", seed=numpy.int64(3), temperature=numpy.float32(0.5), top_p=1, model="report")
for call, expected in {values!r}:
    try:
        eval(call)
    except InputError as error:
        assert str(error) == expected, call
    else:
        raise AssertionError(call)
"""
    subprocess.run([sys.executable, "-c", script], check=True)
