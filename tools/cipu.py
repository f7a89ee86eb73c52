"""Read the patterns of 《欽定詞譜》 (1715) and of 龍榆生's 《唐宋詞格律》 from the files of hulbji/couyun (MIT).

The folder has `index.json`, the tunes with their names, and for each tune one file in `qinding` and
perhaps one in `longyusheng`. A file has a block for each shape 體: its name, a line that describes
it, the poet of the sample, and then pairs of rows: the sample's sentences, and their pattern. In a
pattern 平 仄 中 stand for characters. After each sentence follows 句 (no rhyme), 韻 (rhyme), 讀
(pause), 叶 (rhyme in the other tone), 換韻 (the rhyme changes) or 疊, 重 (the rhyme repeats a
character, or the line repeats words).
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pingze.verse.rhyme_groups import LEVEL, OBLIQUE
from pingze.verse.standard import PINGSHUI

BOOKS = {"qinding": "cipai_{}_trad.txt", "longyusheng": "cipai_{}_long_trad.txt"}
_SIGNS = {"平": "P", "仄": "Z", "中": "x"}
_MARKS = {"句": ",", "讀": ";", "竹枝": ";"}
_MARK = re.compile("換?[平仄]?[韻叶]|[句讀疊重]|竹枝|(?:女兒|舉棹|年少)　[韻句]")
"""What follows a sentence. 竹枝, 女兒, 舉棹 and 年少 are refrains."""
_STANZA = re.compile(
    "(前後|每|前兩|後兩|第[一二三四]段?、第[一二三四]|前一|後一|前|中|後|第[一二三四])段各?([百一二兩三四五六七八九十]+)句"
)
_DIGITS = ("", "一", "二", "三", "四", "五", "六", "七", "八", "九")
_NUMBER = {"兩": 2, "二": 2, "三": 3, "四": 4}


@dataclass(frozen=True)
class BookLine:
    """A sentence of a shape, with the words of its sample."""

    words: str
    tones: str
    """P (level), Z (oblique) or x (either) for each character."""
    rhyme: int | None
    """The index of the line's rhyme; None if the line does not rhyme."""
    kind: str
    """The class of the rhyme, 平 or 仄; "" if the line does not rhyme."""
    mark: str
    """. after a rhyme, , after another sentence, ; after a pause 讀."""
    echo: str
    """The words of an earlier line that the line repeats, such as =3@2 (see `verse.tunes`); "" if there are none."""


@dataclass(frozen=True)
class BookShape:
    """A shape 體 of a tune."""

    names: tuple[str, ...]
    """The names of the tune."""
    number: str
    """The number of the shape in its book, such as 格二 or 龍譜."""
    lines: tuple[BookLine, ...]
    stanzas: frozenset[int]
    """The numbers of the lines before which a new stanza begins."""


def read_book(folder: Path, book: str) -> Iterator[BookShape]:
    """Yield the shapes of a book, one of `BOOKS`, that can be read; `unread` has the reasons for the others."""
    for entry in json.loads((folder / "index.json").read_text(encoding="utf-8")):
        path = folder / book / BOOKS[book].format(entry["idx"])
        if not path.is_file():
            continue
        blocks = path.read_text(encoding="utf-8").strip().split("\n\n")
        for place, block in enumerate(blocks):
            rows = block.split("\n")
            sentences = []
            row_ends = []
            for words, pattern in zip(rows[3::2], rows[4::2], strict=False):
                found = _sentences(words, pattern)
                if found is None:
                    break
                sentences += found
                row_ends.append(len(sentences))
            else:
                number = "格" + _numeral(place + 1)
                if book == "longyusheng":
                    number = "龍譜" + (_numeral(place + 1) if place else "")
                yield BookShape(
                    names=tuple(dict.fromkeys(entry["names_trad"])),
                    number=number,
                    lines=tuple(_lines(sentences)),
                    stanzas=_stanzas(rows[1], sentences, row_ends),
                )


def _sentences(words: str, pattern: str) -> list[tuple[str, str, str]] | None:
    """Divide a row of a pattern by the sentences of its sample: the words, their tones and the mark of each.

    Return None if the row contradicts its sample.
    """
    found = []
    for sentence in words.split("　"):
        if not sentence:
            continue
        tones = pattern[: len(sentence)]
        if len(tones) < len(sentence) or not set(tones) <= set(_SIGNS):
            return None
        pattern = pattern[len(sentence) :]
        mark = _MARK.match(pattern)
        # a mark that is missing in the book is that of a sentence without rhyme
        found.append((sentence, tones, mark[0] if mark else "句"))
        if mark:
            pattern = pattern[mark.end() :]
        # the name of another tune, which some marks have behind them
        pattern = re.sub("^　[^平仄中　]+(?:　[^平仄中　]+)*", "", pattern)
    return None if pattern else found


def _lines(sentences: Sequence[tuple[str, str, str]]) -> Iterator[BookLine]:
    """Yield the lines, with the rhyme to which each belongs.

    A line marked 韻 belongs to a rhyme of its tone (`_rhyme`); one marked 叶 to the last rhyme,
    whatever its tone; one marked 換 begins a rhyme.
    """
    kinds: list[str] = []  # the tone of each rhyme
    last = 0
    rhymed: list[tuple[int, str, int]] = []  # each rhymed line so far: number, words, rhyme
    for number, (words, tones, mark) in enumerate(sentences):
        signs = "".join(_SIGNS[tone] for tone in tones)
        echo = ""
        if "韻" not in mark and mark not in ("叶", "換叶", "疊", "重"):
            yield BookLine(
                words=words, tones=signs, rhyme=None, kind="", mark=_MARKS.get(mark, ","), echo=echo
            )
            continue
        kind = tones[-1] if tones[-1] != "中" else _tone(words[-1])
        if mark in ("疊", "重"):
            echo, last = _echo(number, words, rhymed, last)
        elif not kinds or mark.startswith("換"):
            last = len(kinds)
        elif "叶" not in mark:
            last = _rhyme(words[-1], kind, kinds, last, rhymed)
        if last == len(kinds):
            kinds.append(kind)
        before = sentences[number - 1][0] if number else ""
        if len(words) == 2 and words[0] != words[1] and before.endswith(words[::-1]):
            echo = f"=2@{number}~"  # 倒疊, as in 調笑令
        rhymed.append((number, words, last))
        yield BookLine(
            words=words,
            tones=signs[:-1] + ("P" if kind == LEVEL else "Z"),
            rhyme=last,
            kind=kind,
            mark=".",
            echo=echo,
        )


def _tone(character: str) -> str:
    """Return the tone of a character in the sample where the book leaves it open."""
    return LEVEL if LEVEL in PINGSHUI.tones(character) else OBLIQUE


def _rhyme(
    foot: str, kind: str, kinds: Sequence[str], last: int, rhymed: Sequence[tuple[int, str, int]]
) -> int:
    """Return the rhyme of a line marked 韻: the last of its tone in which the sample rhymes, or a new one.

    The second stanza of 釵頭鳳 takes up the first rhyme of the first, though the mark does not say so.
    """
    of_kind = [rhyme for rhyme, tone in enumerate(kinds) if tone == kind]
    of_kind.sort(key=lambda rhyme: (rhyme != last, -rhyme))
    for rhyme in of_kind:
        parts = {part for part, _ in PINGSHUI.parts.rhymes(foot)}
        for _, words, other in rhymed:
            if other == rhyme and parts & {part for part, _ in PINGSHUI.parts.rhymes(words[-1])}:
                return rhyme
    return of_kind[0] if of_kind else len(kinds)


def _echo(
    number: int, words: str, rhymed: Sequence[tuple[int, str, int]], last: int
) -> tuple[str, int]:
    """Find what a line marked 疊 repeats: all its words, or the last character.

    Return the notation, and the rhyme of the repeated line.
    """
    for wanted in (words, words[-1]):
        for other, said, rhyme in reversed(rhymed):
            if said.endswith(wanted):
                return f"={len(wanted)}@{other + 1}", rhyme
    return "", last


def _stanzas(
    described: str, sentences: Sequence[tuple[str, str, str]], row_ends: Sequence[int]
) -> frozenset[int]:
    """Return the numbers of the lines before which a stanza begins.

    The description counts the sentences of each stanza, without pauses. The rows of a file end
    where a stanza ends, and elsewhere where they are long. So the stanza ends at the row end nearest
    to the count.
    """
    marks = [mark for _, _, mark in sentences]
    # the number of sentences up to each row end
    counted = [end - marks[:end].count("讀") - marks[:end].count("竹枝") for end in row_ends]
    wanted = []
    for which, numeral in _STANZA.findall(described):
        stanzas = 1
        if which in ("前後", "前兩", "後兩") or "、" in which:
            stanzas = 2
        elif which == "每":
            stanzas = _NUMBER.get(described[0], 2)
        wanted += [_value(numeral)] * stanzas
    if not wanted and len(row_ends) == 2:
        return frozenset(row_ends[:1])  # 龍榆生 counts no sentences
    begins = set()
    total = 0
    for count in wanted[:-1]:
        total += count
        nearest = min(range(len(row_ends)), key=lambda row: abs(counted[row] - total))
        begins.add(row_ends[nearest])
    return frozenset(begins - {len(sentences)})


def _numeral(number: int) -> str:
    """Return a number below 100 in Chinese."""
    tens, ones = divmod(number, 10)
    if tens == 0:
        return _DIGITS[ones]
    if tens == 1:
        return "十" + _DIGITS[ones]
    return _DIGITS[tens] + "十" + _DIGITS[ones]


def _value(numeral: str) -> int:
    """Return the value of a number below 100 in Chinese."""
    tens, ten, ones = numeral.rpartition("十")
    digits = {one: value for value, one in enumerate(_DIGITS[1:], 1)} | {"兩": 2}
    if not ten:
        return digits[ones]
    return 10 * digits.get(tens, 1) + digits.get(ones, 0)
