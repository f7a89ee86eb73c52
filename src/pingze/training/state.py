"""Save the state of a run to one file without pickle, and restore it.

`state.STEP.safetensors` holds the weights, their average, the optimizer's tensors and, if the model
has one, the reward. Its metadata hold the position in the training. The position determines the
learning rate, the order of the poems and all random numbers, so that all later steps depend only on
the state. The newest two files are kept.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from torch import Tensor
from torch.optim import Optimizer

from pingze.arrays import Array, Float
from pingze.errors import CheckpointError
from pingze.messages import here
from pingze.network import checkpoint
from pingze.network.checkpoint import REWARD
from pingze.training.optimization import Average

KEPT = 2  # files


@dataclass
class Position:
    """The progress of a run: its steps, time, best dev figure, and epochs since that figure."""

    step: int = 0
    best_nats: float = float("inf")
    """Lowest dev figure so far, in nats per token, or per Han character if the corpus is tang."""
    stale_epochs: int = 0
    """Number of epochs since that figure."""
    seconds: float = 0.0
    """Time spent in steps, including the time before the run was resumed."""
    averaged: int = 0
    """Number of steps in the average of the weights."""
    window: dict[str, float] = field(default_factory=dict)
    """Loss, tokens and seconds summed since the last log row, and the largest gradient norm.

    Empty after a log row.
    """

    def count(self, loss: float, tokens: int, norm: float, seconds: float) -> None:
        """Count one more step."""
        self.step += 1
        self.seconds += seconds
        window = self.window
        window["loss"] = window.get("loss", 0) + loss
        window["tokens"] = window.get("tokens", 0) + tokens
        window["seconds"] = window.get("seconds", 0) + seconds
        window["largest_norm"] = max(window.get("largest_norm", 0.0), norm)

    def figures(self) -> dict[str, float]:
        """Compute the figures for a row of the log, and empty the window."""
        window = self.window
        self.window = {}
        nats = window["loss"] / window["tokens"]
        return {
            "nats_per_token": nats,
            "nats_per_48_tokens": 48 * nats,
            "largest_gradient_norm": window["largest_norm"],
            "tokens_per_second": window["tokens"] / window["seconds"],
        }


@dataclass(frozen=True)
class SavedState:
    """A state read from a file, with messages about newer files that could not be read."""

    path: Path
    position: Position
    tensors: dict[str, Tensor]
    unread: list[str]

    @property
    def reward(self) -> Float[Array, "H"] | None:
        """The reward of the model, or None if it has none."""
        if REWARD not in self.tensors:
            return None
        return self.tensors[REWARD].numpy()

    def part(self, prefix: str) -> dict[str, Tensor]:
        """Return the tensors whose names begin with `prefix`.

        The keys are the names without the prefix.
        """
        tensors = {}
        for name, tensor in self.tensors.items():
            if name.startswith(prefix):
                tensors[name.removeprefix(prefix)] = tensor
        return tensors


def save(
    run: Path,
    optimizer: Optimizer,
    average: Average,
    position: Position,
    reward: Float[Array, "H"] | None = None,
) -> None:
    """Write the state atomically, and keep only one older state.

    `reward` is the reward of the model, if it has one.

    Raises CheckpointError if it cannot be written.
    """
    # 1) collect the tensors
    tensors = {}
    for name, parameter in average.model.named_parameters():
        tensors[f"model.{name}"] = parameter.detach()
    for name, tensor in average.tensors.items():
        tensors[f"average.{name}"] = tensor
    # PyTorch numbers the parameters in the order in which the optimizer was given them
    for index, values in optimizer.state_dict()["state"].items():
        for key, value in values.items():
            if isinstance(value, Tensor):
                tensors[f"optimizer.{index}.{key}"] = value
    arrays = {name: tensor.cpu().numpy() for name, tensor in tensors.items()}
    if reward is not None:
        arrays[REWARD] = reward
    # 2) write them
    position.averaged = average.updates
    newest = run / f"state.{position.step:08}.safetensors"
    checkpoint.write_tensors(newest, arrays, {"position": json.dumps(asdict(position))})
    # 3) keep the newest `KEPT` states up to this one, and delete the others. A state of a later
    # step exists only if it could not be read, so that the run resumed from an earlier state. File
    # names sort like their steps.
    not_later = [path for path in files(run) if path <= newest]
    kept = not_later[:KEPT]
    for path in files(run):
        if path not in kept:
            path.unlink()


def files(run: Path) -> list[Path]:
    """List the state files of a run, newest first."""
    return sorted(run.glob("state.*.safetensors"), reverse=True)


def read(run: Path) -> SavedState | None:
    """Read the newest undamaged state. Return None if no state was saved.

    Raises CheckpointError if all states are damaged.
    """
    unread: list[str] = []
    for path in files(run):
        try:
            arrays, metadata = checkpoint.read_tensors(path)
            position = Position(**json.loads(metadata["position"]))
        except (KeyError, TypeError, ValueError) as error:
            # an older state costs only the steps after it, so the run goes on with a message
            unread.append(here("train_unread", name=path.name, reason=str(error)))
            continue
        tensors = {name: torch.tensor(array) for name, array in arrays.items()}
        return SavedState(path=path, position=position, tensors=tensors, unread=unread)
    if unread:
        raise CheckpointError("train_no_state", folder=str(run), reason="; ".join(unread))
    return None


@torch.no_grad()
def restore(saved: SavedState, optimizer: Optimizer, average: Average) -> None:
    """Copy a saved state into a model, an optimizer and an average of the same sizes."""
    parameters = dict(average.model.named_parameters())
    for name, tensor in saved.part("model.").items():
        parameters[name].copy_(tensor)
    for name, tensor in saved.part("average.").items():
        average.tensors[name].copy_(tensor)
    average.updates = saved.position.averaged
    for index, parameter in enumerate(parameters.values()):
        for key, value in saved.part(f"optimizer.{index}.").items():
            optimizer.state[parameter][key] = value.to(parameter.device)
