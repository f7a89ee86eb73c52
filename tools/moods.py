"""Count for moods.tsv which characters verse of each mood prefers.

    python -m tools.count moods

It also prints how well the table tells the moods of dev poems apart.

Each row has a character and its values of m, as `composing.terms.mood` defines it, in joyful, calm and sad
verse. The poems are those of the train split whose title names exactly one mood. Each mood is
compared with the average of the other two. A character is left out unless in some mood it is more
than `LEAST` times as frequent, or as rare, as in the other two.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable

import numpy as np

from pingze.composing.options import MOODS
from pingze.composing.terms.mood import PRIOR
from pingze.composing.title_moods import CALM, TITLES
from pingze.corpus import CorpusPoem, Store
from pingze.files import table

LEAST = 1.25
LEISURE = re.compile(r"[閑閒]|幽居|山居|村居|隱居|幽棲|[靜晏宴]坐")
"""Matches the titles of calm poems."""

Rows = dict[str, list[float]]
"""The value of m in each of `MOODS`, by character."""


def make() -> dict[str, list[str]]:
    """Return the lines of moods.tsv."""
    with Store.open() as store:
        found = count(texts_by_mood(store.poems(split="train")))
    rows = []
    for character, values in found.items():
        cells = [character]
        cells += [f"{m:.1f}" for m in values]
        rows.append("\t".join(cells))
    return {"moods.tsv": rows}


def measure() -> str:
    """Report how well the package's moods.tsv distinguishes the moods of dev poems."""
    rows = {}
    for character, row in table("moods", "pingze.composing.terms").items():
        rows[character] = [float(cell) for cell in row.split("\t")]
    with Store.open() as store:
        texts = texts_by_mood(store.poems(split="dev"))
    return distinguished(texts, rows)


def distinguished(texts: dict[str, list[str]], rows: Rows) -> str:
    """Report, for each mood, the share of its poems whose sum of m is largest in that mood."""
    none = [0.0] * len(MOODS)
    told = []
    for number, mood in enumerate(MOODS):
        right = 0
        for text in texts[mood]:
            sums = np.sum([rows.get(character, none) for character in text], axis=0)
            right += sums.argmax() == number
        told.append(f"{mood}: {right / len(texts[mood]):.0%} of {len(texts[mood])}")
    return ", ".join(told)


def texts_by_mood(poems: Iterable[CorpusPoem]) -> dict[str, list[str]]:
    """Collect, by mood, the texts of the poems whose title names exactly one mood."""
    titles = TITLES | {CALM: LEISURE}
    texts: dict[str, list[str]] = defaultdict(list)
    for poem in poems:
        named = [mood for mood, title in titles.items() if title.search(poem.title)]
        if len(named) == 1:
            texts[named[0]].append("".join(poem.lines))
    return texts


def count(texts: dict[str, list[str]]) -> Rows:
    """Compute the rows, those of the most distinctive characters first."""
    counts = {mood: Counter("".join(texts[mood])) for mood in MOODS}
    totals = {mood: counts[mood].total() for mood in MOODS}

    def m(character: str, mood: str) -> float:
        others = [counts[other][character] / totals[other] for other in MOODS if other != mood]
        expected = totals[mood] * sum(others) / len(others)
        return math.log((counts[mood][character] + PRIOR) / (expected + PRIOR))

    characters: set[str] = set()
    for of_mood in counts.values():
        characters.update(of_mood)
    found = {}
    telling = {}
    for character in sorted(characters):
        values = [m(character, mood) for mood in MOODS]
        strongest = max(abs(value) for value in values)
        if strongest > math.log(LEAST):
            found[character] = values
            telling[character] = strongest
    return {
        character: found[character]
        for character in sorted(found, key=lambda character: -telling[character])
    }
