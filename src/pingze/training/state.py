"""Save the state of a run to one file without pickles, and restore it. All later steps depend only on the state.

`state.STEP.safetensors` holds the weights, their average and the optimizer's tensors. Its metadata hold the position,
which determines the learning rate, the order of the poems and all random numbers. The newest two files are kept.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from pingze.errors import CheckpointError
from pingze.messages import here
from pingze.network import tensor_file
from pingze.network.model import LanguageModel
from pingze.training.optimization import Average

KEPT = 2


@dataclass
class Window:
    """Sums over the steps since the last row of the log."""

    loss: float = 0.0
    tokens: int = 0
    largest_norm: float = 0.0
    seconds: float = 0.0

    def figures(self) -> dict[str, float]:
        """Compute the figures for a row of the log."""
        nats = self.loss / self.tokens
        return {
            "nats_per_token": nats,
            "nats_per_48_tokens": 48 * nats,
            "largest_gradient_norm": self.largest_norm,
            "tokens_per_second": self.tokens / self.seconds,
        }


@dataclass
class Position:
    """The progress of a run."""

    step: int = 0
    """Number of optimizer steps taken."""
    best_nats: float = float("inf")
    """Lowest dev figure so far, in nats: per Han character if the corpus is tang, otherwise per token."""
    stale_epochs: int = 0
    """Number of epochs since the lowest dev figure."""
    seconds: float = 0.0
    """Time spent in steps, in seconds, including the time before the run was resumed."""
    averaged: int = 0
    """Number of steps in the average of the weights."""
    window: Window = field(default_factory=Window)

    def count(self, loss: float, tokens: int, norm: float, seconds: float) -> None:
        """Count one more step."""
        self.step += 1
        self.seconds += seconds
        self.window.loss += loss
        self.window.tokens += tokens
        self.window.largest_norm = max(self.window.largest_norm, norm)
        self.window.seconds += seconds


@dataclass(frozen=True)
class SavedState:
    """A state read from a file."""

    path: Path
    position: Position
    tensors: dict[str, Tensor]
    unread: list[str]
    """Messages about newer files that could not be read."""

    def part(self, prefix: str) -> dict[str, Tensor]:
        """Return the tensors whose names begin with `prefix`, by their names without the prefix."""
        named = self.tensors.items()
        return {name.removeprefix(prefix): tensor for name, tensor in named if name.startswith(prefix)}


def save(
    run: Path, model: LanguageModel, optimizer: torch.optim.Optimizer, average: Average, position: Position
) -> None:
    """Write the state atomically, then delete all other states except the previous one.

    Raises CheckpointError if the state cannot be written.
    """
    tensors = {f"model.{name}": p.detach() for name, p in model.named_parameters()}
    tensors |= {f"average.{name}": tensor for name, tensor in average.tensors.items()}
    for index, values in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{key}": v for key, v in values.items() if isinstance(v, Tensor)}
    position.averaged = average.updates
    newest = run / f"state.{position.step:08}.safetensors"
    arrays = {name: tensor.cpu().numpy() for name, tensor in tensors.items()}
    tensor_file.write(newest, arrays, {"position": json.dumps(asdict(position))})
    not_later = [path for path in files(run) if path <= newest]  # later files could not be read
    for path in set(files(run)) - set(not_later[:KEPT]):
        path.unlink()


def files(run: Path) -> list[Path]:
    """List the state files of a run, newest first."""
    return sorted(run.glob("state.*.safetensors"), reverse=True)


def read(run: Path) -> SavedState | None:
    """Read the newest undamaged state; return None if no state was saved yet.

    Raises CheckpointError if states exist but none can be read.
    """
    unread: list[str] = []
    for path in files(run):
        try:
            arrays, metadata = tensor_file.read(path)
            values = json.loads(metadata["position"])
            position = Position(**values | {"window": Window(**values["window"])})
        except (KeyError, TypeError, ValueError) as error:
            unread.append(here("train_unread", name=path.name, reason=str(error)))
            continue
        return SavedState(path, position, {name: torch.tensor(a) for name, a in arrays.items()}, unread)
    if unread:
        raise CheckpointError("train_no_state", folder=str(run), reason="; ".join(unread))
    return None


def restore(state: SavedState, model: LanguageModel, optimizer: torch.optim.Optimizer, average: Average) -> None:
    """Copy a state into the model, the optimizer and the average."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(state.tensors[f"model.{name}"])
        for name, tensor in average.tensors.items():
            tensor.copy_(state.tensors[f"average.{name}"])
    average.updates = state.position.averaged
    values: dict[int, dict[str, Tensor]] = {}
    for name, tensor in state.part("optimizer.").items():
        index, key = name.split(".")
        values.setdefault(int(index), {})[key] = tensor
    optimizer.load_state_dict({"state": values, "param_groups": optimizer.state_dict()["param_groups"]})
