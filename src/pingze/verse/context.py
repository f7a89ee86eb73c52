"""Use neighboring characters to decide which word a Simplified character stands for, and which tone a character has.

云 is 雲 or 云, 发 is 發 or 髮: `data/contexts.tsv` records how strongly each neighboring character
favors each word. Many characters can have both tones, but usually only one within a given word: 思
is level in 相思 and oblique in 秋思. `data/senses.tsv` lists the meanings of such characters with
example words, and `data/word_tones.tsv` lists more words. `python -m tools.count contexts` makes
contexts.tsv from counts over the corpus; `python -m tools.count word_tones` makes word_tones.tsv.
"""

import math
import re
from collections.abc import Iterable, Sequence
from functools import cache

from pingze.files import table
from pingze.verse.character_table import (
    in_use,
    is_rare_word,
    simplified_forms,
    to_traditional,
    traditional_candidates,
)
from pingze.verse.patterns import word_starts
from pingze.verse.rhyme_groups import GROUPS, PINGSHUI, Standard
from pingze.verse.tones import sides, usual_sides

OTHER = "…"  # the sign in contexts.tsv for every neighbour that a row does not list
OPEN = "中"  # the sign in word_tones.tsv for a tone that the word does not decide

_CELL = re.compile(r"(.)(-?\d+)(.*)")
_NEIGHBOURS = re.compile(r"([<>])(-?\d+)([^<>\d-]+)")
_STRONG = math.log(20)

_Context = dict[str, tuple[int, dict[tuple[str, str], int]]]
"""For each word that a character may stand for: its weight, and the weights of neighbors before (<) or after (>) it."""


def in_context(text: str, *, keep_words: bool = False) -> str:
    """Convert each Simplified character of a text, resolving ambiguous ones by their neighbors.

    An ambiguous character becomes the word that its neighbors favor in verse: 白发 becomes 白髮,
    出发 becomes 出發. Some ambiguous characters, such as 云, are also words themselves. In a
    Traditional text, such a character stays as it is (宁 in 當宁). In a Simplified text, it changes
    if its neighbors favor another word. In a text with neither Simplified nor Traditional
    characters, it changes only on strong evidence. A mixed text counts as Simplified if it has at
    least as many Simplified as Traditional characters.

    Args:
        text: Any text.
        keep_words: Whether rare words such as 并 and 机 also stay as they are in a Traditional
            text. By default they become 並 and 機, as in the corpus. Changing this default would
            change the pinned digests of the corpus.
    """
    chosen, used = to_traditional(text), {*text}
    unsure = used & table("contexts").keys() | set(
        filter(is_rare_word, used & table("simplified").keys())
    )
    if not unsure:
        return chosen
    contexts, caution, kept = _contexts(), _caution(text), set[str]()
    if math.isinf(caution):
        kept = {
            one
            for one in unsure
            if one in contexts.get(one, ()) or (keep_words and is_rare_word(one))
        }
        if chosen != text:
            chosen = "".join(
                one if one in kept else other for one, other in zip(text, chosen, strict=True)
            )
    ambiguous = contexts.keys() & unsure - kept
    for _ in range(2 if ambiguous else 0):  # in the second pass the neighbours are resolved already
        read = (
            _choose(text, chosen, at, caution) if one in ambiguous else chosen[at]
            for at, one in enumerate(text)
        )
        chosen = "".join(read)
    return chosen


def lines_in_context(lines: Sequence[str]) -> list[str]:
    """Convert the lines of a poem as one text with `in_context`, but keep rare words such as 并."""
    return in_context("\n".join(lines), keep_words=True).split("\n") if lines else []


def other_words(text: str, read: str, place: int) -> list[str]:
    """Return the words that `text[place]` may stand for, other than `read[place]`; [] if `text` is Traditional."""
    words = {text[place], *traditional_candidates(text[place])} - {read[place]}
    return sorted(words) if words and not math.isinf(_caution(text)) else []


def _caution(text: str) -> float:
    """Return the evidence, in nats, required to change a character that is also a word itself."""
    if not (simple := sum(map(_only_simplified().__contains__, text))):
        return _STRONG if simplified_forms().keys().isdisjoint(text) else math.inf
    return 0.0 if simple >= sum(map(simplified_forms().__contains__, text)) else math.inf


@cache
def _only_simplified() -> frozenset[str]:
    """Return the Simplified characters that never occur as words in a Traditional text."""
    words = {one for one, context in _contexts().items() if one in context}
    simplified = table("simplified").keys() - words
    return frozenset(one for one in simplified if not in_use(one) and not is_rare_word(one))


def _choose(text: str, chosen: str, at: int, caution: float) -> str:
    """Return the word for `text[at]` that adjacent Han characters favor by at least `caution` nats, else `text[at]`."""
    contexts, character = _contexts(), text[at]
    beside = [
        (side, chosen[place], chosen[place] if text[place] in contexts else OTHER)
        for side, place in (("<", at - 1), (">", at + 1))
        if 0 <= place < len(text) and chosen[place].isalpha()
    ]
    weights = {
        word: weight
        + sum(
            neighbours.get((side, one), neighbours.get((side, other), 0))
            for side, one, other in beside
        )
        for word, (weight, neighbours) in contexts[character].items()
    }
    best = max(weights, key=lambda word: weights[word])
    return best if weights[best] - weights.get(character, -math.inf) >= caution else character


@cache
def _contexts() -> dict[str, _Context]:
    """Parse contexts.tsv; tools/contexts.py describes its rows."""
    found: dict[str, _Context] = {}
    for character, cells in table("contexts").items():
        usual, *others = cells.split("\t")
        found[character] = {usual: (0, {})}
        for word, weight, neighbours in _CELL.findall("\n".join(others)):
            listed = _NEIGHBOURS.findall(neighbours)
            weights = {
                (side, beside): int(times)
                for side, times, characters in listed
                for beside in characters
            }
            found[character][word] = (int(weight), weights)
    return found


@cache
def word_tones(standard: Standard = PINGSHUI) -> dict[str, str]:
    """Map each two-character word to its tones, such as 平仄, from counts or listed meanings.

    `OPEN` is undecided.
    """
    if standard.rimes:
        return table("mandarin_words")
    found = dict(table("word_tones"))
    for key, cells in table("senses").items():
        for word in cells.split("\t")[2].split():
            at = word.index(key[0])
            tones = found.get(word, OPEN * 2)
            found[word] = tones[:at] + GROUPS[key[1]].side + tones[at + 1 :]
    return found


def tones_by_word(
    line: str, starts: Iterable[int], standard: Standard = PINGSHUI
) -> dict[int, str]:
    """Map positions of a line to the tones that two-character words decide there; both tones if two words disagree.

    `starts` has the positions, from 0, at which a word of two characters may begin.
    """
    words, decided = word_tones(standard), dict[int, str]()
    for start in starts:
        if tones := words.get(line[start : start + 2]):
            for at, tone in enumerate(tones, start):
                if tone != OPEN:
                    decided[at] = decided.get(at, "") + tone
    return decided


def tones_in(
    line: str, starts: Iterable[int], standard: Standard = PINGSHUI
) -> list[frozenset[str]]:
    """Return a set of tones per character of a line: from `tones_by_word` if a word decides, else `usual_sides`."""
    decided = tones_by_word(line, starts, standard)
    return [
        frozenset(decided.get(at, "")) or usual_sides(each, standard)
        for at, each in enumerate(line)
    ]


def word_at(line: str, place: int, standard: Standard = PINGSHUI) -> str:
    """Return the word of two characters that decides the tone at a position in a line; "" if there is none."""
    words = word_tones(standard)
    starts = sorted({place - 1, place} & word_starts(2, len(line)))
    pairs = {start: line[start : start + 2] for start in starts}
    return next(
        (pair for start, pair in pairs.items() if words.get(pair, OPEN * 2)[place - start] != OPEN),
        "",
    )


def tones_within(
    words: Iterable[str], lines: Iterable[str] = (), standard: Standard = PINGSHUI
) -> dict[str, frozenset[str]]:
    """Map each character that can have both tones to its tones in `words` and `lines`.

    Lines may contain blanks.
    """
    texts = [(word, range(len(word) - 1)) for word in words]
    found: dict[str, frozenset[str]] = {}
    for text, starts in (*texts, *((line, word_starts(2, len(line))) for line in lines)):
        for character, tones in zip(text, tones_in(text, starts, standard), strict=True):
            if len(sides(character, standard)) == 2:
                found[character] = found.get(character, frozenset()) | tones
    return found
