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
    prompts = title_prompts("train", TITLES, random.Random(1))
    poems = [
        [
            poem.lines
            for poem in compose(form=prompt.form, title=prompt.text, count=POEMS, seed=seed)
        ]
        for seed, prompt in enumerate(prompts)
    ]
    with Store.open() as store:
        verse = pairs(
            poem.lines for poem in store.poems(split="train") if len(poem.lines[0]) in (5, 7)
        )
    return {"worn.tsv": corrected(worn(), poems, verse)}


def pairs(poems: Iterable[Sequence[str]]) -> Counter[str]:
    """Count the pairs of neighbouring characters in the lines of poems."""
    return Counter(
        one + other for lines in poems for line in lines for one, other in pairwise(line)
    )


def corrected(
    known: Mapping[str, float], poems: Sequence[Sequence[Sequence[str]]], verse: Counter[str]
) -> list[str]:
    """Return the corrected rows, the most overused pairs first.

    Args:
        known: The present numbers, by pair.
        poems: The lines of each poem, grouped by title.
        verse: The counts of pairs in real verse.
    """
    composed = pairs(lines for each in poems for lines in each)
    titles = Counter(pair for each in poems for pair in set(pairs(each)))
    expected = {
        pair: verse[pair] / verse.total() * composed.total() for pair in composed.keys() | known
    }
    excess = {
        pair: math.log((composed[pair] + 1) / (often + 1)) for pair, often in expected.items()
    }
    rows = {pair: logarithm + excess[pair] for pair, logarithm in known.items()}
    rows |= {
        pair: much
        for pair, much in excess.items()
        if pair not in known and titles[pair] >= LEAST * len(poems) and much > math.log(EXCESS)
    }
    kept = {pair: logarithm for pair, logarithm in rows.items() if logarithm > GONE}
    first = sorted(kept, key=lambda pair: (-verse[pair] * math.expm1(kept[pair]), pair))
    return [f"{pair}\t{kept[pair]:.2f}" for pair in first]
