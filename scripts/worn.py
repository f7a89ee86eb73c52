"""Correct worn.tsv by which pairs of characters poems of `tang` use more often than verse.

    python -m scripts.count worn

Poems are composed at the defaults, with the file as it is, for titles of the train split, half of them 七絕 and
half 五律. A row is a pair and how worn it is: the number of the row before, and the logarithm of how many times as
often as in the train split's lines of five and seven the poems still have it. Pairs are added that poems for one title
in 75 or more have twice as often as verse; those below a tenth are removed. It takes twelve minutes of a core.
"""

import math
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from experiments.blind_reading import title_prompts
from pingze import compose
from pingze.composing.steering.taste import worn
from pingze.corpus import Store

TITLES = 600
POEMS = 3
"""For each title."""
LEAST = 1 / 75
"""Of so many titles the poems must have a pair: others are about something."""
EXCESS = 2.0
GONE = 0.1


def make() -> dict[str, list[str]]:
    """The lines of the file."""
    prompts = title_prompts("train", TITLES, random.Random(1))
    poems = [
        [poem.lines for poem in compose(form=prompt.form, title=prompt.text, count=POEMS, seed=seed)]
        for seed, prompt in enumerate(prompts)
    ]
    with Store.open() as store:
        verse = pairs(poem.lines for poem in store.poems(split="train") if len(poem.lines[0]) in (5, 7))
    return {"worn.tsv": corrected(worn(), poems, verse)}


def pairs(poems: Iterable[Sequence[str]]) -> Counter[str]:
    """Count the pairs of neighbours in lines."""
    return Counter(one + other for lines in poems for line in lines for one, other in pairwise(line))


def corrected(
    known: Mapping[str, float], poems: Sequence[Sequence[Sequence[str]]], verse: Counter[str]
) -> list[str]:
    """The rows, the pairs first that are most often too many, from the poems by title and the pairs of verse."""
    composed = pairs(lines for each in poems for lines in each)
    titles = Counter(pair for each in poems for pair in set(pairs(each)))
    expected = {pair: verse[pair] / verse.total() * composed.total() for pair in composed.keys() | known}
    excess = {pair: math.log((composed[pair] + 1) / (often + 1)) for pair, often in expected.items()}
    rows = {pair: logarithm + excess[pair] for pair, logarithm in known.items()}
    rows |= {
        pair: much
        for pair, much in excess.items()
        if pair not in known and titles[pair] >= LEAST * len(poems) and much > math.log(EXCESS)
    }
    kept = {pair: logarithm for pair, logarithm in rows.items() if logarithm > GONE}
    first = sorted(kept, key=lambda pair: (-verse[pair] * math.expm1(kept[pair]), pair))
    return [f"{pair}\t{kept[pair]:.2f}" for pair in first]
