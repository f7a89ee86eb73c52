"""Whether characters that a dictionary calls forms of one word rhyme with each other, beside what chance would give.

Run: python -m experiments.one_word

Read are the Tang poems of the train split with four or eight equal lines whose even lines share exactly one group. For
each pair of forms on which poets rhyme often enough: the poems of its group that rhyme on both, and how many would by
chance if either were as likely beside the other as elsewhere.
"""

from collections import Counter
from itertools import combinations

from pingze.corpus import Store
from pingze.verse.simplified import variants
from scripts.count_rhymes import rhyme_of

PAIRS = ("台臺", "余餘", "才纔")
"""Pairs that the table does not hold for forms of one word."""
FEWEST = 2.0
"""So many poems must be expected by chance."""


def main() -> None:
    """Count and print."""
    poems: Counter[str] = Counter()
    rhymed: Counter[tuple[str, str]] = Counter()
    both: Counter[tuple[str, str, str]] = Counter()
    with Store.open() as store:
        for poem in store.poems(dynasty="tang", split="train"):
            if len(poem.lines) not in (4, 8) or (group := rhyme_of(poem.lines)) is None:
                continue
            feet = sorted({line[-1] for line in poem.lines[1::2]})
            poems[group] += 1
            rhymed.update((group, foot) for foot in feet)
            both.update((group, *pair) for pair in combinations(feet, 2))
    for group, one in sorted(rhymed):
        for other in variants(one) + tuple(p.replace(one, "") for p in PAIRS if one in p):
            chance = rhymed[group, one] * rhymed[group, other] / poems[group]
            if one < other and chance >= FEWEST:
                print(f"{group} {one}{other}: {both[group, one, other]} poems, {chance:.1f} by chance")


if __name__ == "__main__":
    main()
