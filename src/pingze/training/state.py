"""Save the state of a run to one file without pickle, restore it, and start other models from it.

`state.STEP.safetensors` holds the weights, their average, the optimizer's tensors and, if the model
has one, the reward. Its metadata hold the position in the training. The position determines the
learning rate, the order of the poems and all random numbers, so that all later steps depend only on
the state. The newest two files are kept.

A state can also be copied into a larger model. At first, the larger model predicts exactly what the
smaller model predicts: new units keep their initial weights, except that their weights to old units
and to the output start at 0 (Net2Net: Chen et al. 2016).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.optim import Optimizer

from pingze.arrays import Array, Float
from pingze.errors import CheckpointError, InputError
from pingze.messages import here
from pingze.network import checkpoint
from pingze.network.checkpoint import REWARD, Checkpoint
from pingze.network.model import LanguageModel
from pingze.network.vocabulary import Vocabulary
from pingze.training.optimization import Average

KEPT = 2
Rows = Mapping[int, int]
"""Maps ids in the new model to ids in the old one, for the tokens of both.

`rows=None` means that all ids are equal.
"""


@dataclass
class Position:
    """The progress of a run: its steps, its time, its best dev figure, and the number of epochs since that figure."""

    step: int = 0
    best_nats: float = float("inf")
    """Lowest dev figure so far, in nats: per Han character if the corpus is tang, otherwise per token."""
    stale_epochs: int = 0
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
        for name, value in {"loss": loss, "tokens": tokens, "seconds": seconds}.items():
            self.window[name] = self.window.get(name, 0) + value
        self.window["largest_norm"] = max(self.window.get("largest_norm", 0.0), norm)

    def figures(self) -> dict[str, float]:
        """Compute the figures for a row of the log, and empty the window."""
        window, self.window = self.window, {}
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
        found = self.tensors.get(REWARD)
        return None if found is None else found.numpy()

    def part(self, prefix: str) -> dict[str, Tensor]:
        """Return the tensors whose names begin with `prefix`.

        The keys are the names without the prefix.
        """
        named = self.tensors.items()
        return {
            name.removeprefix(prefix): tensor for name, tensor in named if name.startswith(prefix)
        }


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
    tensors = {f"model.{name}": p.detach() for name, p in average.model.named_parameters()}
    tensors |= {f"average.{name}": tensor for name, tensor in average.tensors.items()}
    for index, values in optimizer.state_dict()["state"].items():
        tensors |= {
            f"optimizer.{index}.{key}": v for key, v in values.items() if isinstance(v, Tensor)
        }
    position.averaged = average.updates
    newest = run / f"state.{position.step:08}.safetensors"
    arrays = {name: tensor.cpu().numpy() for name, tensor in tensors.items()}
    if reward is not None:
        arrays[REWARD] = reward
    checkpoint.write_tensors(newest, arrays, {"position": json.dumps(asdict(position))})
    not_later = [path for path in files(run) if path <= newest]  # later files could not be read
    for path in set(files(run)) - set(not_later[:KEPT]):
        path.unlink()


def files(run: Path) -> list[Path]:
    """List the state files of a run, newest first."""
    return sorted(run.glob("state.*.safetensors"), reverse=True)


def read(run: Path) -> SavedState | None:
    """Read the newest undamaged state; None if no state was saved.

    Raises CheckpointError if all states are damaged.
    """
    unread: list[str] = []
    for path in files(run):
        try:
            arrays, metadata = checkpoint.read_tensors(path)
            position = Position(**json.loads(metadata["position"]))
        except (KeyError, TypeError, ValueError) as error:
            unread.append(here("train_unread", name=path.name, reason=str(error)))
            continue
        return SavedState(
            path, position, {name: torch.tensor(a) for name, a in arrays.items()}, unread
        )
    if unread:
        raise CheckpointError("train_no_state", folder=str(run), reason="; ".join(unread))
    return None


def restore(
    saved: SavedState,
    names: Iterable[str],
    optimizer: Optimizer,
    average: Average,
    rows: Rows | None = None,
) -> None:
    """Copy a saved state into a model, an optimizer and an average.

    The model may be larger than the saved model.

    `names` lists the names of the saved weights in order. Weights that were not saved get optimizer
    moments of zero. If the run did not average its weights, the average starts as a copy of the
    saved weights.
    """
    weights, parameters = saved.part("model."), dict(average.model.named_parameters())
    copy(weights, parameters, rows)
    copy(saved.part("average.") or weights, average.tensors, rows)
    average.updates = saved.position.averaged
    for index, name in enumerate(names):
        for key, value in saved.part(f"optimizer.{index}.").items():
            moment = value.to(parameters[name].device)
            if value.dim():  # the number of steps has no dimensions
                moment = torch.zeros_like(parameters[name])
                copy({name: value}, {name: moment}, rows)
            optimizer.state[parameters[name]][key] = moment


@torch.no_grad()
def copy(old: Mapping[str, Tensor], new: Mapping[str, Tensor], rows: Rows | None = None) -> None:
    """Copy the tensors of a model into an equally large or larger model.

    Tensors that `old` lacks stay unchanged.
    """
    # `weight_ph` of a constant input may be new, and is zero at first
    for name in new.keys() & old.keys():
        grown = new[name]
        values = old[name].to(grown.device)
        columns = values.shape[-1]
        if name.startswith(("embedding", "output")):
            ids = list(rows or range(len(values)))
            known = torch.zeros_like(grown[ids])
            known[..., :columns] = values[list(rows.values()) if rows else ids]
            grown[ids] = known
        else:
            gates = 4 if name.startswith("lstm") else 1
            for part, known in zip(grown.chunk(gates), values.chunk(gates), strict=True):
                part[: len(known)] = 0
                part[: len(known)][..., :columns] = known


def start_from(
    old: Checkpoint,
    model: LanguageModel,
    optimizer: Optimizer,
    average: Average,
    vocabulary: Vocabulary,
) -> None:
    """Copy the weights of a saved model, or of a run's newest state, into a newly initialized model.

    The old model must not have more units than the new model. The embedding size, number of layers,
    activation and weight tying must be the same. Tokens are matched by name. If the old model was
    loaded from a run's folder, the run's averaged weights and optimizer moments are copied too, so
    that training continues at the full learning rate.

    Raises InputError if the two models do not match, CheckpointError if all states of the run are
    damaged.
    """
    # 1) compare the configurations
    before, after = old.configuration, model.configuration
    for name in ("embedding_size", "layers", "activation", "tied"):
        theirs, ours = str(getattr(before, name)), str(getattr(after, name))
        if theirs != ours:
            raise InputError(
                "train_other_model", source=old.name, name=name, has=theirs, wanted=ours
            )
    if before.hidden_size > after.hidden_size or before.held > after.held:
        raise InputError("train_larger_model", source=old.name)
    # 2) copy the weights and their average; from a run, copy the moments too
    rows = {
        vocabulary.ids[token]: id_
        for token, id_ in old.vocabulary.ids.items()
        if token in vocabulary
    }
    both = dict(model.named_parameters()), average.tensors
    saved = read(Path(old.name)) if Path(old.name).is_dir() else None
    if saved is None:
        stored = {name: torch.from_numpy(values) for name, values in old.tensors.items()}
        for tensors in both:
            copy(stored, tensors, rows)
        return
    restore(saved, checkpoint.shapes(before), optimizer, average, rows)
    # 3) make new condition tokens as unlikely as the old ones, which the model has learned never to
    # predict
    special = [vocabulary.ids[token] for token in vocabulary.condition_tokens]
    known, new = (
        [id_ for id_ in special if (id_ in rows) is is_known] for is_known in (True, False)
    )
    for bias in [tensors["output.bias"].detach() for tensors in both if known and tensors]:
        bias[new] = bias[known].mean()


def grown_reward(old: Checkpoint, hidden_size: int) -> Float[Array, "H"] | None:
    """Return the reward of a saved model for a model of `hidden_size` units, or None if it has none.

    New units have a weight of 0, so that a grown model's texts have the scores that they had.
    """
    if old.reward is None:
        return None
    reward = np.zeros(hidden_size, np.float32)
    reward[: len(old.reward)] = old.reward
    return reward
