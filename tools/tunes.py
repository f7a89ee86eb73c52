"""Count the patterns of the tunes 詞牌 from the 詞 of the train split: tunes.tsv.

    python -m tools.count tunes

1. The pieces of a tune and its other names are grouped by their number of characters and the tone
   of their last rhyme. Pieces whose lines end at nearly the same positions have one shape, whose
   lines are those of most pieces: editions differ in where they put a mark. A shape counts if a
   fifth of the tune's pieces, and at least ten, have it.
2. Two lines rhyme with each other if the last characters of half of the pieces share a part of
   詞林正韻 there; lines that do so with each other are one rhyme. Lines of one rhyme may differ in
   tone (西江月).
3. A position is set if nine in ten of the characters of one reading there have the same tone.

The columns of tunes.tsv are the shape's name; the tune's other names; the tune's pieces; the
shape's pieces; the lines; for each line the share of level tones at each position, in percent; and
the share of pieces in which the line rhymes. A line is written as its tones (P level, Z oblique, x
either), then for a rhyming line the number of its rhyme and its class (平, 仄 or 入), then its
mark, and | where a stanza ends. It begins with = if it repeats what precedes it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, combinations
from typing import NamedTuple

from pingze.corpus import CorpusPoem, Store
from pingze.verse.characters import MARKS, only_han
from pingze.verse.checking import check
from pingze.verse.parts import ENTERING
from pingze.verse.rhyme_groups import LEVEL, NUMBERS, OBLIQUE
from pingze.verse.standard import PINGSHUI
from pingze.verse.tunes import find_tune, shapes_of, tunes

TUNE_PIECES, SHAPE_PIECES, SHAPE_SHARE = 30, 10, 0.2
MOVED = 0.34
"""The share of line ends that may differ between two pieces of one shape."""
SET = 0.9
RHYMES, RHYMING = 0.5, 0.7
"""The least shares of pieces in which lines of one rhyme agree, on average and each."""
ONE_STANZA = 40
"""Shorter tunes have one stanza, unless it divides them in halves."""

OTHER_NAMES = """\
念奴嬌 百字令 酹江月 大江東去 壺中天 百字謠 湘月
賀新郎 金縷曲 賀新涼 乳燕飛 金縷歌 貂裘換酒
蝶戀花 鵲踏枝 鳳栖梧 一籮金
浣溪沙 浣溪紗 減字浣溪沙
攤破浣溪沙 山花子 攤破浣溪紗
南歌子 南柯子 望秦川
江城子 江神子
採桑子 采桑子 醜奴兒 羅敷媚
踏莎行 踏雲行
玉樓春 木蘭花
憶江南 江南好 夢江南
望江南 望蓬萊
唐多令 南樓令 糖多令
浪淘沙 賣花聲 浪淘沙令
一斛珠 醉落魄
菩薩蠻 子夜歌 重疊金
如夢令 憶仙姿 宴桃源
減字木蘭花 減蘭
水龍吟 龍吟曲 小樓連苑
摸魚兒 買陂塘 邁陂塘 摸魚子
憶秦娥 秦樓月
擣練子 深院月
憶王孫 豆葉黃
齊天樂 臺城路
阮郎歸 醉桃源
鷓鴣天 思佳客
一剪梅 一翦梅
調笑令 轉應曲 宮中調笑
蘇武慢 過秦樓 選冠子
慶春宮 慶宮春
眼兒媚 秋波媚
桃源憶故人 虞美人影
破陣子 十拍子
河滿子 何滿子
相見歡 上西樓 秋夜月
"""
"""Each tune with its other names, as the corpus writes them."""
NOT_TUNES = (
    "失調名",
    "臺灣竹枝詞",
    "和西湖竹枝詞",
    "江南春柳詞七十二首楊柳枝",
    "導引",
    "法駕導引",
    "詞變赤棗子變漁父",
)

Feet = Sequence[frozenset[str]]


class Piece(NamedTuple):
    """A piece of 詞 as it is counted."""

    text: str
    """Its characters, without marks."""
    ends: dict[int, str]
    """The mark after each line, by the number of characters before it."""
    stanzas: frozenset[int]
    """The numbers of characters before each stanza but the first."""
    shows: bool
    """Whether the edition shows stanzas; that of the 詞 of Song does not."""

    @classmethod
    def of(cls, poem: CorpusPoem) -> "Piece":
        """Read the line ends and stanzas of a poem's text."""
        ends, at = dict[int, str](), 0
        for one in poem.text:
            if one in MARKS:
                ends[at] = ends.get(at, one)
            at += one not in MARKS and one != "\n"
        stanzas = frozenset(accumulate(len(only_han(part)) for part in poem.text.split("\n")[:-1]))
        return cls(
            only_han(poem.text),
            ends,
            stanzas,
            bool(stanzas) or poem.dynasty not in ("tang", "song"),
        )


def make() -> dict[str, list[str]]:
    """Count all tunes, those with the most pieces first."""
    with Store.open() as store:
        return {"tunes.tsv": list(rows(store.ci(split="train")))}


def measure() -> str:
    """Count dev pieces of known tunes: all, those named rightly, those without a fault."""
    found: Counter[str] = Counter()
    with Store.open() as store:
        for poem in store.ci(split="dev"):
            if not (tune := find_tune(poem.tune)):
                continue
            verdict = check(poem.text)
            named = find_tune(verdict.form) if verdict.form else None
            found["pieces"] += 1
            found["has a shape of its tune"] += any(
                shape.divides(poem.lines) for shape in shapes_of(tune)
            )
            found["named"] += named is not None and named.names == tune.names
            found["without fault"] += named is not None and named.names == tune.names and verdict.ok
            found.update(
                {fault.rule: 1 for fault in verdict.violations} if verdict.form in tunes() else {}
            )
    return ", ".join(f"{name} {count:,}" for name, count in found.items())


def rows(poems: Iterable[CorpusPoem]) -> Iterator[str]:
    """Yield a row of the table for each shape of each tune."""
    others = {first: more for first, *more in map(str.split, OTHER_NAMES.splitlines())}
    names = {name: first for first, more in others.items() for name in (first, *more)}
    of_tune: dict[str, list[Piece]] = defaultdict(list)
    for poem in poems:
        if poem.tune not in NOT_TUNES:
            of_tune[names.get(poem.tune, poem.tune)].append(Piece.of(poem))
    for tune, pieces in sorted(of_tune.items(), key=lambda item: (-len(item[1]), item[0])):
        if len(pieces) < TUNE_PIECES:
            continue
        found = [
            shape
            for shape in shapes(pieces)
            if len(shape) >= max(SHAPE_PIECES, SHAPE_SHARE * len(pieces))
        ]
        number = 0
        for shape in sorted(found, key=len, reverse=True):
            if pattern := describe(shape):
                number += 1
                name = tune if number == 1 else f"{tune}·格{NUMBERS[number - 1]}"
                yield "\t".join(
                    [
                        name,
                        " ".join(others.get(tune, [])),
                        f"{len(pieces)}",
                        f"{len(shape)}",
                        *pattern,
                    ]
                )


def shapes(pieces: Sequence[Piece]) -> Iterator[list[Piece]]:
    """Divide pieces by their size and last tone, then by where their lines end."""
    by_size: dict[object, list[Piece]] = defaultdict(list)
    for piece in pieces:
        if len(last := PINGSHUI.tones(piece.text[-1])) == 1:
            by_size[len(piece.text), last].append(piece)
    for same in by_size.values():
        left = same
        while left:
            ends = Counter(tuple(sorted(piece.ends)) for piece in left).most_common(1)[0][0]
            near = [
                piece for piece in left if len(set(ends) ^ set(piece.ends)) <= MOVED * len(ends)
            ]
            yield near
            left = [piece for piece in left if piece not in near]


def describe(pieces: Sequence[Piece]) -> list[str]:
    """Return a shape's lines, level tones and rhymes; [] without a certain pattern."""
    ends = Counter(tuple(sorted(piece.ends)) for piece in pieces).most_common(1)[0][0]
    size = len(pieces[0].text)
    if ends[-1] != size:
        return []
    level = [_share_of_level(pieces, at) for at in range(size)]
    tones = ["P" if share >= SET else "Z" if share <= 1 - SET else "x" for share in level]
    starts = [0, *ends[:-1]]
    widths = [end - start for start, end in zip(starts, ends, strict=True)]
    rhymes = find_rhymes([[piece.text[end - 1] for end in ends] for piece in pieces])
    if not rhymes or len(ends) - 1 not in rhymes:
        return []
    if {*widths} in ({5}, {7}) and len(ends) in (4, 8) and rhymes[len(ends) - 1][1] == LEVEL:
        return []  # a 絕 or 律 that was sung
    stanzas = Counter(
        at for piece in pieces for at in piece.stanzas if size >= ONE_STANZA or 2 * at == size
    )
    shown = sum(piece.shows for piece in pieces)
    lines, shares = list[str](), list[str]()
    for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
        marks = Counter(
            "。" if one in "。？！；" else "，" if one == "：" else one
            for p in pieces
            if (one := p.ends.get(end))
        )
        line = "".join(tones[start:end])
        if number in rhymes:
            rhyme, kind, _ = rhymes[number]
            line = line[:-1] + ("P" if kind == LEVEL else "Z") + f"{rhyme}{kind}"
        before = [piece.text[2 * start - end : start] == piece.text[start:end] for piece in pieces]
        repeats = "=" if end - start <= start and sum(before) >= SET * len(pieces) else ""
        stanza = "|" if shown and stanzas[end] > shown / 2 and end < size else ""
        lines.append(repeats + line + marks.most_common(1)[0][0] + stanza)
        shares.append(".".join(f"{100 * share:.0f}" for share in level[start:end]))
    rhyming = (
        f"{100 * rhymes[number][2]:.0f}" if number in rhymes else "0" for number in range(len(ends))
    )
    return [" ".join(lines), " ".join(shares), " ".join(rhyming)]


def _share_of_level(pieces: Sequence[Piece], at: int) -> float:
    found = Counter(
        next(iter(can)) for piece in pieces if len(can := PINGSHUI.tones(piece.text[at])) == 1
    )
    return found[LEVEL] / found.total() if found else 0.5


def find_rhymes(pieces: Sequence[Sequence[str]]) -> dict[int, tuple[int, str, float]]:
    """Find the rhyming lines, each with its rhyme from 1, its class and how often it rhymes.

    Args:
        pieces: The last characters of the lines of each piece.
    """
    count = len(pieces[0])
    parts = [[frozenset(part for part, _ in _rhymes(foot)) for foot in feet] for feet in pieces]
    agree = {
        (a, b): sum(bool(feet[a] & feet[b]) for feet in parts) / len(parts)
        for a, b in combinations(range(count), 2)
    }
    # 1) Join the lines that agree most, as long as the lines of two clusters agree in half of the
    # pieces on average.
    clusters = [[line] for line in range(count)]
    while len(clusters) > 1:
        mean = {
            (a, b): sum(agree[min(i, j), max(i, j)] for i in clusters[a] for j in clusters[b])
            / (len(clusters[a]) * len(clusters[b]))
            for a, b in combinations(range(len(clusters)), 2)
        }
        a, b = max(mean, key=lambda pair: mean[pair])
        if mean[a, b] < RHYMES:
            break
        clusters[a] += clusters.pop(b)
    # 2) Number the rhymes by their first lines, and find the class of each line.
    found: dict[int, tuple[int, str, float]] = {}
    for number, lines in enumerate(
        sorted(map(sorted, (each for each in clusters if len(each) > 1))), 1
    ):
        level = {line: _class([feet[line] for feet in pieces]) == LEVEL for line in lines}
        kinds = {
            side: _class([feet[line] for feet in pieces for line in lines if level[line] == side])
            for side in set(level.values())
        }
        for line in lines:
            others = [other for other in lines if other != line]
            share = sum(agree[min(line, other), max(line, other)] for other in others) / len(others)
            if share >= RHYMING:
                found[line] = number, kinds[level[line]], share
    return found


def _class(feet: Sequence[str]) -> str:
    """Return the class of rhymes: level, oblique, or entering if nine in ten are."""
    kinds = Counter(
        next(iter(kinds)) for foot in feet if len(kinds := {kind for _, kind in _rhymes(foot)}) == 1
    )
    oblique = kinds[OBLIQUE] + kinds[ENTERING]
    if kinds[LEVEL] > oblique:
        return LEVEL
    return ENTERING if kinds[ENTERING] >= SET * oblique else OBLIQUE


_rhymes = PINGSHUI.parts.rhymes
