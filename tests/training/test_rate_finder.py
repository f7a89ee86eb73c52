"""The finder on a problem whose answer is known, and on a model."""

import json
from pathlib import Path

import numpy as np
import pytest

from pingze.__main__ import run
from pingze.cli.terminal.training_progress import table
from pingze.errors import TrainingError
from pingze.training.configuration import preset
from pingze.training.rate_finder import Search, find_rate
from pingze.training.trainer import Taken, Trainer
from tests import invented
from tests.training import command

TINY = ("vocabulary_size=26", "embedding_size=8", "hidden_size=12", "batch_size=8", "precision=float32")


class Descent:
    """Gradient descent on f(x) = 2 + x²/2 from x = 1: x shrinks by 1 - rate, diverging above a rate of 2."""

    def __init__(self) -> None:
        self.x = 1.0

    def step(self, number: int, rate: float) -> Taken:
        loss = 2 + self.x**2 / 2
        self.x *= 1 - rate
        if not np.isfinite(loss):
            raise TrainingError("the loss is inf")
        return Taken(loss * 7, 7, abs(self.x))


def test_the_rate_of_steepest_descent_is_found_and_divergence_ends_the_search() -> None:
    search = find_rate(Descent().step, steps=150, lowest=1e-5, highest=1e3)
    assert search.nats_per_token[0] == pytest.approx(2.5)
    assert 0.01 < search.suggestion < 0.5
    assert 2 < search.rates[-1] < 20
    np.testing.assert_allclose(np.diff(np.log(search.rates)), np.log(1e8) / 149)
    assert len(search.rates) == len(search.nats_per_token) < 150


def test_a_loss_that_only_grows_has_no_rate() -> None:
    with pytest.raises(TrainingError, match=r"the loss grows from the first steps, at a rate of 3.0"):
        find_rate(Descent().step, lowest=3.0, highest=9.0)


def test_a_model_learns_fastest_between_the_rates_that_do_nothing_and_those_that_ruin() -> None:
    search = find_rate(Trainer(preset("report", [*TINY]), invented.texts(40), []).step, steps=80)
    assert 1e-3 < search.suggestion < 0.5
    assert search.nats_per_token[0] == pytest.approx(np.log(26), rel=0.02)


def test_the_command_prints_what_it_saw_and_leaves_no_run(
    tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command.build_corpus(tmp_path / "poems")
    before = set(home.rglob("*"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    settings = [part for setting in TINY for part in ("--set", setting)]
    with pytest.raises(SystemExit) as exit_:
        run(["rate", *settings, "--steps", "50", "--json"])
    out, err = capsys.readouterr()
    assert (exit_.value.code, err) == (0, "")
    search = json.loads(out)
    assert len(search["rates"]) == len(search["nats_per_token"]) <= 50
    assert search["suggestion"] in search["rates"]
    assert set(home.rglob("*")) == before
    assert not list((tmp_path / "here").iterdir())


def test_the_table_shows_the_losses_as_bars() -> None:
    lines = table(Search([1e-3, 1e-2, 1e-1], [4.0, 3.0, 2.0], 1e-2)).splitlines()
    assert lines[1:] == [
        " 1.0e-03    4.000  " + "█" * 40,
        " 1.0e-02    3.000  " + "█" * 20,
        " 1.0e-01    2.000",
        "the loss falls fastest at learning_rate=1.0e-02",
    ]
