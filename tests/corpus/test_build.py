"""From the files of a package to a store, whole or not at all."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from pingze.corpus import Store, build
from pingze.corpus.sources import read
from pingze.errors import CorpusError
from tests.corpus.invented import record, text, write_archive, write_folder


def _rows(path: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(query).fetchall()


def _contents(path: Path) -> list[tuple[object, ...]]:
    """The poems, and the files of the arrays, which must be all that is beside the store."""
    ((folder,),) = _rows(path, "SELECT folder FROM suffix_array")
    assert sorted(path.parent.iterdir()) == [path, path.parent / str(folder)]
    # The digest of the store itself differs: its table names the folder, whose name is drawn.
    arrays = sorted((path.parent / str(folder)).glob("*.npy"))
    return [
        *_rows(path, "SELECT * FROM poem"),
        *((each.name, each.read_bytes()) for each in arrays),
    ]


def test_the_tables_hold_the_poems_of_an_archive_as_of_a_folder(
    built: Path, tmp_path: Path
) -> None:
    poems = _rows(
        built, "SELECT id, dynasty, title, author, form, text, group_id FROM poem ORDER BY id"
    )
    assert [row[2] for row in poems] == list("一二三五六七八")
    assert poems[1] == (1, "tang", "二", "李乙", "七絕", text([21, 22, 23, 24], 7), 1)
    assert [row[4] for row in poems] == ["五絕", "七絕", "五絕", "五言", "五律", "五絕", "五絕"]
    assert [row[6] for row in poems] == [0, 1, 0, 3, 4, 0, 6]
    assert _rows(built, "PRAGMA integrity_check") == [("ok",)]
    first = _contents(built)
    assert build(write_archive(tmp_path / "a.tgz")) == built
    assert _contents(built) == first


@pytest.mark.parametrize(
    "row", [record("短。"), {"title": "no author"}, record(text(range(8)), title="\ud800")]
)
def test_no_corpus_leaves_the_old_store(
    built: Path, tmp_path: Path, row: dict[str, object]
) -> None:
    before = _contents(built)
    with pytest.raises(CorpusError):
        build(write_folder(tmp_path / "other", {"poet.tang.0.json": [row]}))
    assert _contents(built) == before


def test_a_truncated_archive_is_named(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "a.tgz")
    content = archive.read_bytes()
    for kept in (0.3, 0.9):
        archive.write_bytes(content[: int(len(content) * kept)])
        with pytest.raises(CorpusError, match=f"^{archive} cannot be read: "):
            list(read(archive))


@pytest.mark.parametrize("content", [b"\xff\xfe", b"{", b"[1]", b'[{"title": "x"}]', b"7"])
def test_a_file_that_is_no_list_of_poems_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "poet.song.7.json").write_bytes(content)
    with pytest.raises(CorpusError, match=r"^poet\.song\.7\.json is no list of poems"):
        list(read(tmp_path))


def _start_build(source: Path, *, before: str = "") -> subprocess.Popen[str]:
    program = f"""
from pathlib import Path
from pingze.corpus import build
from pingze.errors import CorpusError
{before}
try:
    build(Path({str(source)!r}), progress=lambda line: print(line, flush=True))
except CorpusError as error:
    print(error, flush=True)
"""
    return subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("longest", [100, 20_000])
def test_a_disk_that_refuses_to_write_is_one_line(
    built: Path, tmp_path: Path, longest: int
) -> None:
    """In a process that may write no long file: the real error, not an imitated one."""
    pytest.importorskip("resource")
    before = _contents(built)
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({longest}, {longest}))"
    process = _start_build(tmp_path / "poems", before=limit)
    assert process.communicate()[0].splitlines()[-1].startswith(f"{built} cannot be written: ")
    assert process.returncode == 0
    assert _contents(built) == before


@pytest.mark.slow
def test_a_killed_build_leaves_the_old_store_and_the_next_one_works(
    built: Path, tmp_path: Path
) -> None:
    before = built.read_bytes()
    many = [record(text(range(4 * n, 4 * n + 4)), title=f"{n}") for n in range(40_000)]
    source = write_folder(tmp_path / "large", {"poet.tang.0.json": many})
    with _start_build(source) as process:
        while (
            not (partials := list(built.parent.glob("*.partial"))) or not partials[0].stat().st_size
        ):
            assert process.poll() is None
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert built.read_bytes() == before
    (left,) = built.parent.glob("*.partial")
    os.utime(left, (0, 0))
    build(source)
    assert _contents(built)
    with Store.open() as store:
        assert store.statistics()["poems"] == {"tang": 40_000, "song": 0}


@pytest.mark.slow
def test_builds_and_readers_at_once_do_not_disturb_each_other(built: Path, tmp_path: Path) -> None:
    reader = """
import select, sys
from pingze.corpus import Store
print("begun", flush=True)
while not select.select([sys.stdin], [], [], 0)[0]:
    with Store.open() as store:
        assert len(list(store.poems(dynasty="song"))) == 2
        assert len(store.search("甲", limit=100)) == 40
"""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    readers = [subprocess.Popen([sys.executable, "-c", reader], **pipes) for _ in range(3)]
    for each in readers:
        assert each.stdout
        assert each.stdout.readline() == "begun\n"
    for process in [_start_build(tmp_path / "poems") for _ in range(3)]:
        out, _ = process.communicate()
        assert out.splitlines()[-1] == "writing the store and its index"
    for each in readers:
        each.communicate("enough\n")
        assert each.returncode == 0
    assert _contents(built)
