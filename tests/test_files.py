import errno
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from unittest.mock import Mock

import pytest

from pingze.errors import CorpusError
from pingze.files import sweep, written


def _fill(path: Path, content: str) -> None:
    with written(path, CorpusError) as partial:
        partial.write_text(content)


def test_a_file_is_put_in_place_and_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    _fill(path, "one")
    _fill(path, "two")
    assert path.read_text() == "two"
    assert list(path.parent.iterdir()) == [path]
    with pytest.raises(CorpusError, match="cannot be written"):
        _fill(path / "below a file", "new")


@pytest.mark.parametrize("call", ["fsync", "replace", None])
def test_a_failure_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str | None
) -> None:
    path = tmp_path / "file"
    _fill(path, "old")
    if call:
        monkeypatch.setattr(
            os, call, Mock(side_effect=OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
        )
        with pytest.raises(CorpusError, match=r"file cannot be written: No space left on device$"):
            _fill(path, "new")
    else:
        with suppress(KeyboardInterrupt), written(path, CorpusError) as partial:
            partial.write_text("half")
            raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_process_left_is_swept_but_not_what_another_is_writing(
    tmp_path: Path,
) -> None:
    path = tmp_path / "file"
    writing = f"""
import sys
from pathlib import Path
from pingze.errors import CorpusError
from pingze.files import sweep, written
with written(Path({str(path)!r}), CorpusError) as partial:
    partial.write_text("half")
    print(partial, flush=True)
    sys.stdin.read()
"""
    command, pipes = (
        [sys.executable, "-c", writing],
        {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE},
    )
    processes = [subprocess.Popen(command, **pipes, text=True) for _ in range(2)]
    killed, alive = (
        Path(process.stdout.readline().strip()) for process in processes if process.stdout
    )
    assert {killed, alive} == set(tmp_path.iterdir())
    processes[0].kill()
    processes[0].communicate()
    _fill(path, "new")
    assert set(tmp_path.iterdir()) == {path, alive}
    processes[1].kill()
    processes[1].communicate()
    sweep(tmp_path)
    assert set(tmp_path.iterdir()) == {path}
