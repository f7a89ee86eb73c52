"""Start a model from an older, equally large or smaller one.

At first, the larger model predicts exactly what the smaller model predicts: new units keep their
initial weights, except that their weights to old units and to the output start at 0 (Net2Net: Chen
et al. 2016).
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.optim import Optimizer

from pingze.arrays import Array, Float
from pingze.errors import InputError
from pingze.network import checkpoint
from pingze.network.checkpoint import Checkpoint
from pingze.network.model import LanguageModel
from pingze.network.vocabulary import Vocabulary
from pingze.training import state
from pingze.training.optimization import Average

Rows = Mapping[int, int]
"""Maps ids in the new model to ids in the old one, for the tokens of both."""


def start_from(
    old: Checkpoint,
    model: LanguageModel,
    optimizer: Optimizer,
    average: Average,
    vocabulary: Vocabulary,
) -> None:
    """Copy the weights of a saved model, or of a run's newest state, into a new model.

    The old model must not have more units than the new model. The embedding size, number of layers,
    activation and weight tying must be the same. Tokens are matched by name. If the old model was
    loaded from a run's folder, the run's averaged weights and optimizer moments are copied too, so
    that training continues at the full learning rate. If that run did not average its weights, the
    average starts as a copy of them.

    Raises InputError if the two models do not match, CheckpointError if all states of the run are
    damaged.
    """
    # 1) compare the configurations
    before = old.configuration
    after = model.configuration
    for name in ("embedding_size", "layers", "activation", "tied"):
        has = str(getattr(before, name))
        wanted = str(getattr(after, name))
        if has != wanted:
            raise InputError(
                "train_other_model", source=old.name, name=name, has=has, wanted=wanted
            )
    # a `held` model has weights for the conditions, which a model that is not `held` would lose
    loses_held = before.held and not after.held
    if before.hidden_size > after.hidden_size or loses_held:
        raise InputError("train_larger_model", source=old.name)
    # 2) copy the weights and their average
    rows = {}  # new id -> old id
    for token, old_id in old.vocabulary.ids.items():
        if token in vocabulary:
            rows[vocabulary.ids[token]] = old_id
    saved = None
    # the folder of a run has a state with the newest weights; the model in it is the best on dev
    if Path(old.name).is_dir():
        saved = state.read(Path(old.name))
    if saved is None:
        weights = {name: torch.from_numpy(values) for name, values in old.tensors.items()}
        averaged = weights
    else:
        weights = saved.part("model.")
        averaged = saved.part("average.") or weights  # a run may not average its weights
    parameters = dict(model.named_parameters())
    copy(weights, parameters, rows)
    copy(averaged, average.tensors, rows)
    if saved is None:
        return
    # 3) copy the moments of a run, which numbers the weights in the order of `shapes`; weights that
    # were not saved have none
    average.updates = saved.position.averaged
    for index, name in enumerate(checkpoint.shapes(before)):
        parameter = parameters[name]
        for kind, old_moment in saved.part(f"optimizer.{index}.").items():
            if old_moment.dim() == 0:  # the number of steps, a scalar in any model
                moment = old_moment.to(parameter.device)
            else:  # a moment has the shape of its weight, whose name tells `copy` what its rows are
                moment = torch.zeros_like(parameter)
                copy({name: old_moment}, {name: moment}, rows)
            optimizer.state[parameter][kind] = moment
    # 4) make new condition tokens as unlikely as the old ones, which the model has learned never to
    # predict
    condition_ids = [vocabulary.ids[token] for token in vocabulary.condition_tokens]
    ids_of_old = [id_ for id_ in condition_ids if id_ in rows]
    ids_of_new = [id_ for id_ in condition_ids if id_ not in rows]
    for tensors in (parameters, average.tensors):
        if ids_of_old and tensors:  # a run without averaging has no averaged tensors
            bias = tensors["output.bias"].detach()
            bias[ids_of_new] = bias[ids_of_old].mean()


@torch.no_grad()
def copy(old: Mapping[str, Tensor], new: Mapping[str, Tensor], rows: Rows) -> None:
    """Copy the tensors of a model into an equally large or larger model.

    Tensors that `old` lacks stay unchanged.
    """
    # only `weight_ph` may be new (if the old model is not `held`); it keeps its initial zeros
    for name in new.keys() & old.keys():
        grown = new[name]
        values = old[name].to(grown.device)
        # The old width: `[..., :columns]` are the old columns of a weight, and all of a bias.
        columns = values.shape[-1]
        if name.startswith(("embedding", "output")):  # a row for each token
            ids = list(rows)
            old_ids = list(rows.values())
            # the weights of new columns are 0, so that new units do not change the output
            rows_of_old_tokens = torch.zeros_like(grown[ids])
            rows_of_old_tokens[..., :columns] = values[old_ids]
            grown[ids] = rows_of_old_tokens
        else:  # a row for each unit, in each gate; old units get the weight 0 from new ones
            # an LSTM's weights have the rows of its four gates one after another; a projection has
            # no gates, and is treated as one
            gate_count = 4 if name.startswith("lstm") else 1
            gates = grown.chunk(gate_count)
            old_gates = values.chunk(gate_count)
            for gate, old_gate in zip(gates, old_gates, strict=True):
                old_units = gate[: len(old_gate)]  # a view: writing to it changes `grown`
                old_units[:] = 0
                old_units[..., :columns] = old_gate


def grown_reward(old: Checkpoint, hidden_size: int) -> Float[Array, "H"] | None:
    """Return the reward of a saved model for one of `hidden_size` units, or None if it has none.

    New units have a weight of 0, so that a grown model's texts have the scores that they had.
    """
    if old.reward is None:
        return None
    reward = np.zeros(hidden_size, np.float32)
    reward[: len(old.reward)] = old.reward
    return reward
