"""Lines compared with an invented corpus, the command that shows it, and the table of lines to quote."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from pingze.corpus import Store, build
from pingze.corpus.quotable import quotable
from pingze.corpus.store import of_lines
from pingze.errors import CorpusError
from tests.cli.calling import Call
from tests.corpus.invented import FILES, line, record, text, write_folder


def test_a_line_shares_a_run_and_has_a_nearest_line(store: Store) -> None:
    copied, changed, strange = of_lines([line(24, 7), "癸" + line(71)[1:], "風花雪月天"], store)
    assert (copied.line, copied.run, copied.same) == (1, line(24, 7), 7)
    assert (copied.nearest.title, copied.nearest.author, copied.nearest.number) == ("二", "李乙", 4)
    assert (copied.run_in.line, copied.run_in.title) == (line(24, 7), "二")
    assert (changed.run, changed.same) == (line(71)[1:], 4)
    assert (changed.nearest.line, changed.nearest.title) == (line(71), "八")
    assert (strange.run, strange.run_in, strange.same, strange.nearest) == ("", None, 0, None)


@pytest.mark.usefixtures("built")
def test_the_command_reads_a_poem_or_a_file(call: Call, tmp_path: Path) -> None:
    poem = text([21, 22, 23, 24], 7)
    file = tmp_path / "poems.txt"
    file.write_text(f"{poem}\n\n{text([900, 901, 902, 903])}", encoding="utf-8")
    status, out, err = call("originality", poem)
    assert (status, err) == (0, "")
    assert out.splitlines()[:2] == [
        f"{line(21, 7)}  shares {line(21, 7)}  李乙《二》",
        f"{line(21, 7)}  is nearest, 7 of 7  李乙《二》",
    ]
    first, second = json.loads(call("originality", str(file), "--json")[1])
    assert [row["same"] for row in first["lines"]] == [7, 7, 7, 7]
    assert first["lines"][3]["run_in"]["number"] == 4
    assert len(second["lines"]) == 4


@pytest.mark.usefixtures("built")
@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no endless file here")
@pytest.mark.parametrize(
    ("command", "name"), [("check", "/dev/zero"), ("originality", "large.txt")]
)
def test_an_endless_line(
    call: Call, command: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("large.txt").write_bytes(b" " * 20_000_001)
    said = f"pingze: {name} has a line of more than 30000 bytes: no verse is that long\n"
    assert call(command, name) == (2, "", said)


@pytest.mark.usefixtures("built")
def test_a_file_of_more_than_20_mb(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("large.txt").write_bytes((b" " * 1000 + b"\n\n") * 20_000)
    said = "pingze: large.txt has more than 20 MB: give it in parts\n"
    assert call("originality", "large.txt") == (2, "", said)


@pytest.mark.parametrize("width", [5, 7])
def test_the_table_holds_every_line_of_poems_of_one_width(store: Store, width: int) -> None:
    table = quotable(store, width)
    expected = [
        (line, group, number % 2 == 1)
        for group, poem in zip(store.select("group_id FROM poem"), store.poems(), strict=True)
        for number, line in enumerate(poem.lines)
        if {len(each) for each in poem.lines} == {width}
    ]
    letters = "\0" + "".join(map(chr, store.index.characters))
    lines = ["".join(letters[code] for code in row) for row in table["codes"]]
    found = zip(
        lines,
        ((group,) for group in table["group"].tolist()),
        table["second"].tolist(),
        strict=True,
    )
    assert sorted(found) == sorted(expected)
    assert lines == sorted(lines)
    assert [store.line_at(place).line for place in table["place"].tolist()] == lines
    assert (np.diff(table["run"]) == 0).tolist() == [one == other for one, other in pairwise(lines)]
    assert sorted(table["by_group"].tolist()) == list(range(len(lines)))
    assert (np.diff(table["group"][table["by_group"]]) >= 0).all()


def test_the_table_is_made_once_without_odd_poems_and_goes_with_its_store(
    tmp_path: Path, home: Path
) -> None:
    odd = [record(text(range(800, 806)), title="八"), record(text(range(900, 904)), title="集杜句")]
    build(
        write_folder(tmp_path / "poems", {"poet.tang.0.json": [*FILES["poet.tang.0.json"], *odd]})
    )
    with Store.open() as store:
        places = quotable(store, 5)["place"].tolist()
        assert {store.line_at(place).title for place in places} == {"一", "三", "八"}
        (path,) = home.rglob("quotable5.npy")
        before = path.stat().st_mtime_ns
        quotable(store, 5)
        assert path.stat().st_mtime_ns == before
        path.write_bytes(b"no table")
        with pytest.raises(CorpusError, match=r"quotable5.npy is damaged .*--rebuild"):
            quotable(store, 5)
    build(write_folder(tmp_path / "again"))
    assert not path.exists()
