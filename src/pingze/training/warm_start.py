"""Start a model from the weights of another. A larger model at first predicts exactly as the smaller one does.

Tokens are matched by name. In a wider layer, the old units keep their weights and new units keep their initial weights;
neither the old units nor the output read the new units at first (Net2Net: Chen et al. 2016). From a run, the averaged
weights and the optimizer's moments are copied too, so that training continues at the full learning rate; the moments of
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
from pingze.training.optimization import Average


def start_from(
    source: str, model: LanguageModel, optimizer: torch.optim.Optimizer, average: Average, vocabulary: Vocabulary
) -> None:
    """Copy the weights of a saved model, or of a run's newest state, into a newly initialized model.

    `source` is a name, a file or the folder of a run. Its model has at most as many units as `model`, and the same
    embedding size, number of layers, activation and tying. From a run, the optimizer receives the moments, and the
    average the run's average.

    Raises InputError if the two models do not match, CheckpointError if the source cannot be read.
    """
    # 1) compare the configurations
    old = checkpoint.load(source)
    before, after = old.configuration, model.configuration
    for name in ("embedding_size", "layers", "activation", "tied"):
        theirs, ours = str(getattr(before, name)), str(getattr(after, name))
        if theirs != ours:
            raise InputError("train_other_model", source=old.name, name=name, has=theirs, wanted=ours)
    if before.hidden_size > after.hidden_size or before.held > after.held:
        raise InputError("train_larger_model", source=old.name)
    rows = {vocabulary.ids[token]: id_ for token, id_ in old.vocabulary.ids.items() if token in vocabulary}
    parameters = dict(model.named_parameters())
    saved = state.read(Path(source)) if Path(source).is_dir() else None
    # 2) copy the weights and their average; in a run without averaging, the weights are the average
    stored = {name: torch.from_numpy(values) for name, values in old.tensors.items()}
    for which, tensors in (("model.", parameters), ("average.", average.tensors)):
        _copy((saved.part(which) or saved.part("model.")) if saved else stored, tensors, rows)
        if saved and tensors:
            _make_unlikely(tensors["output.bias"].detach(), vocabulary, rows)
    if saved is None:
        return
    # 3) copy the optimizer's moments
    average.updates = saved.position.averaged
    for index, (name, _) in enumerate(LanguageModel(before).named_parameters()):
        for key, value in saved.part(f"optimizer.{index}.").items():
            moment = torch.zeros_like(parameters[name]) if value.dim() else value.clone()
            if value.dim():
                _copy({name: value}, {name: moment}, rows)
            optimizer.state[parameters[name]][key] = moment


def _copy(old: Mapping[str, Tensor], new: Mapping[str, Tensor], rows: Mapping[int, int]) -> None:
    """Copy a model's tensors into those of a larger model; leave tensors that `old` lacks unchanged.

    `rows` has an entry for each token that both models know: it maps the token's id in `new` to that in `old`.
    """
    for name, tensor in new.items():
        if name not in old:
            continue  # the weights of the constant input, which are initialized to zero
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
    """Set the biases of new condition tokens to the mean of the old; the model has learned never to predict these."""
    special = [vocabulary.ids[token] for token in vocabulary.condition_tokens]
    known = [id_ for id_ in special if id_ in rows]
    if known:
        bias[[id_ for id_ in special if id_ not in rows]] = bias[known].mean()
