"""Save and verify a model in one file: weights, configuration and vocabulary.

The file is `model.safetensors`: `embedding.weight` (V, E), `lstm.0.weight_ih`, `lstm.0.weight_hh`, `lstm.0.bias`,
…, `output.weight` (V, H), `output.bias` (V); a tied model has `projection.weight` (E, H) in place of `output.weight`,
for its output's weight is the embedding's; one that holds a poem's conditions beside every input has
`lstm.0.weight_ph` (4H, E). Weights are in single or half precision, or in 8 bits (`Rounded`): a matrix then holds
whole numbers, and `NAME.scale` (N) the scales of its N rows. The metadata hold the configuration, the ordered
vocabulary, and what `tensor_file` verifies. Reading needs NumPy only.

Beside it may lie `model.reward.safetensors`: `reward.weight` (H), which tells from the model's state what a reader
makes of a text (`composing.taste`), and the SHA-256 of the model that it belongs to.
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
from pingze.network import tensor_file
from pingze.network.configuration import ModelConfiguration
from pingze.network.tensor_file import FORMAT, Tensors
from pingze.network.vocabulary import SPECIAL_TOKENS, Vocabulary

MODEL_FILE = "model.safetensors"
CONFIG_FILE, VOCABULARY_FILE = "config.json", "vocab.txt"
"""Further files of an export, under the names that model hubs use."""
REWARD_FILE = "model.reward.safetensors"
REWARD = "reward.weight"
SCALE = ".scale"
"""After the name of a weight in 8 bits, its rows' scales."""
SHIPPED = ("report", "tang")
"""Names of the models that come with the package."""
DEFAULT = "tang"
"""The model of commands that name none."""

LARGEST_WEIGHT = 64
"""Processors without VNNI add two products in 16 bits, and 2 · 255 · 64 < 2^15."""


class Rounded(NamedTuple):
    """A weight in 8 bits: row n is `scale[n] * whole[n]`. To round that again gives the same numbers."""

    whole: Int8[Array, "N K"]
    """From -`LARGEST_WEIGHT` to `LARGEST_WEIGHT`."""
    scale: Float[Array, "N"]
    """Of each row."""

    @property
    def weight(self) -> Float[Array, "N K"]:
        """The weight in float32."""
        weight: Array = self.whole * self.scale[:, None]
        return weight

    @property
    def columns(self) -> Int8[Array, "K N"]:
        """The whole numbers transposed, as ONNX multiplies by them."""
        columns = np.empty(self.whole.shape[::-1], np.int8)
        for start in range(0, len(self.whole), 32):  # three times as fast as all at once
            columns[:, start : start + 32] = self.whole[start : start + 32].T
        return columns


def rounded(weight: Float[Array, "N K"]) -> Rounded:
    """Round a weight to 8 bits.

    Args:
        weight: In any precision, (N, K).
    """
    weight = weight.astype(np.float32)
    scale = np.abs(weight).max(axis=1) / np.float32(LARGEST_WEIGHT)
    scale[scale == 0] = 1
    return Rounded(np.rint(weight / scale[:, None]).astype(np.int8), scale)


@dataclass(frozen=True)
class Checkpoint:
    """A model as it is stored."""

    name: str
    """A shipped name, a file or a folder, as `load` was given it."""
    configuration: ModelConfiguration
    """Its sizes and choices."""
    vocabulary: Vocabulary
    """Its tokens, in the order of their ids."""
    stored: Tensors
    """The weights as the file has them."""
    reward: np.ndarray | None = None
    """r, (H): a reader's score of a text gains r·h_t points by a state h_t; None without readings for this model."""
    sha256: str = ""
    """Of all that is stored."""

    @cached_property
    def tensors(self) -> dict[str, np.ndarray]:
        """All weights in float32, by the names of `shapes`."""
        return {name: self.tensor(name) for name in shapes(self.configuration)}

    def tensor(self, name: str, rows: list[int] | slice = slice(None)) -> np.ndarray:
        """Return some rows of a weight in float32.

        Args:
            name: One of `shapes`.
            rows: By default all.
        """
        found = self.stored[name][rows]
        if found.dtype == np.int8:
            return Rounded(found, self.stored[name + SCALE][rows]).weight
        return found.astype(np.float32, copy=False)

    def rounded(self) -> "Checkpoint":
        """Return the model in 8 bits: as it is when it is stored so, else rounded now."""
        return self if self.dtype is np.int8 else replace(self, stored=_in_8_bits(self.stored))

    def matrix(self, name: str) -> Rounded:
        """Return a matrix of a model in 8 bits.

        Args:
            name: One of `shapes`.
        """
        return Rounded(self.stored[name], self.stored[name + SCALE])

    @property
    def dtype(self) -> type:
        """What matrices are stored in: int8, float16 or float32."""
        dtype: type = self.stored["embedding.weight"].dtype.type
        return dtype


def save(
    path: Path,
    tensors: Tensors,
    configuration: ModelConfiguration,
    vocabulary: Vocabulary,
    *,
    dtype: type = np.float32,
) -> None:
    """Write one checkpoint, atomically, and remove the reward of a model that it replaces.

    Args:
        path: The file, whose folder exists.
        tensors: The weights, by the names and in the shapes of `shapes`.
        configuration: The sizes and choices of the model.
        vocabulary: Its tokens.
        dtype: The type of the stored matrices: float32, float16, or int8 for shipping (`Rounded`).

    Raises CheckpointError when a tensor does not fit the configuration or the disk does not take it.
    """
    path = path.resolve()  # a link stays, and its target is replaced
    if dtype is np.int8:
        stored = _in_8_bits(tensors)
    else:
        stored = {name: np.ascontiguousarray(tensor, dtype) for name, tensor in tensors.items()}
    _check_tensors(path, stored, configuration)
    tensor_file.write(path, stored, about(configuration, vocabulary), stale=_reward_path(path))


def about(configuration: ModelConfiguration, vocabulary: Vocabulary) -> dict[str, str]:
    """Describe a model in a file's metadata.

    Args:
        configuration: The model's sizes and choices.
        vocabulary: Its tokens.
    """
    tokens = json.dumps(vocabulary.tokens, ensure_ascii=False)
    return {"format": FORMAT, "configuration": json.dumps(asdict(configuration)), "vocabulary": tokens}


def _in_8_bits(tensors: Tensors) -> dict[str, np.ndarray]:
    """Round the matrices; vectors stay in float32."""
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
        model: A shipped name of `SHIPPED`, a checkpoint file, or the folder of a run or an export.

    Raises CheckpointError, which names the fault: no such model, truncated or altered file, another format version,
    tensors that do not fit the configuration or the vocabulary, an export whose files do not agree.
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
    """Return when each file of a model was last changed, in nanoseconds; () for a shipped one.

    Args:
        model: As `load` takes it.
    """
    if model in SHIPPED:
        return ()
    path = _file_of(model)
    return tuple(file.stat().st_mtime_ns for file in (path, _reward_path(path)) if file.is_file())


def save_reward(path: Path, weight: np.ndarray) -> None:
    """Write a model's reward beside it, atomically.

    Args:
        path: The model's file.
        weight: (H), in points.

    Raises CheckpointError when the disk does not take it.
    """
    sha256 = _read(path, str(path), with_reward=False).sha256
    tensor_file.write(_reward_path(path), {REWARD: weight.astype(np.float32)}, {"model": sha256})


def config(configuration: ModelConfiguration) -> dict[str, object]:
    """Return what an export's `config.json` says.

    Args:
        configuration: The model's sizes and choices.
    """
    special = {f"{token[1:-1]}_token_id": id_ for id_, token in enumerate(SPECIAL_TOKENS)}
    return {"model_type": "pingze", "format": FORMAT, **asdict(configuration), **special}


def _file_of(model: str | Path) -> Path:
    return Path(model) / MODEL_FILE if Path(model).is_dir() else Path(model)


def _reward_path(path: Path) -> Path:
    """Find the reward beside a model's file, or beside the file that it links to."""
    beside = path.with_suffix(".reward.safetensors")
    return beside if beside.is_file() else path.resolve().with_suffix(".reward.safetensors")


def _read(path: Path, name: str, *, with_reward: bool = True) -> Checkpoint:
    """Read a file, and the reward beside it if there is one."""
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
    """Read the reward of the model with a digest."""
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
    """Raise CheckpointError when an export's configuration or vocabulary is not the model's own."""
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
    """Name and shape of every tensor of a model.

    Args:
        configuration: The model's sizes.
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
    """Tell whether a tensor holds finite numbers in single or half precision."""
    return tensor.dtype in (np.float32, np.float16) and bool(np.isfinite(tensor).all())
