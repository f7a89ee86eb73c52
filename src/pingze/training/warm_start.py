"""Start a model from another's weights; a larger model first predicts exactly like the smaller one.

Tokens are matched by name. In a wider layer the old units keep their weights and do not read the new units, whose own
weights stay as initialized; nor does the output read them (Net2Net: Chen et al. 2016). From a run's state the
optimizer's moments and the averaged weights are copied too, so that training continues at full rate; the moments of
new weights are zero.
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
    """Copy the weights of a saved model into one that was just initialized; of a run, its newest state.

    Args:
        source: a model's name or file, or a run's folder; with at most as many units as `model`, and the same embedding
            size, layers, activation and tying.
        model: the new model; its weights are overwritten.
        optimizer: its optimizer, which gets the moments of a state.
        average: its average, which gets the average of a state, else the weights.
        vocabulary: its vocabulary.

    Raises InputError if the two do not fit, CheckpointError if the source cannot be read.
    """
    # 1) compare the configurations
    old = checkpoint.load(source)
    before, after = old.configuration, model.configuration
    for name in ("embedding_size", "layers", "activation", "tied"):
        theirs, ours = getattr(before, name), getattr(after, name)
        if theirs != ours:
            raise InputError(
                "train_other_model", source=old.name, name=name, has=str(theirs), wanted=str(ours)
            )
    if before.hidden_size > after.hidden_size or before.held > after.held:
        raise InputError("train_larger_model", source=old.name)
    rows = {vocabulary.ids[token]: id_ for token, id_ in old.vocabulary.ids.items() if token in vocabulary}
    parameters = dict(model.named_parameters())
    saved = state.read(Path(source)) if Path(source).is_dir() else None
    # 2) from a model alone, copy the weights
    if saved is None:
        _copy({name: torch.from_numpy(values) for name, values in old.tensors.items()}, parameters, rows)
        for name, tensor in average.tensors.items():
            tensor.copy_(parameters[name].detach())
        return
    # 3) from a run, copy the weights, their average, and the optimizer's moments
    for which, tensors in (("model.", parameters), ("average.", average.tensors)):
        # a run without averaging has the weights as its average, and needs none
        _copy(saved.part(which) or saved.part("model."), tensors, rows)
        if tensors:
            _make_unlikely(tensors["output.bias"].detach(), vocabulary, rows)
    average.updates = saved.position.averaged
    for index, (name, _) in enumerate(LanguageModel(before).named_parameters()):
        for key, value in saved.part(f"optimizer.{index}.").items():
            moment = torch.zeros_like(parameters[name]) if value.dim() else value.clone()
            if value.dim():
                _copy({name: value}, {name: moment}, rows)
            optimizer.state[parameters[name]][key] = moment


def _copy(old: Mapping[str, Tensor], new: Mapping[str, Tensor], rows: Mapping[int, int]) -> None:
    """Copy a model's tensors into those of a larger one; keep a tensor that `old` lacks.

    rows: for each known token's id in `new` its id in `old`.
    """
    for name, tensor in new.items():
        if name not in old:
            continue  # weights of the constant input, which are zero as initialized
        grown = tensor.detach()
        values = old[name].to(grown.device)
        columns = values.shape[-1]
        if name.startswith(("embedding", "output")):
            ids = list(rows)
            known = torch.zeros_like(grown[ids])
            known[..., :columns] = values[list(rows.values())]
            grown[ids] = known
        else:
            gates = 4 if name.startswith("lstm") else 1
            for part, known in zip(grown.chunk(gates), values.chunk(gates), strict=True):
                part[: len(known)] = 0
                part[: len(known)][..., :columns] = known


def _make_unlikely(bias: Float[Tensor, "V"], vocabulary: Vocabulary, rows: Mapping[int, int]) -> None:
    """Give new condition tokens the mean bias of the known ones, which have learned that no text predicts them."""
    special = [vocabulary.ids[token] for token in vocabulary.condition_tokens]
    known = [id_ for id_ in special if id_ in rows]
    if known:
        bias[[id_ for id_ in special if id_ not in rows]] = bias[known].mean()
