"""The log: whatever was killed, each row stands in it once."""

import json
from pathlib import Path

from pingze.training.log import LOG_FILE, Log, LogRow, read


def row(step: int, nats: float) -> LogRow:
    return {"kind": "train", "step": step, "time": 1e9 + step, "nats_per_token": nats}


def test_rows_after_the_last_state_are_cut_and_written_again(tmp_path: Path) -> None:
    log = Log(tmp_path, last_step=-1)
    for step in (0, 50, 100, 150):
        log.add(row(step, 8 - step / 64))
    with (tmp_path / LOG_FILE).open("a") as file:
        file.write('{"kind": "tra')

    log = Log(tmp_path, last_step=100)
    assert read(tmp_path) == [row(step, 8 - step / 64) for step in (0, 50, 100)]
    log.add(row(150, 3.5))
    rows = [row(step, nats) for step, nats in ((0, 8), (50, 7.21875), (100, 6.4375), (150, 3.5))]
    assert [json.loads(line) for line in (tmp_path / LOG_FILE).read_text().splitlines()] == rows
