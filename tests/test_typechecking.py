"""The annotations of pingze are checked while the tests run."""

import numpy as np
import pytest
from jaxtyping import TypeCheckError

from pingze.arrays import Array, Float
from pingze.lstm.dropout import Dropout
from pingze.verse.standard import PINGSHUI
from tests.typechecking import checked


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
    for function, given in ((PINGSHUI.rhymes, 7), (Dropout, "all")):
        with pytest.raises(TypeCheckError, match="parameter"):
            function(given)
