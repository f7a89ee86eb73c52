"""The state of a run: all that the next step depends on, in one file without pickles, so that a run can resume.

`state.STEP.safetensors` holds the weights, their average and the optimizer's tensors; its metadata hold the position,
of which the schedule, the order of the poems and all random numbers are functions. The last two files are kept.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialize
from torch import Tensor

from pingze.errors import CheckpointError
from pingze.files import written
from pingze.network.model import LanguageModel
from pingze.training.averaging import Average

KEPT = 2


@dataclass
class Window:
    """Sums over the steps since the last row of the log."""

    loss: float = 0.0
    tokens: int = 0
    largest_norm: float = 0.0
    seconds: float = 0.0

    def figures(self) -> dict[str, float]:
        """What a row of the log tells of these steps."""
        nats = self.loss / self.tokens
        return {
            "nats_per_token": nats,
            "nats_per_48_tokens": 48 * nats,
            "largest_gradient_norm": self.largest_norm,
            "tokens_per_second": self.tokens / self.seconds,
        }


@dataclass
class Position:
    """Where a run stands."""

    step: int = 0
    """Optimizer steps taken."""
    best_nats: float = float("inf")
    """Least dev figure so far, in nats: per token of the report's texts, per Han character of poems."""
    stale_epochs: int = 0
    """Epochs since then."""
    seconds: float = 0.0
    """Time spent training, over all resumptions."""
    averaged: int = 0
    """Steps that the averaged weights have taken in."""
    window: Window = field(default_factory=Window)

    def count(self, loss: float, tokens: int, norm: float, seconds: float) -> None:
        """One more step was taken."""
        self.step += 1
        self.seconds += seconds
        self.window.loss += loss
        self.window.tokens += tokens
        self.window.largest_norm = max(self.window.largest_norm, norm)
        self.window.seconds += seconds


@dataclass(frozen=True)
class SavedState:
    """A state as it was read."""

    path: Path
    position: Position
    tensors: dict[str, Tensor]
    unread: list[str]
    """The newer files that could not be read, each with the reason."""


def save(
    run: Path, model: LanguageModel, optimizer: torch.optim.Optimizer, average: Average, position: Position
) -> None:
    """Write the state, whole or not at all; of the others, keep the one before it.

    Raises CheckpointError where the disk does not take it.
    """
    tensors = {f"model.{name}": p.detach() for name, p in model.named_parameters()}
    tensors |= {f"average.{name}": tensor for name, tensor in average.tensors.items()}
    for index, values in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{key}": v for key, v in values.items() if isinstance(v, Tensor)}
    position.averaged = average.updates
    newest = run / f"state.{position.step:08}.safetensors"
    with written(newest, CheckpointError) as partial:
        partial.write_bytes(serialize(tensors, {"position": json.dumps(asdict(position))}))
    kept = [path for path in files(run) if path <= newest][:KEPT]  # a later one is one that could not be read
    for path in set(files(run)) - set(kept):
        path.unlink()


def files(run: Path) -> list[Path]:
    """The states of a run, newest first."""
    return sorted(run.glob("state.*.safetensors"), reverse=True)


def read(run: Path) -> SavedState | None:
    """The newest state that is whole, or None where none was saved yet.

    Raises CheckpointError when there are states, but none can be read.
    """
    unread: list[str] = []
    for path in files(run):
        try:
            with safe_open(path, framework="pt") as file:
                values = json.loads(file.metadata()["position"])
                position = Position(**values | {"window": Window(**values["window"])})
                tensors = {key: file.get_tensor(key).clone() for key in file.keys()}  # noqa: SIM118 (not a mapping)
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
            unread.append(f"{path.name} cannot be read ({error})")
            continue
        return SavedState(path, position, tensors, unread)
    if unread:
        raise CheckpointError(f"{run} holds no state to resume from: {'; '.join(unread)}")
    return None


def restore(
    state: SavedState, model: LanguageModel, optimizer: torch.optim.Optimizer, average: Average
) -> None:
    """Give model, optimizer and average the values of a state."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(state.tensors[f"model.{name}"])
        for name, tensor in average.tensors.items():
            tensor.copy_(state.tensors[f"average.{name}"])
    average.updates = state.position.averaged
    values: dict[int, dict[str, Tensor]] = {}
    for name, tensor in state.tensors.items():
        if name.startswith("optimizer."):
            _, index, key = name.split(".")
            values.setdefault(int(index), {})[key] = tensor
    optimizer.load_state_dict({"state": values, "param_groups": optimizer.state_dict()["param_groups"]})
