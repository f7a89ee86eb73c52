"""Write and verify files of tensors: models, their rewards, the states of training.

The metadata of such a safetensors file hold the format's version and a SHA-256 of all other metadata and of each
tensor's name, type, shape and bytes.
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


def write(path: Path, tensors: Tensors, metadata: Mapping[str, str], stale: Path | None = None) -> None:
    """Write tensors and metadata, atomically, and remove `stale`, which belongs to the file that is replaced.

    Raises CheckpointError when the disk does not take them.
    """
    whole = {"format": FORMAT, **metadata}
    whole["sha256"] = digest(tensors, whole)
    with written(path, CheckpointError) as partial:
        partial.write_bytes(serialize({n: np.asarray(t, order="C") for n, t in tensors.items()}, whole))
        if stale:
            stale.unlink(missing_ok=True)


def read(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Read and verify tensors and metadata. Raises ValueError with the reason when the file is not whole."""
    try:
        with safe_open(path, framework="numpy") as file:
            tensors, metadata = {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except (
        OSError,
        SafetensorError,
        TypeError,
        AttributeError,
    ) as error:  # the latter for types that NumPy lacks
        raise ValueError(str(error)) from error
    if (has := metadata.get("format")) != FORMAT:
        raise ValueError(here("other_format", has=str(has), wanted=FORMAT))
    if metadata.get("sha256") != digest(tensors, metadata):
        raise ValueError(here("altered"))
    return tensors, metadata


def digest(tensors: Tensors, metadata: Mapping[str, str]) -> str:
    """Compute the SHA-256 of metadata and tensors."""
    told = {key: value for key, value in metadata.items() if key != "sha256"}
    described = {name: [str(tensor.dtype), tensor.shape] for name, tensor in tensors.items()}
    sha = hashlib.sha256(json.dumps([told, described], sort_keys=True).encode())
    for name in sorted(tensors):
        sha.update(np.ascontiguousarray(tensors[name]).data)
    return sha.hexdigest()
