"""Write, read and verify files of tensors: models and states of training.

The files are in safetensors format. Their metadata hold the version of our format and a SHA-256 of all other metadata
and of the name, type, shape and bytes of each tensor.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as serialize

from pingze.errors import CheckpointError
from pingze.files import written
from pingze.messages import here

FORMAT = "pingze-2"
Tensors = Mapping[str, np.ndarray]


def write(path: Path, tensors: Tensors, metadata: Mapping[str, str]) -> None:
    """Write tensors and metadata atomically. Raises CheckpointError if the file cannot be written."""
    whole = {"format": FORMAT, **metadata}
    whole["sha256"] = digest(tensors, whole)
    with written(path, CheckpointError) as partial:
        partial.write_bytes(serialize({n: np.asarray(t, order="C") for n, t in tensors.items()}, whole))


def read(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Read and verify tensors and metadata. Raises ValueError, which states the reason, if the file is damaged."""
    try:
        with safe_open(path, framework="numpy") as file:
            tensors, metadata = {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except (OSError, SafetensorError, TypeError, AttributeError) as error:  # AttributeError: NumPy lacks a type
        raise ValueError(str(error)) from error
    if (has := metadata.get("format")) != FORMAT:
        raise ValueError(here("other_format", has=str(has), wanted=FORMAT))
    if metadata.get("sha256") != digest(tensors, metadata):
        raise ValueError(here("altered"))
    return tensors, metadata


def digest(tensors: Tensors, metadata: Mapping[str, str]) -> str:
    """Compute the SHA-256 of the tensors and of the metadata except any SHA-256 among them."""
    rest = {key: value for key, value in metadata.items() if key != "sha256"}
    described = {name: [str(tensor.dtype), tensor.shape] for name, tensor in tensors.items()}
    sha = hashlib.sha256(json.dumps([rest, described], sort_keys=True).encode())
    for name in sorted(tensors):
        sha.update(np.ascontiguousarray(tensors[name]).data)
    return sha.hexdigest()
