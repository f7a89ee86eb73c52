from dataclasses import replace

import pytest

from pingze.errors import InputError
from pingze.lstm.dropout import Dropout
from pingze.network.configuration import ModelConfiguration
from pingze.network.model import LanguageModel
from pingze.training.presets import PRESETS, TrainingConfiguration, preset


def test_report_plain_adds_nothing_to_the_report() -> None:
    """Beside the dataclass's defaults, which are the report's, it differs in what PyTorch's defaults decide."""
    chosen = preset("report-plain")
    assert chosen.model == ModelConfiguration()
    training = chosen.training
    assert training == replace(
        TrainingConfiguration(), initialization="uniform", learning_rate=1e-3, decay=False
    )
    assert (training.dropped, training.clip_norm, training.clip_value) == (Dropout(), None, None)
    assert (training.warmup_steps, training.weight_decay, training.averaging) == (0, 0, 0)
    assert LanguageModel(chosen.model).tensors()["lstm.0.weight_hh"].shape == (4 * 512, 512)


def test_settings_change_fields_of_either_part() -> None:
    settings = [
        "hidden_size=64",
        "learning_rate=1e-3",
        "decay=false",
        "clip_norm=none",
        "patience=3",
    ]
    chosen = preset("report", [*settings, "clip_value=0.5"])
    assert chosen.model.hidden_size == 64
    training = chosen.training
    assert (training.learning_rate, training.decay, training.clip_norm) == (1e-3, False, None)
    assert (training.clip_value, training.patience) == (0.5, 3)
    assert PRESETS["report"].training.clip_norm == 1.0
    assert preset("tang", ["mixture=song:1, ci:.25"]).training.shares == {"song": 1, "ci": 0.25}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("epochs", "'epochs' is not field=value with one of the fields epochs"),
        (
            "learningrate=1",
            "'learningrate=1' is not field=value with one of the fields learning_rate",
        ),
        ("epochs=none", "epochs='none' is not of type float"),
        ("decay=maybe", "decay='maybe' is not of type bool"),
        ("clip_norm=-1", "clip_norm is -1.0; it must be above 0, or none"),
        ("layers=1000000000", "layers is 1000000000; it must be at least 1 and at most 64"),
        ("learning_rate=nan", "learning_rate is nan; it must be finite"),
        ("averaging=1", "averaging is 1.0; it must be at least 0 and below 1"),
        ("averaging=nan", "averaging is nan; it must be at least 0 and below 1"),
        ("optimizer=lion", "optimizer 'lion' is unknown; choose one of adam, adamw, sgd"),
        ("corpus=song", "corpus 'song' is unknown; choose one of report, tang"),
        ("momentum=0.9", "momentum belongs to optimizer sgd, not adam"),
        ("weight_decay=0.1", "weight_decay belongs to optimizer adamw, not adam"),
        ("accumulate=64", "accumulate is 64, more than the batch_size 32"),
        ("clip_value=1", "clip_norm and clip_value exclude each other"),
        (
            "condition_dropout=0.5",
            "condition_dropout, theme_share and mixture belong to corpus tang",
        ),
        ("dropout=0 locked_dropout=true", "locked_dropout is of no use without dropout"),
        ("decay=false decay_epochs=1", "decay_epochs is of no use without decay"),
        *(
            (f"corpus=tang mixture={mixture}", "sources of song, early, yuan, ming, qing, ci")
            for mixture in ("liao:1", "song", "song:x", "song:-1", "song:0", "song:inf", "song=1")
        ),
    ],
)
def test_bad_settings_are_named(settings: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        preset("report", settings.split())
    assert message in str(error.value)


def test_an_unknown_preset_is_named() -> None:
    with pytest.raises(
        InputError, match="preset 'song' is unknown; choose one of report, report-plain, recipe"
    ):
        preset("song")
