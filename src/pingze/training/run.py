"""Run training in a folder so that it can be stopped, killed and resumed.

The folder holds `configuration.json`, `model.safetensors` (the best model on dev so far), `state.*`
(from which to resume), and `log.jsonl` (a row every `LOG_EVERY` steps and every epoch). If there
are several processes, only the first process reads and writes the folder. The folder is locked
during training.

The rows of the log are written first, then the model, then the state. If the state after a step is
on disk, the rows and the best model up to this step are therefore on disk too. A resumed run
repeats the steps after its last state, and writes the rows and models of these steps again.
"""

import json
import math
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from pingze.errors import CheckpointError, InputError, TrainingError
from pingze.files import locked, written
from pingze.messages import language
from pingze.network import checkpoint
from pingze.network.checkpoint import Checkpoint
from pingze.network.reference import LineSampler, ReferenceNetwork
from pingze.network.vocabulary import SPECIAL_TOKENS, Vocabulary
from pingze.training import state
from pingze.training.presets import Preset
from pingze.training.texts import Texts, digest
from pingze.training.trainer import Trainer

LOG_FILE = "log.jsonl"
LOG_EVERY = 50
_DAMAGES = (OSError, ValueError, KeyError, TypeError, RecursionError)
"""Exceptions raised when a damaged JSON file is read."""
LogRow = dict[str, float | int | str]
"""A row of the log.

`kind` ("train", "dev" or "stop"), `step`, `time` in seconds since 1970, and figures by name.
"""
OnRow = Callable[[LogRow], None]
OnStep = Callable[[], None]
CONFIGURATION_FILE = "configuration.json"
FORMAT = "pingze-run-2"
ENDINGS = ("epochs", "decay_epochs")
"""Settings that may change when a run is resumed, since they only determine how training ends."""
OPENING = "日"
"""The report's first opening. A sample poem starts with it if the model knows no conditions."""
FORM = "七絕"
"""The form of a sample poem if the model knows conditions."""
# How a sample poem is drawn.
TEMPERATURE = 0.7
SEED = 7
LINES = 8


class Run(Trainer):
    """A training run in a folder. `train()` starts the run, or continues it from the newest state.

    `resumed` is the state from which the run continues, or None if the run is new.
    """

    def __init__(self, folder: Path, preset: Preset, texts: Texts, *, resume: bool = False) -> None:
        # 1) build the model; a resumed run keeps its vocabulary, since the model from which it
        # started may be gone
        vocabulary = None
        if resume and state.files(folder):
            vocabulary = _vocabulary_of(folder)
        super().__init__(preset, texts, resumed=vocabulary)
        self.folder = folder
        self.position = state.Position()
        self._on_row: OnRow = lambda row: None
        # 2) describe the run, and compare the description with those of the folder and of the
        # first process
        model = asdict(self.preset.model)
        model["special_tokens"] = list(self.preset.model.special_tokens)
        # special tokens are longer than a character
        characters = [token for token in self.vocabulary.tokens if len(token) == 1]
        description = {
            "format": FORMAT,
            "model": model,
            "training": asdict(self.configuration),
            "vocabulary": "".join(characters),
            "texts": digest(texts),
        }
        newest_state = None
        if self.processes.is_first:
            newest_state = self._open_folder(description, resume)
        if self.processes.broadcast(description) != description:
            raise InputError("train_other_process", rank=self.processes.rank)
        # 3) restore the state
        self.resumed = self.processes.broadcast(newest_state)
        self._begun = self.resumed is not None
        """Whether the run has a state on the disk, and so a log to continue."""
        if self.resumed is not None:
            self.position = self.resumed.position
            self.reward = self.resumed.reward
            state.restore(self.resumed, self.optimizer, self.average)

    def _open_folder(
        self, description: Mapping[str, object], resume: bool
    ) -> state.SavedState | None:
        """Write the configuration, and return the state from which to resume, or None.

        Raises InputError if the folder holds another run.
        """
        path = self.folder / CONFIGURATION_FILE
        # checked before `locked`, which would create a missing folder
        if resume and not path.exists():
            raise InputError("train_no_run", folder=str(self.folder))
        # The lock is released at the end of the block, since `train` locks the folder again.
        with locked(self.folder, TrainingError, busy="train_busy"):
            newest_state = None
            if resume:
                self._check_description(description)
                newest_state = state.read(self.folder)
            elif path.exists():
                raise InputError("train_run_exists", folder=str(self.folder))
            # a resumed run is written too, since its `ENDINGS` may differ
            text = json.dumps(description, ensure_ascii=False, indent=1)
            with written(path, TrainingError) as partial:
                partial.write_text(text, encoding="utf-8")
        return newest_state

    def _check_description(self, description: Mapping[str, object]) -> None:
        """Compare the stored description of a run with this one's, except for the `ENDINGS`."""
        path = self.folder / CONFIGURATION_FILE
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
            version = stored["format"]
            # a resumed run may have other `ENDINGS`, so those of this run replace the stored ones
            endings = {name: getattr(self.configuration, name) for name in ENDINGS}
            stored["training"] |= endings
        except _DAMAGES as error:
            raise TrainingError("train_damaged", path=str(path), reason=repr(error)) from error
        if version != FORMAT:
            raise InputError("train_other_version", folder=str(self.folder))
        if stored != description:
            raise InputError("train_other_run", folder=str(self.folder))

    def train(
        self,
        on_row: OnRow = lambda row: None,
        on_step: OnStep = lambda: None,
    ) -> None:
        """Train up to the last epoch, or until `patience` epochs have brought no better dev figure.

        Calls `on_row` with each row of the log, and `on_step` after each step. On Ctrl-C or
        SIGTERM, finishes the step, saves the state (and the model, if none was saved yet), and
        raises KeyboardInterrupt.

        Raises TrainingError if the loss is not finite or the disk is full. The newest state on disk
        then remains valid.
        """
        self._on_row = on_row
        with ExitStack() as stack:
            if self.processes.is_first:
                stack.enter_context(locked(self.folder, TrainingError, busy="train_busy"))
            received = stack.enter_context(_stop_signals())
            try:
                if self.processes.is_first:
                    self._start_log()
                self._train(on_step, received)
            except (CheckpointError, TrainingError) as error:
                # the message says whether there is a state from which to resume
                code = "train_ended" if state.files(self.folder) else "train_ended_at_once"
                reason = error.text(language())
                raise TrainingError(code, reason=reason, folder=str(self.folder)) from error

    def _start_log(self) -> None:
        """Create the log, or remove the rows of the steps that the resumed run will repeat."""
        last_step = -1  # a run without a saved state also repeats the row of step 0
        if self._begun:
            last_step = self.position.step
        rows = [row for row in read_log(self.folder) if int(row["step"]) <= last_step]
        lines = [json.dumps(row) + "\n" for row in rows]
        with written(self.folder / LOG_FILE, TrainingError) as partial:
            partial.write_text("".join(lines), encoding="utf-8")

    def _train(self, on_step: OnStep, received: list[int]) -> None:
        """Train as `train` says. `received` holds the stop signals that this process received."""
        position = self.position
        # 1) measure the initial weights
        if not self._begun:
            self._add_row("dev", **asdict(self.evaluate()), sample=self._sample())
            self._save()
        while position.step < self.total_steps and not self._is_stale():
            # 2) stop all processes at the same step if any of them has received a signal; a process
            # that stopped alone would leave the others waiting for its gradients
            signal_count = torch.tensor(len(received), device=self.processes.device)
            self.processes.sum(signal_count)
            if signal_count:
                self._save()
                raise KeyboardInterrupt
            # 3) take a step
            started = time.perf_counter()
            rate = self.rate(position.step)
            totals = self.step(position.step, rate)
            seconds = time.perf_counter() - started
            position.count(totals.loss, totals.tokens, totals.norm, seconds)
            if position.step % LOG_EVERY == 0:
                figures = position.figures()
                self._add_row("train", steps=self.total_steps, learning_rate=rate, **figures)
            on_step()
            # 4) measure and save; the last epoch may be a fraction, and ends with the run
            if position.step % self.steps_per_epoch == 0 or position.step == self.total_steps:
                self._end_epoch()
            elif position.step % self.configuration.save_every == 0:
                self._save()

    def _end_epoch(self) -> None:
        """Measure the model, write a row of the log, and save."""
        position = self.position
        figures = self.evaluate()
        nats = figures.nats_per_token
        # Models of this corpus are compared by their hanzi perplexity, so it decides which is best.
        if self.configuration.corpus == "tang":
            nats = math.log(figures.hanzi_perplexity)
        better = nats < position.best_nats  # False if `nats` is NaN
        if better:
            position.best_nats = nats
            position.stale_epochs = 0
        else:
            position.stale_epochs += 1
        self._add_row(
            "dev",
            epoch=position.step // self.steps_per_epoch,
            seconds=position.seconds,
            **asdict(figures),
            sample=self._sample(),
        )
        if self._is_stale():
            self._add_row("stop", stale_epochs=position.stale_epochs)
        self._save(better=better)

    def _add_row(self, kind: str, **figures: float | str) -> None:
        """Write a row to the disk.

        A killed process then loses no row, and a full disk is noticed at once.
        """
        if not self.processes.is_first:
            return
        row: LogRow = {"kind": kind, "step": self.position.step, "time": time.time(), **figures}
        path = self.folder / LOG_FILE
        try:
            with path.open("ab") as file:
                file.write(json.dumps(row).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            reason = error.strerror or str(error)
            raise TrainingError("unwritable", name=str(path), reason=reason) from error
        self._on_row(row)

    def _sample(self) -> str:
        """Compose a sample poem with the averaged weights and a fixed seed.

        Returns "" except in the first process.
        """
        if not self.processes.is_first:
            return ""
        network = ReferenceNetwork(self._averaged())
        sampler = LineSampler(network, self.vocabulary, TEMPERATURE, np.random.default_rng(SEED))
        prefix: list[int] = []
        opening = ""
        if self.conditions:
            prefix = self.conditions.prefix(form=FORM).ids
        elif OPENING in self.vocabulary:
            opening = OPENING
        sampler.start(prefix)
        # `free` composes without a given form; the log shows the poem on one line
        poem = sampler.free(opening, LINES, self.configuration.length)
        return poem.replace("\n", "")

    def _averaged(self) -> Checkpoint:
        """Return the model with the averaged weights and the reward."""
        with self.average.in_place():
            stored = self.model.tensors()
        if self.reward is not None:
            stored[checkpoint.REWARD] = self.reward
        return Checkpoint(
            name="",
            configuration=self.preset.model,
            vocabulary=self.vocabulary,
            stored=stored,
        )

    def _is_stale(self) -> bool:
        patience = self.configuration.patience
        return patience is not None and self.position.stale_epochs >= patience

    def _save(self, *, better: bool = False) -> None:
        """Save the model if it is the best so far or none is saved yet. Then save the state."""
        self._begun = True
        if self.processes.is_first:
            path = self.folder / checkpoint.MODEL_FILE
            if better or (self.position.step and not path.exists()):
                checkpoint.save(path, self._averaged())
            state.save(self.folder, self.optimizer, self.average, self.position, self.reward)


def _vocabulary_of(folder: Path) -> Vocabulary | None:
    """Read the vocabulary of a run, to resume the run without the model that it started from.

    Return None if the configuration cannot be read. `_open_folder` reads it again, and raises an
    error that says why.
    """
    try:
        stored = json.loads((folder / CONFIGURATION_FILE).read_text(encoding="utf-8"))
        conditions = stored["model"]["special_tokens"]
        characters = stored["vocabulary"]
        return Vocabulary([*SPECIAL_TOKENS, *conditions, *characters])
    except (*_DAMAGES, InputError):
        return None


@contextmanager
def _stop_signals() -> Iterator[list[int]]:
    """Collect the first SIGINT or SIGTERM in the yielded list.

    A second signal raises KeyboardInterrupt at once. Signals that are ignored, as in a background
    job, remain ignored.
    """
    received: list[int] = []

    def receive(number: int, _: object) -> None:
        if received:
            raise KeyboardInterrupt
        received.append(number)

    replaced = {}
    # Python lets only the main thread set handlers; in any other thread the list stays empty.
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            handler = signal.getsignal(number)
            if handler is not signal.SIG_IGN:
                replaced[number] = handler
                signal.signal(number, receive)
    try:
        yield received
    finally:
        for number, handler in replaced.items():
            signal.signal(number, handler)


def read_log(run: Path) -> list[LogRow]:
    """Read the rows of a run, except an incomplete last row.

    Raises TrainingError if the file is damaged.
    """
    path = run / LOG_FILE
    try:
        if path.exists() and not path.is_file():  # opening a pipe would wait for a writer
            raise OSError("it is no file")
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        # after the last newline is "", or a row that a killed process did not finish
        complete_lines = text.split("\n")[:-1]
        rows = [json.loads(line) for line in complete_lines]
        other_types = {type(row["step"]) for row in rows} - {int}
        if other_types:
            raise TypeError(f"a step of {other_types}")
    except _DAMAGES as error:
        raise TrainingError("train_damaged", path=str(path), reason=repr(error)) from error
    return rows
