"""Count which pairs of characters the drafts of `tang` use more often than verse, for composing/data/worn.tsv.

    python scripts/count_worn.py [--titles 600]

Drafts are composed for titles of the train split, half of them 七絕 and half 五律, by the model alone, without taste. A
row is a pair that the drafts for one title in 25 or more have, and all of them more than twice as often as the poems of
the train split of lines of five and seven; and the logarithm of how many times as often. Takes five minutes.
"""

import argparse
import math
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

from experiments.blind_reading import title_prompts
from pingze import compose
from pingze.corpus import Store

FILE = Path(__file__).parents[1] / "src" / "pingze" / "composing" / "data" / "worn.tsv"
DRAFTS = 16
TEMPERATURE = 0.7
"""Cool, since what drafts use too often shows sooner so."""
LEAST = 1 / 25
"""Of so many titles the drafts must have a pair: others are about something."""
EXCESS = 2.0


def main() -> None:
    """Compose, count, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--titles", type=int, default=600, help="for how many titles drafts are composed")
    parser.add_argument("--out", type=Path, default=FILE, help="where the file goes")
    asked = parser.parse_args()
    prompts = title_prompts("train", asked.titles, random.Random(1))
    drafts = [
        [
            poem.lines
            for poem in compose(
                form=prompt.form,
                title=prompt.text,
                count=DRAFTS,
                seed=seed,
                taste=0,
                temperature=TEMPERATURE,
                particles=4,
            )
        ]
        for seed, prompt in enumerate(prompts)
    ]
    with Store.open() as store:
        verse = pairs(poem.lines for poem in store.poems(split="train") if len(poem.lines[0]) in (5, 7))
    asked.out.write_text("".join(f"{row}\n" for row in count(drafts, verse)), encoding="utf-8")


def pairs(poems: Iterable[Sequence[str]]) -> Counter[str]:
    """How often each pair of neighbours stands in lines."""
    return Counter(one + other for lines in poems for line in lines for one, other in pairwise(line))


def count(drafts: Sequence[Sequence[Sequence[str]]], verse: Counter[str]) -> list[str]:
    """The rows, the pairs first that are most often too many, from the drafts by title and the pairs of verse."""
    composed = pairs(lines for each in drafts for lines in each)
    titles = Counter(pair for each in drafts for pair in set(pairs(each)))
    of_composed, of_verse = composed.total(), verse.total()
    excess = {
        pair: (times / of_composed) / ((verse[pair] + 1) / of_verse)
        for pair, times in composed.items()
        if titles[pair] >= LEAST * len(drafts)
    }
    worn = {pair: math.log(much) for pair, much in excess.items() if much > EXCESS}
    first = sorted(worn, key=lambda pair: (-composed[pair] * worn[pair], pair))
    return [f"{pair}\t{worn[pair]:.2f}" for pair in first]


if __name__ == "__main__":
    main()
