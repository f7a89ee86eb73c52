"""The pictures are written for a model of any size, and show the Jacobians."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pingze.derivation.differentiation import VERSE, random_layer, trained_layer
from pingze.derivation.pictures import draw, gradient_flow, plain_gradient_flow
from pingze.errors import InputError
from pingze.lstm import jacobians
from pingze.network import checkpoint
from tests import invented
from tests.composing.verse import checkpoint_of


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model with random weights whose vocabulary has the verse's characters."""
    return invented.saved(
        tmp_path_factory.mktemp("model") / "small.safetensors", checkpoint_of(VERSE, scale=0.5)
    )


def test_four_pictures_are_written(model: Path, tmp_path: Path) -> None:
    paths = draw(tmp_path / "new" / "folder", model, steps=9)
    assert [path.name for path in paths] == [
        "gain.png",
        "spectrum.png",
        "forget_gate.png",
        "products.png",
    ]
    contents = {path.read_bytes() for path in paths}
    assert len(contents) == 4
    for data in contents:
        assert data.startswith(b"\x89PNG")
        assert len(data) > 20_000


def test_a_folder_that_cannot_be_made_is_refused(model: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"):
        draw(tmp_path / "file", model, steps=2)


def test_another_activation_is_refused(model: Path, tmp_path: Path) -> None:
    loaded = checkpoint.load(model)
    configuration = replace(loaded.configuration, activation="relu")
    invented.saved(tmp_path / "relu.safetensors", replace(loaded, configuration=configuration))
    with pytest.raises(InputError, match="activation relu; the report's formulas are for tanh"):
        trained_layer(tmp_path / "relu.safetensors", 3)


def test_gradient_flow_of_an_lstm(model: Path) -> None:
    layer = trained_layer(model, 9)
    shown = gradient_flow(layer)
    assert list(shown.spectra) == [1, 2, 4, 8]
    joint = jacobians.joint_product(layer[-4:])[0, :6, :6]
    np.testing.assert_allclose(shown.spectra[4], np.linalg.svd(joint, compute_uv=False))
    products = list(jacobians.back_through_time(layer))[3]
    hidden = products.hidden[0]
    cell = products.cell[0]
    parts = {
        "whole": joint,
        "missed": joint - hidden,
        "missed_by_cell": joint - cell,
        "mixed": joint - cell - hidden,
    }
    for name, part in parts.items():
        assert shown.gains[name][3] == pytest.approx(np.linalg.norm(part) / np.sqrt(6)), name


def test_gradient_flow_of_a_plain_rnn() -> None:
    layer = random_layer(3, 4, 5, np.random.default_rng(0))
    cell = slice(2 * 4, 3 * 4)
    W_x = layer[0].parameters.weight_ih[cell]
    W_h = layer[0].parameters.weight_hh[cell]
    b = layer[0].parameters.bias[cell]

    def after(h: np.ndarray, steps: slice) -> np.ndarray:
        for cache in layer[steps]:
            h = np.tanh(W_h @ h + W_x @ cache.x[0] + b)
        return h

    h = after(np.zeros(4), slice(3))
    columns = []
    for move in 1e-6 * np.eye(4):
        difference = after(h + move, slice(3, 5)) - after(h - move, slice(3, 5))
        columns.append(difference / 2e-6)
    gain = plain_gradient_flow(layer).gains["whole"][1]
    assert gain == pytest.approx(np.linalg.norm(columns) / 2, rel=1e-7)
