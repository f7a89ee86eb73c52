"""Poems of other dynasties and 詞: read by context, kept apart from dev and test, with a condition of their own."""

import json
import lzma
import tarfile
from itertools import product
from pathlib import Path

import pytest

from pingze.corpus import Store, build
from pingze.corpus.sources import read_poetry_source
from pingze.errors import CorpusError, InputError
from tests.corpus.invented import FILES, record, text, write_archive, write_folder


def entry(content: list[str], title: str = "题", author: str = "某") -> dict[str, object]:
    return {"id": "0", "title": title, "authorName": author, "content": content}


SOURCE = {
    "诗/明/shi.明.0000.base.json": [
        entry([text([901, 902]), text([903, 904])], "咏书", "张甲（乙山）"),
        entry([text([11, 12]), text([905, 906])]),  # two lines of a Tang poem
        entry([text([901, 902]), text([907, 908])]),  # two lines of the first
        entry([text([911, 912]), text([913, 914])], author="于右任"),
    ],
    "诗/三国/shi.三国.0000.base.json": [entry([text([921, 922, 923, 924])])],
    "诗/唐/shi.唐.0000.base.json": [entry([text([931, 932, 933, 934])])],
    "词/清/ci.清.0001.base.json": [
        entry([text([941, 942, 943]), text([944, 945])[:-1]], "忆江南·书馆")
    ],
}


def write_source(folder: Path) -> Path:
    for name, records in SOURCE.items():
        path = folder / "source" / name
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(records), encoding="utf-8")
    return folder


def test_a_clone_and_an_archive_give_the_same_poems(tmp_path: Path) -> None:
    clone = write_source(tmp_path / "poetry-source")
    archive = tmp_path / "a.tar.xz"
    with tarfile.open(archive, "w:xz") as packed:
        packed.add(clone, "poetry-source")
    files, packed_files = (
        {file.name.rpartition("source/")[2]: file.poems for file in read_poetry_source(source)}
        for source in (clone, archive)
    )
    assert packed_files == files
    assert {poem.dynasty for poems in files.values() for poem in poems} == {
        "ming",
        "sanguo",
        "qing",
    }
    (poem, *_), (ci,) = files["诗/明/shi.明.0000.base.json"], files["词/清/ci.清.0001.base.json"]
    assert (poem.title, poem.author, poem.tune) == ("詠書", "張甲", "")
    assert (ci.title, ci.tune) == ("憶江南·書館", "憶江南")
    assert ci.text == f"{text([941, 942, 943])}\n{text([944, 945])[:-1]}。"


def test_what_holds_no_such_poems_is_named(tmp_path: Path) -> None:
    for source in (tmp_path, Path("/dev/zero")):
        with pytest.raises(CorpusError, match="holds no source/诗/明"):
            list(read_poetry_source(source))
    (tmp_path / "a.tar.xz").write_bytes(lzma.compress(b"no tar at all"))
    with pytest.raises(CorpusError, match="cannot be read"):
        list(read_poetry_source(tmp_path / "a.tar.xz"))
    (tmp_path / "own.txt").write_text(text([1, 2, 3, 4]), encoding="utf-8")
    with pytest.raises(CorpusError, match="leave out --more"):
        build(tmp_path, write_archive(tmp_path / "a.tgz"))


def test_poems_near_others_are_dropped_and_splits_of_tang_and_song_stay(
    tmp_path: Path, home: Path
) -> None:
    package = write_folder(tmp_path / "poems")
    before, after = [], []
    for more, rows in ((None, before), (write_source(tmp_path / "clone"), after)):
        build(package, more)
        with Store.open() as store:
            for name, split in product(("tang", "song"), ("train", "dev", "test")):
                rows += [(poem, split) for poem in store.poems(dynasty=name, split=split)]
    assert before == after
    with Store.open() as store:
        assert [
            poem.title for name in ("ming", "sanguo") for poem in store.poems(dynasty=name)
        ] == ["詠書", "題"]
        assert [poem.tune for poem in store.ci()] == ["憶江南"]
        assert store.statistics()["dropped"]["ming"] == {"version of another": 2}
        assert store.statistics()["poems"] == {
            "tang": 5,
            "song": 2,
            "sanguo": 1,
            "ming": 1,
            "ci": 1,
        }
        (hit,) = store.search(text([941]).strip("，"))
        assert (hit.dynasty, hit.title) == ("qing", "憶江南·書館")
        with pytest.raises(InputError, match="split 'all' is unknown; choose one of train"):
            store.ci(split="all")


def test_the_package_s_ci_are_read_with_their_tune(tmp_path: Path, home: Path) -> None:
    ci = record(text([951, 952, 953]) + text([954])) | {"rhythmic": "点绛唇"}
    plain = {
        "title": "长相思·山一程",
        "author": "某",
        "para": [text([961, 962])[:-1], text([963, 964])[:-1]],
    }
    files = FILES | {"songci/ci.song.0.json": [ci], "nalanxingde/a.json": [plain]}
    build(write_folder(tmp_path / "package", files))
    with Store.open() as store:
        found = {poem.tune: poem for poem in store.ci()}
    assert found.keys() == {"點絳脣", "長相思"}
    assert found["點絳脣"].dynasty == "song"
    assert found["長相思"].text == f"{text([961, 962])[:-1]}。\n{text([963, 964])[:-1]}。"
    assert len(found["長相思"].lines) == 4


@pytest.mark.parametrize("bound", ["MOST_INFLATED", "MOST_OF_FILE"])
def test_an_archive_that_inflates_too_far_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    """3 MB held 3 GiB, which were read at once."""
    archive = tmp_path / "a.tar.xz"
    with tarfile.open(archive, "w:xz") as packed:
        packed.add(write_source(tmp_path / "poetry-source"), "poetry-source")
    monkeypatch.setattr(f"pingze.corpus.sources.{bound}", 100)
    with pytest.raises(CorpusError, match="holds more than"):
        list(read_poetry_source(archive))
