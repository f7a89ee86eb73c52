"""The table of lines to quote, against a search of the invented poems."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from pingze.corpus import Store, build
from pingze.corpus.quotable import quotable
from pingze.errors import CorpusError
from tests.corpus.invented import FILES, record, text, write_folder


@pytest.mark.parametrize("width", [5, 7])
def test_the_table_holds_every_line_of_poems_of_one_width(store: Store, width: int) -> None:
    table = quotable(store, width)
    expected = [
        (line, group, number % 2 == 1)
        for group, poem in zip(store._select("group_id FROM poem"), store.poems(), strict=True)
        for number, line in enumerate(poem.lines)
        if {len(each) for each in poem.lines} == {width}
    ]
    letters = "\0" + "".join(map(chr, store.index.characters))
    lines = ["".join(letters[code] for code in row) for row in table["codes"]]
    found = zip(lines, ((group,) for group in table["group"].tolist()), table["second"].tolist(), strict=True)
    assert sorted(found) == sorted(expected)
    assert lines == sorted(lines)
    assert [store.line_at(place).line for place in table["place"].tolist()] == lines
    same = [one == other for one, other in pairwise(lines)]
    assert (np.diff(table["run"]) == 0).tolist() == same
    assert sorted(table["by_group"].tolist()) == list(range(len(lines)))
    assert (np.diff(table["group"][table["by_group"]]) >= 0).all()


def test_the_table_is_made_once_without_odd_poems_and_goes_with_its_store(tmp_path: Path, home: Path) -> None:
    odd = [record(text(range(800, 806)), title="八"), record(text(range(900, 904)), title="集杜句")]
    build(write_folder(tmp_path / "poems", {"poet.tang.0.json": [*FILES["poet.tang.0.json"], *odd]}))
    with Store.open() as store:
        table = quotable(store, 5)
        titles = {store.line_at(place).title for place in table["place"].tolist()}
        assert titles == {"一", "三", "八"}
        (path,) = home.rglob("quotable5.npy")
        before = path.stat().st_mtime_ns
        quotable(store, 5)
        assert path.stat().st_mtime_ns == before
        path.write_bytes(b"no table")
        with pytest.raises(CorpusError, match=r"quotable5.npy is damaged .*--rebuild"):
            quotable(store, 5)
    build(write_folder(tmp_path / "again"))
    assert not path.exists()
