"""The annotations of pingze are checked while the tests run."""

from collections.abc import Callable

import numpy as np
import pytest
from jaxtyping import TypeCheckError, jaxtyped

from pingze.arrays import Array, Float
from pingze.verse.tones import groups
from tests.typechecking import check


def of_shape(returned: object) -> Callable[[object, object], object]:
    """A function that is defined at each call, with shapes in its annotations."""

    @jaxtyped(typechecker=check)
    def inner(x: Float[Array, "N"], y: Float[Array, "N M"]) -> Float[Array, "M"]:
        return returned  # type: ignore[return-value]

    return inner  # type: ignore[return-value]


def test_a_wrong_type_or_shape_is_an_error_at_each_definition() -> None:
    with pytest.raises(TypeCheckError, match="parameters"):
        groups(7)  # type: ignore[arg-type]
    two, three, matrix = np.zeros(2), np.zeros(3), np.zeros((3, 2))
    for _ in range(2):
        assert of_shape(two)(three, matrix) is two
        for x, y in ((two, matrix), (three, 7)):
            with pytest.raises(TypeCheckError, match="checking the parameters"):
                of_shape(two)(x, y)
        for returned in (three, None):
            with pytest.raises(TypeCheckError, match="checking the return value"):
                of_shape(returned)(three, matrix)
