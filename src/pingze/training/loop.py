"""The training loop: a run's folder, a preset and texts come in; the best model and the run's curves go out.

A run's folder holds `configuration.json`, `model.safetensors` (the best on dev so far), `state.*` (to resume
from), `log.jsonl` (a row every `LOG_EVERY` steps and every epoch) and `tensorboard/`.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch.utils.tensorboard import SummaryWriter

from pingze import checkpoint
from pingze.batches import Batch, Ids, encode_sequence, epoch_order, pack
from pingze.errors import InputError, TrainingError
from pingze.model import LanguageModel
from pingze.training import state
from pingze.training.configuration import Preset
from pingze.training.evaluation import Figures, evaluate_sequences
from pingze.training.optimizers import make_optimizer, prepare, rate_factor
from pingze.vocabulary import Vocabulary

LOG_EVERY = 50
SAVE_EVERY = 200
CONFIGURATION_FILE = "configuration.json"
LOG_FILE = "log.jsonl"

Row = dict[str, float | int | str]
"""What the loop tells its caller: `kind` ("start", "train", "dev" or "stop") and figures by name."""


class Run:
    """One training run: `train()` goes on from wherever its folder stands."""

    def __init__(
        self, folder: Path, preset: Preset, train: Sequence[str], dev: Sequence[str], *, resume: bool = False
    ) -> None:
        # Before torch's threads start, which take it over: Adam's moments are full of denormals, and those are slow.
        torch.set_flush_denormal(True)
        self.folder, self.preset, self.configuration = folder, preset, preset.training
        self.vocabulary = Vocabulary.of_texts(
            (text[: self.configuration.length] for text in train), preset.model.vocabulary_size
        )
        if len(self.vocabulary) < preset.model.vocabulary_size:
            raise InputError(
                f"vocabulary_size is {preset.model.vocabulary_size}, but the texts have only "
                f"{len(self.vocabulary)} tokens; set vocabulary_size={len(self.vocabulary)}"
            )
        self.train_sequences, self.dev_sequences = self._encode(train), self._encode(dev)
        self.steps_per_epoch = -(-len(train) // self.configuration.batch_size)
        self.total_steps = self.steps_per_epoch * self.configuration.epochs
        torch.manual_seed(self.configuration.seed)
        self.model = LanguageModel(
            preset.model,
            dropout=self.configuration.dropout,
            operands=torch.bfloat16 if self.configuration.precision == "bf16" else None,
        )
        self.model.initialize(
            self.configuration.initialization,
            np.random.default_rng(self.configuration.seed),
            self.configuration.initialization_scale,
        )
        self.optimizer = make_optimizer(self.model.parameters(), self.configuration)
        self.position, self.resumed_from = state.Position(), folder
        self._open_folder(resume)

    def _encode(self, texts: Sequence[str]) -> list[Ids]:
        return [encode_sequence(text, self.vocabulary, self.configuration.length) for text in texts]

    def _open_folder(self, resume: bool) -> None:
        """Begin a folder, or take up the one that is there; never write over another run."""
        path = self.folder / CONFIGURATION_FILE
        description = {
            "model": asdict(self.preset.model),
            "training": asdict(self.configuration),
            "vocabulary": "".join(self.vocabulary.tokens[4:]),
            "texts": [len(self.train_sequences), len(self.dev_sequences)],
        }
        if resume:
            if not path.exists():
                raise InputError(f"{self.folder} holds no run to resume; leave out --resume to start one")
            if json.loads(path.read_text(encoding="utf-8")) != description:
                raise InputError(
                    f"{self.folder} was begun with another configuration or corpus than is given now"
                )
            self.position, self.resumed_from = state.load(self.folder, self.model, self.optimizer)
            return
        if path.exists():
            raise InputError(
                f"{self.folder} holds a run already; add --resume to go on with it, or name another"
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(description, ensure_ascii=False, indent=1), encoding="utf-8")
        state.save(self.folder, self.model, self.optimizer, self.position)

    def train(self, report: Callable[[Row], None] = lambda row: None) -> None:
        """Train to the last epoch, or until dev has not improved for `patience` epochs.

        On Ctrl-C the state is saved, a model too if there is none yet, and KeyboardInterrupt goes on to the
        caller. Raises TrainingError when the loss is no longer finite; the state on disk is the last good one.
        """
        with SummaryWriter(self.folder / "tensorboard", purge_step=self.position.step) as writer:

            def log(row: Row) -> None:
                with (self.folder / LOG_FILE).open("a", encoding="utf-8") as file:
                    file.write(json.dumps(row) + "\n")
                for name, value in row.items():
                    if isinstance(value, float):
                        writer.add_scalar(f"{row['kind']}/{name}", value, row["step"])
                report(row)

            try:
                self._train(log)
            except KeyboardInterrupt:
                self._save()
                raise

    def _train(self, log: Callable[[Row], None]) -> None:
        position = self.position
        if position.step == 0:
            log({"kind": "dev", "step": 0, **asdict(self._evaluate())})
        window = _Window()
        while position.step < self.total_steps:
            started = time.perf_counter()
            epoch, index = divmod(position.step, self.steps_per_epoch)
            window.add(*self._step(self._batch(epoch, index)))
            position.step += 1
            position.seconds += time.perf_counter() - started
            if position.step % LOG_EVERY == 0:
                log(window.row(position, self.total_steps))
                window = _Window()
            if index + 1 == self.steps_per_epoch:
                log(self._end_epoch())
                if self.configuration.patience and position.stale_epochs >= self.configuration.patience:
                    log({"kind": "stop", "step": position.step, "stale_epochs": position.stale_epochs})
                    return
            elif position.step % SAVE_EVERY == 0:
                self._save()

    def _batch(self, epoch: int, index: int) -> Batch:
        order = epoch_order(len(self.train_sequences), self.configuration.seed, epoch)
        size = self.configuration.batch_size
        return pack([self.train_sequences[k] for k in order[index * size : (index + 1) * size]])

    def _step(self, batch: Batch) -> tuple[float, int, float]:
        """One optimizer step; the sum of losses, the tokens, and the gradient's norm before clipping."""
        rate = self.configuration.learning_rate
        factor = rate_factor(self.position.step, self.total_steps, self.configuration)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * factor
        self.optimizer.zero_grad()
        tokens = len(batch.targets)
        loss = self.model.loss_sum(*map(torch.from_numpy, batch))
        loss.backward()
        norm = prepare(self.optimizer, tokens, self.configuration)
        if not (torch.isfinite(loss) and torch.isfinite(norm)):
            raise TrainingError(self._not_finite(loss.item(), tokens))
        self.optimizer.step()
        return loss.item(), tokens, norm.item()

    def _not_finite(self, loss: float, tokens: int) -> str:
        largest = {
            name: float(p.grad.abs().max()) / tokens
            for name, p in self.model.named_parameters()
            if p.grad is not None
        }
        worst = max(largest, key=lambda name: (largest[name] != largest[name], largest[name]))
        return (
            f"step {self.position.step + 1}: the loss is {loss / tokens} and the largest gradient, of {worst}, is "
            f"{largest[worst]}; the last good state stays in {self.folder}: try a lower learning_rate or clip_norm"
        )

    def _end_epoch(self) -> Row:
        figures = self._evaluate()
        if figures.nats_per_token < self.position.best_nats:
            self.position.best_nats, self.position.stale_epochs = figures.nats_per_token, 0
            self._save_model()
        else:
            self.position.stale_epochs += 1
        self._save()
        epoch, seconds = self.position.step // self.steps_per_epoch, self.position.seconds
        return {
            "kind": "dev",
            "step": self.position.step,
            "epoch": epoch,
            "seconds": seconds,
            **asdict(figures),
        }

    def _evaluate(self) -> Figures:
        return evaluate_sequences(self.model, self.dev_sequences, self.vocabulary)

    def _save(self) -> None:
        state.save(self.folder, self.model, self.optimizer, self.position)
        if not (self.folder / checkpoint.MODEL_FILE).exists():
            self._save_model()

    def _save_model(self) -> None:
        path = self.folder / checkpoint.MODEL_FILE
        checkpoint.save(path, self.model.tensors(), self.preset.model, self.vocabulary)


class _Window:
    """Means over the steps since the last row of the log."""

    def __init__(self) -> None:
        self.loss, self.tokens, self.norms, self.started = 0.0, 0, [0.0], time.perf_counter()

    def add(self, loss: float, tokens: int, norm: float) -> None:
        self.loss += loss
        self.tokens += tokens
        self.norms.append(norm)

    def row(self, position: state.Position, total_steps: int) -> Row:
        seconds = time.perf_counter() - self.started
        nats = self.loss / self.tokens
        return {
            "kind": "train",
            "step": position.step,
            "steps": total_steps,
            "nats_per_token": nats,
            "nats_per_48_tokens": 48 * nats,
            "largest_gradient_norm": max(self.norms),
            "tokens_per_second": self.tokens / seconds,
        }
