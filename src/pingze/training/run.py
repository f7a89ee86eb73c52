"""Run training in a folder so that it can be stopped, killed and resumed.

The folder holds `configuration.json`, `model.safetensors` (the best model on dev so far), `state.*` (from which to
resume), and `log.jsonl` (a row every `LOG_EVERY` steps and every epoch). If there are several processes, only the first
reads and writes the folder, while it holds a lock on it.

Rows are written first, then the model, then the state. So when a state exists, the rows and the best model up to the
state's step exist too. A resumed run writes again what a killed process wrote after its last state.
"""

import json
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pingze.errors import CheckpointError, InputError, TrainingError
from pingze.files import locked, written
from pingze.messages import language
from pingze.network import checkpoint
from pingze.network.checkpoint import Checkpoint
from pingze.network.line_sampler import LineSampler
from pingze.network.reference import ReferenceNetwork
from pingze.network.vocabulary import SPECIAL_TOKENS
from pingze.training import state
from pingze.training.log import DAMAGES, Log, LogRow
from pingze.training.presets import Preset
from pingze.training.texts import Texts, digest
from pingze.training.trainer import Trainer

LOG_EVERY = 50
CONFIGURATION_FILE = "configuration.json"
FORMAT = "pingze-run-2"
ENDINGS = ("epochs", "decay_epochs")
"""Settings that may differ when a run is resumed: they determine when and how training ends."""

OPENING, FORM = "日", "七絕"
"""The sample's opening if the model knows no conditions (the report's first), and its form if it does."""
TEMPERATURE, SEED, LINES = 0.7, 7, 8

Add = Callable[..., None]
"""A function that adds a row to the log, given the row's kind and its figures by name."""


class Run(Trainer):
    """A training run in a folder; `train()` starts it or continues it from the folder's newest state.

    `resumed` is the state from which the run continues, or None if the run is new.
    """

    def __init__(self, folder: Path, preset: Preset, texts: Texts, *, resume: bool = False) -> None:
        super().__init__(preset, texts, is_resumed=resume and bool(state.files(folder)))
        self.folder, self.position, self.texts_digest = folder, state.Position(), digest(texts)
        self.resumed = self._open_folder(resume)
        self._begun = self.resumed is not None
        if self.resumed is not None:
            self.position = self.resumed.position
            state.restore(self.resumed, self.model, self.optimizer, self.average)

    def _open_folder(self, resume: bool) -> state.SavedState | None:
        """Write the configuration to a new folder, or read the state of the run in it; never overwrite another run."""
        special = len(SPECIAL_TOKENS) + len(self.preset.model.special_tokens)
        description = {
            "format": FORMAT,
            "model": asdict(self.preset.model) | {"special_tokens": list(self.preset.model.special_tokens)},
            "training": asdict(self.configuration),
            "vocabulary": "".join(self.vocabulary.tokens[special:]),
            "texts": self.texts_digest,
        }
        found = None
        if self.processes.is_first:
            path, folder = self.folder / CONFIGURATION_FILE, str(self.folder)
            if resume and not path.exists():
                raise InputError("train_no_run", folder=folder)
            with self._locked():
                if resume:
                    _check_begun(path, description)
                    found = state.read(self.folder)
                elif path.exists():
                    raise InputError("train_run_exists", folder=folder)
                with written(path, TrainingError) as partial:
                    text = json.dumps(description, ensure_ascii=False, indent=1)
                    partial.write_text(text, encoding="utf-8")
        if self.processes.broadcast(description) != description:
            raise InputError("train_other_process", rank=self.processes.rank)
        return self.processes.broadcast(found)

    def _locked(self) -> AbstractContextManager[None]:
        """Prevent other training runs from using the folder while the block runs."""
        is_first = self.processes.is_first
        return locked(self.folder, TrainingError, busy="train_busy") if is_first else nullcontext()

    def train(
        self, on_row: Callable[[LogRow], None] = lambda row: None, on_step: Callable[[], None] = lambda: None
    ) -> None:
        """Train up to the last epoch, or until the dev figure has not improved for `patience` epochs.

        Call `on_row` with each row of the log, and `on_step` after each step.

        On Ctrl-C or SIGTERM, finish the step, save the state (and the model, if none was saved yet), and raise
        KeyboardInterrupt. Raises TrainingError if the loss is not finite or the disk is full; the newest state on
        disk is then still valid.
        """
        with self._locked():
            try:
                last_step = self.position.step if self._begun else -1
                log = Log(self.folder, last_step) if self.processes.is_first else None

                def add(kind: str, **figures: float | str) -> None:
                    if log:
                        row: LogRow = {"kind": kind, "step": self.position.step, "time": time.time()}
                        row |= figures
                        log.add(row)
                        on_row(row)

                with _stop_signals() as received:
                    self._train(add, on_step, received)
            except (CheckpointError, TrainingError) as fault:
                reason = fault.text(language())
                raise TrainingError("train_ended", reason=reason, folder=str(self.folder)) from fault

    def _train(self, add: Add, on_step: Callable[[], None], received: list[int]) -> None:
        position = self.position
        # 1) measure the initial weights
        if not self._begun:
            add("dev", **asdict(self.evaluate()), sample=self._sample())
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
                add("train", steps=self.total_steps, learning_rate=rate, **position.window.figures())
                position.window = state.Window()
            on_step()
            # 4) measure and save
            if position.step % self.steps_per_epoch == 0 or position.step == self.total_steps:
                self._end_epoch(add)
            elif position.step % self.configuration.save_every == 0:
                self._save()

    def _end_epoch(self, add: Add) -> None:
        figures, position = self.evaluate(), self.position
        on_tang = self.configuration.corpus == "tang"
        nats = math.log(figures.hanzi_perplexity) if on_tang else figures.nats_per_token
        better = nats < position.best_nats
        position.best_nats = min(position.best_nats, nats)  # NaN is no improvement
        position.stale_epochs = 0 if better else position.stale_epochs + 1
        epoch = position.step // self.steps_per_epoch
        add("dev", epoch=epoch, seconds=position.seconds, **asdict(figures), sample=self._sample())
        if self._is_stale():
            add("stop", stale_epochs=position.stale_epochs)
        self._save(better=better)

    def _sample(self) -> str:
        """Compose a poem in the first process with the weights that were measured on dev.

        The model chooses the marks and the length; the opening and the seed are the same at each call.
        """
        if not self.processes.is_first:
            return ""
        with self.average.in_place():
            made = Checkpoint("", self.model.configuration, self.vocabulary, self.model.tensors())
            network = ReferenceNetwork(made)
        sampler = LineSampler(network, self.vocabulary, TEMPERATURE, np.random.default_rng(SEED))
        prefix = self.conditions.prefix(FORM, None, None) if self.conditions else ()
        sampler.start([int(id_) for part in prefix for id_ in part])
        opening = "" if self.conditions or OPENING not in self.vocabulary else OPENING
        return sampler.free(opening, LINES, self.configuration.length).replace("\n", "")

    def _is_stale(self) -> bool:
        patience = self.configuration.patience
        return patience is not None and self.position.stale_epochs >= patience

    def _save(self, *, better: bool = False) -> None:
        """Save the model if it is the best so far or none was saved yet, then save the state."""
        self._begun = True
        if self.processes.is_first:
            path = self.folder / checkpoint.MODEL_FILE
            if better or (self.position.step and not path.exists()):
                with self.average.in_place():
                    checkpoint.save(path, self.model.tensors(), self.preset.model, self.vocabulary)
            state.save(self.folder, self.model, self.optimizer, self.average, self.position)


def _check_begun(path: Path, description: dict[str, Any]) -> None:
    """Raise InputError if a run's configuration differs from the requested one in more than `ENDINGS`."""
    try:
        begun = json.loads(path.read_text(encoding="utf-8"))
        version, training = begun["format"], begun["training"]
        ending = {name: training[name] for name in ENDINGS if name in training}
    except DAMAGES as error:
        raise TrainingError("train_damaged", path=str(path), reason=repr(error)) from error
    if version != FORMAT:
        raise InputError("train_other_version", folder=str(path.parent))
    if begun != description | {"training": description["training"] | ending}:
        raise InputError("train_other_run", folder=str(path.parent))


@contextmanager
def _stop_signals() -> Iterator[list[int]]:
    """Yield a list that collects SIGINT or SIGTERM when received; a second signal raises KeyboardInterrupt at once.

    Only the main thread can handle signals. Signals that are ignored, as in a background job, remain ignored.
    """
    received: list[int] = []

    def receive(number: int, _: object) -> None:
        if received:
            raise KeyboardInterrupt
        received.append(number)

    on_main = threading.current_thread() is threading.main_thread()
    numbers = (signal.SIGINT, signal.SIGTERM) if on_main else ()
    before = {number: signal.getsignal(number) for number in numbers}
    before = {number: handler for number, handler in before.items() if handler is not signal.SIG_IGN}
    for number in before:
        signal.signal(number, receive)
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
