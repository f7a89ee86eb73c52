from dataclasses import replace
from typing import Any

import pytest

from pingze.errors import InputError
from pingze.lstm.dropout import Dropout
from pingze.network.configuration import ModelConfiguration
from pingze.network.model import LanguageModel
from pingze.training.presets import PRESETS, TrainingConfiguration, preset


def test_the_report_s_preset_states_the_report_s_figures() -> None:
    chosen = preset("report")
    model, training = chosen.model, chosen.training
    assert (model.vocabulary_size, model.embedding_size, model.hidden_size) == (5851, 256, 512)
    assert (training.batch_size, training.length) == (32, 48)


def test_report_plain_adds_nothing_to_the_report() -> None:
    """Beside the dataclass's defaults, which are the report's, it differs in what PyTorch's defaults decide."""
    chosen = preset("report-plain")
    assert chosen.model == ModelConfiguration()
    open_choices: dict[str, Any] = {"initialization": "uniform", "learning_rate": 1e-3, "decay": False}
    assert chosen.training == replace(TrainingConfiguration(), **open_choices)
    training = chosen.training
    assert (training.dropped, training.clip_norm, training.clip_value) == (Dropout(), None, None)
    assert (training.warmup_steps, training.weight_decay, training.averaging) == (0, 0, 0)
    assert LanguageModel(chosen.model).tensors()["lstm.0.weight_hh"].shape == (4 * 512, 512)


def test_settings_change_fields_of_either_part() -> None:
    settings = ["hidden_size=64", "learning_rate=1e-3", "decay=false", "clip_norm=none", "patience=3"]
    chosen = preset("report", [*settings, "clip_value=0.5"])
    assert chosen.model.hidden_size == 64
    training = chosen.training
    assert (training.learning_rate, training.decay, training.clip_norm) == (1e-3, False, None)
    assert (training.clip_value, training.patience) == (0.5, 3)
    assert PRESETS["report"].training.clip_norm == 1.0
    assert preset("tang", ["mixture=song:1, ci:.25"]).training.shares == {"song": 1, "ci": 0.25}


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("colour=red", "'colour=red' is not field=value with one of the fields vocabulary_size"),
        ("epochs", "'epochs' is not field=value with one of the fields epochs"),
        ("epoch=1", "'epoch=1' is not field=value with one of the fields epochs"),
        ("learningrate=1", "'learningrate=1' is not field=value with one of the fields learning_rate"),
        ("epochs=many", "epochs='many' is not of type float"),
        ("epochs=0", "epochs is 0.0; it must be above 0"),
        ("epochs=none", "epochs='none' is not of type float"),
        ("decay=maybe", "decay='maybe' is not of type bool"),
        ("dropout=1", "dropout is 1.0; it must be at least 0 and below 1"),
        ("dropout=nan", "dropout is nan"),
        ("learning_rate=nan", "learning_rate is nan"),
        ("learning_rate=inf", "learning_rate is inf"),
        ("clip_norm=-1", "clip_norm is -1.0; it must be above 0, or none"),
        ("optimizer=lion", "optimizer 'lion' is unknown; choose one of adam, adamw, sgd"),
        ("activation=gelu", "activation 'gelu' is unknown"),
        ("momentum=0.9", "momentum belongs to optimizer sgd, not adam"),
        ("weight_decay=0.1", "weight_decay belongs to optimizer adamw, not adam"),
        ("accumulate=64", "accumulate is 64, more than the batch_size 32"),
        ("save_every=0", "save_every is 0; it must be at least 1"),
        ("clip_value=1", "clip_norm and clip_value exclude each other"),
        ("output_dropout=1", "output_dropout is 1.0; it must be at least 0 and below 1"),
        ("averaging=-0.1", "averaging is -0.1"),
        ("corpus=song", "corpus 'song' is unknown; choose one of report, tang"),
        ("condition_dropout=0.5", "condition_dropout, theme_share and mixture belong to corpus tang"),
        ("mixture=song:1", "condition_dropout, theme_share and mixture belong to corpus tang"),
        ("special_tokens=<七絕>", "is not field=value with one of the fields"),
        ("dropout=0 locked_dropout=true", "locked_dropout is of no use without dropout"),
        ("decay=false decay_epochs=1", "decay_epochs is of no use without decay"),
    ],
)
def test_bad_settings_are_named(setting: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        preset("report", setting.split())
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        *(
            ("tang", [f"mixture={mixture}"], "sources of song, early, yuan, ming, qing, ci")
            for mixture in ("liao:1", "song", "song:x", "song:-1", "song:0", "song:inf", "song=1")
        ),
        ("song", [], "preset 'song' is unknown; choose one of report, report-plain, recipe, tang"),
    ],
)
def test_mixtures_and_presets_are_checked(name: str, settings: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        preset(name, settings)
