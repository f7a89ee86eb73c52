"""Save, load and verify a model in one file: weights, configuration and vocabulary.

The file `model.safetensors` contains `embedding.weight` (V, E), `lstm.0.weight_ih`,
`lstm.0.weight_hh`, `lstm.0.bias`, …, `output.weight` (V, H) and `output.bias` (V), where V, E and H
are the sizes of vocabulary, embedding and hidden state. A tied model has `projection.weight` (E, H)
instead of `output.weight`, because its output layer uses the embedding's weight. A model that reads
a poem's conditions at every step also has `lstm.0.weight_ph` (4H, E). If the file contains
`reward.weight` (H), `composing.terms.taste` predicts a reader's score from a text's hidden
states. Weights are in single or half precision, or in 8 bits (`Rounded`). In 8 bits a matrix
consists of integers, and the tensor `NAME.scale` (N) contains the scales of its N rows. The
metadata contain the configuration and the ordered vocabulary. Reading a model requires only NumPy.

`write_tensors` and `read_tensors` also serve training states. The metadata of both kinds of files
hold the version of pingze's own format, and a SHA-256 of the other metadata and of the name, type,
shape and bytes of each tensor.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from importlib.resources import as_file, files
from pathlib import Path
from typing import NamedTuple

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as serialize

from pingze.arrays import Array, Float, Int8
from pingze.cached import cached_property
from pingze.errors import CheckpointError, PingzeError
from pingze.files import written
from pingze.messages import here
from pingze.network import DEFAULT as DEFAULT
from pingze.network import SHIPPED as SHIPPED
from pingze.network.configuration import ModelConfiguration
from pingze.network.vocabulary import SPECIAL_TOKENS, Vocabulary

Model = str | Path
"""A shipped model, a checkpoint, the folder of a run or an export, or a repository of a hub."""
FORMAT = "pingze-2"
Tensors = Mapping[str, np.ndarray]
MODEL_FILE = "model.safetensors"
# additional files of an export, with the names that model hubs use
CONFIG_FILE = "config.json"
VOCABULARY_FILE = "vocab.txt"
REWARD = "reward.weight"
# the tensor with the scales of an 8-bit weight's rows has the weight's name and this suffix
SCALE = ".scale"
ABSENT = "absent"  # what an error says of a tensor that is missing or not expected
LARGEST_WEIGHT = 64
"""The largest integer in a weight.

Processors without VNNI add two products of 8-bit integers in 16 bits. The sum must not overflow:
2 · 255 · 64 < 2^15.
"""
_REPOSITORY = re.compile(r"\w[\w.-]*/\w[\w.-]*")
LARGEST_FILE = 4
"""The most GB of a file of tensors; the models that ship have 9 MB."""


class Rounded(NamedTuple):
    """A weight matrix in 8 bits. Row n is `scale[n] * whole[n]`.

    Rounding the matrix again gives the same integers.
    """

    whole: Int8[Array, "N K"]
    """The integers, from -`LARGEST_WEIGHT` to `LARGEST_WEIGHT`."""
    scale: Float[Array, "N"]
    """The scale of each row."""

    @property
    def weight(self) -> Float[Array, "N K"]:
        """The weight in float32."""
        return self.whole * self.scale[:, None]

    @property
    def columns(self) -> Int8[Array, "K N"]:
        """The transpose of `whole` as a contiguous array, the layout that ONNX needs."""
        columns = np.empty(self.whole.shape[::-1], np.int8)
        for start in range(0, len(self.whole), 32):  # in blocks, which is three times as fast
            columns[:, start : start + 32] = self.whole[start : start + 32].T
        return columns


@dataclass(frozen=True)
class Checkpoint:
    """A model as it is stored in a file."""

    name: str
    """The argument of `load`: the name of a shipped model, a file, or a folder."""
    configuration: ModelConfiguration
    """The architecture of the model."""
    vocabulary: Vocabulary
    """The tokens of the model, in the order of their ids."""
    stored: Tensors
    """The weights in the precision of the file."""

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
        values = self.stored[name][rows]
        if values.dtype == np.int8:
            return Rounded(whole=values, scale=self.stored[name + SCALE][rows]).weight
        return values.astype(np.float32, copy=False)

    def rounded(self) -> "Checkpoint":
        """Return a copy of the model in 8 bits, or `self` if it is already stored in 8 bits."""
        if self.stored["embedding.weight"].dtype == np.int8:
            return self
        stored = {}
        for name, tensor in self.stored.items():
            weight = tensor.astype(np.float32)
            if weight.ndim == 2:  # vectors (the biases and the reward) stay in float32
                scale = np.abs(weight).max(axis=1) / np.float32(LARGEST_WEIGHT)
                scale[scale == 0] = 1  # a row of zeros
                stored[name] = np.rint(weight / scale[:, None]).astype(np.int8)
                stored[name + SCALE] = scale
            else:
                stored[name] = weight
        return replace(self, stored=stored)

    def matrix(self, name: str) -> Rounded:
        """Return a matrix of a model that is stored in 8 bits.

        Args:
            name: The name of a matrix in `shapes`.
        """
        return Rounded(whole=self.stored[name], scale=self.stored[name + SCALE])

    @property
    def reward(self) -> np.ndarray | None:
        """Weights r, (H), or None if absent.

        Each hidden state h_t adds r·h_t points to a text's predicted score.
        """
        return self.stored.get(REWARD)

    @property
    def metadata(self) -> dict[str, str]:
        """The metadata that describe the model in a file."""
        return {
            "format": FORMAT,
            "configuration": json.dumps(asdict(self.configuration)),
            "vocabulary": json.dumps(self.vocabulary.tokens, ensure_ascii=False),
        }

    @property
    def export_files(self) -> dict[str, str]:
        """The exported files that describe the model to other tools: file name -> contents."""
        config = {"model_type": "pingze", "format": FORMAT} | asdict(self.configuration)
        for id_, token in enumerate(SPECIAL_TOKENS):
            name = token[1:-1]  # without the angle brackets
            config[f"{name}_token_id"] = id_
        return {
            CONFIG_FILE: json.dumps(config, ensure_ascii=False, indent=1) + "\n",
            VOCABULARY_FILE: "".join(f"{token}\n" for token in self.vocabulary.tokens),
        }


def save(path: Path, model: Checkpoint) -> None:
    """Write a model atomically, in the precision in which it is stored.

    Args:
        path: The file to write.
        model: The model, whose name is not written.

    Raises CheckpointError if a tensor does not match the configuration or the file cannot be
    written.
    """
    path = path.resolve()  # a link is kept, and its target is replaced
    _check_tensors(path, model.stored, model.configuration)
    write_tensors(path, model.stored, model.metadata)


def load(model: Model) -> Checkpoint:
    """Read and verify a model.

    Args:
        model: A name in `SHIPPED`, a checkpoint file, the folder of a run or an export, or, as
            owner/name, a repository of a model hub.

    Raises CheckpointError with the reason if the model cannot be used: the model does not exist;
    the file is truncated, altered or in another version of the format; the tensors do not match the
    configuration and the vocabulary; or the files of an export contradict each other.
    """
    if model in SHIPPED:
        with as_file(files("pingze.network") / "weights" / f"{model}.safetensors") as path:
            return _read(path, str(model))
    path = _file_path(model)
    if not path.is_file():
        if not _REPOSITORY.fullmatch(str(model)):
            raise CheckpointError("model", has=str(model), choices=SHIPPED)
        from pingze.network import hub  # only here, since it sets environment variables

        path = hub.download(str(model), MODEL_FILE)
    loaded = _read(path, str(model))
    # A folder may be an export, whose other files repeat what the model's file says and might have
    # been edited. The folder of a run does not have these files.
    if Path(model).is_dir():
        for name, text in loaded.export_files.items():
            exported_file = Path(model) / name
            if not _absent_or_equal(exported_file, text):
                raise CheckpointError("export_altered", path=str(exported_file), model=MODEL_FILE)
    return loaded


def _absent_or_equal(path: Path, text: str) -> bool:
    """Return whether a file is absent or has exactly this text."""
    try:
        return not path.exists() or path.read_text(encoding="utf-8") == text
    except (OSError, ValueError):  # ValueError: it is not in UTF-8
        return False


def changed(model: Model) -> int:
    """Return when a model's file was last changed, in nanoseconds since 1970.

    Return 0 for a model that is shipped, missing or of a hub.

    Args:
        model: A name, file or folder as for `load`.
    """
    path = _file_path(model)
    if model in SHIPPED or not path.is_file():
        return 0
    return path.stat().st_mtime_ns


def _file_path(model: Model) -> Path:
    path = Path(model)
    return path / MODEL_FILE if path.is_dir() else path


def _read(path: Path, name: str) -> Checkpoint:
    """Read and verify a file. `name` is the argument of `load`."""
    try:
        stored, metadata = read_tensors(path)
    except ValueError as error:
        raise CheckpointError("model_damaged", path=str(path), reason=str(error)) from error
    try:
        configuration = ModelConfiguration.of(json.loads(metadata["configuration"]))
        vocabulary = Vocabulary(json.loads(metadata["vocabulary"]))
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError, PingzeError) as error:
        raise CheckpointError("model_configuration", path=str(path), reason=str(error)) from error
    size = configuration.vocabulary_size
    if len(vocabulary) != size:
        raise CheckpointError("model_vocabulary", path=str(path), has=len(vocabulary), wanted=size)
    if vocabulary.condition_tokens != configuration.special_tokens:
        raise CheckpointError("model_tokens", path=str(path))
    _check_tensors(path, stored, configuration)
    return Checkpoint(name=name, configuration=configuration, vocabulary=vocabulary, stored=stored)


def shapes(configuration: ModelConfiguration) -> dict[str, tuple[int, ...]]:
    """Return the shape of every tensor of a model by name.

    The order is that of `LanguageModel.named_parameters`.

    Args:
        configuration: The architecture of the model.
    """
    V = configuration.vocabulary_size
    E = configuration.embedding_size
    H = configuration.hidden_size
    shape_of: dict[str, tuple[int, ...]] = {"embedding.weight": (V, E)}
    for depth in range(configuration.layers):
        input_size = E if depth == 0 else H
        shape_of[f"lstm.{depth}.weight_ih"] = (4 * H, input_size)
        shape_of[f"lstm.{depth}.weight_hh"] = (4 * H, H)
        shape_of[f"lstm.{depth}.bias"] = (4 * H,)
        if configuration.held and depth == 0:
            shape_of["lstm.0.weight_ph"] = (4 * H, E)
    if configuration.tied:
        shape_of["projection.weight"] = (E, H)
    else:
        shape_of["output.weight"] = (V, H)
    shape_of["output.bias"] = (V,)
    return shape_of


def _check_tensors(path: Path, tensors: Tensors, configuration: ModelConfiguration) -> None:
    """Raise CheckpointError if a tensor is missing, not finite, or not what is expected."""
    # 1) Find the expected shapes. A reward is optional, so it is expected if the file has it. Each
    # matrix in 8 bits must have scales, one for each row.
    expected = shapes(configuration)
    if REWARD in tensors:
        expected[REWARD] = (configuration.hidden_size,)
    for name, tensor in tensors.items():
        if tensor.dtype == np.int8 and tensor.ndim == 2:
            expected[name + SCALE] = tensor.shape[:1]
    # 2) Compare two descriptions of each tensor, which the error shows if they differ. `wanted` is
    # the expected shape, or `ABSENT`. `has` is what is wrong with the tensor's values, or the
    # tensor's shape if nothing is wrong with them, or `ABSENT`.
    for name in sorted(expected.keys() | tensors.keys()):
        wanted = str(expected.get(name, ABSENT))
        is_in_8_bits = name + SCALE in expected
        if name not in tensors:
            has = ABSENT
        elif is_in_8_bits and not _is_small(tensors[name]):
            has = f"beyond {LARGEST_WEIGHT} in 8 bits"
        elif not is_in_8_bits and not _is_finite(tensors[name]):
            # The error names the type too, because it may be the type that is wrong.
            has = f"not finite, or {tensors[name].dtype}"
        else:
            has = str(tensors[name].shape)
        if has != wanted:
            raise CheckpointError("model_tensor", path=str(path), name=name, has=has, wanted=wanted)


def _is_finite(tensor: np.ndarray) -> bool:
    """Return whether a tensor has single or half precision, and neither NaN nor infinity."""
    return tensor.dtype in (np.float32, np.float16) and bool(np.isfinite(tensor).all())


def _is_small(whole: np.ndarray) -> bool:
    """Return whether no 8-bit integer is beyond `LARGEST_WEIGHT`."""
    values = whole.astype(np.int16)  # the absolute value of -128 is no 8-bit integer
    return bool((np.abs(values) <= LARGEST_WEIGHT).all())


def write_tensors(path: Path, tensors: Tensors, metadata: Mapping[str, str]) -> None:
    """Write tensors and metadata atomically, with their digest.

    Args:
        path: The file to write.
        tensors: The tensors by name.
        metadata: The metadata other than the version of the format and the digest.

    Raises CheckpointError if the file cannot be written.
    """
    stored_metadata = {"format": FORMAT, **metadata}
    stored_metadata["sha256"] = _digest(tensors, stored_metadata)
    contiguous = {name: np.asarray(tensor, order="C") for name, tensor in tensors.items()}
    with written(path, CheckpointError) as partial:
        partial.write_bytes(serialize(contiguous, stored_metadata))


def read_tensors(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Read and verify tensors and metadata.

    Args:
        path: A file that `write_tensors` wrote.

    Raises ValueError with the reason if the file cannot be used.
    """
    try:
        # A sparse file can take little of the disk and yet be larger than the memory.
        if path.stat().st_size > LARGEST_FILE << 30:
            raise ValueError(here("model_too_large", path=str(path), most=LARGEST_FILE))
        with safe_open(path, framework="numpy") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            metadata = file.metadata() or {}
    # AttributeError: NumPy lacks a type
    except (OSError, SafetensorError, TypeError, AttributeError) as error:
        raise ValueError(str(error)) from error
    if metadata.get("format") != FORMAT:
        raise ValueError(here("other_format", has=str(metadata.get("format")), wanted=FORMAT))
    if metadata.get("sha256") != _digest(tensors, metadata):
        raise ValueError(here("altered"))
    return tensors, metadata


def _digest(tensors: Tensors, metadata: Mapping[str, str]) -> str:
    """Compute the SHA-256 of the tensors and of all metadata except the entry `sha256`."""
    others = {key: value for key, value in metadata.items() if key != "sha256"}
    described = {name: [str(tensor.dtype), tensor.shape] for name, tensor in tensors.items()}
    header = json.dumps([others, described], sort_keys=True)
    digest = hashlib.sha256(header.encode())
    for name in sorted(tensors):
        digest.update(np.ascontiguousarray(tensors[name]).data)
    return digest.hexdigest()
