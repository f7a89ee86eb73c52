"""Write the curves of a run to `log.jsonl`, one row per line.

Each row is flushed to disk when it is added, so that a killed process loses no row and a full disk is noticed at once.
"""

import json
import os
from pathlib import Path

from pingze.errors import TrainingError
from pingze.files import written

LOG_FILE = "log.jsonl"
DAMAGES = (OSError, ValueError, KeyError, TypeError, RecursionError)
"""Exceptions raised when a damaged JSON file is read."""
LogRow = dict[str, float | int | str]
"""A row of the log: `kind` ("train", "dev" or "stop"), `step`, `time` in seconds since 1970, and figures by name."""


def begin(run: Path, last_step: int) -> None:
    """Create the log of a run, or remove the rows after `last_step` from it, because their steps will be repeated."""
    rows = [row for row in read(run) if int(row["step"]) <= last_step]
    with written(run / LOG_FILE, TrainingError) as partial:
        partial.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def add(run: Path, row: LogRow) -> None:
    """Write one row. Raises TrainingError if it cannot be written."""
    path = run / LOG_FILE
    try:
        with path.open("ab") as file:
            file.write(json.dumps(row).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as fault:
        raise TrainingError("unwritable", name=str(path), reason=fault.strerror or str(fault)) from fault


def read(run: Path) -> list[LogRow]:
    """Read the rows of a run, except an incomplete last row. Raises TrainingError if the file is damaged."""
    path = run / LOG_FILE
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        rows = [json.loads(line) for line in text.split("\n")[:-1]]
        if steps := {type(row["step"]) for row in rows} - {int}:
            raise TypeError(f"a step of {steps}")
    except DAMAGES as error:
        raise TrainingError("train_damaged", path=str(path), reason=repr(error)) from error
    return rows
