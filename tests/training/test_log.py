"""The log against TensorBoard's own reader: whatever was killed, each row stands in both once."""

import json
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from pingze.training.log import LOG_FILE, TENSORBOARD_FOLDER, Log, LogRow, read


def row(step: int, nats: float) -> LogRow:
    return {"kind": "train", "step": step, "time": 1e9 + step, "nats_per_token": nats}


def curve(run: Path) -> list[tuple[int, float, float]]:
    """Step, time and value of each point that TensorBoard shows."""
    events = EventAccumulator(str(run / TENSORBOARD_FOLDER))
    events.Reload()
    assert events.Tags()["scalars"] == ["train/nats_per_token"]
    return [(e.step, e.wall_time, e.value) for e in events.Scalars("train/nats_per_token")]


def test_rows_after_the_last_state_are_cut_and_written_again(tmp_path: Path) -> None:
    log = Log(tmp_path, last_step=-1)
    for step in (0, 50, 100, 150):
        log.add(row(step, 8 - step / 64))
    with (tmp_path / LOG_FILE).open("a") as file:
        file.write('{"kind": "tra')
    with next((tmp_path / TENSORBOARD_FOLDER).iterdir()).open("ab") as file:
        file.write(b"\x18\0\0")

    log = Log(tmp_path, last_step=100)
    assert read(tmp_path) == [row(step, 8 - step / 64) for step in (0, 50, 100)]
    log.add(row(150, 3.5))
    rows = [row(step, nats) for step, nats in ((0, 8), (50, 7.21875), (100, 6.4375), (150, 3.5))]
    assert [json.loads(line) for line in (tmp_path / LOG_FILE).read_text().splitlines()] == rows
    assert curve(tmp_path) == [(r["step"], r["time"], r["nats_per_token"]) for r in rows]


def test_a_run_that_begins_has_no_rows(tmp_path: Path) -> None:
    Log(tmp_path, last_step=-1).add(row(0, 8))
    Log(tmp_path, last_step=-1)
    assert read(tmp_path) == []
    assert len(list((tmp_path / TENSORBOARD_FOLDER).iterdir())) == 1
