import numpy as np
import pytest

from pingze.errors import InputError
from pingze.lstm.formulas import Parameters, gate_weights
from pingze.lstm.initializers import initialize

E, H = 30, 40


def made(name: str, scale: float = 1.0) -> Parameters:
    return initialize(name, E, H, np.random.default_rng(0), scale)


def test_zero() -> None:
    assert not any(array.any() for array in made("zero"))


@pytest.mark.parametrize("scale", [1.0, 0.01])
def test_normal_has_the_standard_deviation_asked_for(scale: float) -> None:
    weights = made("normal", scale)
    for array in (weights.weight_ih, weights.weight_hh):
        assert array.mean() == pytest.approx(0, abs=0.05 * scale)
        assert array.std() == pytest.approx(scale, rel=0.05)
    assert not weights.bias.any()


def test_uniform_fills_its_bound() -> None:
    bound = H**-0.5
    for array in made("uniform")[:2]:
        assert 0.98 * bound < np.abs(array).max() <= bound


def test_xavier_takes_each_gate_s_own_size() -> None:
    for gate in gate_weights(made("xavier")).values():
        for array in (gate.W_h, gate.W_x):
            bound = np.sqrt(6 / sum(array.shape))
            assert 0.95 * bound < np.abs(array).max() <= bound


def test_orthogonal_gates_and_forget_bias() -> None:
    for letter, gate in gate_weights(made("orthogonal")).items():
        np.testing.assert_allclose(gate.W_h @ gate.W_h.T, np.eye(H), atol=1e-5)
        np.testing.assert_array_equal(gate.b, 1.0 if letter == "f" else 0.0)


def test_same_generator_same_weights() -> None:
    for name in ("normal", "uniform", "xavier", "orthogonal"):
        for one, other in zip(made(name), made(name), strict=True):
            assert one.dtype == np.float32
            np.testing.assert_array_equal(one, other)


def test_unknown_name_lists_the_known() -> None:
    with pytest.raises(InputError, match="'he' is unknown; choose one of zero, normal"):
        made("he")
