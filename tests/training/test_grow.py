"""Models grown from smaller ones."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pingze.errors import InputError
from pingze.network import checkpoint
from pingze.network.checkpoint import Checkpoint
from pingze.network.configuration import ModelConfiguration
from pingze.network.model import LanguageModel
from pingze.network.vocabulary import BOS, Vocabulary
from pingze.training import state
from pingze.training.grow import start_from
from pingze.training.optimization import Average, make_optimizer
from pingze.training.presets import TrainingConfiguration
from tests import invented
from tests.comparing import assert_close

LARGER = Vocabulary.of_texts([invented.CHARACTERS + "鶴松，。？！；：、"], 100, ("<七絕>", "<唐>"))


def larger(old: Checkpoint, **changes: object) -> LanguageModel:
    model = LanguageModel(
        replace(old.configuration, vocabulary_size=len(LARGER), hidden_size=17, **changes)
    )
    model.initialize("orthogonal", np.random.default_rng(1))
    return model


def grown_from(
    source: Path, model: LanguageModel, vocabulary: Vocabulary = LARGER, decay: float = 0.9
) -> tuple[torch.optim.Optimizer, Average]:
    optimizer = make_optimizer(model.parameters(), TrainingConfiguration())
    average = Average(model, decay)
    start_from(checkpoint.load(source), model, optimizer, average, vocabulary)
    return optimizer, average


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize(("tied", "held"), [(False, False), (True, False), (True, True)])
def test_a_grown_model_has_the_old_one_s_logits(
    tmp_path: Path, layers: int, tied: bool, held: bool
) -> None:
    old = invented.model(layers=layers, tied=tied)
    model = larger(old, held=held)
    _, average = grown_from(invented.saved(tmp_path / checkpoint.MODEL_FILE, old), model)
    assert all(torch.equal(average.tensors[name], p) for name, p in model.named_parameters())
    assert list(checkpoint.shapes(model.configuration)) == list(dict(model.named_parameters()))
    shared = [token for token in old.vocabulary.tokens if token in LARGER]
    assert len(shared) == len(old.vocabulary) < len(LARGER)
    logits = {}
    for which, vocabulary in ((LanguageModel.of(old), old.vocabulary), (model, LARGER)):
        ids = torch.tensor([BOS, *vocabulary.encode("天地，山水。")])
        hidden = which(ids, torch.ones(len(ids), dtype=torch.int64))
        logits[which] = which.output(hidden).detach()[
            :, [vocabulary.ids[token] for token in shared]
        ]
    ours, theirs = logits.values()
    assert_close({"logits": theirs}, {"logits": ours}, 1e-5)


def test_every_new_unit_learns(tmp_path: Path) -> None:
    old = invented.model(layers=1, tied=True)
    model = larger(old, held=True)
    grown_from(invented.saved(tmp_path / checkpoint.MODEL_FILE, old), model)
    ids = torch.tensor([LARGER.ids["<唐>"], BOS, *LARGER.encode("天地，山水。")])
    model.loss_sum(
        ids, torch.tensor([0, *ids[2:], 2]), torch.ones(len(ids), dtype=torch.int64)
    ).backward()
    assert model.projection.weight.grad[:, 12:].abs().min() > 0
    assert model.lstm.layers[0].weight_ph.grad.abs().max() > 0


def test_a_run_s_tensors_are_all_copied(tmp_path: Path) -> None:
    old = invented.model(layers=1, tied=True)
    before = LanguageModel.of(old)
    optimizer, average = grown_from(
        invented.saved(tmp_path / checkpoint.MODEL_FILE, old), before, old.vocabulary
    )
    ids = torch.tensor([BOS, *old.vocabulary.encode("天地，山水。")])
    for _ in range(3):
        before.loss_sum(ids[:-1], ids[1:], torch.ones(len(ids) - 1, dtype=torch.int64)).backward()
        optimizer.step()
        average.update()
    state.save(tmp_path, optimizer, average, state.Position(step=3))

    model = larger(old, held=True)
    new_optimizer, new_average = grown_from(tmp_path, model)
    assert new_average.updates == 3
    names = dict(model.named_parameters())
    for name, parameter in before.named_parameters():
        was = optimizer.state[parameter]
        now = new_optimizer.state[names[name]]
        assert now["step"] == 3
        pairs = [(parameter, names[name]), (average.tensors[name], new_average.tensors[name])]
        pairs += [(was[key], now[key]) for key in ("exp_avg", "exp_avg_sq")]
        for k, (small, large) in enumerate(pairs):
            gates = 4 if name.startswith("lstm") else 1
            count = len(small) // gates
            if name.startswith(("embedding", "output")):
                known = large[[LARGER.ids[token] for token in old.vocabulary.tokens]]
            else:
                known = torch.cat([part[:count] for part in large.chunk(gates)])
            assert torch.equal(known[..., : small.shape[-1]], small), name
            if k >= 2:
                # all new ones are zero
                assert large.abs().sum() == pytest.approx(float(small.abs().sum()))


@pytest.mark.parametrize(("before", "after"), [(0, 0.9), (0.9, 0), (0, 0)])
def test_either_run_may_be_without_an_average(tmp_path: Path, before: float, after: float) -> None:
    old = invented.model(layers=1)
    model = LanguageModel.of(old)
    invented.saved(tmp_path / checkpoint.MODEL_FILE, old)
    optimizer = make_optimizer(model.parameters(), TrainingConfiguration())
    state.save(tmp_path, optimizer, Average(model, before), state.Position())
    grown = larger(old)
    _, average = grown_from(tmp_path, grown, decay=after)
    assert average.tensors.keys() == (dict(grown.named_parameters()).keys() if after else set())
    for name, tensor in average.tensors.items():
        torch.testing.assert_close(tensor, grown.get_parameter(name))


def test_new_conditions_begin_as_unlikely_as_the_known_ones(tmp_path: Path) -> None:
    vocabulary = Vocabulary.of_texts([invented.CHARACTERS], 60, ("<七絕>", "<唐>"))
    tokens = vocabulary.condition_tokens
    configuration = ModelConfiguration(len(vocabulary), 8, 12, tied=True, special_tokens=tokens)
    old = LanguageModel(configuration)
    old.output.bias.data[:] = torch.arange(len(vocabulary))
    checkpoint.save(
        tmp_path / checkpoint.MODEL_FILE, Checkpoint("", configuration, vocabulary, old.tensors())
    )
    optimizer = make_optimizer(old.parameters(), TrainingConfiguration())
    state.save(tmp_path, optimizer, Average(old, 0.9), state.Position())
    grown = Vocabulary.of_texts([invented.CHARACTERS], 61, ("<七絕>", "<詞:憶江南>", "<唐>"))
    sizes = {"vocabulary_size": len(grown), "special_tokens": grown.condition_tokens}
    model = LanguageModel(replace(configuration, **sizes))
    grown_from(tmp_path, model, grown)
    assert model.output.bias[4:7].tolist() == [4, 4.5, 5]


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
def test_what_does_not_fit_is_refused(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    old = invented.model()
    model = LanguageModel(ModelConfiguration(**{**vars(old.configuration), **changes}))
    with pytest.raises(InputError, match=message):
        grown_from(invented.saved(tmp_path / checkpoint.MODEL_FILE, old), model, old.vocabulary)
