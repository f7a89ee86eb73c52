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
    characters_of_text = set(text)
    unsure = characters_of_text & table("contexts").keys()
    for character in characters_of_text & table("simplified").keys():
        if is_rare_word(character):
            unsure.add(character)
    if not unsure:
        return chosen
    # 2) In a Traditional text, for which no evidence is enough, the unsure characters that are words
    # themselves stay as they are.
    contexts = _contexts()
    required_evidence = _required_evidence(text)
    kept = set()
    if math.isinf(required_evidence):
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
    # 3) Resolve the others by their neighbours, twice: in the first pass, a neighbour may itself be
    # unresolved.
    ambiguous = (unsure - kept) & contexts.keys()
    if not ambiguous:
        return chosen
    places = [place for place, character in enumerate(text) if character in ambiguous]
    for _ in range(2):
        characters = list(chosen)
        for place in places:
            characters[place] = _favoured_word(text, chosen, place, required_evidence)
        chosen = "".join(characters)
    return chosen


def lines_in_context(lines: Sequence[str]) -> list[str]:
    """Convert the lines of a poem as one text with `in_context`, but keep rare words such as 并."""
    return in_context("\n".join(lines), keep_words=True).split("\n") if lines else []


def other_words(text: str, read: str, place: int) -> list[str]:
    """Return the words that `text[place]` may stand for, other than `read[place]`; [] if `text` is Traditional."""
    words = {text[place], *traditional_candidates(text[place])} - {read[place]}
    return sorted(words) if words and not math.isinf(_required_evidence(text)) else []


def _required_evidence(text: str) -> float:
    """Return the evidence, in nats, required to change a character that is also a word itself.

    It is infinite in a Traditional text, where no such character is changed.
    """
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


def _favoured_word(text: str, chosen: str, place: int, required_evidence: float) -> str:
    """Return the word for which `text[place]` stands, as its neighbours have it.

    It is the word that they favour most. If the character is also a word itself, another word must
    have an advantage of `required_evidence` nats; else the character is returned.

    `chosen` has the words for all characters of `text`, as far as they are known.
    """
    contexts = _contexts()
    character = text[place]
    # 1) The characters before and after: each as it is read, with the key that is looked up if the
    # word's row does not list it. An ambiguous neighbour counts only as it is read, since it may
    # be read wrongly.
    neighbours = []
    for side, neighbour_place in (("<", place - 1), (">", place + 1)):
        if 0 <= neighbour_place < len(text) and chosen[neighbour_place].isalpha():
            neighbour = chosen[neighbour_place]
            is_ambiguous = text[neighbour_place] in contexts
            key_if_unlisted = neighbour if is_ambiguous else OTHER
            neighbours.append((side, neighbour, key_if_unlisted))
    # 2) The evidence for each word: its own weight and those of its neighbours.
    evidence = {}
    for word, (weight, weights_of_neighbours) in contexts[character].items():
        for side, neighbour, key_if_unlisted in neighbours:
            weight_if_unlisted = weights_of_neighbours.get((side, key_if_unlisted), 0)
            weight += weights_of_neighbours.get((side, neighbour), weight_if_unlisted)
        evidence[word] = weight
    best = max(evidence, key=lambda word: evidence[word])
    # a character that is no word itself always changes
    advantage = evidence[best] - evidence.get(character, -math.inf)
    return best if advantage >= required_evidence else character


@cache
def _contexts() -> dict[str, _Context]:
    """Parse contexts.tsv; tools/contexts.py describes its rows."""
    contexts: dict[str, _Context] = {}
    for character, cells in table("contexts").items():
        usual_word, *other_cells = cells.split("\t")
        contexts[character] = {usual_word: (0, {})}  # the weights of the others are relative to it
        for word, weight, neighbours in _CELL.findall("\n".join(other_cells)):
            weights = {}
            for side, neighbour_weight, characters in _NEIGHBOURS.findall(neighbours):
                for neighbour in characters:
                    weights[side, neighbour] = int(neighbour_weight)
            contexts[character][word] = (int(weight), weights)
    return contexts
