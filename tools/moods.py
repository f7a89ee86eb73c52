"""Count for moods.tsv which characters verse of each mood prefers.

    python -m tools.count moods               # also prints how well the table tells the moods of
    dev poems apart

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
    return {
        "moods.tsv": ["\t".join([one, *(f"{m:.1f}" for m in each)]) for one, each in found.items()]
    }


def measure() -> str:
    """Report how well the package's moods.tsv distinguishes the moods of dev poems."""
    cells = table("moods", "pingze.composing.terms")
    with Store.open() as store:
        texts = texts_by_mood(store.poems(split="dev"))
    return distinguished(
        texts, {one: [float(m) for m in row.split("\t")] for one, row in cells.items()}
    )


def distinguished(texts: dict[str, list[str]], rows: Rows) -> str:
    """Report, for each mood, the share of its poems whose sum of m is largest in that mood."""
    found, none = {}, [0.0] * len(MOODS)
    for at, mood in enumerate(MOODS):
        best = [
            np.sum([rows.get(one, none) for one in text], axis=0).argmax() for text in texts[mood]
        ]
        found[mood] = best.count(at) / len(best)
    return ", ".join(f"{mood}: {share:.0%} of {len(texts[mood])}" for mood, share in found.items())


def texts_by_mood(poems: Iterable[CorpusPoem]) -> dict[str, list[str]]:
    """Collect, by mood, the texts of the poems whose title names exactly one mood."""
    texts: dict[str, list[str]] = defaultdict(list)
    for poem in poems:
        named = [
            mood for mood, title in (TITLES | {CALM: LEISURE}).items() if title.search(poem.title)
        ]
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

    found = {one: [m(one, mood) for mood in MOODS] for one in sorted(set().union(*counts.values()))}
    telling = {one: max(map(abs, each)) for one, each in found.items()}
    return {
        one: found[one]
        for one in sorted(found, key=lambda one: -telling[one])
        if telling[one] > math.log(LEAST)
    }
