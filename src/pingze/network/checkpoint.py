"""Save, load and verify a model in one file: weights, configuration and vocabulary.

The file is `model.safetensors`: `embedding.weight` (V, E), `lstm.0.weight_ih`, `lstm.0.weight_hh`, `lstm.0.bias`,
…, `output.weight` (V, H), `output.bias` (V). A tied model has `projection.weight` (E, H) instead of `output.weight`,
because its output layer uses the embedding's weight. A model that reads a poem's conditions at every step has
`lstm.0.weight_ph` (4H, E). Weights are in single or half precision, or in 8 bits (`Rounded`). In 8 bits a matrix
consists of whole numbers, and `NAME.scale` (N) holds the scales of its N rows. The metadata hold the configuration, the
ordered vocabulary, and the digest that `tensor_file` verifies. Reading a model requires only NumPy.

The same folder may contain `model.reward.safetensors`, which holds the SHA-256 of the model and `reward.weight` (H), a
weight that predicts a reader's score of a text from the model's states (`composing.steering.taste`).
"""

import json
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from importlib.resources import as_file, files
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pingze.arrays import Array, Float, Int8
from pingze.errors import CheckpointError, PingzeError
from pingze.network import DEFAULT as DEFAULT
from pingze.network import SHIPPED as SHIPPED
from pingze.network import tensor_file
from pingze.network.configuration import ModelConfiguration
from pingze.network.tensor_file import FORMAT, Tensors
from pingze.network.vocabulary import SPECIAL_TOKENS, Vocabulary

MODEL_FILE = "model.safetensors"
CONFIG_FILE, VOCABULARY_FILE = "config.json", "vocab.txt"
"""Additional files of an export, with the names that model hubs use."""
REWARD_FILE = "model.reward.safetensors"
REWARD = "reward.weight"
SCALE = ".scale"
"""Suffix that is added to the name of an 8-bit weight to name the tensor of its rows' scales."""

LARGEST_WEIGHT = 64
"""The largest whole number in a weight. Without VNNI, two products are added in 16 bits: 2 · 255 · 64 < 2^15."""


class Rounded(NamedTuple):
    """A weight in 8 bits, whose row n is `scale[n] * whole[n]`. Rounding the weight again gives the same numbers."""

    whole: Int8[Array, "N K"]
    """The whole numbers, from -`LARGEST_WEIGHT` to `LARGEST_WEIGHT`."""
    scale: Float[Array, "N"]
    """The scale of each row."""

    @property
    def weight(self) -> Float[Array, "N K"]:
        """The weight in float32."""
        return self.whole * self.scale[:, None]

    @property
    def columns(self) -> Int8[Array, "K N"]:
        """The transposed whole numbers, in the layout that ONNX needs to multiply by them."""
        columns = np.empty(self.whole.shape[::-1], np.int8)
        for start in range(0, len(self.whole), 32):  # in blocks, which is three times as fast
            columns[:, start : start + 32] = self.whole[start : start + 32].T
        return columns


def rounded(weight: Float[Array, "N K"]) -> Rounded:
    """Round a weight to 8 bits.

    Args:
        weight: The weight in any precision, (N, K).
    """
    weight = weight.astype(np.float32)
    scale = np.abs(weight).max(axis=1) / np.float32(LARGEST_WEIGHT)
    scale[scale == 0] = 1
    return Rounded(np.rint(weight / scale[:, None]).astype(np.int8), scale)


@dataclass(frozen=True)
class Checkpoint:
    """A stored model."""

    name: str
    """The shipped name, file or folder that was passed to `load`."""
    configuration: ModelConfiguration
    """The sizes and choices of the model."""
    vocabulary: Vocabulary
    """The tokens of the model, in the order of their ids."""
    stored: Tensors
    """The weights in the precision of the file."""
    reward: np.ndarray | None = None
    """r, (H): each state h_t adds r·h_t points to the predicted score of the text; None if the model has no reward."""
    sha256: str = ""
    """The SHA-256 of the model's tensors and metadata."""

    @cached_property
    def tensors(self) -> dict[str, np.ndarray]:
        """All weights in float32, by their names in `shapes`."""
        return {name: self.tensor(name) for name in shapes(self.configuration)}

    def tensor(self, name: str, rows: list[int] | slice = slice(None)) -> np.ndarray:
        """Return rows of a weight in float32.

        Args:
            name: A name in `shapes`.
            rows: The indices of the rows; by default all rows.
        """
        found = self.stored[name][rows]
        if found.dtype == np.int8:
            return Rounded(found, self.stored[name + SCALE][rows]).weight
        return found.astype(np.float32, copy=False)

    def rounded(self) -> "Checkpoint":
        """Return the model in 8 bits: itself if it is stored in 8 bits, otherwise a rounded copy."""
        return self if self.dtype is np.int8 else replace(self, stored=_in_8_bits(self.stored))

    def matrix(self, name: str) -> Rounded:
        """Return a matrix of a model that is stored in 8 bits.

        Args:
            name: The name of a matrix in `shapes`.
        """
        return Rounded(self.stored[name], self.stored[name + SCALE])

    @property
    def dtype(self) -> type:
        """The type in which matrices are stored: int8, float16 or float32."""
        return self.stored["embedding.weight"].dtype.type


def save(
    path: Path, tensors: Tensors, configuration: ModelConfiguration, vocabulary: Vocabulary, *, dtype: type = np.float32
) -> None:
    """Write a checkpoint atomically, and remove the reward of the model that it replaces, if any.

    Args:
        path: The file to write.
        tensors: The weights, with the names and shapes of `shapes`.
        configuration: The sizes and choices of the model.
        vocabulary: The tokens of the model.
        dtype: The type of the stored matrices: float32, float16, or int8 for shipping (`Rounded`).

    Raises CheckpointError if a tensor does not match the configuration or the file cannot be written.
    """
    path = path.resolve()  # a link is kept, and its target is replaced
    if dtype is np.int8:
        stored = _in_8_bits(tensors)
    else:
        stored = {name: np.ascontiguousarray(tensor, dtype) for name, tensor in tensors.items()}
    _check_tensors(path, stored, configuration)
    tensor_file.write(path, stored, about(configuration, vocabulary), stale=_reward_path(path))


def about(configuration: ModelConfiguration, vocabulary: Vocabulary) -> dict[str, str]:
    """Return the metadata that describe a model in a file.

    Args:
        configuration: The sizes and choices of the model.
        vocabulary: The tokens of the model.
    """
    tokens = json.dumps(vocabulary.tokens, ensure_ascii=False)
    return {"format": FORMAT, "configuration": json.dumps(asdict(configuration)), "vocabulary": tokens}


def _in_8_bits(tensors: Tensors) -> dict[str, np.ndarray]:
    stored = {}
    for name, tensor in tensors.items():
        if tensor.ndim == 2:
            stored[name], stored[name + SCALE] = rounded(tensor)
        else:
            stored[name] = np.ascontiguousarray(tensor, np.float32)
    return stored


def load(model: str | Path) -> Checkpoint:
    """Read and verify a model.

    Args:
        model: A name in `SHIPPED`, a checkpoint file, or the folder of a run or an export.

    Raises CheckpointError, which states the reason: the model does not exist, the file is truncated, altered or in
    another version of the format, tensors do not match the configuration or vocabulary, or files of an export disagree.
    """
    if model in SHIPPED:
        with as_file(files("pingze.network") / "weights") as folder:
            return _read(folder / f"{model}.safetensors", str(model))
    path = _file_of(model)
    if not path.is_file():
        raise CheckpointError("model", has=str(model), choices=SHIPPED)
    loaded = _read(path, str(model))
    if Path(model).is_dir():
        _check_beside(Path(model), loaded)
    return loaded


def changed(model: str | Path) -> tuple[int, ...]:
    """Return when each file of a model was last changed, in nanoseconds since 1970; () for a shipped model.

    Args:
        model: A name, file or folder as for `load`.
    """
    if model in SHIPPED:
        return ()
    path = _file_of(model)
    return tuple(file.stat().st_mtime_ns for file in (path, _reward_path(path)) if file.is_file())


def save_reward(path: Path, weight: np.ndarray) -> None:
    """Write the reward of a model atomically to the model's folder.

    Args:
        path: The file of the model.
        weight: The points that each unit of a state adds to the score, (H).

    Raises CheckpointError if the model cannot be read or the reward cannot be written.
    """
    sha256 = _read(path, str(path), with_reward=False).sha256
    tensor_file.write(_reward_path(path), {REWARD: weight.astype(np.float32)}, {"model": sha256})


def config(configuration: ModelConfiguration) -> dict[str, object]:
    """Return the content of an export's `config.json`.

    Args:
        configuration: The sizes and choices of the model.
    """
    special = {f"{token[1:-1]}_token_id": id_ for id_, token in enumerate(SPECIAL_TOKENS)}
    return {"model_type": "pingze", "format": FORMAT, **asdict(configuration), **special}


def _file_of(model: str | Path) -> Path:
    return Path(model) / MODEL_FILE if Path(model).is_dir() else Path(model)


def _reward_path(path: Path) -> Path:
    """Return the path of a model's reward: beside the model's file or, if none is there, beside the file's target."""
    beside = path.with_suffix(".reward.safetensors")
    return beside if beside.is_file() else path.resolve().with_suffix(".reward.safetensors")


def _read(path: Path, name: str, *, with_reward: bool = True) -> Checkpoint:
    try:
        stored, metadata = tensor_file.read(path)
    except ValueError as error:
        raise CheckpointError("model_damaged", path=str(path), reason=str(error)) from error
    try:
        configuration = ModelConfiguration.of(json.loads(metadata["configuration"]))
        vocabulary = Vocabulary(json.loads(metadata["vocabulary"]))
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError, PingzeError) as error:
        raise CheckpointError("model_configuration", path=str(path), reason=str(error)) from error
    if (has := len(vocabulary)) != (wanted := configuration.vocabulary_size):
        raise CheckpointError("model_vocabulary", path=str(path), has=has, wanted=wanted)
    if vocabulary.condition_tokens != configuration.special_tokens:
        raise CheckpointError("model_tokens", path=str(path))
    _check_tensors(path, stored, configuration)
    reward = None
    if with_reward and (beside := _reward_path(path)).is_file():
        reward = _reward(beside, metadata["sha256"], configuration.hidden_size)
    return Checkpoint(name, configuration, vocabulary, stored, reward, metadata["sha256"])


def _reward(path: Path, sha256: str, hidden_size: int) -> np.ndarray:
    """Read a reward, and check that it belongs to the model whose digest is `sha256`."""
    try:
        tensors, metadata = tensor_file.read(path)
        reward = tensors[REWARD]
        fits = metadata["model"] == sha256 and reward.shape == (hidden_size,) and _is_finite(reward)
    except (ValueError, KeyError):
        fits = False
    if not fits:
        raise CheckpointError("reward_other", path=str(path))
    return reward


def _check_beside(folder: Path, loaded: Checkpoint) -> None:
    """Raise CheckpointError if an export's configuration or vocabulary file differs from its model."""
    expected = json.loads(json.dumps(config(loaded.configuration)))
    for name, wanted, read in (
        (CONFIG_FILE, expected, json.loads),
        (VOCABULARY_FILE, list(loaded.vocabulary.tokens), str.splitlines),
    ):
        path = folder / name
        try:
            agrees = not path.exists() or read(path.read_text(encoding="utf-8")) == wanted
        except (OSError, ValueError):
            agrees = False
        if not agrees:
            raise CheckpointError("export_altered", path=str(path), model=MODEL_FILE)


def shapes(configuration: ModelConfiguration) -> dict[str, tuple[int, ...]]:
    """Return the shape of every tensor of a model, by name.

    Args:
        configuration: The sizes and choices of the model.
    """
    V, E, H = configuration.vocabulary_size, configuration.embedding_size, configuration.hidden_size
    layers: dict[str, tuple[int, ...]] = {}
    for depth in range(configuration.layers):
        layers[f"lstm.{depth}.weight_ih"] = (4 * H, E if depth == 0 else H)
        layers[f"lstm.{depth}.weight_hh"] = (4 * H, H)
        layers[f"lstm.{depth}.bias"] = (4 * H,)
    if configuration.held:
        layers["lstm.0.weight_ph"] = (4 * H, E)
    output = {"projection.weight": (E, H)} if configuration.tied else {"output.weight": (V, H)}
    return {"embedding.weight": (V, E), **layers, **output, "output.bias": (V,)}


def _check_tensors(path: Path, tensors: Tensors, configuration: ModelConfiguration) -> None:
    expected = shapes(configuration)
    for name, tensor in tensors.items():
        if tensor.dtype == np.int8 and tensor.ndim == 2:
            expected[name + SCALE] = tensor.shape[:1]
    for name in sorted(expected.keys() | tensors.keys()):
        found, wanted = tensors.get(name), str(expected.get(name, "absent"))
        has = "absent" if found is None else str(found.shape)
        if found is not None and not (name + SCALE in expected or _is_finite(found)):
            has = f"not finite, or {found.dtype}"
        if has != wanted:
            raise CheckpointError("model_tensor", path=str(path), name=name, has=has, wanted=wanted)


def _is_finite(tensor: np.ndarray) -> bool:
    """Check whether all numbers of a tensor are finite and in single or half precision."""
    return tensor.dtype in (np.float32, np.float16) and bool(np.isfinite(tensor).all())
