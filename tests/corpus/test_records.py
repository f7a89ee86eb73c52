from pathlib import Path

import pytest

from pingze.corpus.records import File, poems_folder, read
from pingze.errors import CorpusError
from tests.corpus.invented import FILES, write_archive, write_folder


def _by_name(files: list[File]) -> dict[tuple[str, int], File]:
    return {(file.dynasty, file.order[-1]): file for file in files}


def test_an_archive_and_a_folder_give_the_same_records(tmp_path: Path) -> None:
    from_archive = _by_name(list(read(write_archive(tmp_path / "a.tgz"))))
    from_folder = _by_name(list(read(write_folder(tmp_path / "folder"))))
    assert from_archive == from_folder
    assert from_folder.keys() == {("tang", 0), ("tang", 200), ("tang", 1000), ("song", 0)}
    first = from_folder["tang", 0].records[0]
    assert (first.title, first.author) == ("一", "張甲")
    assert "".join(first.paragraphs) == "".join(FILES["poet.tang.0.json"][0]["paragraphs"])  # type: ignore[arg-type]


@pytest.mark.parametrize("below", ["", "dist/quantangshi", "package/dist/quantangshi"])
def test_the_folder_is_found_in_an_unpacked_package(tmp_path: Path, below: str) -> None:
    folder = write_folder(tmp_path / "here" / below)
    assert poems_folder(tmp_path / "here") == folder


def test_a_folder_without_poems_is_named(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=f"^{tmp_path} holds no dist/quantangshi/poet.tang.0.json"):
        list(read(tmp_path))


def test_an_unreadable_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)  # root may read whatever chmod forbids
    with pytest.raises(CorpusError, match=f"^{tmp_path} cannot be read: Permission denied$"):
        list(read(tmp_path))


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
