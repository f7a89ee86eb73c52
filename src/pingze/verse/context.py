"""Use neighbouring characters to decide which word a Simplified character stands for.

云 is 雲 or 云, 发 is 發 or 髮: `data/contexts.tsv` records how strongly each neighbouring character
favours each word. `python -m tools.count contexts` makes it from counts over the corpus.
"""

import math
import re
from collections.abc import Sequence
from functools import cache

from pingze.files import table
from pingze.verse.character_table import (
    in_use,
    is_rare_word,
    simplified_forms,
    to_traditional,
    traditional_candidates,
)

OTHER = "…"  # the sign in contexts.tsv for every neighbour that a row does not list

_CELL = re.compile(r"(.)(-?\d+)(.*)")
_NEIGHBOURS = re.compile(r"([<>])(-?\d+)([^<>\d-]+)")
_STRONG = math.log(20)

_Context = dict[str, tuple[int, dict[tuple[str, str], int]]]
"""For each word that a character may stand for: its weight, and those of neighbours before (<) or after (>) it."""


def in_context(text: str, *, keep_words: bool = False) -> str:
    """Convert each Simplified character of a text, resolving ambiguous ones by their neighbours.

    An ambiguous character becomes the word that its neighbours favour in verse: 白发 becomes 白髮,
    出发 becomes 出發. Some ambiguous characters, such as 云, are also words themselves. In a
    Traditional text, such a character stays as it is (宁 in 當宁). In a Simplified text, it changes
    if its neighbours favour another word. In a text with neither Simplified nor Traditional
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
    """Return the word for `text[at]` that adjacent characters favour by at least `caution` nats, else `text[at]`."""
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
