from pathlib import Path

import pytest

from pingze.corpus.records import read
from pingze.errors import CorpusError
from tests.corpus.invented import write_archive


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
