"""Runs of a tiny model on invented verse: it learns, resumes exactly, and stops as it should."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from pingze import checkpoint
from pingze.errors import CheckpointError, InputError, TrainingError
from pingze.training import loop, state
from pingze.training.configuration import Preset, preset
from pingze.training.loop import Row, Run
from tests import invented

TRAIN, DEV = invented.texts(40), invented.texts(10, seed=1)


def tiny(*settings: str) -> Preset:
    base = ["vocabulary_size=26", "embedding_size=8", "hidden_size=12", "batch_size=8", "epochs=3"]
    return preset("report", [*base, "warmup_steps=2", "learning_rate=0.02", "precision=float32", *settings])


def rows_of(run: Run) -> list[Row]:
    rows: list[Row] = []
    run.train(rows.append)
    return rows


def test_a_run_learns_and_leaves_its_files(tmp_path: Path) -> None:
    rows = rows_of(Run(tmp_path, tiny("epochs=12"), TRAIN, DEV))
    dev = [row["nats_per_token"] for row in rows if row["kind"] == "dev"]
    assert dev[0] == pytest.approx(np.log(26), rel=0.02)
    assert min(dev) < 0.8 * dev[0]
    best = checkpoint.load(tmp_path)
    assert best.vocabulary.tokens[4:] == tuple(
        json.loads((tmp_path / "configuration.json").read_text(encoding="utf-8"))["vocabulary"]
    )
    logged = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert logged == rows
    assert list((tmp_path / "tensorboard").iterdir())
    assert {path.name for path in tmp_path.iterdir()} == {
        "configuration.json",
        "log.jsonl",
        "model.safetensors",
        "state.safetensors",
        "state.previous.safetensors",
        "tensorboard",
    }


def test_the_model_kept_is_the_best_on_dev(tmp_path: Path) -> None:
    run = Run(tmp_path, tiny("epochs=8", "learning_rate=0.5", "decay=false", "patience=none"), TRAIN, DEV)
    dev = [row["nats_per_token"] for row in rows_of(run) if row["kind"] == "dev" and row["step"]]
    kept = loop.evaluate_sequences(
        loop.LanguageModel.of(checkpoint.load(tmp_path)), run.dev_sequences, run.vocabulary
    )
    assert kept.nats_per_token == pytest.approx(min(dev))
    assert min(dev) < dev[-1]


def test_training_stops_when_dev_no_longer_improves(tmp_path: Path) -> None:
    run = Run(tmp_path, tiny("epochs=50", "learning_rate=0.5", "decay=false", "patience=2"), TRAIN, DEV)
    rows = rows_of(run)
    assert rows[-1]["kind"] == "stop"
    dev = [row["nats_per_token"] for row in rows if row["kind"] == "dev"]
    assert np.argmin(dev) == len(dev) - 3


RECIPE = [
    "optimizer=adamw",
    "tied=true",
    "averaging=0.9",
    "dropout=0.2",
    "locked_dropout=true",
    "embedding_dropout=0.1",
    "weight_dropout=0.2",
]


@pytest.mark.parametrize("optimizer", [["optimizer=adam"], ["optimizer=sgd", "momentum=0.9"], RECIPE])
def test_an_interrupted_run_resumes_to_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, optimizer: list[str]
) -> None:
    whole = Run(tmp_path / "whole", tiny(*optimizer), TRAIN, DEV)
    whole.train()

    run = Run(tmp_path / "parts", tiny(*optimizer), TRAIN, DEV)
    step = run._step

    def interrupted(*arguments: object) -> tuple[float, int, float]:
        if run.position.step == 7:
            raise KeyboardInterrupt
        return step(*arguments)

    monkeypatch.setattr(run, "_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run.train()
    assert checkpoint.load(tmp_path / "parts")
    torch.manual_seed(99)
    resumed = Run(tmp_path / "parts", tiny(*optimizer), TRAIN, DEV, resume=True)
    assert resumed.position.step == 7
    resumed.train()
    for name, tensor in whole.model.tensors().items():
        np.testing.assert_array_equal(resumed.model.tensors()[name], tensor, err_msg=name)
    for name, tensor in whole.average.tensors.items():
        np.testing.assert_array_equal(resumed.average.tensors[name], tensor, err_msg=name)


def test_dev_is_measured_on_the_average_which_is_saved(tmp_path: Path) -> None:
    run = Run(tmp_path, tiny("averaging=0.9"), TRAIN, DEV)
    last = [row for row in rows_of(run) if row["kind"] == "dev"][-1]
    saved = loop.LanguageModel.of(checkpoint.load(tmp_path))
    measured = loop.evaluate_sequences(saved, run.dev_sequences, run.vocabulary)
    assert measured.nats_per_token == pytest.approx(last["nats_per_token"])
    own = loop.evaluate_sequences(run.model, run.dev_sequences, run.vocabulary)
    assert own.nats_per_token != pytest.approx(last["nats_per_token"], rel=1e-4)


def test_a_truncated_state_falls_back_to_the_one_before(tmp_path: Path) -> None:
    Run(tmp_path, tiny(), TRAIN, DEV).train()
    newest = tmp_path / state.STATE_FILES[0]
    newest.write_bytes(newest.read_bytes()[:-10])
    assert Run(tmp_path, tiny(), TRAIN, DEV, resume=True).position.step == 10
    (tmp_path / state.STATE_FILES[1]).unlink()
    with pytest.raises(CheckpointError, match="holds no state to resume from"):
        Run(tmp_path, tiny(), TRAIN, DEV, resume=True)


def test_a_folder_is_never_written_over(tmp_path: Path) -> None:
    Run(tmp_path, tiny(), TRAIN, DEV)
    with pytest.raises(InputError, match="holds a run already; add --resume"):
        Run(tmp_path, tiny(), TRAIN, DEV)
    with pytest.raises(InputError, match="another configuration or corpus"):
        Run(tmp_path, tiny("epochs=4"), TRAIN, DEV, resume=True)
    with pytest.raises(InputError, match="another configuration or corpus"):
        Run(tmp_path, tiny(), TRAIN[::-1][:30], DEV, resume=True)
    with pytest.raises(InputError, match="holds no run to resume"):
        Run(tmp_path / "new", tiny(), TRAIN, DEV, resume=True)


def test_a_loss_that_is_not_finite_names_the_step_and_keeps_the_last_good_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(tmp_path, tiny(), TRAIN, DEV)
    before = (tmp_path / state.STATE_FILES[0]).read_bytes()
    batch = run._batch

    def poisoned(epoch: int, index: int) -> object:
        if run.position.step == 3:
            with torch.no_grad():
                run.model.lstm[0].weight_hh[0, 0] = torch.nan
        return batch(epoch, index)

    monkeypatch.setattr(run, "_batch", poisoned)
    with pytest.raises(
        TrainingError, match=r"step 4: the loss is nan and the largest gradient, of \S+, is nan"
    ):
        run.train()
    assert (tmp_path / state.STATE_FILES[0]).read_bytes() == before


def test_a_vocabulary_larger_than_the_texts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="set vocabulary_size=26"):
        Run(tmp_path, tiny("vocabulary_size=27"), TRAIN, DEV)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.corpus
def test_ctrl_c_on_a_real_run_leaves_a_model_and_resumes(tmp_path: Path, corpus_home: Path) -> None:
    settings = ["hidden_size=32", "embedding_size=16", "epochs=1"]
    # A background job of a shell ignores Ctrl-C, and hands that down: here it must not.
    heeding = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    script = f"{heeding}; from pingze.__main__ import run; run()"
    command = [sys.executable, "-c", script, "train", "--out", str(tmp_path / "run")]
    command += [part for setting in settings for part in ("--set", setting)]
    environment = os.environ | {"PINGZE_HOME": str(corpus_home)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, encoding="utf-8") as process:
        log = tmp_path / "run" / loop.LOG_FILE
        while not (log.exists() and '"train"' in log.read_text()):
            assert process.poll() is None
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        errors = process.communicate()[1]
    assert process.returncode == 130
    assert "Traceback" not in errors
    step = int(re.findall(r"stopped at step (\d+); --resume goes on", errors)[0])
    assert step >= loop.LOG_EVERY
    assert checkpoint.load(tmp_path / "run")
    done = subprocess.run(
        [*command, "--resume"], env=environment, check=True, stderr=subprocess.PIPE, encoding="utf-8"
    )
    assert f"going on from state.safetensors at step {step}" in done.stderr
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    assert rows[-1]["step"] == 512
