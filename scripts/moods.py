"""Count which characters the moods of verse prefer, for moods.tsv.

    python -m scripts.count moods               # also prints how often the table distinguishes the moods of dev

A row is a character and its m in joyful, calm and sad verse, as `steering.mood` defines it. The poems are
those of the corpus's train split whose title names one mood; the other two moods count equally. A character is left out
where no mood has it `LEAST` times as often as the others, or as seldom.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable

import numpy as np

from pingze.composing.steering.mood import CALM, MOODS, PRIOR, TITLES
from pingze.corpus import CorpusPoem, Store
from pingze.verse.tables import table

LEAST = 1.25
LEISURE = re.compile(r"[閑閒]|幽居|山居|村居|隱居|幽棲|[靜晏宴]坐")
"""Titles of calm poems."""

Rows = dict[str, list[float]]
"""Character -> its m in each of `MOODS`."""


def make() -> dict[str, list[str]]:
    """The lines of the file."""
    with Store.open() as store:
        found = count(texts_by_mood(store.poems(split="train")))
    return {"moods.tsv": ["\t".join([one, *(f"{m:.1f}" for m in each)]) for one, each in found.items()]}


def measure() -> str:
    """Say how well the package's file distinguishes the moods of dev."""
    cells = table("moods", "pingze.composing.steering")
    with Store.open() as store:
        texts = texts_by_mood(store.poems(split="dev"))
    return distinguished(texts, {one: [float(m) for m in row.split("\t")] for one, row in cells.items()})


def distinguished(texts: dict[str, list[str]], rows: Rows) -> str:
    """How many poems of each mood have a larger sum of m in it than in the others."""
    found, none = {}, [0.0] * len(MOODS)
    for at, mood in enumerate(MOODS):
        best = [np.sum([rows.get(one, none) for one in text], axis=0).argmax() for text in texts[mood]]
        found[mood] = best.count(at) / len(best)
    return ", ".join(f"{mood}: {share:.0%} of {len(texts[mood])}" for mood, share in found.items())


def texts_by_mood(poems: Iterable[CorpusPoem]) -> dict[str, list[str]]:
    """The texts of the poems whose title names one mood."""
    texts: dict[str, list[str]] = defaultdict(list)
    for poem in poems:
        told = [mood for mood, title in (TITLES | {CALM: LEISURE}).items() if title.search(poem.title)]
        if len(told) == 1:
            texts[told[0]].append("".join(poem.lines))
    return texts


def count(texts: dict[str, list[str]]) -> Rows:
    """The rows, the most telling characters first."""
    counts = {mood: Counter("".join(texts[mood])) for mood in MOODS}
    totals = {mood: counts[mood].total() for mood in MOODS}

    def m(character: str, mood: str) -> float:
        others = [counts[other][character] / totals[other] for other in MOODS if other != mood]
        expected = totals[mood] * sum(others) / len(others)
        return math.log((counts[mood][character] + PRIOR) / (expected + PRIOR))

    found = {one: [m(one, mood) for mood in MOODS] for one in sorted(set().union(*counts.values()))}
    telling = {one: max(map(abs, each)) for one, each in found.items()}
    return {
        one: found[one]
        for one in sorted(found, key=lambda one: -telling[one])
        if telling[one] > math.log(LEAST)
    }
