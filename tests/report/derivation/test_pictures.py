"""The pictures appear, from a model of any size, and what they show is what the Jacobians say."""

import dataclasses
import struct
from pathlib import Path

import numpy as np
import pytest

from pingze.errors import InputError
from pingze.lstm import jacobians
from pingze.network import checkpoint
from pingze.network.configuration import ModelConfiguration
from pingze.network.vocabulary import Vocabulary
from pingze.report.derivation.pictures import draw, gradient_flow, plain_gradient_flow
from pingze.report.derivation.sample_layers import VERSE, random_layer, trained_layer


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model with random weights, that knows the verse's characters."""
    vocabulary = Vocabulary.of_texts([VERSE], 40)
    configuration = ModelConfiguration(vocabulary_size=len(vocabulary), embedding_size=3, hidden_size=6)
    rng = np.random.default_rng(0)
    tensors = {name: rng.normal(0, 0.5, shape) for name, shape in checkpoint.shapes(configuration).items()}
    path = tmp_path_factory.mktemp("model") / "small.safetensors"
    checkpoint.save(path, tensors, configuration, vocabulary)
    return path


def png_size(path: Path) -> tuple[int, int]:
    """Width and height from a PNG's header."""
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def test_four_pictures(model: Path, tmp_path: Path) -> None:
    paths = draw(tmp_path / "new" / "folder", model, steps=9)
    assert [path.name for path in paths] == ["gain.png", "spectrum.png", "forget_gate.png", "products.png"]
    for path in paths:
        width, height = png_size(path)
        assert width > 1000
        assert height > 600
        assert path.stat().st_size > 20_000
    assert len({path.read_bytes() for path in paths}) == 4
    assert len(list((tmp_path / "new" / "folder").iterdir())) == 4


def test_a_folder_that_cannot_be_written_to(model: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"):
        draw(tmp_path / "file", model, steps=2)


def test_another_activation_is_refused(model: Path, tmp_path: Path) -> None:
    loaded = checkpoint.load(model)
    configuration = dataclasses.replace(loaded.configuration, activation="relu")
    checkpoint.save(tmp_path / "relu.safetensors", loaded.tensors, configuration, loaded.vocabulary)
    with pytest.raises(InputError, match="activation relu; the report's formulas are for tanh"):
        trained_layer(tmp_path / "relu.safetensors", 3)


def test_course_of_an_lstm(model: Path) -> None:
    layer = trained_layer(model, 9)
    shown = gradient_flow(layer)
    joint = jacobians.joint_product(layer.caches[-4:])[0, :6, :6]
    assert shown.whole[3] == pytest.approx(np.linalg.norm(joint) / np.sqrt(6))
    np.testing.assert_allclose(shown.spectra[4], np.linalg.svd(joint, compute_uv=False))
    np.testing.assert_allclose(shown.missed / shown.whole, jacobians.parting(layer.caches)[:, 0])
    assert list(shown.spectra) == [1, 2, 4, 8]
    cell = np.array([products.cell[0] for products in jacobians.back_through_time(layer.caches)][3])
    hidden = jacobians.hidden_product(layer.caches[-4:])[0]
    assert shown.missed_by_cell[3] == pytest.approx(np.linalg.norm(joint - cell) / np.sqrt(6))
    assert shown.mixed[3] == pytest.approx(np.linalg.norm(joint - cell - hidden) / np.sqrt(6))


def test_course_of_a_plain_rnn() -> None:
    layer = random_layer(3, 4, 5, np.random.default_rng(0))
    W_h, W_x, b = (
        part[2 * 4 : 3 * 4]
        for part in (layer.parameters.weight_hh, layer.parameters.weight_ih, layer.parameters.bias)
    )

    def last(h_2: np.ndarray) -> np.ndarray:
        for x in layer.x[3:, 0]:
            h_2 = np.tanh(W_h @ h_2 + W_x @ x + b)
        return h_2

    h = np.zeros(4)
    for x in layer.x[:3, 0]:
        h = np.tanh(W_h @ h + W_x @ x + b)
    columns = [(last(h + move) - last(h - move)) / 2e-6 for move in 1e-6 * np.eye(4)]
    assert plain_gradient_flow(layer).whole[1] == pytest.approx(np.linalg.norm(columns) / 2, rel=1e-7)
