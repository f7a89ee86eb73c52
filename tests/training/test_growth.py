"""A grown model predicts what the smaller one did; what cannot grow is refused."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from pingze.checkpoint import Checkpoint
from pingze.errors import InputError
from pingze.model import LanguageModel
from pingze.model_configuration import ModelConfiguration
from pingze.training.growth import grow_from
from pingze.vocabulary import BOS, Vocabulary
from tests import invented
from tests.comparing import assert_close

LARGER = Vocabulary.of_texts([invented.CHARACTERS + "鶴松，。？！；：、"], 100, ("<七絕>", "<唐>"))


def larger(old: Checkpoint, **changes: object) -> LanguageModel:
    configuration = replace(old.configuration, vocabulary_size=len(LARGER), hidden_size=17, **changes)
    model = LanguageModel(configuration)
    model.initialize("orthogonal", np.random.default_rng(1))
    return model


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize(("tied", "held"), [(False, False), (True, False), (True, True)])
def test_a_grown_model_has_the_old_one_s_logits(layers: int, tied: bool, held: bool) -> None:
    old = invented.model(layers=layers, tied=tied)
    model = larger(old, held=held)
    grow_from(old, model, LARGER)
    shared = [token for token in old.vocabulary.tokens if token in LARGER]
    assert len(shared) == len(old.vocabulary) < len(LARGER)
    logits = {}
    for which, vocabulary in ((LanguageModel.of(old), old.vocabulary), (model, LARGER)):
        ids = torch.tensor([BOS, *vocabulary.encode("天地，山水。")])
        hidden = which(ids, torch.ones(len(ids), dtype=torch.int64))
        logits[which] = which.output(hidden).detach()[:, [vocabulary.ids[token] for token in shared]]
    ours, theirs = logits.values()
    assert_close({"logits": theirs}, {"logits": ours}, 1e-5)


def test_every_new_unit_learns() -> None:
    old = invented.model(layers=1, tied=True)
    model = larger(old, held=True)
    grow_from(old, model, LARGER)
    ids = torch.tensor([LARGER.ids["<唐>"], BOS, *LARGER.encode("天地，山水。")])
    targets = torch.tensor([0, *ids[2:], 2])
    model.loss_sum(ids, targets, torch.ones(len(ids), dtype=torch.int64)).backward()
    assert model.projection.weight.grad[:, 12:].abs().min() > 0
    assert model.lstm.layers[0].weight_ph.grad.abs().max() > 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"embedding_size": 9}, "its embedding_size is 8, here it is 9"),
        ({"layers": 1}, "its layers is 2, here it is 1"),
        ({"activation": "relu"}, "its activation is tanh, here it is relu"),
        ({"tied": True}, "its tied is False, here it is True"),
        ({"hidden_size": 11}, "that model is larger than this one"),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict[str, object], message: str) -> None:
    old = invented.model()
    model = LanguageModel(ModelConfiguration(**{**vars(old.configuration), **changes}))
    with pytest.raises(InputError, match=message):
        grow_from(old, model, old.vocabulary)
