"""A model in one file: weights, configuration and vocabulary, saved and verified together.

The file is `model.safetensors`: `embedding.weight` (V, E), `lstm.0.weight_ih`, `lstm.0.weight_hh`, `lstm.0.bias`,
…, `output.weight` (V, H), `output.bias` (V); a tied model has `projection.weight` (E, H) in place of `output.weight`,
for its output's weight is the embedding's; one that holds a poem's conditions beside every input has
`lstm.0.weight_ph` (4H, E). The metadata hold the format's version, the configuration, the
ordered vocabulary, and a SHA-256 of all of it. Reading needs NumPy only.

Beside it may lie `model.reward.safetensors`: `reward.weight` (H), which tells from the model's state what a reader
makes of a text (`composing.taste`), and the SHA-256 of the model that it belongs to.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as serialize

from pingze.errors import CheckpointError, PingzeError
from pingze.files import written
from pingze.network.configuration import ModelConfiguration
from pingze.network.vocabulary import SPECIAL_TOKENS, Vocabulary

FORMAT = "pingze-1"
MODEL_FILE = "model.safetensors"
CONFIG_FILE, VOCABULARY_FILE = "config.json", "vocab.txt"
"""What an export has beside the model, for readers that know the file names of model hubs."""
REWARD_FILE = "model.reward.safetensors"
REWARD = "reward.weight"
SHIPPED = ("report", "tang")
"""Names of the models that come with the package."""
DEFAULT = "tang"
"""The one that is taken where none is named."""

Tensors = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Checkpoint:
    """A model as it is stored: float32 weights by name, however they lay on disk."""

    name: str
    """What it was asked for by: a shipped name, a file or a folder."""
    configuration: ModelConfiguration
    """Its sizes and choices."""
    vocabulary: Vocabulary
    """Its tokens, in the order of their ids."""
    tensors: dict[str, np.ndarray]
    """By the names of `shapes`."""
    reward: np.ndarray | None = None
    """What a reader's score of a text gains by a state h_t, (H), in points; None where nobody read for this model."""
    sha256: str = ""
    """Of all that is stored."""


def save(
    path: Path,
    tensors: Tensors,
    configuration: ModelConfiguration,
    vocabulary: Vocabulary,
    *,
    dtype: type[np.floating] = np.float32,
) -> None:
    """Write one checkpoint, whole or not at all; the reward of a model that it replaces goes with that.

    Args:
        path: The file, whose folder exists.
        tensors: The weights by the names and in the shapes of `shapes`.
        configuration: Of the same sizes.
        vocabulary: As many tokens as the configuration says.
        dtype: What the weights are stored in; np.float16 halves the file for shipping.

    Raises CheckpointError when a tensor does not fit the configuration or the disk does not take it.
    """
    stored = {name: np.ascontiguousarray(tensor, dtype) for name, tensor in tensors.items()}
    _check_shapes(path, stored, configuration)
    metadata = {
        "format": FORMAT,
        "configuration": json.dumps(asdict(configuration)),
        "vocabulary": json.dumps(vocabulary.tokens, ensure_ascii=False),
    }
    metadata["sha256"] = _digest(stored, metadata)
    with written(path, CheckpointError) as partial:
        partial.write_bytes(serialize(stored, metadata))
        _reward_path(path).unlink(missing_ok=True)


def load(model: str | Path) -> Checkpoint:
    """Read and verify a model.

    Args:
        model: A shipped name of `SHIPPED`, a checkpoint file, or the folder of a run or an export.

    Raises CheckpointError, which names what is wrong: no such model, truncated or altered file, another format
    version, tensors that do not fit the configuration or the vocabulary, an export whose files do not agree.
    """
    if model in SHIPPED:
        weights, file = files("pingze.network.weights"), Path(f"{model}.safetensors")
        with as_file(weights / file.name) as path, as_file(weights / _reward_path(file).name) as reward_path:
            return _with_reward(_read(path, str(model)), reward_path)
    path = _file_of(model)
    if not path.is_file():
        raise CheckpointError(
            f"there is no model {str(model)!r}: give a shipped name ({', '.join(SHIPPED)}), a file, or a folder"
        )
    loaded = _with_reward(_read(path, str(model)), _reward_path(path))
    if Path(model).is_dir():
        _check_beside(Path(model), loaded)
    return loaded


def changed(model: str | Path) -> tuple[int, ...]:
    """When each file of a model was last changed, in nanoseconds; () for a shipped one.

    Args:
        model: As `load` takes it.
    """
    if model in SHIPPED:
        return ()
    path = _file_of(model)
    return tuple(file.stat().st_mtime_ns for file in (path, _reward_path(path)) if file.is_file())


def _file_of(model: str | Path) -> Path:
    return Path(model) / MODEL_FILE if Path(model).is_dir() else Path(model)


def save_reward(path: Path, weight: np.ndarray) -> None:
    """Write a model's reward beside it, whole or not at all.

    Args:
        path: The model's file.
        weight: (H), in points.

    Raises CheckpointError when the disk does not take it.
    """
    stored = {REWARD: np.ascontiguousarray(weight, np.float32)}
    with written(_reward_path(path), CheckpointError) as partial:
        metadata = {"model": _read(path, str(path)).sha256, "sha256": _digest(stored, {})}
        partial.write_bytes(serialize(stored, metadata))


def _reward_path(path: Path) -> Path:
    return path.with_suffix(".reward.safetensors")


def _with_reward(model: Checkpoint, path: Path) -> Checkpoint:
    """The model with what lies beside it; as it is where nothing does."""
    if not path.is_file():
        return model
    try:
        with safe_open(path, framework="numpy") as file:
            metadata, weight = file.metadata() or {}, file.get_tensor(REWARD)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"{path} is damaged or is no reward ({error}); remove it or fit it again"
        ) from error
    if metadata.get("sha256") != _digest({REWARD: weight}, {}):
        raise CheckpointError(
            f"{path} was altered after it was saved: its SHA-256 differs; remove it or fit it again"
        )
    if metadata.get("model") != model.sha256 or weight.shape != (model.configuration.hidden_size,):
        raise CheckpointError(f"{path} is not of the model beside it; remove it or fit it again")
    return replace(model, reward=weight)


def config(configuration: ModelConfiguration) -> dict[str, object]:
    """What an export's `config.json` says.

    Args:
        configuration: The model's sizes and choices.
    """
    special = {f"{token[1:-1]}_token_id": id_ for id_, token in enumerate(SPECIAL_TOKENS)}
    return {"model_type": "pingze", "format": FORMAT, **asdict(configuration), **special}


def _check_beside(folder: Path, loaded: Checkpoint) -> None:
    """Raises CheckpointError where an export's configuration or vocabulary is not the model's own."""
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
            raise CheckpointError(f"{path} is not that of the {MODEL_FILE} beside it; export the model again")


def _read(path: Path, name: str) -> Checkpoint:
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            stored = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a mapping)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"{path} is damaged or is no checkpoint ({error}); fetch or train it again"
        ) from error
    if metadata.get("format") != FORMAT:
        raise CheckpointError(
            f"{path} has format {metadata.get('format')!r}, this pingze reads {FORMAT!r}; use the version that wrote it"
        )
    if metadata.get("sha256") != _digest(stored, metadata):
        raise CheckpointError(
            f"{path} was altered after it was saved: its SHA-256 differs; fetch or train it again"
        )
    try:
        configuration = ModelConfiguration.of(json.loads(metadata["configuration"]))
        vocabulary = Vocabulary(json.loads(metadata["vocabulary"]))
    except (AttributeError, KeyError, TypeError, ValueError, PingzeError) as error:
        raise CheckpointError(f"{path} has a configuration that this pingze cannot read: {error}") from error
    if len(vocabulary) != configuration.vocabulary_size:
        raise CheckpointError(
            f"{path} has a vocabulary of {len(vocabulary)} tokens for a model of {configuration.vocabulary_size}"
        )
    if vocabulary.condition_tokens != configuration.special_tokens:
        raise CheckpointError(f"{path} has other special tokens in its vocabulary than in its configuration")
    _check_shapes(path, stored, configuration)
    tensors = {key: tensor.astype(np.float32) for key, tensor in stored.items()}
    return Checkpoint(name, configuration, vocabulary, tensors, sha256=metadata["sha256"])


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


def _check_shapes(path: Path, tensors: Tensors, configuration: ModelConfiguration) -> None:
    expected = shapes(configuration)
    for name in sorted(expected.keys() | tensors.keys()):
        found = tensors[name].shape if name in tensors else "absent"
        if found != expected.get(name, "absent"):
            raise CheckpointError(
                f"{path}: tensor {name} is {found}, the configuration asks for {expected.get(name, 'absent')}"
            )


def _digest(tensors: Tensors, metadata: Mapping[str, str]) -> str:
    sha = hashlib.sha256()
    for key in ("format", "configuration", "vocabulary"):
        sha.update(metadata.get(key, "").encode())
    for name in sorted(tensors):
        sha.update(name.encode())
        sha.update(np.ascontiguousarray(tensors[name]).data)
    return sha.hexdigest()
