"""Start a model from another's weights; one that is larger first predicts just as the smaller one does.

Tokens are matched by name. Where the new layer is wider, the old units keep their weights and read nothing of the new
ones, whose own weights stay as initialized, and the output reads nothing of them (Net2Net: Chen et al. 2016). From a
run's state the optimizer's moments and the averaged weights are taken too, so that training goes on at full rate; the
moments of new weights are zero.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from pingze.errors import InputError
from pingze.network import checkpoint
from pingze.network.model import LanguageModel
from pingze.network.vocabulary import Vocabulary
from pingze.training import state
from pingze.training.averaging import Average


def start_from(
    source: str,
    model: LanguageModel,
    optimizer: torch.optim.Optimizer,
    average: Average,
    vocabulary: Vocabulary,
) -> None:
    """Give a model that was just initialized the weights of a shipped or saved one; of a run, its newest state.

    Args:
        source: a model's name or file, or a run's folder; of no more units than `model`, with the same embedding size,
            layers, activation and tying.
        model: the new one; its weights are written over.
        optimizer: that of `model`; it gets the moments of a state.
        average: that of `model`; it gets the average of a state, else the weights.
        vocabulary: that of `model`.

    Raises InputError where the two do not fit, CheckpointError where the source cannot be read.
    """
    old = checkpoint.load(source)
    _check(old, model)
    rows = {vocabulary.ids[token]: id_ for token, id_ in old.vocabulary.ids.items() if token in vocabulary}
    parameters = dict(model.named_parameters())
    saved = state.read(Path(source)) if Path(source).is_dir() else None
    if saved is None:
        grow({name: torch.from_numpy(values) for name, values in old.tensors.items()}, parameters, rows)
        for name, tensor in average.tensors.items():
            tensor.copy_(parameters[name].detach())
        return
    for which, tensors in (("model.", parameters), ("average.", average.tensors)):
        grow(_named(saved.tensors, which), tensors, rows)
        _make_unlikely(tensors["output.bias"].detach(), vocabulary, rows)
    average.updates = saved.position.averaged
    for index, (name, _) in enumerate(LanguageModel(old.configuration).named_parameters()):
        values = _named(saved.tensors, f"optimizer.{index}.")
        for key, value in values.items():
            moment = torch.zeros_like(parameters[name]) if value.dim() else value.clone()
            if value.dim():
                grow({name: value}, {name: moment}, rows)
            optimizer.state[parameters[name]][key] = moment


def grow(old: Mapping[str, Tensor], new: Mapping[str, Tensor], rows: Mapping[int, int]) -> None:
    """Write the values of a model's tensors into those of a larger one; a tensor that `old` lacks stays.

    rows: for each token's id in `new` its id in `old`, where it is known.
    """
    for name, tensor in new.items():
        if name not in old:
            continue  # the weights that read what is held beside the inputs: zero, as initialized
        grown = tensor.detach()
        values = old[name].to(grown.device)
        if name.startswith(("embedding", "output")):
            grown[list(rows)] = _widened(values[list(rows.values())], grown[list(rows)])
        else:
            gates = 4 if name.startswith("lstm") else 1
            for part, known in zip(grown.chunk(gates), values.chunk(gates), strict=True):
                part[: len(known)] = _widened(known, part[: len(known)])


def _make_unlikely(bias: Float[Tensor, "V"], vocabulary: Vocabulary, rows: Mapping[int, int]) -> None:
    """Give new condition tokens the mean bias of the known ones, which have learned that no text predicts them."""
    special = [vocabulary.ids[token] for token in vocabulary.condition_tokens]
    known = [id_ for id_ in special if id_ in rows]
    if known:
        bias[[id_ for id_ in special if id_ not in rows]] = bias[known].mean()


def _named(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _check(old: checkpoint.Checkpoint, model: LanguageModel) -> None:
    before, after = old.configuration, model.configuration
    for name in ("embedding_size", "layers", "activation", "tied"):
        if getattr(before, name) != getattr(after, name):
            raise InputError(
                f"start_from={old.name}: its {name} is {getattr(before, name)}, here it is {getattr(after, name)}"
            )
    if before.hidden_size > after.hidden_size or before.held > after.held:
        raise InputError(f"start_from={old.name}: that model is larger than this one; a model can only grow")


def _widened(
    known: Float[Tensor, "rows *known"], like: Float[Tensor, "rows *columns"]
) -> Float[Tensor, "rows *columns"]:
    """Known rows with zeros for the columns that they do not have."""
    wide = torch.zeros_like(like)
    wide[..., : known.shape[-1]] = known
    return wide
