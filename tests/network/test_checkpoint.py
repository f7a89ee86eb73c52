"""Every way in which a model file can be wrong gives one line that says so."""

import dataclasses
import errno
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from pingze.errors import CheckpointError
from pingze.network import checkpoint
from pingze.network.configuration import ModelConfiguration
from pingze.network.vocabulary import Vocabulary
from tests import invented

CONFIGURATION = ModelConfiguration(vocabulary_size=7, embedding_size=2, hidden_size=3, layers=2)
VOCABULARY = Vocabulary.of_texts(["日月山"], size=7)


def weights() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        name: rng.standard_normal(shape, np.float32)
        for name, shape in checkpoint.shapes(CONFIGURATION).items()
    }


@pytest.fixture
def path(tmp_path: Path) -> Path:
    checkpoint.save(tmp_path / "model.safetensors", weights(), CONFIGURATION, VOCABULARY)
    return tmp_path / "model.safetensors"


def rewrite(path: Path, metadata: dict[str, str] | None = None, drop: str | None = None) -> None:
    """Write the file again with other metadata or without a tensor, its digest made to fit."""
    with safe_open(path, "numpy") as file:
        meta = file.metadata() | (metadata or {})
        tensors = {key: file.get_tensor(key) for key in file.keys() if key != drop}  # noqa: SIM118
    meta["sha256"] = checkpoint._digest(tensors, meta)
    save_file(tensors, path, meta)


def test_what_was_saved_is_loaded_from_a_file_or_its_folder(path: Path) -> None:
    for place in (path, path.parent, str(path)):
        loaded = checkpoint.load(place)
        assert loaded.configuration == CONFIGURATION
        assert loaded.vocabulary == VOCABULARY
        for name, tensor in weights().items():
            np.testing.assert_array_equal(loaded.tensors[name], tensor)


def test_half_precision_halves_the_file_and_loads_as_float32(tmp_path: Path, path: Path) -> None:
    half = tmp_path / "half.safetensors"
    checkpoint.save(half, weights(), CONFIGURATION, VOCABULARY, dtype=np.float16)
    loaded = checkpoint.load(half)
    for name, tensor in weights().items():
        assert loaded.tensors[name].dtype == np.float32
        np.testing.assert_array_equal(loaded.tensors[name], tensor.astype(np.float16))
    assert half.stat().st_size < path.stat().st_size


def test_8_bits_are_a_quarter_and_round_to_themselves(tmp_path: Path) -> None:
    made, paths = invented.model(hidden_size=64, tied=True), [tmp_path / f"{n}.safetensors" for n in range(2)]
    checkpoint.save(paths[0], made.tensors, made.configuration, made.vocabulary, dtype=np.int8)
    loaded = checkpoint.load(paths[0])
    for name, tensor in made.tensors.items():
        largest = np.abs(tensor).max(axis=-1, keepdims=True) if tensor.ndim == 2 else 0
        assert loaded.tensors[name].dtype == np.float32
        assert np.all(np.abs(loaded.tensors[name] - tensor) <= largest / 127), name
        rows = [2, 0, 2]
        np.testing.assert_array_equal(loaded.tensor(name, rows), loaded.tensors[name][rows])
    checkpoint.save(paths[1], loaded.tensors, loaded.configuration, loaded.vocabulary, dtype=np.int8)
    assert checkpoint.load(paths[1]).sha256 == loaded.sha256
    checkpoint.save(paths[1], made.tensors, made.configuration, made.vocabulary)
    for name, rounded in checkpoint.load(paths[1]).rounded().stored.items():
        np.testing.assert_array_equal(rounded, loaded.stored[name])
    assert loaded.rounded() is loaded
    assert paths[0].stat().st_size < 0.35 * paths[1].stat().st_size


def test_a_scale_of_another_size_is_refused(tmp_path: Path) -> None:
    made, path = invented.model(), tmp_path / "model.safetensors"
    checkpoint.save(path, made.tensors, made.configuration, made.vocabulary, dtype=np.int8)
    rewrite(path, drop="lstm.0.weight_hh.scale")
    with pytest.raises(CheckpointError, match=r"tensor lstm\.0\.weight_hh\.scale is absent"):
        checkpoint.load(path)


@pytest.mark.parametrize(
    ("metadata", "drop", "message"),
    [
        ({"format": "pingze-99"}, None, "format pingze-99, this pingze reads pingze-1"),
        (
            {"vocabulary": json.dumps([*VOCABULARY.tokens, "水"])},
            None,
            "vocabulary of 8 tokens for a model of 7",
        ),
        *(
            ({"configuration": value}, None, "configuration that this pingze cannot read")
            for value in ("", "[]", '{"vocabulary_size": 0}', '{"colour": 1}', "null")
        ),
        ({}, "lstm.1.bias", r"tensor lstm\.1\.bias is absent, the configuration asks for \(12,\)"),
    ],
)
def test_what_does_not_fit_is_named(
    path: Path, metadata: dict[str, str], drop: str | None, message: str
) -> None:
    rewrite(path, metadata, drop)
    with pytest.raises(CheckpointError, match=message):
        checkpoint.load(path)


def test_absent_model(tmp_path: Path) -> None:
    message = r"there is no model 'nowhere': give a shipped name \(report, tang\), a file, or"
    with pytest.raises(CheckpointError, match=message):
        checkpoint.load("nowhere")
    with pytest.raises(CheckpointError, match="no model"):
        checkpoint.load(tmp_path)


@pytest.mark.parametrize("keep", [0, 4, 100, -1])
def test_truncated_file(path: Path, keep: int) -> None:
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(CheckpointError, match="is damaged or is no checkpoint"):
        checkpoint.load(path)


def alter(path: Path) -> None:
    """Change a bit of the last weight."""
    *data, last = path.read_bytes()
    path.write_bytes(bytes([*data, last ^ 1]))


def test_altered_weight(path: Path) -> None:
    alter(path)
    with pytest.raises(CheckpointError, match="altered after it was saved"):
        checkpoint.load(path)


def test_file_of_another_program(tmp_path: Path) -> None:
    save_file({"weight": np.zeros(3)}, tmp_path / "other.safetensors")
    with pytest.raises(CheckpointError, match="format None"):
        checkpoint.load(tmp_path / "other.safetensors")


def test_special_tokens_of_another_model(tmp_path: Path) -> None:
    made = invented.model(conditions=["<七絕>", "<張甲>"])
    path = tmp_path / "model.safetensors"
    checkpoint.save(path, made.tensors, made.configuration, made.vocabulary)
    assert checkpoint.load(path).configuration == made.configuration
    other = dataclasses.asdict(made.configuration) | {"special_tokens": ["<七絕>"]}
    rewrite(path, {"configuration": json.dumps(other)})
    with pytest.raises(CheckpointError, match="other special tokens in its vocabulary than in its config"):
        checkpoint.load(path)


def test_tensor_of_another_shape_is_named_with_both_shapes(tmp_path: Path) -> None:
    wrong = weights() | {"output.bias": np.zeros(6, np.float32)}
    with pytest.raises(CheckpointError, match=r"output\.bias is \(6,\), the configuration asks for \(7,\)"):
        checkpoint.save(tmp_path / "model.safetensors", wrong, CONFIGURATION, VOCABULARY)
    assert not list(tmp_path.iterdir())


def test_a_failed_save_leaves_the_file_before_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CheckpointError, match=r"cannot be written: No space left on device"):
        checkpoint.save(path, weights(), CONFIGURATION, VOCABULARY)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_reward_lies_beside_its_model_until_another_replaces_it(path: Path) -> None:
    assert checkpoint.load(path).reward is None
    before, reward = checkpoint.changed(path), np.array([0.5, -1.0, 2.0], np.float32)
    checkpoint.save_reward(path, reward)
    for place in (path, path.parent):
        np.testing.assert_array_equal(checkpoint.load(place).reward, reward)
        assert checkpoint.changed(place) != before
    assert checkpoint.changed("tang") == ()
    checkpoint.save(path, {name: 2 * tensor for name, tensor in weights().items()}, CONFIGURATION, VOCABULARY)
    assert checkpoint.load(path).reward is None


def other_model(path: Path) -> None:
    rewrite(path, {"configuration": json.dumps(dataclasses.asdict(CONFIGURATION) | {"activation": "relu"})})


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda path: checkpoint.save_reward(path, np.zeros(4)),
            "was altered, or is not of the model beside it",
        ),
        (other_model, "was altered, or is not of the model beside it; remove it or fit it again"),
        (lambda path: alter(path.with_suffix(".reward.safetensors")), "was altered, or is not of the model"),
        (
            lambda path: path.with_suffix(".reward.safetensors").write_bytes(b"?"),
            "is damaged or is no reward",
        ),
    ],
)
def test_a_reward_that_does_not_fit_is_refused(
    path: Path, spoil: Callable[[Path], object], message: str
) -> None:
    checkpoint.save_reward(path, np.array([0.5, -1.0, 2.0]))
    spoil(path)
    with pytest.raises(CheckpointError, match=message):
        checkpoint.load(path)
