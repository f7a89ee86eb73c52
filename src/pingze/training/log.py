"""A run's curves: `log.jsonl`, a row a line.

Rows are written as they come: a killed process leaves no row in a queue, and a full disk is met where the row was
added.
"""

import json
import os
from pathlib import Path

from pingze.errors import TrainingError
from pingze.files import written

LOG_FILE = "log.jsonl"

LogRow = dict[str, float | int | str]
"""A row: `kind` ("train", "dev" or "stop"), `step`, `time` in seconds since 1970, and figures by name."""


class Log:
    """The rows of a run up to a step, to be added to."""

    def __init__(self, run: Path, last_step: int) -> None:
        """Keep the rows up to `last_step`; those after it are of steps that will be taken again."""
        self._path = run / LOG_FILE
        rows = [row for row in read(run) if int(row["step"]) <= last_step]
        with written(self._path, TrainingError) as partial:
            partial.write_text("".join(map(_line, rows)), encoding="utf-8")

    def add(self, row: LogRow) -> None:
        """Write one row. Raises TrainingError where the disk does not take it."""
        try:
            with self._path.open("ab") as file:
                file.write(_line(row).encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as fault:
            raise TrainingError(f"{self._path} cannot be written: {fault.strerror or fault}") from fault


def read(run: Path) -> list[LogRow]:
    """The rows of a run; a last one that a killed process left unfinished is no row."""
    path = run / LOG_FILE
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return [json.loads(line) for line in text.split("\n")[:-1]]


def _line(row: LogRow) -> str:
    return json.dumps(row) + "\n"
