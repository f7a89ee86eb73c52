"""Count which characters the moods of verse prefer, for src/pingze/composing/steering/data/moods.tsv.

    python -m scripts.count_moods            # writes the file, and prints how often it tells the moods of dev apart
    python -m scripts.count_moods --only-measure

A row is a character and its m in joyful, calm and sad verse, as `steering.mood` defines it. The poems are
those of the corpus's train split whose title tells one mood; the other two moods count equally. A character is left out
where no mood has it `LEAST` times as often as the others, or as seldom.
"""

import argparse
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from pingze.composing.steering.mood import CALM, MOODS, PRIOR, TITLES
from pingze.corpus import CorpusPoem, Store

FILE = Path(__file__).parents[1] / "src" / "pingze" / "composing" / "steering" / "data" / "moods.tsv"
LEAST = 1.25
LEISURE = re.compile(r"[閑閒]|幽居|山居|村居|隱居|幽棲|[靜晏宴]坐")
"""Titles of calm poems."""

Rows = dict[str, list[float]]
"""Character -> its m in each of `MOODS`."""


def main() -> None:
    """Count and write, then measure."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=FILE, help="where the file goes")
    parser.add_argument("--only-measure", action="store_true", help="write nothing")
    asked = parser.parse_args()
    with Store.open() as store:
        rows = count(texts_by_mood(store.poems(split="train")))
        if not asked.only_measure:
            lines = ("\t".join([one, *(f"{m:.1f}" for m in each)]) + "\n" for one, each in rows.items())
            asked.out.write_text("".join(lines), encoding="utf-8", newline="\n")
        print(measure(texts_by_mood(store.poems(split="dev")), rows))


def texts_by_mood(poems: Iterable[CorpusPoem]) -> dict[str, list[str]]:
    """The texts of the poems whose title tells one mood."""
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

    rows = {one: [m(one, mood) for mood in MOODS] for one in sorted(set().union(*counts.values()))}
    telling = {one: max(map(abs, each)) for one, each in rows.items()}
    return {
        one: rows[one]
        for one in sorted(rows, key=lambda one: -telling[one])
        if telling[one] > math.log(LEAST)
    }


def measure(texts: dict[str, list[str]], rows: Rows) -> str:
    """How many poems of each mood have a larger sum of m in it than in the others."""
    found, none = {}, [0.0] * len(MOODS)
    for at, mood in enumerate(MOODS):
        best = [np.sum([rows.get(one, none) for one in text], axis=0).argmax() for text in texts[mood]]
        found[mood] = best.count(at) / len(best)
    return ", ".join(f"{mood}: {share:.0%} of {len(texts[mood])}" for mood, share in found.items())


if __name__ == "__main__":
    main()
