from pathlib import Path

import pytest

from pingze.corpus.records import is_package, read
from pingze.errors import CorpusError
from tests.corpus.invented import FILES, write_archive, write_folder


@pytest.mark.parametrize("below", ["", "quantangshi", "package/dist/quantangshi"])
def test_an_archive_and_a_folder_give_the_same_poems(tmp_path: Path, below: str) -> None:
    from_archive = {file.order: file.poems for file in read(write_archive(tmp_path / "a.tgz"))}
    write_folder(tmp_path / "here" / below)
    assert is_package(tmp_path / "here")
    assert {file.order: file.poems for file in read(tmp_path / "here")} == from_archive
    assert from_archive.keys() == {(0, 0, 0), (0, 0, 200), (0, 0, 1000), (0, 1, 0)}
    first = from_archive[0, 0, 0][0]
    assert (first.dynasty, first.title, first.author) == ("tang", "一", "張甲")
    assert first.text == "".join(FILES["poet.tang.0.json"][0]["paragraphs"])  # type: ignore[arg-type]


@pytest.mark.parametrize("kept", [0.3, 0.9])
def test_a_truncated_archive_is_named(tmp_path: Path, kept: float) -> None:
    archive = write_archive(tmp_path / "a.tgz")
    content = archive.read_bytes()
    archive.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(CorpusError, match=f"^{archive} cannot be read: "):
        list(read(archive))


@pytest.mark.parametrize("content", [b"\xff\xfe", b"{", b"[1]", b'[{"title": "x"}]', b"7"])
def test_a_file_that_is_no_list_of_poems_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "poet.song.7.json").write_bytes(content)
    with pytest.raises(CorpusError, match=r"^poet\.song\.7\.json is no list of poems"):
        list(read(tmp_path))
