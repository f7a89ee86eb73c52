"""Write a run's curves to `log.jsonl`, one row a line.

Each row is flushed to the disk when it is added: a killed process loses no row, and a full disk shows at once.
"""

import json
import os
from pathlib import Path

from pingze.errors import TrainingError
from pingze.files import written

LOG_FILE = "log.jsonl"

DAMAGES = (OSError, ValueError, KeyError, TypeError, RecursionError)
"""What reading a damaged file of JSON raises."""

LogRow = dict[str, float | int | str]
"""A row: `kind` ("train", "dev" or "stop"), `step`, `time` in seconds since 1970, and figures by name."""


class Log:
    """Append rows to the log of a run."""

    def __init__(self, run: Path, last_step: int) -> None:
        """Keep the rows up to `last_step`; the steps of later rows will be repeated."""
        self._path = run / LOG_FILE
        rows = [row for row in read(run) if int(row["step"]) <= last_step]
        with written(self._path, TrainingError) as partial:
            partial.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    def add(self, row: LogRow) -> None:
        """Write one row. Raises TrainingError if the disk refuses it."""
        try:
            with self._path.open("ab") as file:
                file.write(json.dumps(row).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as fault:
            raise TrainingError(
                "unwritable", name=str(self._path), reason=fault.strerror or str(fault)
            ) from fault


def read(run: Path) -> list[LogRow]:
    """Read the rows of a run, without a last one that a killed process left unfinished.

    Raises TrainingError where the file is damaged.
    """
    path = run / LOG_FILE
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        rows = [json.loads(line) for line in text.split("\n")[:-1]]
        steps = {type(row["step"]) for row in rows}
        if steps - {int}:
            raise TypeError(f"a step of {steps}")
    except DAMAGES as error:
        raise TrainingError("train_damaged", path=str(path), reason=repr(error)) from error
    return rows
