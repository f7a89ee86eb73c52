"""The training loop: a run that can be stopped, killed and resumed.

A run's folder holds `configuration.json`, `model.safetensors` (the best on dev so far), `state.*` (to resume
from), and `log.jsonl` (a row every `LOG_EVERY` steps and every epoch). Of several processes the first alone reads and
writes it.

Rows are written first, then the model, then the state: a state comes after every row up to its step and after the
model that it calls the best. What a killed process wrote after its last state, the resumed run writes again.
"""

import json
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch

from pingze.corpus import CorpusPoem
from pingze.errors import CheckpointError, InputError, TrainingError
from pingze.files import written
from pingze.network import checkpoint
from pingze.network.vocabulary import SPECIAL_TOKENS
from pingze.training import state
from pingze.training.configuration import Preset
from pingze.training.data import Text
from pingze.training.log import Log, LogRow
from pingze.training.trainer import Trainer

LOG_EVERY = 50
CONFIGURATION_FILE = "configuration.json"
ENDINGS = ("epochs", "decay_epochs")
"""What a run may be given anew when it goes on: where it ends, and how."""

Add = Callable[..., None]
"""Adds a row to the log: its kind, and figures by name."""


class Run(Trainer):
    """One training run: `train()` goes on from wherever its folder stands.

    `resumed` is the state that it goes on from, None where it begins.
    """

    def __init__(
        self,
        folder: Path,
        preset: Preset,
        train: Sequence[Text],
        dev: Sequence[Text],
        others: Mapping[str, Sequence[CorpusPoem]] = MappingProxyType({}),
        *,
        resume: bool = False,
    ) -> None:
        is_resumed = resume and bool(state.files(folder))
        super().__init__(preset, train, dev, others, is_resumed=is_resumed)
        self.folder, self.position = folder, state.Position()
        self.resumed = self._open_folder(resume)
        self._begun = self.resumed is not None
        if self.resumed is not None:
            self.position = self.resumed.position
            state.restore(self.resumed, self.model, self.optimizer, self.average)

    def _open_folder(self, resume: bool) -> state.SavedState | None:
        """Begin a folder, or read the state of the run that is there; never write over another run."""
        special = len(SPECIAL_TOKENS) + len(self.preset.model.special_tokens)
        description = {
            "model": asdict(self.preset.model) | {"special_tokens": list(self.preset.model.special_tokens)},
            "training": asdict(self.configuration),
            "vocabulary": "".join(self.vocabulary.tokens[special:]),
            "texts": [len(self.train_examples), len(self.dev_sequences)],
        }
        found = None
        if self.processes.is_first:
            path = self.folder / CONFIGURATION_FILE
            if resume:
                found = self._take_up(path, description)
            else:
                self._begin(path, description)
        if self.processes.broadcast(description) != description:
            rank = self.processes.rank
            raise InputError(f"process {rank} was given another configuration or corpus than process 0")
        return self.processes.broadcast(found)

    def _begin(self, path: Path, description: dict[str, Any]) -> None:
        if path.exists():
            raise InputError(
                f"{self.folder} holds a run already; add --resume to go on with it, or name another"
            )
        self._write(path, description)

    def _write(self, path: Path, description: dict[str, Any]) -> None:
        with written(path, TrainingError) as partial:
            partial.write_text(json.dumps(description, ensure_ascii=False, indent=1), encoding="utf-8")

    def _take_up(self, path: Path, description: dict[str, Any]) -> state.SavedState | None:
        if not path.exists():
            raise InputError(f"{self.folder} holds no run to resume; leave out --resume to start one")
        begun = json.loads(path.read_text(encoding="utf-8"))
        if _without_ending(begun) != _without_ending(description):
            raise InputError(
                f"{self.folder} was begun with another configuration or corpus than is given now"
            )
        self._write(path, description)
        for partial in self.folder.glob("*.partial"):  # what a killed process was writing
            partial.unlink()
        return state.read(self.folder)

    def train(
        self, on_row: Callable[[LogRow], None] = lambda row: None, on_step: Callable[[], None] = lambda: None
    ) -> None:
        """Train to the last epoch, or until dev has not improved for `patience` epochs.

        `on_row` is called with each row of the log, and `on_step` after each step.

        On Ctrl-C or SIGTERM the step is finished, the state is saved, a model too if there is none yet, and
        KeyboardInterrupt is raised. Raises TrainingError when the loss is no longer finite or the disk is full; the
        state on disk is the last good one.
        """
        try:
            if self.processes.is_first:
                log = Log(self.folder, last_step=self.position.step if self._begun else -1)

            def add(kind: str, **figures: float | int) -> None:
                if self.processes.is_first:
                    row: LogRow = {"kind": kind, "step": self.position.step, "time": time.time(), **figures}
                    log.add(row)
                    on_row(row)

            with _asked_to_stop() as asked:
                self._train(add, on_step, asked)
        except (CheckpointError, TrainingError) as fault:
            raise TrainingError(f"{fault}; the last good state stays in {self.folder}") from fault

    def _train(self, add: Add, on_step: Callable[[], None], asked: list[int]) -> None:
        position, configuration = self.position, self.configuration
        if not self._begun:
            add("dev", **asdict(self.evaluate()))
            self._save()
        while position.step < self.total_steps and not self._stale():
            if self._any_process(asked):
                self._save()
                raise KeyboardInterrupt
            started = time.perf_counter()
            rate = self.rate(position.step)
            taken = self.step(position.step, rate)
            position.count(taken.loss, taken.tokens, taken.norm, time.perf_counter() - started)
            if position.step % LOG_EVERY == 0:
                add("train", steps=self.total_steps, learning_rate=rate, **position.window.figures())
                position.window = state.Window()
            on_step()
            if position.step % self.steps_per_epoch == 0 or position.step == self.total_steps:
                self._end_epoch(add)
            elif position.step % configuration.save_every == 0:
                self._save()

    def _any_process(self, asked: list[int]) -> bool:
        """Whether any process was asked to stop: all must leave at the same step."""
        number = torch.tensor(len(asked), device=self.processes.device)
        self.processes.sum(number)
        return bool(number)

    def _end_epoch(self, add: Add) -> None:
        figures, position = self.evaluate(), self.position
        of_hanzi = self.configuration.corpus == "tang"
        nats = math.log(figures.hanzi_perplexity) if of_hanzi else figures.nats_per_token
        better = nats < position.best_nats
        if better:
            position.best_nats, position.stale_epochs = nats, 0
        else:
            position.stale_epochs += 1
        epoch = position.step // self.steps_per_epoch
        add("dev", epoch=epoch, seconds=position.seconds, **asdict(figures))
        if self._stale():
            add("stop", stale_epochs=position.stale_epochs)
        if better:
            self._save_model()
        self._save()

    def _stale(self) -> bool:
        patience = self.configuration.patience
        return patience is not None and self.position.stale_epochs >= patience

    def _save(self) -> None:
        self._begun = True
        if self.position.step and not (self.folder / checkpoint.MODEL_FILE).exists():
            self._save_model()
        if self.processes.is_first:
            state.save(self.folder, self.model, self.optimizer, self.average, self.position)

    def _save_model(self) -> None:
        if self.processes.is_first:
            path = self.folder / checkpoint.MODEL_FILE
            with self.average.in_place():
                checkpoint.save(path, self.model.tensors(), self.preset.model, self.vocabulary)


def _without_ending(description: dict[str, Any]) -> dict[str, Any]:
    training = {name: value for name, value in description["training"].items() if name not in ENDINGS}
    return description | {"training": training}


@contextmanager
def _asked_to_stop() -> Iterator[list[int]]:
    """The signals SIGINT and SIGTERM that have come; a second one interrupts at once.

    Only the main thread can listen to signals, and those that are ignored, as in the background, stay so.
    """
    asked: list[int] = []

    def heed(number: int, _: object) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    main = threading.current_thread() is threading.main_thread()
    handlers = {s: signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM) if main}
    heeded = {s: handler for s, handler in handlers.items() if handler is not signal.SIG_IGN}
    for number in heeded:
        signal.signal(number, heed)
    try:
        yield asked
    finally:
        for number, handler in heeded.items():
            signal.signal(number, handler)
