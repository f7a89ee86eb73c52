"""Learn which word an ambiguous Simplified character stands for, for contexts.tsv.

    python -m scripts.count contexts            # also prints how often the table is right on dev

云 is 雲 or 云, 发 is 發 or 髮. A row has a Simplified character, the word that verse has most often, and for each other
word the characters before it (<) and after it (>) that speak for it or against it, by the weight of their evidence in
nats, rounded; first comes the weight of the word itself. Counted in the train split's Tang and Song poems.

    weight of a word          ln (N_word + 1) / (N_usual + 1)
    weight of a neighbour n   ln ((n_word + k q) / (N_word + k)) - ln ((n_usual + k q) / (N_usual + k))

where N is how often verse has the word, n_word how often with n on that side, q the share of n among
all of them, k = 2. All neighbours that are not named are one, written …: 髮 is mostly 白髮, so that another character
before it speaks for 發.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable

from pingze.corpus import Store
from pingze.verse.character_table import entry, to_traditional, variants
from pingze.verse.context import OTHER, in_context
from pingze.verse.tables import table

FEWEST = 20
"""A word that verse has less often is not considered."""
SPELLED = "台钟饥艳赞泛涌凄夸袅膻尸修朴绕沾凌"
"""Simplified for several forms of one word, which are spelled as verse spells them beside the same neighbours."""
SMOOTHING = 2.0

_TELLING = 8
"""A character that seldom goes with another word is named if it is beside the usual word so often."""

Counts = Counter[tuple[str, str, str]]
"""(word, side, neighbour) -> how often."""


def make() -> dict[str, list[str]]:
    """The lines of the file."""
    with Store.open() as store:
        poems = (poem for name in ("tang", "song") for poem in store.poems(dynasty=name, split="train"))
        return {"contexts.tsv": learn(line for poem in poems for line in poem.lines)}


def ambiguous() -> dict[str, list[str]]:
    """For each Simplified character that stands for several words these words, itself among them where it is one."""
    found = {}
    for simple, others in table("simplified").items():
        words = list(dict.fromkeys((*others, simple)))
        words = [word for word in words if _is_word(word, others)]
        one_word = all(word in variants(words[0]) for word in words[1:]) and simple not in SPELLED
        if len(words) > 1 and not one_word:
            found[simple] = words
    return found


def _is_word(word: str, others: str) -> bool:
    """Whether verse has a word often enough, or it shares no reading with what it may stand for (宁 and 寧)."""
    held = entry(word)
    if held is None or held.count >= FEWEST:
        return held is not None
    read_as = set().union(*(each.rhymed for other in others if (each := entry(other))))
    return word not in others and held.count > 0 and not read_as & held.rhymed.keys()


def learn(lines: Iterable[str]) -> list[str]:
    """The rows of contexts.tsv."""
    words = ambiguous()
    totals, counts = count(lines, {word for each in words.values() for word in each})
    sides: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for word, side, neighbour in counts:
        sides[word].append((side, neighbour))
    rows = []
    for simple, each in sorted(words.items()):
        usual, *others = sorted(each, key=lambda word: -totals[word])
        cells = [describe(word, usual, each, totals, counts, sides) for word in others]
        rows.append("\t".join([simple, usual, *cells]))
    return rows


def count(lines: Iterable[str], words: set[str]) -> tuple[Counter[str], Counts]:
    """How often verse has each word, and with each neighbour."""
    totals: Counter[str] = Counter()
    counts: Counts = Counter()
    for line in lines:
        for at, word in enumerate(line):
            if word in words:
                totals[word] += 1
                if at:
                    counts[word, "<", line[at - 1]] += 1
                if at + 1 < len(line):
                    counts[word, ">", line[at + 1]] += 1
    return totals, counts


def describe(
    word: str,
    usual: str,
    words: list[str],
    totals: Counter[str],
    counts: Counts,
    sides: dict[str, list[tuple[str, str]]],
) -> str:
    """A word, its weight, and the neighbours that speak for it, those of equal weight together."""
    prior = math.log((totals[word] + 1) / (totals[usual] + 1))
    by_weight: dict[tuple[str, int], str] = defaultdict(str)
    others: dict[str, list[str]] = {"<": [], ">": []}
    all_ = sum(totals[each] for each in words)

    def weight_of(side: str, neighbours: list[str]) -> float:
        times = {each: sum(counts[each, side, one] for one in neighbours) for each in words}
        share = sum(times.values()) / all_
        shares = {each: (times[each] + SMOOTHING * share) / (totals[each] + SMOOTHING) for each in words}
        return math.log(shares[word] / shares[usual]) if share else 0.0

    for side, neighbour in sorted({*sides[word], *sides[usual]}):
        weight = weight_of(side, [neighbour])
        for_word, for_usual = counts[word, side, neighbour], counts[usual, side, neighbour]
        if ((weight > 0 and for_word > 1) or for_usual >= _TELLING) and round(weight):
            by_weight[side, round(weight)] += neighbour
        else:
            others[side].append(neighbour)
    for side, untold in others.items():
        if weight := round(weight_of(side, untold)):
            by_weight[side, weight] += OTHER
    cells = "".join(f"{side}{weight}{found}" for (side, weight), found in sorted(by_weight.items()))
    return f"{word}{round(prior)}{cells}"


def measure() -> str:
    """How many characters of ambiguous words come back after poems of dev were put into Simplified characters."""
    words = ambiguous()
    to_simple = {word: simple for simple, each in words.items() for word in each}
    to_simple = {word: simple for simple, each in table("simplified").items() for word in each} | to_simple
    with Store.open() as store:
        poems = ["".join(poem.lines) for poem in store.poems(dynasty="tang", split="dev")]
    found: Counter[str] = Counter()
    for text in poems:
        simple = "".join(to_simple.get(character, character) for character in text)
        for was, written, now in zip(text, simple, in_context(simple), strict=True):
            if written in words:
                right = (was, *variants(was))
                found["all"] += 1
                found["in context"] += now in right
                found["alone"] += to_traditional(written) in right
    return ", ".join(f"{name} {times:,} ({times / found['all']:.2%})" for name, times in found.items())
