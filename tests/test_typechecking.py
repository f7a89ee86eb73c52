"""The annotations of pingze are checked while the tests run."""

import numpy as np
import pytest
from jaxtyping import TypeCheckError

from pingze.arrays import Array, Float
from pingze.lstm.dropout import Dropout
from pingze.serve.server import reached_at
from tests.typechecking import EVERY_CALL, checked


@checked
def defined_once(
    x: Float[Array, "N"], y: Float[Array, "N M"], returned: object
) -> Float[Array, "M"]:
    return returned  # type: ignore[return-value]


def defined_at_each_call(x: object, y: object, returned: object) -> object:
    @checked
    def inner(x: Float[Array, "N"], y: Float[Array, "N M"]) -> Float[Array, "M"]:
        return returned  # type: ignore[return-value]

    return inner(x, y)  # type: ignore[arg-type]


def test_a_wrong_type_or_shape_is_an_error() -> None:
    two, three, matrix = np.zeros(2), np.zeros(3), np.zeros((3, 2))
    for function in (defined_once, defined_at_each_call) * 2:
        assert function(three, matrix, two) is two
        wrong = (("parameter", two, matrix, two), ("parameter", three, 7, two))
        for part, *given in (
            *wrong,
            ("return", three, matrix, three),
            ("return", three, matrix, None),
        ):
            with pytest.raises(TypeCheckError, match=part):
                function(*given)
    for function, given in ((reached_at, 7), (Dropout, "all")):
        with pytest.raises(TypeCheckError, match="parameter"):
            function(given)


def test_of_many_calls_a_wrong_one_in_ten_is_an_error() -> None:
    @checked
    def echo(x: int) -> int:
        return x

    for _ in range(EVERY_CALL):
        echo(1)

    def ten_wrong_calls() -> None:
        for _ in range(10):
            echo("one")  # type: ignore[arg-type]

    with pytest.raises(TypeCheckError, match="parameter"):
        ten_wrong_calls()
