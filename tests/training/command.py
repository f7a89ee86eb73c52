"""`pingze train` in processes of its own, on a corpus of invented poems."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor

from pingze.corpus import build, fetch
from pingze.training import state
from pingze.training.run import LogRow
from tests import invented
from tests.corpus.invented import record, write_folder

SETTINGS = (
    "vocabulary_size=26",
    "embedding_size=32",
    "hidden_size=128",
    "batch_size=16",
    "learning_rate=0.01",
)

HEEDING = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
PINGZE = (sys.executable, "-c", f"{HEEDING}; from pingze.__main__ import run; run()")
"""The command, heeding Ctrl-C, which a background job of a shell ignores and hands down ignored."""


def build_corpus(folder: Path) -> None:
    """The store of 400 invented poems, in the user's data folder."""
    build(
        write_folder(folder, {"poet.tang.0.json": [record(text) for text in invented.texts(400)]})
    )


def build_own_corpus(folder: Path) -> None:
    """The store of 400 invented poems of one's own, in the user's data folder."""
    folder.mkdir()
    text = "\n\n".join(invented.texts(400))
    (folder / "poems.txt").write_text(text, encoding="utf-8")
    build(fetch(folder))


def train(
    run: Path,
    *settings: str,
    resume: bool = False,
    processes: int = 0,
    meeting: Sequence[str] = ("--standalone",),
    said: Path | None = None,
    program: Sequence[str] = ("-m", "pingze"),
) -> "subprocess.Popen[str]":
    """Start the command, or `processes` of it under torchrun, which meet those of other machines by `meeting`.

    What it says goes to the file `said`, by default `said_by(run)`.
    """
    launcher = ["-m", "torch.distributed.run", *meeting, "--nproc-per-node", str(processes)]
    command = [
        sys.executable,
        *(launcher if processes else []),
        *program,
        "train",
        "--out",
        str(run),
    ]
    command += [part for setting in (*SETTINGS, *settings) for part in ("--set", setting)]
    with (said or said_by(run)).open("a") as output:
        return subprocess.Popen(
            [*command, *(["--resume"] if resume else [])],
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stderr=output,
            text=True,
        )


def trained(run: Path, *settings: str, resume: bool = False, processes: int = 0) -> None:
    """The same to its end, which must be a good one."""
    assert train(run, *settings, resume=resume, processes=processes).wait() == 0, said_by(
        run
    ).read_text()


def said_by(run: Path) -> Path:
    """A file beside the run."""
    return run.with_name(f"{run.name}.said")


def tensors(run: Path) -> dict[str, Tensor]:
    """Every tensor of a run's last state, and of its best model."""
    last = load_file(state.files(run)[0])
    best = load_file(run / "model.safetensors")
    return last | {f"best.{name}": tensor for name, tensor in best.items()}


def without_times(rows: Sequence[LogRow]) -> list[LogRow]:
    """What a row tells of training, not of the machine."""
    times = ("time", "seconds", "tokens_per_second")
    return [{name: value for name, value in row.items() if name not in times} for row in rows]
