"""What training prints where there is no terminal."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from pingze.__main__ import run

pytestmark = pytest.mark.skipif(find_spec("torch") is None, reason="needs the extra train")


def test_without_a_terminal_training_prints_lines_from_its_first_step_to_its_last(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests.training.command import SETTINGS, build_corpus

    build_corpus(tmp_path / "poems")
    settings = [part for setting in (*SETTINGS, "batch_size=60", "epochs=1") for part in ("--set", setting)]
    with pytest.raises(SystemExit) as done:
        run(["train", "--out", str(tmp_path / "run"), *settings])
    assert not done.value.code
    first, *others, last = capsys.readouterr().err.splitlines()
    total = int(first.removeprefix("step 0/"))
    assert 4 <= total < 50
    assert last == f"step {total}/{total}"
    steps = [
        int(line.removeprefix("step ").partition("/")[0]) for line in others if re.match(r"step \d+/", line)
    ]
    assert steps == sorted(steps)
    assert sum(line.startswith(f"step {total}: dev ") for line in others) == 1
