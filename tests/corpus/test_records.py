from pathlib import Path

import pytest

from pingze.corpus.records import File, is_package, read
from pingze.errors import CorpusError
from tests.corpus.invented import FILES, write_archive, write_folder


def _by_name(files: list[File]) -> dict[tuple[str, int], File]:
    return {(file.dynasty, file.order[-1]): file for file in files}


@pytest.mark.parametrize("below", ["", "quantangshi", "package/dist/quantangshi"])
def test_an_archive_and_a_folder_give_the_same_records(tmp_path: Path, below: str) -> None:
    from_archive = _by_name(list(read(write_archive(tmp_path / "a.tgz"))))
    write_folder(tmp_path / "here" / below)
    assert is_package(tmp_path / "here")
    from_folder = _by_name(list(read(tmp_path / "here")))
    assert from_folder.keys() == {("tang", 0), ("tang", 200), ("tang", 1000), ("song", 0)}
    for key, file in from_folder.items():
        assert file.records == from_archive[key].records
    first = from_folder["tang", 0].records[0]
    assert (first.title, first.author) == ("一", "張甲")
    assert first.text == "".join(FILES["poet.tang.0.json"][0]["paragraphs"])  # type: ignore[arg-type]


def test_poems_in_other_folders_of_the_package_are_left_out(tmp_path: Path) -> None:
    write_folder(tmp_path / "dist" / "strains")
    assert not is_package(tmp_path)
    assert not list(read(tmp_path))


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
