"""Read ambiguous characters by their neighbours: which word a Simplified one stands for, which tone it has in a word.

云 is 雲 or 云, 发 is 發 or 髮: `data/contexts.tsv` has the evidence of each neighbour for each word. Many characters
have both tones; within a word most have one: 思 is level in 相思, oblique in 秋思. `data/senses.tsv` has meanings of
such characters, with words; `data/word_tones.tsv` has further words. It and contexts.tsv are counted in the corpus
(`python -m scripts.count word_tones`, `contexts`).
"""

import math
import re
from collections.abc import Iterable, Sequence
from functools import cache

from pingze.verse.character_table import in_use, rare_words, simplified_forms, to_traditional
from pingze.verse.patterns import word_starts
from pingze.verse.rhyme_groups import GROUPS
from pingze.verse.tables import table
from pingze.verse.tones import sides, usual_sides

OTHER = "…"
"""Every neighbour that a row of contexts.tsv does not name."""
OPEN = "中"
"""A tone that word_tones.tsv leaves open."""

_CELL = re.compile(r"(.)(-?\d+)(.*)")
_NEIGHBOURS = re.compile(r"([<>])(-?\d+)([^<>\d-]+)")
_STRONG = math.log(20)

_Context = dict[str, tuple[int, dict[tuple[str, str], int]]]
"""The words that a character may stand for: their weights, and those of neighbours, before (<) and after (>)."""


def in_context(text: str, *, keep_words: bool = False) -> str:
    """Convert each Simplified character of a text, ambiguous ones by their neighbours.

    The word that verse has beside them is taken: 白发 is 白髮, 出发 出發. A character that is a word itself (云) is
    only read as another in a text that has Simplified characters and not more Traditional ones, or in one that has
    neither and where the evidence is strong. So 宁 in 當宁 stays. In a Traditional text `keep_words` also keeps rare
    words as 并 and 机; the corpus, whose digests are pinned, has 並 and 機.
    """
    contexts, chosen = _contexts(), to_traditional(text)
    ambiguous = contexts.keys() & set(text)
    rare = rare_words() & set(text) if keep_words else set()
    if not ambiguous | rare:
        return chosen
    caution = _caution(text)
    kept = {one for one in ambiguous if one in contexts[one]} | rare if math.isinf(caution) else set()
    chosen = "".join(one if one in kept else other for one, other in zip(text, chosen, strict=True))
    for _ in range(2 if ambiguous - kept else 0):  # the second time the neighbours are chosen too
        chosen = "".join(
            _choose(text, chosen, at, caution) if one in contexts and one not in kept else chosen[at]
            for at, one in enumerate(text)
        )
    return chosen


def lines_in_context(lines: Sequence[str]) -> list[str]:
    """Convert a poem's lines, each read beside the others."""
    return in_context("\n".join(lines), keep_words=True).split("\n") if lines else []


def _caution(text: str) -> float:
    """The evidence, in nats, that it takes to read a word as another for which it may stand."""
    simple = sum(map(_only_simplified().__contains__, text))
    traditional = sum(map(simplified_forms().__contains__, text))
    if simple and simple >= traditional:
        return 0.0
    return math.inf if traditional else _STRONG


@cache
def _only_simplified() -> frozenset[str]:
    """The Simplified characters that are no word of a Traditional text."""
    words = {one for one, context in _contexts().items() if one in context}
    return frozenset(
        one for one in table("simplified") if not in_use(one) and one not in rare_words() | words
    )


def _choose(text: str, chosen: str, at: int, caution: float) -> str:
    """The word that a character stands for between its neighbours; marks and a text's ends are no evidence."""
    contexts, character = _contexts(), text[at]
    beside = [
        (side, chosen[place], chosen[place] if text[place] in contexts else OTHER)
        for side, place in (("<", at - 1), (">", at + 1))
        if 0 <= place < len(text) and chosen[place].isalpha()
    ]
    weights = {
        word: weight
        + sum(neighbours.get((side, one), neighbours.get((side, other), 0)) for side, one, other in beside)
        for word, (weight, neighbours) in contexts[character].items()
    }
    best = max(weights, key=lambda word: weights[word])
    return best if weights[best] - weights.get(character, -math.inf) >= caution else character


@cache
def _contexts() -> dict[str, _Context]:
    """Parse contexts.tsv, whose rows scripts/contexts.py describes."""
    found: dict[str, _Context] = {}
    for character, cells in table("contexts").items():
        usual, *others = cells.split("\t")
        found[character] = {usual: (0, {})}
        for word, weight, neighbours in (cell for other in others for cell in _CELL.findall(other)):
            weights = {
                (side, beside): int(times)
                for side, times, characters in _NEIGHBOURS.findall(neighbours)
                for beside in characters
            }
            found[character][word] = (int(weight), weights)
    return found


@cache
def word_tones() -> dict[str, str]:
    """Words of two characters and the tone of each, `OPEN` where it is not decided: as counted, or by the meaning."""
    found = dict(table("word_tones"))
    for key, cells in table("senses").items():
        for word in cells.split("\t")[2].split():
            at = word.index(key[0])
            tones = found.get(word, OPEN * 2)
            found[word] = tones[:at] + GROUPS[key[1]].side + tones[at + 1 :]
    return found


def tones_by_word(line: str, starts: Iterable[int]) -> dict[int, str]:
    """The places of a line whose tone a word decides, and the tones in which verse reads them.

    Args:
        line: Characters without marks.
        starts: Where a word of two characters may begin, from 0.
    """
    words, decided = word_tones(), dict[int, str]()
    for start in starts:
        if tones := words.get(line[start : start + 2]):
            for at, tone in enumerate(tones, start):
                if tone != OPEN:
                    decided[at] = decided.get(at, "") + tone
    return decided


def tones_in(line: str, starts: Iterable[int]) -> list[frozenset[str]]:
    """The tones in which verse reads each character of a line: by its word, else every one that is not rare."""
    decided = tones_by_word(line, starts)
    return [frozenset(decided.get(at, "")) or usual_sides(each) for at, each in enumerate(line)]


def word_at(line: str, place: int) -> str:
    """The word of two characters that decides the tone at a place of a line of verse; "" where none does."""
    words = word_tones()
    starts = sorted({place - 1, place} & word_starts(2, len(line)))
    pairs = {start: line[start : start + 2] for start in starts}
    return next(
        (pair for start, pair in pairs.items() if words.get(pair, OPEN * 2)[place - start] != OPEN), ""
    )


def tones_within(words: Iterable[str], lines: Iterable[str] = ()) -> dict[str, frozenset[str]]:
    """The tones that characters of both tones have within words, and within lines, which may have blanks."""
    texts = [(word, range(len(word) - 1)) for word in words]
    found: dict[str, frozenset[str]] = {}
    for text, starts in (*texts, *((line, word_starts(2, len(line))) for line in lines)):
        for character, tones in zip(text, tones_in(text, starts), strict=True):
            if len(sides(character)) == 2:
                found[character] = found.get(character, frozenset()) | tones
    return found
