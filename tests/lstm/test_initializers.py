import numpy as np
import pytest

from pingze.errors import InputError
from pingze.lstm.formulas import gate_weights
from pingze.lstm.initializers import initialize

E, H = 30, 40


@pytest.mark.parametrize("name", ["zero", "normal", "uniform", "xavier", "orthogonal"])
def test_first_weights_are_as_their_name_says(name: str) -> None:
    scale = 0.01 if name == "normal" else 1.0
    made, again = (initialize(name, E, H, np.random.default_rng(0), scale) for _ in range(2))
    for letter, gate in gate_weights(made).items():
        np.testing.assert_array_equal(gate.b, name == "orthogonal" and letter == "f")
        for weight in (gate.W_h, gate.W_x):
            assert weight.dtype == np.float32
            largest = np.abs(weight).max()
            if name == "zero":
                assert not largest
            elif name == "normal":
                assert weight.mean() == pytest.approx(0, abs=0.1 * scale)
                assert weight.std() == pytest.approx(scale, rel=0.1)
            elif name == "orthogonal" and weight is gate.W_h:
                np.testing.assert_allclose(weight @ weight.T, np.eye(H), atol=1e-5)
            else:
                bound = H**-0.5 if name == "uniform" else np.sqrt(6 / sum(weight.shape))
                assert 0.95 * bound < largest <= bound
    for one, other in zip(made, again, strict=True):
        np.testing.assert_array_equal(one, other)


def test_unknown_name_lists_the_known() -> None:
    with pytest.raises(InputError, match="'he' is unknown; choose one of zero, normal"):
        initialize("he", E, H, np.random.default_rng(0))
