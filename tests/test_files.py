import errno
import os
import subprocess
import sys
from pathlib import Path

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


@pytest.mark.parametrize("interruption", [ValueError, KeyboardInterrupt])
def test_an_interrupted_block_leaves_what_was_there(
    tmp_path: Path, interruption: type[BaseException]
) -> None:
    path = tmp_path / "file"
    _fill(path, "old")

    def write_half() -> None:
        with written(path, CorpusError) as partial:
            partial.write_text("half")
            raise interruption

    with pytest.raises(interruption):
        write_half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_is_one_line_and_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "file"
    _fill(path, "old")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, call, full)
    with pytest.raises(CorpusError, match=r"file cannot be written: No space left on device$"):
        _fill(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    with pytest.raises(CorpusError, match="cannot be written"):
        _fill(tmp_path / "taken" / "file", "new")


def test_what_a_killed_process_left_is_swept_but_not_what_another_is_writing(tmp_path: Path) -> None:
    path = tmp_path / "file"
    writing = f"""
import sys, time
from pathlib import Path
from pingze.errors import CorpusError
from pingze.files import sweep, written
with written(Path({str(path)!r}), CorpusError) as partial:
    partial.write_text("half")
    print(partial, flush=True)
    time.sleep(60)
"""
    command = [sys.executable, "-c", writing]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    killed, alive = (Path(process.stdout.readline().strip()) for process in processes if process.stdout)
    assert {killed, alive} == set(tmp_path.iterdir())
    processes[0].kill()
    processes[0].communicate()
    _fill(path, "new")
    assert set(tmp_path.iterdir()) == {path, alive}
    processes[1].kill()
    processes[1].communicate()
    sweep(tmp_path)
    assert set(tmp_path.iterdir()) == {path}
