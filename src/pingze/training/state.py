"""The state of a run: all that the next step depends on, in one file without pickles, so that a run can resume.

`state.safetensors` holds the weights, their average, the optimizer's tensors and the random state; its metadata hold
the position. The one before it stays beside it as `state.previous.safetensors`.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialize
from torch import Tensor

from pingze.errors import CheckpointError
from pingze.files import written
from pingze.model import LanguageModel
from pingze.training.averaging import Average

STATE_FILES = ("state.safetensors", "state.previous.safetensors")


@dataclass
class Position:
    """Where a run stands."""

    step: int = 0
    """Optimizer steps taken."""
    best_nats: float = float("inf")
    """Least dev nats so far, per token on the report's draw, else per hanzi."""
    stale_epochs: int = 0
    """Epochs since then."""
    seconds: float = 0.0
    """Time spent training, over all resumptions."""


def save(
    run: Path,
    model: LanguageModel,
    optimizer: torch.optim.Optimizer,
    average: Average,
    position: Position,
) -> None:
    """Write the state, whole or not at all, and keep the last one as the previous.

    Raises CheckpointError where the disk does not take it.
    """
    tensors = {f"model.{name}": p.detach() for name, p in model.named_parameters()}
    tensors |= {f"average.{name}": tensor for name, tensor in average.tensors.items()}
    for index, values in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{key}": v for key, v in values.items() if isinstance(v, Tensor)}
    tensors["random"] = torch.get_rng_state()
    newest, previous = (run / name for name in STATE_FILES)
    with written(newest, CheckpointError) as partial:
        partial.write_bytes(serialize(tensors, {"position": json.dumps(asdict(position))}))
        if newest.exists():
            newest.replace(previous)


def load(
    run: Path, model: LanguageModel, optimizer: torch.optim.Optimizer, average: Average
) -> tuple[Position, Path]:
    """Take up the newest state that is whole; returns its position and which file it was.

    Raises CheckpointError when there is none.
    """
    problems = []
    for path in (run / name for name in STATE_FILES):
        try:
            with safe_open(path, framework="pt") as file:
                position = Position(**json.loads(file.metadata()["position"]))
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a mapping)
        except (OSError, SafetensorError) as error:
            problems.append(f"{path.name}: {error}")
            continue
        _restore(tensors, model, optimizer, average)
        return position, path
    raise CheckpointError(f"{run} holds no state to resume from ({'; '.join(problems)})")


def _restore(
    tensors: dict[str, Tensor], model: LanguageModel, optimizer: torch.optim.Optimizer, average: Average
) -> None:
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(tensors[f"model.{name}"])
        for name, tensor in average.tensors.items():
            tensor.copy_(tensors[f"average.{name}"])
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith("optimizer."):
            _, index, key = name.split(".")
            state.setdefault(int(index), {})[key] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    torch.set_rng_state(tensors["random"])
