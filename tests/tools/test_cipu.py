"""Books of patterns are read: an invented one, and, where PINGZE_CIPU names its folder, 《欽定詞譜》 and 龍榆生."""

import json
import os
from collections import Counter
from pathlib import Path

import pytest

from pingze.corpus import CorpusPoem
from pingze.verse.ci import judge
from pingze.verse.forms import tune_form
from pingze.verse.standard import PINGSHUI
from pingze.verse.tunes import find_tune, read_lines
from tools import tunes
from tools.cipu import BookShape, read_book

FILE = """\
新調
雙調二十二字，前段三句三平韻，後段四句一仄韻、一疊韻、兩平韻
某甲
平平東　仄平同　　平仄　仄平風
平平平韻仄平平平韻平仄讀仄平平韻
平動　　　平動　山東　仄平平仄同
中仄換仄韻平仄疊平平平韻仄平平仄平韻

格二
雙調六字，前後段各一句、一平韻
某甲
平平東
平平平韻
仄平同
仄平平韻
"""
ODD = Path(__file__).with_name("odd_samples.tsv").read_text(encoding="utf-8").splitlines()
"""The samples that their own shape blames: book, tune, number, rule, characters, and why."""


@pytest.fixture
def shapes(tmp_path: Path) -> list[BookShape]:
    """The shapes of an invented book."""
    entry = {"idx": 0, "names_trad": ["新調", "某調"]}
    (tmp_path / "index.json").write_text(json.dumps([entry]), encoding="utf-8")
    (tmp_path / "qinding").mkdir()
    (tmp_path / "qinding" / "cipai_0_trad.txt").write_text(FILE, encoding="utf-8")
    return list(read_book(tmp_path, "qinding"))


def test_a_shape_has_its_names_and_its_number(shapes: list[BookShape]) -> None:
    assert [(shape.names, shape.number) for shape in shapes] == [
        (("新調", "某調"), "格一"),
        (("新調", "某調"), "格二"),
    ]


def test_a_line_belongs_to_the_rhyme_of_its_mark(shapes: list[BookShape]) -> None:
    assert [line.rhyme for line in shapes[0].lines] == [0, 0, None, 0, 1, 1, 0, 0]
    assert "".join(line.kind or "　" for line in shapes[0].lines) == "平平　平仄仄平平"


def test_a_pause_and_a_repeated_line_are_read(shapes: list[BookShape]) -> None:
    assert "".join(line.mark for line in shapes[0].lines) == "..;....."
    assert [line.echo for line in shapes[0].lines if line.echo] == ["=2@5"]


def test_a_stanza_begins_where_the_description_says(shapes: list[BookShape]) -> None:
    assert [shape.stanzas for shape in shapes] == [{4}, {1}]


def test_what_three_pieces_in_a_hundred_do_is_customary(shapes: list[BookShape]) -> None:
    (row, *_) = tunes.rows(shapes, pieces(), Silent())
    name, size, number, count, pattern, others = row.split("\t")
    assert (name, size, number, count, others) == ("新調", "22", "格一", "100", "某調")
    assert pattern.startswith("pPP.ZPP.")
    assert read_lines(pattern)[0].customary == "xPP"


def pieces() -> list[CorpusPoem]:
    """A hundred pieces, three of which have another tone at the first place."""
    text = "{}平東，仄平同，平仄，仄平風。\n平動，平動，山東，仄平平仄同。"
    return [
        CorpusPoem("qing", "", "", text.format("仄" if n < 3 else "平"), "新調") for n in range(100)
    ]


class Silent(tunes.Words):
    """Words of which nothing is known."""

    def __init__(self) -> None:
        self.together = Counter()
        self.apart = Counter()


def books() -> Path:
    """The folder of the books, or a skip."""
    folder = os.environ.get("PINGZE_CIPU")
    if not folder:
        pytest.skip("PINGZE_CIPU names no folder with 《欽定詞譜》 (hulbji/couyun)")
    return Path(folder)


def faults_of(shape: BookShape) -> dict[str, str] | None:
    """The characters of a shape's sample that the shape blames, by rule; None if the table has the shape elsewhere."""
    name = shape.names[0]
    # 浪淘沙令 is 浪淘沙·令格一
    tune = find_tune(f"{name}·{shape.number}") or find_tune(f"{name}·{name[-1]}{shape.number}")
    lines = [line.words for line in shape.lines]
    if tune is None or tune.widths != tuple(len(line) for line in lines):
        return None
    found: dict[str, str] = {}
    for fault in judge(lines, tune_form(tune), "customary", PINGSHUI).violations:
        found[fault.rule] = found.get(fault.rule, "") + fault.char
    return found


@pytest.mark.parametrize(("book", "known"), [("qinding", 2289), ("longyusheng", 204)])
def test_every_sample_keeps_its_own_shape(book: str, known: int) -> None:
    odd = {tuple(row.split("\t")[:5]) for row in ODD if row.startswith(book)}
    judged = 0
    blamed = set()
    for shape in read_book(books(), book):
        faults = faults_of(shape)
        if faults is None:
            continue
        judged += 1
        for rule, characters in faults.items():
            blamed.add((book, shape.names[0], shape.number, rule, characters))
    assert blamed == odd
    assert judged == known
