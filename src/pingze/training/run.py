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
from contextlib import contextmanager, nullcontext
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

LOG_FILE, LOG_EVERY = "log.jsonl", 50
_DAMAGES = (OSError, ValueError, KeyError, TypeError, RecursionError)
"""Exceptions raised when a damaged JSON file is read."""
LogRow = dict[str, float | int | str]
"""A row of the log.

`kind` ("train", "dev" or "stop"), `step`, `time` in seconds since 1970, and figures by name.
"""
CONFIGURATION_FILE = "configuration.json"
FORMAT = "pingze-run-2"
ENDINGS = ("epochs", "decay_epochs")
"""Settings that may change when a run is resumed, because they only determine when and how training ends."""
OPENING, FORM = "日", "七絕"
"""How a sample poem starts: with `OPENING` (the report's first) or, if the model knows conditions, with `FORM`."""
TEMPERATURE, SEED, LINES = 0.7, 7, 8


class Run(Trainer):
    """A training run in a folder. `train()` starts the run, or continues it from the newest state.

    `resumed` is the state from which the run continues, or None if the run is new.
    """

    def __init__(self, folder: Path, preset: Preset, texts: Texts, *, resume: bool = False) -> None:
        begun = _vocabulary_of(folder) if resume and state.files(folder) else None
        super().__init__(preset, texts, resumed=begun)
        self.folder, self.position = folder, state.Position()
        self._on_row: Callable[[LogRow], None] = lambda row: None
        special = len(SPECIAL_TOKENS) + len(self.preset.model.special_tokens)
        description = {
            "format": FORMAT,
            "model": asdict(self.preset.model)
            | {"special_tokens": list(self.preset.model.special_tokens)},
            "training": asdict(self.configuration),
            "vocabulary": "".join(self.vocabulary.tokens[special:]),
            "texts": digest(texts),
        }
        found = self._open_folder(description, resume) if self.processes.is_first else None
        if self.processes.broadcast(description) != description:
            raise InputError("train_other_process", rank=self.processes.rank)
        self.resumed = self.processes.broadcast(found)
        self._begun = self.resumed is not None
        if self.resumed is not None:
            self.position = self.resumed.position
            self.reward = self.resumed.reward
            state.restore(self.resumed, self.optimizer, self.average)

    def _open_folder(
        self, description: Mapping[str, object], resume: bool
    ) -> state.SavedState | None:
        """Write the configuration and return the state to resume, if any.

        Raises InputError if another run is there.
        """
        path, folder = self.folder / CONFIGURATION_FILE, str(self.folder)
        if resume and not path.exists():
            raise InputError("train_no_run", folder=folder)
        with locked(self.folder, TrainingError, busy="train_busy"):
            if resume:
                ending = {name: getattr(self.configuration, name) for name in ENDINGS}
                try:
                    begun = json.loads(path.read_text(encoding="utf-8"))
                    version, training = begun["format"], begun["training"] | ending
                except _DAMAGES as error:
                    raise TrainingError(
                        "train_damaged", path=str(path), reason=repr(error)
                    ) from error
                if version != FORMAT:
                    raise InputError("train_other_version", folder=folder)
                if begun | {"training": training} != description:
                    raise InputError("train_other_run", folder=folder)
            elif path.exists():
                raise InputError("train_run_exists", folder=folder)
            found = state.read(self.folder) if resume else None
            with written(path, TrainingError) as partial:
                partial.write_text(
                    json.dumps(description, ensure_ascii=False, indent=1), encoding="utf-8"
                )
        return found

    def train(
        self,
        on_row: Callable[[LogRow], None] = lambda row: None,
        on_step: Callable[[], None] = lambda: None,
    ) -> None:
        """Train up to the last epoch, or until the dev figure has not improved for `patience` epochs.

        Calls `on_row` with each row of the log, and `on_step` after each step. On Ctrl-C or
        SIGTERM, finishes the step, saves the state (and the model, if none was saved yet), and
        raises KeyboardInterrupt.

        Raises TrainingError if the loss is not finite or the disk is full. The newest state on disk
        then remains valid.
        """
        self._on_row = on_row
        is_first = self.processes.is_first
        alone = locked(self.folder, TrainingError, busy="train_busy") if is_first else nullcontext()
        with alone, _stop_signals() as received:
            try:
                if is_first:  # create the log, or remove the rows of the steps that are repeated
                    last_step = self.position.step if self._begun else -1
                    rows = [row for row in read_log(self.folder) if int(row["step"]) <= last_step]
                    with written(self.folder / LOG_FILE, TrainingError) as partial:
                        partial.write_text(
                            "".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8"
                        )
                self._train(on_step, received)
            except (CheckpointError, TrainingError) as fault:
                reason = fault.text(language())
                code = "train_ended" if state.files(self.folder) else "train_ended_at_once"
                raise TrainingError(code, reason=reason, folder=str(self.folder)) from fault

    def _train(self, on_step: Callable[[], None], received: list[int]) -> None:
        position = self.position
        # 1) measure the initial weights
        if not self._begun:
            self._add("dev", **asdict(self.evaluate()), sample=self._sample())
            self._save()
        while position.step < self.total_steps and not self._is_stale():
            # 2) stop all processes at the same step if any of them has received a signal
            signals = torch.tensor(len(received), device=self.processes.device)
            self.processes.sum(signals)
            if signals:
                self._save()
                raise KeyboardInterrupt
            # 3) take a step
            started = time.perf_counter()
            rate = self.rate(position.step)
            taken = self.step(position.step, rate)
            position.count(taken.loss, taken.tokens, taken.norm, time.perf_counter() - started)
            if position.step % LOG_EVERY == 0:
                self._add("train", steps=self.total_steps, learning_rate=rate, **position.figures())
            on_step()
            # 4) measure and save
            if position.step % self.steps_per_epoch == 0 or position.step == self.total_steps:
                self._end_epoch()
            elif position.step % self.configuration.save_every == 0:
                self._save()

    def _end_epoch(self) -> None:
        figures, position = self.evaluate(), self.position
        on_tang = self.configuration.corpus == "tang"
        nats = math.log(figures.hanzi_perplexity) if on_tang else figures.nats_per_token
        better = nats < position.best_nats
        position.best_nats = min(position.best_nats, nats)  # NaN is no improvement
        position.stale_epochs = 0 if better else position.stale_epochs + 1
        epoch = position.step // self.steps_per_epoch
        self._add(
            "dev", epoch=epoch, seconds=position.seconds, **asdict(figures), sample=self._sample()
        )
        if self._is_stale():
            self._add("stop", stale_epochs=position.stale_epochs)
        self._save(better=better)

    def _add(self, kind: str, **figures: float | str) -> None:
        """Write a row, and flush it so that a killed process loses no row and a full disk is noticed at once."""
        if not self.processes.is_first:
            return
        row: LogRow = {"kind": kind, "step": self.position.step, "time": time.time(), **figures}
        path = self.folder / LOG_FILE
        try:
            with path.open("ab") as file:
                file.write(json.dumps(row).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as fault:
            raise TrainingError(
                "unwritable", name=str(path), reason=fault.strerror or str(fault)
            ) from fault
        self._on_row(row)

    def _sample(self) -> str:
        """Compose a sample poem with the averaged weights and a fixed seed.

        Returns "" except in the first process.
        """
        if not self.processes.is_first:
            return ""
        network = ReferenceNetwork(self._averaged())
        sampler = LineSampler(network, self.vocabulary, TEMPERATURE, np.random.default_rng(SEED))
        sampler.start(self.conditions.prefix(FORM, None, None).ids if self.conditions else [])
        opening = "" if self.conditions or OPENING not in self.vocabulary else OPENING
        return sampler.free(opening, LINES, self.configuration.length).replace("\n", "")

    def _averaged(self) -> Checkpoint:
        with self.average.in_place():
            stored = self.model.tensors()
        if self.reward is not None:
            stored[checkpoint.REWARD] = self.reward
        return Checkpoint("", self.preset.model, self.vocabulary, stored)

    def _is_stale(self) -> bool:
        return self.position.stale_epochs >= (self.configuration.patience or math.inf)

    def _save(self, *, better: bool = False) -> None:
        """Save the model if it is the best so far or if no model is saved yet. Then save the state."""
        self._begun = True
        if self.processes.is_first:
            path = self.folder / checkpoint.MODEL_FILE
            if better or (self.position.step and not path.exists()):
                checkpoint.save(path, self._averaged())
            state.save(self.folder, self.optimizer, self.average, self.position, self.reward)


def _vocabulary_of(folder: Path) -> Vocabulary | None:
    """Read the vocabulary of a run, so that it can be resumed without the model that it started from.

    None if the configuration cannot be read; `_open_folder` then says why.
    """
    try:
        begun = json.loads((folder / CONFIGURATION_FILE).read_text(encoding="utf-8"))
        conditions = begun["model"]["special_tokens"]
        characters = begun["vocabulary"]
        return Vocabulary([*SPECIAL_TOKENS, *conditions, *characters])
    except (*_DAMAGES, InputError):
        return None


@contextmanager
def _stop_signals() -> Iterator[list[int]]:
    """Collect the first SIGINT or SIGTERM in the yielded list.

    A second signal raises KeyboardInterrupt at once.

    Only the main thread can handle signals. Signals that are ignored, as in a background job,
    remain ignored.
    """
    received: list[int] = []

    def receive(number: int, _: object) -> None:
        if received:
            raise KeyboardInterrupt
        received.append(number)

    on_main = threading.current_thread() is threading.main_thread()
    handlers = {
        number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM) if on_main
    }
    before = {
        number: handler for number, handler in handlers.items() if handler is not signal.SIG_IGN
    }
    for number in before:
        signal.signal(number, receive)
    try:
        yield received
    finally:
        for number, handler in before.items():
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
        rows = [json.loads(line) for line in text.split("\n")[:-1]]
        if steps := {type(row["step"]) for row in rows} - {int}:
            raise TypeError(f"a step of {steps}")
    except _DAMAGES as error:
        raise TrainingError("train_damaged", path=str(path), reason=repr(error)) from error
    return rows
