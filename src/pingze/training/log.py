"""A run's curves: `log.jsonl` and TensorBoard's file, each row in both once.

Rows are written as they come, by this thread: a killed process leaves no row in a queue, and a full disk is met where
the row was added. (`SummaryWriter` of torch has such a queue, and a thread that may fail unheard.)
"""

import json
import os
import time
from io import BytesIO
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

from pingze.errors import TrainingError
from pingze.files import written

LOG_FILE = "log.jsonl"
TENSORBOARD_FOLDER = "tensorboard"

LogRow = dict[str, float | int | str]
"""A row: `kind` ("train", "dev" or "stop"), `step`, `time` in seconds since 1970, and figures by name."""


class Log:
    """The rows of a run up to a step, to be added to."""

    def __init__(self, run: Path, last_step: int) -> None:
        """Keep the rows up to `last_step`; those after it are of steps that will be taken again."""
        self._rows, folder = run / LOG_FILE, run / TENSORBOARD_FOLDER
        rows = [row for row in read(run) if int(row["step"]) <= last_step]
        with written(self._rows, TrainingError) as partial:
            partial.write_text("".join(map(_line, rows)), encoding="utf-8")
        old = list(folder.glob("*.tfevents.*"))
        self._events = folder / f"events.out.tfevents.{time.time_ns()}"
        _append(self._events, _record(Event(wall_time=time.time(), file_version="brain.Event:2")))
        _append(self._events, b"".join(map(_points, rows)))
        for path in old:
            path.unlink()

    def add(self, row: LogRow) -> None:
        """Write one row."""
        _append(self._rows, _line(row).encode())
        _append(self._events, _points(row))


def read(run: Path) -> list[LogRow]:
    """The rows of a run; a last one that a killed process left unfinished is no row."""
    path = run / LOG_FILE
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return [json.loads(line) for line in text.split("\n")[:-1]]


def _line(row: LogRow) -> str:
    return json.dumps(row) + "\n"


def _points(row: LogRow) -> bytes:
    """A point on each curve of a row, at the time when the row was made."""
    values = [
        Summary.Value(tag=f"{row['kind']}/{name}", simple_value=value)
        for name, value in row.items()
        if isinstance(value, float) and name != "time"
    ]
    return _record(Event(wall_time=row["time"], step=row["step"], summary=Summary(value=values)))


def _record(event: Event) -> bytes:
    """An event as TensorBoard's files frame it."""
    buffer = BytesIO()
    RecordWriter(buffer).write(event.SerializeToString())
    return buffer.getvalue()


def _append(path: Path, content: bytes) -> None:
    """Have `content` at the end of a file, on the disk. Raises TrainingError where the disk does not take it."""
    try:
        path.parent.mkdir(exist_ok=True)
        with path.open("ab") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as fault:
        raise TrainingError(f"{path} cannot be written: {fault.strerror or fault}") from fault
