"""Correct worn.tsv: the pairs of characters that composed poems overuse.

    python -m tools.count worn

The poems are composed with default options and the present file for titles of the train split, half
as 七絕 and half as 五律. Each row has a pair and a number that measures how worn the pair is. The
script adds to this number the logarithm of a ratio: the frequency of the pair in the poems over its
frequency in lines of five or seven characters of the train split. A new pair is added if the ratio
is more than two and the poems for at least one title in 75 use it. A pair is removed if its number
is at most 0.1. The script takes twelve minutes on one core.
"""

import math
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from lab.experiments.blind_reading import title_prompts
from pingze import compose
from pingze.composing.terms.taste import worn
from pingze.corpus import Store

TITLES = 600
POEMS = 3
"""The number of poems for each title."""
LEAST = 1 / 75
"""The smallest share of titles whose poems use a new pair; a rarer pair belongs to a subject."""
EXCESS = 2.0
GONE = 0.1


def make() -> dict[str, list[str]]:
    """Return the lines of worn.tsv."""
    poems = []
    for seed, prompt in enumerate(title_prompts("train", TITLES, random.Random(1))):
        composed = compose(form=prompt.form, title=prompt.text, count=POEMS, seed=seed)
        poems.append([poem.lines for poem in composed])
    with Store.open() as store:
        verse = pairs(
            poem.lines for poem in store.poems(split="train") if len(poem.lines[0]) in (5, 7)
        )
    return {"worn.tsv": corrected(worn(), poems, verse)}


def pairs(poems: Iterable[Sequence[str]]) -> Counter[str]:
    """Count the pairs of neighbouring characters in the lines of poems."""
    counts: Counter[str] = Counter()
    for lines in poems:
        for line in lines:
            counts.update(one + other for one, other in pairwise(line))
    return counts


def corrected(
    known: Mapping[str, float], poems: Sequence[Sequence[Sequence[str]]], verse: Counter[str]
) -> list[str]:
    """Return the corrected rows, the most overused pairs first.

    Args:
        known: The present numbers, by pair.
        poems: The lines of each poem, grouped by title.
        verse: The counts of pairs in real verse.
    """
    # 1) How often the poems have each pair, and to how many titles.
    composed: Counter[str] = Counter()
    titles: Counter[str] = Counter()
    for of_title in poems:
        counts = pairs(of_title)
        composed.update(counts)
        titles.update(counts.keys())
    in_poems = composed.total()
    in_verse = verse.total()
    # 2) The corrected numbers.
    kept = {}
    for pair in composed.keys() | known:
        expected = verse[pair] / in_verse * in_poems
        excess = math.log((composed[pair] + 1) / (expected + 1))
        is_new = titles[pair] >= LEAST * len(poems) and excess > math.log(EXCESS)
        if pair not in known and not is_new:
            continue
        number = known.get(pair, 0.0) + excess
        if number > GONE:
            kept[pair] = number
    # 3) The most overused pairs first.
    first = sorted(kept, key=lambda pair: (-verse[pair] * math.expm1(kept[pair]), pair))
    return [f"{pair}\t{kept[pair]:.2f}" for pair in first]
