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
    chosen = to_traditional(text)
    # 1) Find the characters whose conversion is not certain.
    used = set(text)
    unsure = used & table("contexts").keys()
    for character in used & table("simplified").keys():
        if is_rare_word(character):
            unsure.add(character)
    if not unsure:
        return chosen
    # 2) In a Traditional text, those that are words themselves stay as they are.
    contexts = _contexts()
    caution = _caution(text)
    kept = set()
    if math.isinf(caution):
        for character in unsure:
            is_word = character in contexts.get(character, ())
            if is_word or (keep_words and is_rare_word(character)):
                kept.add(character)
        if chosen != text:
            characters = list(chosen)
            for place, character in enumerate(text):
                if character in kept:
                    characters[place] = character
            chosen = "".join(characters)
    # 3) Resolve the others by their neighbours, twice: in the second pass the neighbours are
    # resolved already.
    ambiguous = (unsure - kept) & contexts.keys()
    if not ambiguous:
        return chosen
    places = [place for place, one in enumerate(text) if one in ambiguous]
    for _ in range(2):
        characters = list(chosen)
        for place in places:
            characters[place] = _choose(text, chosen, place, caution)
        chosen = "".join(characters)
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
    only_simplified = _only_simplified()
    only_traditional = simplified_forms()
    simplified = 0
    traditional = 0
    for character in text:
        if character in only_simplified:
            simplified += 1
        if character in only_traditional:
            traditional += 1
    if simplified == 0 and traditional == 0:
        return _STRONG
    return 0.0 if simplified >= traditional else math.inf


@cache
def _only_simplified() -> frozenset[str]:
    """Return the Simplified characters that never occur as words in a Traditional text."""
    words = {one for one, context in _contexts().items() if one in context}
    simplified = table("simplified").keys() - words
    return frozenset(one for one in simplified if not in_use(one) and not is_rare_word(one))


def _choose(text: str, chosen: str, at: int, caution: float) -> str:
    """Return the word for `text[at]` that adjacent characters favour by at least `caution` nats, else `text[at]`."""
    contexts = _contexts()
    character = text[at]
    # 1) The characters before and after: each as it is read and, if no row lists it, as `OTHER`.
    # An ambiguous one counts only as it is read.
    beside = []
    for side, place in (("<", at - 1), (">", at + 1)):
        if 0 <= place < len(text) and chosen[place].isalpha():
            neighbour = chosen[place]
            unlisted = neighbour if text[place] in contexts else OTHER
            beside.append((side, neighbour, unlisted))
    # 2) The evidence for each word: its own weight and those of its neighbours.
    weights = {}
    for word, (evidence, neighbours) in contexts[character].items():
        for side, neighbour, unlisted in beside:
            default = neighbours.get((side, unlisted), 0)
            evidence += neighbours.get((side, neighbour), default)
        weights[word] = evidence
    best = max(weights, key=lambda word: weights[word])
    advantage = weights[best] - weights.get(character, -math.inf)
    return best if advantage >= caution else character


@cache
def _contexts() -> dict[str, _Context]:
    """Parse contexts.tsv; tools/contexts.py describes its rows."""
    contexts: dict[str, _Context] = {}
    for character, cells in table("contexts").items():
        usual, *others = cells.split("\t")
        contexts[character] = {usual: (0, {})}
        for word, weight, neighbours in _CELL.findall("\n".join(others)):
            weights = {}
            for side, of_neighbour, characters in _NEIGHBOURS.findall(neighbours):
                for neighbour in characters:
                    weights[side, neighbour] = int(of_neighbour)
            contexts[character][word] = (int(weight), weights)
    return contexts
