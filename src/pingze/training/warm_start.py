"""Start a model from the weights of another, whose tokens are matched by name.

From a run, the averaged weights and the optimizer's moments are copied too, so that training continues at the full
learning rate. `pingze.training.state.copy` describes how a model grows.
"""

from pathlib import Path

import torch
from torch.optim import Optimizer

from pingze.errors import InputError
from pingze.network import checkpoint
from pingze.network.model import LanguageModel
from pingze.network.vocabulary import Vocabulary
from pingze.training import state
from pingze.training.optimization import Average


def start_from(
    source: str, model: LanguageModel, optimizer: Optimizer, average: Average, vocabulary: Vocabulary
) -> None:
    """Copy the weights of a saved model, or of a run's newest state, into a newly initialized model.

    `source` is a name, a file or the folder of a run. Its model has at most as many units as the new one, and the same
    embedding size, number of layers, activation and tying.

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
    # 2) copy the weights and their average, from a run the moments too
    rows = {vocabulary.ids[token]: id_ for token, id_ in old.vocabulary.ids.items() if token in vocabulary}
    both = dict(model.named_parameters()), average.tensors
    saved = state.read(Path(source)) if Path(source).is_dir() else None
    if saved is None:
        stored = {name: torch.from_numpy(values) for name, values in old.tensors.items()}
        for tensors in both:
            state.copy(stored, tensors, rows)
        return
    state.restore(saved, checkpoint.shapes(before), optimizer, average, rows)
    # 3) make new condition tokens as unlikely as the old; the model has learned never to predict these
    special = [vocabulary.ids[token] for token in vocabulary.condition_tokens]
    known, new = ([id_ for id_ in special if (id_ in rows) is is_known] for is_known in (True, False))
    for bias in [tensors["output.bias"].detach() for tensors in both if known and tensors]:
        bias[new] = bias[known].mean()
