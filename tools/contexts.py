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
    lines: list[str] = []
    with Store.open() as store:
        for dynasty in ("tang", "song"):
            for poem in store.poems(dynasty=dynasty, split="train"):
                lines += poem.lines
    return {"contexts.tsv": learn(lines)}


def ambiguous() -> dict[str, list[str]]:
    """Map each ambiguous Simplified character to the words for which it may stand."""
    found = {}
    for simple, others in table("simplified").items():
        words = [word for word in dict.fromkeys(others + simple) if _is_word(word, others)]
        one_word = all(word in variants(words[0]) for word in words[1:]) and simple not in SPELLED
        if len(words) > 1 and not one_word:
            found[simple] = words
    return found


def _is_word(word: str, others: str) -> bool:
    """Return whether a word is frequent or, being Simplified, shares no reading with `others`."""
    row = PINGSHUI.row(word)
    if row.used >= FEWEST:
        return True
    if word in others or row.used == 0:
        return False
    return not any(row.rhymed.keys() & PINGSHUI.row(other).rhymed.keys() for other in others)


def learn(lines: Iterable[str]) -> list[str]:
    """Learn the rows of contexts.tsv from lines of verse."""
    words_of = ambiguous()
    wanted: set[str] = set()
    for words in words_of.values():
        wanted.update(words)
    totals, counts = count(lines, wanted)
    sides: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for word, side, neighbour in counts:
        sides[word].append((side, neighbour))
    rows = []
    for simple, words in sorted(words_of.items()):
        usual, *others = sorted(words, key=lambda word: -totals[word])
        cells = [simple, usual]
        cells += [describe(word, usual, words, totals, counts, sides) for word in others]
        rows.append("\t".join(cells))
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
    total = sum(totals[each] for each in words)

    def times(of: str, side: str, neighbours: list[str]) -> int:
        return sum(counts[of, side, neighbour] for neighbour in neighbours)

    def weight_of(side: str, neighbours: list[str]) -> float:
        share = sum(times(each, side, neighbours) for each in words) / total
        if not share:
            return 0.0
        of_word = times(word, side, neighbours) + SMOOTHING * share
        of_usual = times(usual, side, neighbours) + SMOOTHING * share
        share_of_word = of_word / (totals[word] + SMOOTHING)
        share_of_usual = of_usual / (totals[usual] + SMOOTHING)
        return math.log(share_of_word / share_of_usual)

    # 1) The neighbours that are listed, by side and weight.
    by_weight: dict[tuple[str, int], str] = defaultdict(str)
    others: dict[str, list[str]] = {"<": [], ">": []}
    for side, neighbour in sorted(set(sides[word]).union(sides[usual])):
        weight = weight_of(side, [neighbour])
        favours = weight > 0 and counts[word, side, neighbour] > 1
        disfavours = counts[usual, side, neighbour] >= _TELLING
        if (favours or disfavours) and round(weight):
            by_weight[side, round(weight)] += neighbour
        else:
            others[side].append(neighbour)
    # 2) All others together.
    for side, unlisted in others.items():
        rounded = round(weight_of(side, unlisted))
        if rounded:
            by_weight[side, rounded] += OTHER
    # 3) The cell.
    prior = math.log((totals[word] + 1) / (totals[usual] + 1))
    cell = f"{word}{round(prior)}"
    for (side, rounded), neighbours in sorted(by_weight.items()):
        cell += f"{side}{rounded}{neighbours}"
    return cell


def measure() -> str:
    """Convert dev poems to Simplified and back, and report the share of characters restored."""
    # 1) The Simplified form of each word: as `ambiguous` has it, else as the table has.
    words = ambiguous()
    to_simple = {}
    for simple, forms in table("simplified").items():
        to_simple.update(dict.fromkeys(forms, simple))
    for simple, forms_of_words in words.items():
        to_simple.update(dict.fromkeys(forms_of_words, simple))
    # 2) The poems, there and back.
    with Store.open() as store:
        poems = ["".join(poem.lines) for poem in store.poems(dynasty="tang", split="dev")]
    found: Counter[str] = Counter()
    for text in poems:
        simple = "".join(to_simple.get(character, character) for character in text)
        for was, written, now in zip(text, simple, in_context(simple), strict=True):
            if written in words:
                right = {was}
                right.update(variants(was))
                found["all"] += 1
                found["in context"] += now in right
                found["alone"] += to_traditional(written) in right
    shares = [f"{name} {times:,} ({times / found['all']:.2%})" for name, times in found.items()]
    return ", ".join(shares)
