"""Build contexts.tsv, which resolves ambiguous Simplified characters by their neighbours.

    python -m tools.count contexts            # also prints how often the table is right on dev
    poems

云 is 雲 or 云, 发 is 發 or 髮. Each row has a Simplified character, the word that it most often
represents in verse (the usual word), and a cell for each other word. A cell has the word and its
weight, then the neighbouring characters before it (<) and after it (>) that favour or disfavour the
word, grouped by their weight. A weight is the evidence, in rounded nats, for this word over the
usual one. The counts are from the Tang and Song poems of the train split.

    weight of a word          ln (N_word + 1) / (N_usual + 1)
    weight of a neighbour n   ln ((n_word + k q) / (N_word + k)) - ln ((n_usual + k q) / (N_usual +
    k))

where N_word is the number of a word's occurrences in verse, n_word the number of those with the
neighbour n on that side, q the share of occurrences with n on that side among all words for which
the character may stand, and k = 2. All neighbours that are not listed share one weight, written …:
since 髮 mostly occurs in 白髮, any other character before it favours 發.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable

from pingze.corpus import Store
from pingze.files import table
from pingze.verse.character_table import to_traditional, variants
from pingze.verse.context import OTHER, in_context
from pingze.verse.standard import PINGSHUI

FEWEST = 20
"""A word with fewer occurrences is considered only if `_is_word` makes an exception."""
SPELLED = "台钟饥艳赞泛涌凄夸袅膻尸修朴绕沾凌"
"""Simplified characters for several forms of one word.

The form that verse has beside the neighbours is chosen.
"""
SMOOTHING = 2.0

_TELLING = 8
"""A neighbour that disfavours a word is listed if the usual word has it so often."""

Counts = Counter[tuple[str, str, str]]
"""The number of occurrences of each (word, side, neighbour)."""


def make() -> dict[str, list[str]]:
    """Return the lines of contexts.tsv."""
    with Store.open() as store:
        poems = (
            poem for name in ("tang", "song") for poem in store.poems(dynasty=name, split="train")
        )
        return {"contexts.tsv": learn(line for poem in poems for line in poem.lines)}


def ambiguous() -> dict[str, list[str]]:
    """Map each ambiguous Simplified character to the words for which it may stand."""
    found = {}
    for simple, others in table("simplified").items():
        words = list(dict.fromkeys((*others, simple)))
        words = [word for word in words if _is_word(word, others)]
        one_word = all(word in variants(words[0]) for word in words[1:]) and simple not in SPELLED
        if len(words) > 1 and not one_word:
            found[simple] = words
    return found


def _is_word(word: str, others: str) -> bool:
    """Return whether a word is frequent or, being Simplified, shares no reading with `others`."""
    held = PINGSHUI.row(word)
    read_as = set().union(*(PINGSHUI.row(other).rhymed for other in others))
    return held.used >= FEWEST or (
        word not in others and held.used > 0 and not read_as & held.rhymed.keys()
    )


def learn(lines: Iterable[str]) -> list[str]:
    """Learn the rows of contexts.tsv from lines of verse."""
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
    """Count each of `words` in lines of verse, alone and with each neighbour."""
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
    """Return the cell of a word: itself, its weight, and neighbours grouped by weight."""
    prior = math.log((totals[word] + 1) / (totals[usual] + 1))
    by_weight: dict[tuple[str, int], str] = defaultdict(str)
    others: dict[str, list[str]] = {"<": [], ">": []}
    all_ = sum(totals[each] for each in words)

    def weight_of(side: str, neighbours: list[str]) -> float:
        times = {each: sum(counts[each, side, one] for one in neighbours) for each in words}
        share = sum(times.values()) / all_
        shares = {
            each: (times[each] + SMOOTHING * share) / (totals[each] + SMOOTHING) for each in words
        }
        return math.log(shares[word] / shares[usual]) if share else 0.0

    for side, neighbour in sorted({*sides[word], *sides[usual]}):
        weight = weight_of(side, [neighbour])
        for_word, for_usual = counts[word, side, neighbour], counts[usual, side, neighbour]
        if ((weight > 0 and for_word > 1) or for_usual >= _TELLING) and round(weight):
            by_weight[side, round(weight)] += neighbour
        else:
            others[side].append(neighbour)
    for side, unlisted in others.items():
        if weight := round(weight_of(side, unlisted)):
            by_weight[side, weight] += OTHER
    cells = "".join(f"{side}{weight}{found}" for (side, weight), found in sorted(by_weight.items()))
    return f"{word}{round(prior)}{cells}"


def measure() -> str:
    """Convert dev poems to Simplified and back, and report the share of characters restored."""
    words = ambiguous()
    to_simple = {word: simple for simple, each in words.items() for word in each}
    to_simple = {
        word: simple for simple, each in table("simplified").items() for word in each
    } | to_simple
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
    return ", ".join(
        f"{name} {times:,} ({times / found['all']:.2%})" for name, times in found.items()
    )
