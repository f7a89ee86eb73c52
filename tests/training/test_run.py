"""Runs of a tiny model on invented verse: it learns, resumes exactly, and stops as it should."""

import errno
import json
import os
import re
import signal
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import torch

from pingze.corpus import CorpusPoem
from pingze.errors import CheckpointError, InputError, TrainingError
from pingze.network import checkpoint
from pingze.network.model import LanguageModel
from pingze.training.evaluation import evaluate_sequences
from pingze.training.presets import Preset, preset
from pingze.training.run import CONFIGURATION_FILE, FORMAT, LOG_FILE, LogRow, Run, read_log
from pingze.training.texts import Texts
from pingze.training.trainer import Taken, Trainer
from tests import invented
from tests.cli.calling import Call
from tests.training import command

TEXTS = Texts(invented.texts(40), invented.texts(10, seed=1))


def tiny(*settings: str) -> Preset:
    base = ["vocabulary_size=26", "embedding_size=8", "hidden_size=12", "batch_size=8", "epochs=3"]
    return preset(
        "report", [*base, "warmup_steps=2", "learning_rate=0.02", "precision=float32", *settings]
    )


def rows_of(run: Run) -> list[LogRow]:
    rows: list[LogRow] = []
    run.train(rows.append)
    return rows


def test_a_run_learns_and_leaves_its_files(tmp_path: Path) -> None:
    run = Run(tmp_path, tiny("epochs=12"), TEXTS)
    rows = rows_of(run)
    dev = [row["nats_per_token"] for row in rows if row["kind"] == "dev"]
    assert dev[0] == pytest.approx(np.log(26), rel=0.02)
    assert min(dev) < 0.8 * dev[0]
    assert set(checkpoint.load(tmp_path).vocabulary.tokens[4:]) == {*invented.CHARACTERS, *"，。"}
    assert read_log(tmp_path) == rows
    poems = [str(row["sample"]) for row in rows if row["kind"] == "dev"]
    assert all(poem.startswith("日") and len(poem) <= 48 for poem in poems)
    assert len(set(poems)) > 1, "the weights change, and the poem with them"
    assert run._sample() == poems[-1]
    names = {CONFIGURATION_FILE, LOG_FILE, checkpoint.MODEL_FILE}
    names |= {f"state.000000{step}.safetensors" for step in (55, 60)}
    assert {path.name for path in tmp_path.iterdir()} == names
    with pytest.raises(InputError, match="set vocabulary_size=26"):
        Run(tmp_path / "new", tiny("vocabulary_size=27"), TEXTS)
    with pytest.raises(InputError, match="holds a run already; add --resume"):
        Run(tmp_path, tiny("epochs=12"), TEXTS)


def test_the_best_average_on_dev_is_kept_and_a_stale_run_ends(tmp_path: Path) -> None:
    settings = tiny("epochs=50", "learning_rate=0.5", "decay=false", "patience=2", "averaging=0.5")
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    run = Run(tmp_path, settings, TEXTS)
    rows = rows_of(run)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    # dev is measured on the average, whose best is saved
    dev = [row["nats_per_token"] for row in rows if row["kind"] == "dev"]
    kept = evaluate_sequences(
        LanguageModel.of(checkpoint.load(tmp_path)), run.dev_sequences, run.vocabulary
    )
    assert kept.nats_per_token == pytest.approx(min(dev[1:]))
    own = evaluate_sequences(run.model, run.dev_sequences, run.vocabulary)
    assert own.nats_per_token != pytest.approx(dev[-1], rel=1e-4)
    # two epochs later the run has ended, for good
    assert rows[-1]["kind"] == "stop"
    assert np.argmin(dev) == len(dev) - 3
    resumed = Run(tmp_path, settings, TEXTS, resume=True)
    assert rows_of(resumed) == []
    assert resumed.position.step == run.position.step < run.total_steps
    assert read_log(tmp_path) == rows


DROPPED = ["dropout=0.2", "locked_dropout=true", "embedding_dropout=0.1", "weight_dropout=0.2"]
RECIPE = ["optimizer=adamw", "tied=true", "averaging=0.9", *DROPPED]


@pytest.fixture
def _interruptible() -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt also where the tests were started in the background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_interruptible")
@pytest.mark.parametrize(
    "optimizer", [["optimizer=adam"], ["optimizer=sgd", "momentum=0.9"], RECIPE]
)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_resuming_is_exact(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, optimizer: list[str], number: int
) -> None:
    monkeypatch.setattr("pingze.training.run.LOG_EVERY", 4)
    settings = tiny(*optimizer, "dropout=0.3")
    whole = Run(tmp_path / "whole", settings, TEXTS)
    expected = rows_of(whole)

    run = Run(tmp_path / "parts", settings, TEXTS)
    step = run.step

    def interrupted(at: int, rate: float) -> Taken:
        if at == 6:
            os.kill(os.getpid(), number)
        return step(at, rate)

    monkeypatch.setattr(run, "step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run.train()
    assert checkpoint.load(tmp_path / "parts")
    torch.manual_seed(99)
    resumed = Run(tmp_path / "parts", settings, TEXTS, resume=True)
    assert resumed.position.step == 7
    assert command.without_times(rows_of(resumed)) == command.without_times(expected)[3:]
    assert command.without_times(read_log(tmp_path / "parts")) == command.without_times(expected)
    for name, tensor in whole.model.tensors().items():
        np.testing.assert_array_equal(resumed.model.tensors()[name], tensor, err_msg=name)
    for name, tensor in whole.average.tensors.items():
        np.testing.assert_array_equal(resumed.average.tensors[name], tensor, err_msg=name)


def test_a_run_killed_before_its_first_state_starts_again_and_alone(tmp_path: Path) -> None:
    Run(tmp_path, tiny(), TEXTS)
    (tmp_path / LOG_FILE).write_text('{"kind": "dev", "step": 0, "time": 0.0}\n{"kind": "tr')
    (tmp_path / f"state.00000000.safetensors.{'0' * 32}.partial").touch()
    run = Run(tmp_path, tiny(), TEXTS, resume=True)
    assert run.resumed is None
    rows: list[LogRow] = []

    def another() -> None:
        with pytest.raises(
            TrainingError, match=f"^{tmp_path} is in use by another training: stop it first"
        ):
            Run(tmp_path, tiny(), TEXTS, resume=True)

    run.train(rows.append, on_step=another)
    assert read_log(tmp_path) == rows
    assert rows[0]["step"] == 0
    assert not list(tmp_path.glob("*.partial"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        *product(
            [CONFIGURATION_FILE], [None, b"", b"\xff", b"[" * 99_999, b"null", b'{"format": 1}']
        ),
        *product(
            [LOG_FILE], [None, b"\xff\n", b"{\n", b"[" * 99_999 + b"\n", b"7\n", b'{"step": "1"}\n']
        ),
    ],
)
def test_a_damaged_file_of_a_run_is_one_line(
    tmp_path: Path, name: str, content: bytes | None
) -> None:
    Run(tmp_path, tiny(), TEXTS)
    (tmp_path / name).unlink(missing_ok=True)
    if content is None:
        (tmp_path / name).mkdir()
    else:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(
        TrainingError, match=rf"^{tmp_path}/{name} is damaged \([^\n]*\): put back a copy of it"
    ):
        Run(tmp_path, tiny(), TEXTS, resume=True).train()


def test_the_command_says_how_far_it_is_and_what_it_goes_on_from(
    tmp_path: Path, home: Path, call: Call
) -> None:
    command.build_corpus(tmp_path / "poems")
    settings = [f"--set={setting}" for setting in (*command.SETTINGS, "epochs=1", "save_every=2")]
    arguments = ["train", "--out", str(tmp_path / "run"), *settings]
    first, *others, last = call(*arguments)[2].splitlines()
    total = int(first.removeprefix("step 0/"))
    assert last == f"step {total}/{total}"
    assert sum(line.startswith(f"step {total}: dev ") for line in others) == 1
    older, newest = sorted((tmp_path / "run").glob("state.*"))
    newest.write_bytes(newest.read_bytes()[:-1] + b"\x7f")
    status, _, err = call(*arguments, "--resume")
    assert err.splitlines()[:2] == [
        f"{newest.name} cannot be read (it was altered after it was saved: its SHA-256 differs)",
        f"going on from {older.name} at step 20",
    ]
    assert status == 0


def test_a_run_is_ended_elsewhere_than_it_was_to_end(tmp_path: Path) -> None:
    """Level to its second epoch, and then a last leg of half an epoch, measured and kept at its end."""
    whole = Run(tmp_path, tiny("epochs=2", "decay=false"), TEXTS)
    rows_of(whole)
    per_epoch = whole.steps_per_epoch
    with pytest.raises(InputError, match="another configuration or corpus"):
        Run(tmp_path, tiny("epochs=2.5", "decay_epochs=0.5"), TEXTS, resume=True)
    level = tmp_path / "level"
    rows_of(Run(level, tiny("epochs=2", "decay_epochs=0.001"), TEXTS))
    ended = Run(level, tiny("epochs=2.5", "decay_epochs=0.5"), TEXTS, resume=True)
    assert ended.total_steps == round(2.5 * per_epoch)
    rates = [ended.rate(step) for step in (2 * per_epoch - 1, 2 * per_epoch, ended.total_steps - 1)]
    assert rates == pytest.approx([0.02, 0.02, 0.02 / (ended.total_steps - 2 * per_epoch)])
    rows = rows_of(ended)
    assert (rows[-1]["kind"], rows[-1]["step"]) == ("dev", ended.total_steps)
    assert (
        json.loads((level / CONFIGURATION_FILE).read_text(encoding="utf-8"))["training"]["epochs"]
        == 2.5
    )


def test_another_run_is_not_resumed(tmp_path: Path) -> None:
    Run(tmp_path, tiny(), TEXTS)
    with pytest.raises(InputError, match="holds no run to resume"):
        Run(tmp_path / "new", tiny(), TEXTS, resume=True)
    turned = TEXTS._replace(train=[TEXTS.train[0][::-1], *TEXTS.train[1:]])
    for settings, texts in ((tiny("learning_rate=0.03"), TEXTS), (tiny(), turned)):
        with pytest.raises(InputError, match="another configuration or corpus"):
            Run(tmp_path, settings, texts, resume=True)
    path = tmp_path / CONFIGURATION_FILE
    path.write_text(
        path.read_text(encoding="utf-8").replace(FORMAT, "pingze-run-0"), encoding="utf-8"
    )
    with pytest.raises(InputError, match="another version of pingze; resume it with that version"):
        Run(tmp_path, tiny(), TEXTS, resume=True)


def test_a_loss_that_is_not_finite_names_its_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(tmp_path, tiny("save_every=2"), TEXTS)
    batch = run._batch

    def poisoned(number: int) -> object:
        if number == 3:
            with torch.no_grad():
                run.model.lstm.layers[0].weight_hh[0, 0] = torch.nan
        return batch(number)

    monkeypatch.setattr(run, "_batch", poisoned)
    with pytest.raises(
        TrainingError, match=r"step 4: the loss is nan and .* gradient, of \S+, is nan.*; the last"
    ):
        run.train()
    assert Run(tmp_path, tiny("save_every=2"), TEXTS, resume=True).position.step == 2


def test_a_full_disk_at_the_first_save_says_that_nothing_was_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(tmp_path, tiny(), TEXTS)
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    monkeypatch.setattr("os.fsync", Mock(side_effect=full))
    with pytest.raises(TrainingError, match=f"nothing was saved yet in {tmp_path}$"):
        run.train()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_log_that_is_a_pipe_is_one_line(tmp_path: Path) -> None:
    """Opening it would wait for a writer."""
    Run(tmp_path, tiny(), TEXTS)
    os.mkfifo(tmp_path / LOG_FILE)
    with pytest.raises(TrainingError, match=rf"^{tmp_path}/{LOG_FILE} is damaged"):
        Run(tmp_path, tiny(), TEXTS, resume=True).train()


@pytest.mark.parametrize("place", ["os.fsync", "pathlib.Path.write_bytes"])
def test_a_full_disk_keeps_the_last_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setattr("pingze.training.run.LOG_EVERY", 3)
    run = Run(tmp_path, tiny("save_every=2"), TEXTS)

    def fill(at: int, rate: float) -> Taken:
        if at == 2:
            monkeypatch.setattr(
                place, Mock(side_effect=OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
            )
        return Trainer.step(run, at, rate)

    monkeypatch.setattr(run, "step", fill)
    with pytest.raises(TrainingError) as error:
        run.train()
    said = f"cannot be written: No space left on device; the last good state stays in {tmp_path}"
    assert re.fullmatch(rf"{tmp_path}\S* {said}", str(error.value))
    monkeypatch.undo()
    assert Run(tmp_path, tiny("save_every=2"), TEXTS, resume=True).position.step == 2


def start(folder: Path, *, conditions: tuple[str, ...] = ("<七絕>", "<唐>")) -> Path:
    """A model to start from, with a reward and with two characters that no poem has."""
    made = invented.model(
        layers=1, tied=True, held=True, conditions=conditions, characters="鶴松" + CHARACTERS
    )
    stored = {**made.tensors, checkpoint.REWARD: np.arange(12, dtype=np.float32)}
    return invented.saved(folder / "start.safetensors", replace(made, stored=stored))


CHARACTERS = invented.CHARACTERS[:-1]
OWN = Texts(
    [CorpusPoem("own", "夜", "張甲", text) for text in invented.texts(40)],
    [CorpusPoem("own", "夜", "張甲", text) for text in invented.texts(10, seed=1)],
)


def own(source: Path, *settings: str) -> Preset:
    sizes = ["embedding_size=8", "hidden_size=14", "batch_size=8", "epochs=2", "precision=float32"]
    return preset("own", [*sizes, f"start_from={source}", *settings])


def test_a_run_on_ones_own_poems_keeps_what_it_starts_from(tmp_path: Path) -> None:
    source = start(tmp_path)
    old = checkpoint.load(source)
    run = Run(tmp_path / "run", own(source), OWN)
    assert set(old.vocabulary.tokens) < set(run.vocabulary.tokens)
    assert {"雨", "<張甲>"} <= set(run.vocabulary.tokens) - set(old.vocabulary.tokens)
    assert run.preset.model.vocabulary_size == len(run.vocabulary)
    kept = run.model.embedding.weight.detach().numpy()
    rows = [run.vocabulary.ids[token] for token in old.vocabulary.tokens]
    np.testing.assert_array_equal(kept[rows], old.tensors["embedding.weight"])


def test_a_trained_model_has_the_reward_that_it_started_from(tmp_path: Path) -> None:
    source = start(tmp_path)
    rows_of(Run(tmp_path / "run", own(source), OWN))
    reward = checkpoint.load(tmp_path / "run").reward
    assert reward is not None
    assert reward.tolist() == [*range(12), 0, 0]


def test_a_run_is_resumed_without_the_model_that_it_started_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = start(tmp_path)
    rows_of(Run(tmp_path / "whole", own(source), OWN))
    whole = checkpoint.load(tmp_path / "whole")
    run = Run(tmp_path / "parts", own(source), OWN)
    step = run.step

    def interrupted(at: int, rate: float) -> Taken:
        if at == 3:
            raise KeyboardInterrupt
        return step(at, rate)

    monkeypatch.setattr(run, "step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run.train()
    source.unlink()
    resumed = Run(tmp_path / "parts", own(source), OWN, resume=True)
    assert resumed.start is None
    rows_of(resumed)
    parts = checkpoint.load(tmp_path / "parts")
    assert parts.vocabulary == whole.vocabulary
    for name, tensor in whole.stored.items():
        np.testing.assert_array_equal(parts.stored[name], tensor, err_msg=name)


def test_a_run_may_start_from_a_run_on_ones_own_poems(tmp_path: Path) -> None:
    source = start(tmp_path)
    rows_of(Run(tmp_path / "first", own(source), OWN))
    second = Run(tmp_path / "second", own(tmp_path / "first"), OWN)
    assert second.vocabulary == checkpoint.load(tmp_path / "first").vocabulary
    assert second.reward is not None


def test_a_run_may_start_from_a_model_without_conditions_and_reward(tmp_path: Path) -> None:
    made = invented.model(layers=1, characters="鶴松" + CHARACTERS)
    source = invented.saved(tmp_path / "start.safetensors", made)
    run = Run(tmp_path / "run", own(source, "tied=false"), OWN)
    rows_of(run)
    found = checkpoint.load(tmp_path / "run")
    assert {*made.vocabulary.tokens, "<七絕>", "<張甲>"} < set(found.vocabulary.tokens)
    assert found.reward is None


def test_a_missing_model_to_start_from_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"^there is no model '[^\n]*nowhere'"):
        Run(tmp_path / "run", own(tmp_path / "nowhere"), OWN)
    assert not (tmp_path / "run").exists()


def test_the_command_says_what_it_keeps(
    tmp_path: Path, home: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    start(tmp_path)
    command.build_own_corpus(tmp_path / "poems")
    sizes = ["--set=embedding_size=8", "--set=hidden_size=14", "--set=start_from=start.safetensors"]
    arguments = ["train", "--preset=own", "--out=run", "--set=epochs=0.1", *sizes]
    _, _, err = call(*arguments)
    assert err.splitlines()[:2] == [
        "start_from=start.safetensors: 34 of its 34 tokens are kept, 9 are new",
        "start_from=start.safetensors: its reward, learned from readers' scores, is kept unchanged",
    ]
