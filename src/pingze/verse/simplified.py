"""Simplified and variant characters, and the forms that Tang texts are printed in."""

import math
import re
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache

from pingze.verse.character_table import entry, read, simplified

_NEIGHBOURS = re.compile(r"([<>])(-?\d+)([^<>\d-]+)")
_STRONG = math.log(20)

OTHER = "…"
"""Every neighbour that a row of contexts.tsv does not tell."""

_Context = dict[str, tuple[int, dict[tuple[str, str], int]]]
"""The words that a character may stand for: their weights, and those of neighbours, before (<) and after (>)."""

IN_USE = 30
"""A character that Tang verse has this often is a Traditional character in use, whatever else it may stand for.

So 后 里 云 余 几 stay as they are, and 愿 or 听, which the Tang corpus has a few times, become 願 and 聽.
"""


def to_traditional(text: str) -> str:
    """The text with each Simplified character that has exactly one Traditional counterpart converted.

    What stays: a character that is itself in use (`IN_USE`), and one that stands for several (发: 發 or 髮), unless
    only one of them is in use or they are variants of each other (为: 爲).
    """
    return "".join(map(_convert, text))


def in_context(text: str) -> str:
    """The text with each Simplified character converted, those that stand for several words by their neighbours.

    Which word verse has beside them decides: 白发 is 白髮, 出发 出發. One that is a word itself (云) is only taken
    for another in a text that has Simplified characters and not more Traditional ones, or in one that has neither and
    where the evidence is strong. So 宁 in 當宁 stays.
    """
    contexts, chosen = _contexts(), to_traditional(text)
    if contexts.keys().isdisjoint(text):
        return chosen
    caution = _caution(text)
    kept = {character for character in contexts.keys() & set(text) if character in contexts[character]}
    if math.isinf(caution) and kept == contexts.keys() & set(text):
        return "".join(one if one in kept else other for one, other in zip(text, chosen, strict=True))
    for _ in range(2):  # the second time the neighbours are chosen too
        chosen = "".join(
            _choose(contexts[one], one, list(_beside(text, chosen, at)), caution)
            if one in contexts
            else chosen[at]
            for at, one in enumerate(text)
        )
    return chosen


def lines_in_context(lines: Sequence[str]) -> list[str]:
    """A poem's lines, each read beside its neighbours."""
    return in_context("\n".join(lines)).split("\n") if lines else []


def _beside(text: str, chosen: str, at: int) -> Iterator[tuple[str, str, str]]:
    """The side of each neighbour at a place, the neighbour, and what else it is: `OTHER`, or itself if it is open.

    Marks and a text's ends tell nothing.
    """
    for side, place in (("<", at - 1), (">", at + 1)):
        if 0 <= place < len(text) and chosen[place].isalpha():
            yield side, chosen[place], chosen[place] if text[place] in _contexts() else OTHER


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
    contexts = _contexts()
    return frozenset(one for one in simplified() if not in_use(one) and one not in contexts.get(one, {}))


def _choose(context: _Context, character: str, beside: Sequence[tuple[str, str, str]], caution: float) -> str:
    """The word that a character stands for between its neighbours."""
    weights = {
        word: weight
        + sum(neighbours.get((side, one), neighbours.get((side, other), 0)) for side, one, other in beside)
        for word, (weight, neighbours) in context.items()
    }
    best = max(weights, key=lambda word: weights[word])
    return best if weights[best] - weights.get(character, -math.inf) >= caution else character


@cache
def _contexts() -> dict[str, _Context]:
    """For each ambiguous character its words, their weights, and the weights of neighbours that speak for them."""
    found: dict[str, _Context] = {}
    for line in read("contexts.tsv").splitlines():
        character, usual, *others = line.split("\t")
        found[character] = {usual: (0, {})}
        for cell in others:
            weight = re.match(r"-?\d+", cell[1:])
            assert weight, "a word has a weight"
            neighbours = {
                (side, beside): int(times)
                for side, times, characters in _NEIGHBOURS.findall(cell)
                for beside in characters
            }
            found[character][cell[0]] = (int(weight.group()), neighbours)
    return found


def traditional_candidates(character: str) -> tuple[str, ...]:
    """The Traditional characters that a Simplified one may stand for, the most used in Tang verse first."""
    return tuple(simplified().get(character, ()))


def variants(character: str) -> tuple[str, ...]:
    """Other written forms of a character, the most used in Tang verse first, as 溪 for 谿."""
    found = entry(character)
    return tuple(found.variants) if found else ()


@lru_cache(1 << 13)
def forms(character: str) -> tuple[str, ...]:
    """All written forms of a character's word, itself first: 回 迴 廻 are one word, which verse does not repeat."""
    found = [character]
    for one in found:
        found += [other for other in variants(one) if other not in found]
    return tuple(found)


@cache
def simplified_forms() -> dict[str, str]:
    """For each Traditional character the Simplified one that stands for it; characters that are both are not named."""
    return {other: character for character, others in simplified().items() for other in others}


@lru_cache(1 << 13)
def _convert(character: str) -> str:
    candidates = traditional_candidates(character)
    if not candidates or in_use(character):
        return character
    used = [candidate for candidate in candidates if in_use(candidate)] or list(candidates)
    forms = {used[0], *variants(used[0])}
    return used[0] if forms.issuperset(used) else character


def in_use(character: str) -> bool:
    """Whether Tang verse has a character, exactly as it is written, at least `IN_USE` times."""
    found = entry(character)
    return found is not None and found.count >= IN_USE
