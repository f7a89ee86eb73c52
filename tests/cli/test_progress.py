"""What long commands and training print where there is no terminal."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from pingze.cli.progress import status
from tests.cli.calling import Call


def test_news_and_numbers_are_told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("pingze.cli.progress.time.monotonic", lambda: now)
    with status() as tell:
        for second in range(25):
            now = 100.0 + second
            tell(f"fetching: {second} s")
        tell("reading")
    told = ["fetching: 0 s", "fetching: 10 s", "fetching: 20 s", "reading"]
    assert capsys.readouterr().err.splitlines() == told


@pytest.mark.skipif(find_spec("torch") is None, reason="needs the extra train")
def test_without_a_terminal_training_prints_lines_from_its_first_step_to_its_last(tmp_path: Path, call: Call) -> None:
    from tests.training.command import SETTINGS, build_corpus

    build_corpus(tmp_path / "poems")
    settings = [part for setting in (*SETTINGS, "batch_size=60", "epochs=1") for part in ("--set", setting)]
    code, _, err = call("train", "--out", str(tmp_path / "run"), *settings)
    assert code == 0
    first, *others, last = err.splitlines()
    total = int(first.removeprefix("step 0/"))
    assert 4 <= total < 50
    assert last == f"step {total}/{total}"
    steps = [int(step) for line in others for step in re.findall(r"^step (\d+)/", line)]
    assert steps == sorted(steps)
    assert sum(line.startswith(f"step {total}: dev ") for line in others) == 1
