"""Starting a model from another's weights: what both know is taken over, what is new begins without effect.

Tokens are matched by name. Where the new layer is wider, the old units keep their weights and read nothing of the new
ones, whose own weights stay as initialized, and the output reads nothing of them: at first the grown model predicts
exactly what the old one did, and learns from there (in the manner of Net2Net: Chen et al. 2016).
"""

import torch
from jaxtyping import Float

from pingze.arrays import Array
from pingze.checkpoint import Checkpoint
from pingze.errors import InputError
from pingze.model import LanguageModel
from pingze.vocabulary import Vocabulary


def grow_from(old: Checkpoint, model: LanguageModel, vocabulary: Vocabulary) -> None:
    """Give a model that was just initialized what another one knows.

    old: a model of no more units, alike in embedding size, layers, activation and tying.
    model: the new one; its weights are written over.
    vocabulary: that of `model`.

    Raises InputError where the two do not fit.
    """
    before, after = old.configuration, model.configuration
    for name in ("embedding_size", "layers", "activation", "tied"):
        if getattr(before, name) != getattr(after, name):
            raise InputError(
                f"start_from={old.name}: its {name} is {getattr(before, name)}, here it is {getattr(after, name)}"
            )
    if before.hidden_size > after.hidden_size or before.held > after.held:
        raise InputError(f"start_from={old.name}: that model is larger than this one; a model can only grow")
    rows = {vocabulary.ids[token]: id_ for token, id_ in old.vocabulary.ids.items() if token in vocabulary}
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            values, grown = (
                old.tensors.get(name),
                parameter.detach().numpy(),
            )  # shares memory: writes go through
            if values is None:
                continue  # what is held beside the inputs: zero, as initialized
            if name.startswith(("embedding", "output")):
                grown[list(rows)] = _widened(values[list(rows.values())], grown[list(rows)])
            else:
                blocks = 4 if name.startswith("lstm") else 1
                for new, known in zip(_blocks(grown, blocks), _blocks(values, blocks), strict=True):
                    new[: len(known)] = _widened(known, new[: len(known)])


def _blocks(array: Float[Array, "rows *columns"], count: int) -> list[Float[Array, "block *columns"]]:
    """The rows of each gate, as views."""
    size = len(array) // count
    return [array[k * size : (k + 1) * size] for k in range(count)]


def _widened(
    known: Float[Array, "rows *known"], like: Float[Array, "rows *columns"]
) -> Float[Array, "rows *columns"]:
    """Known rows with zeros for the columns that they do not have."""
    wide = 0 * like
    wide[..., : known.shape[-1]] = known
    return wide
