"""Count how Tang poets rhyme, for src/pingze/verse/data/: rhymes.tsv and borrowings.tsv.

    python -m scripts.count_rhymes

Run it again after a change of the table of characters. Read are the poems of the corpus's train split with an even
number of equal lines, four at least, whose even lines share exactly one group. A row of rhymes.tsv is a character and
how often it rhymes in each group; one of borrowings.tsv is a level group and how often first lines of poems in it, of
five or seven characters, rhyme by a neighbouring group instead.
"""

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from pingze.corpus import Store
from pingze.verse.rhyme_groups import GROUPS, LEVEL, neighbours
from pingze.verse.tones import groups

DATA = Path(__file__).parents[1] / "src" / "pingze" / "verse" / "data"

Counts = dict[str, Counter[str]]
"""Character or group -> how often, by group."""


def main() -> None:
    """Count, and write both files."""
    parser = argparse.ArgumentParser(description="Count how Tang poets rhyme.")
    parser.add_argument("--out", type=Path, default=DATA, help="where the files go")
    arguments = parser.parse_args()
    with Store.open() as store:
        build(store, arguments.out)


def build(store: Store, out: Path) -> None:
    """Write rhymes.tsv and borrowings.tsv."""
    rhymes, borrowings = count(poem.lines for poem in store.poems(dynasty="tang", split="train"))
    write(out / "rhymes.tsv", rhymes)
    write(out / "borrowings.tsv", borrowings)


def count(poems: Iterable[Sequence[str]]) -> tuple[Counts, Counts]:
    """The rhymes of characters, and the borrowings of groups."""
    rhymes: Counts = defaultdict(Counter)
    borrowings: Counts = defaultdict(Counter)
    for lines in poems:
        if (group := rhyme_of(lines)) is None:
            continue
        first = groups(lines[0][-1])
        for line in lines[1::2] if group not in first else [lines[0], *lines[1::2]]:
            rhymes[line[-1]][group] += 1
        if GROUPS[group].tone == LEVEL and len(lines[0]) in (5, 7) and len(first) == 1:
            borrowings[group].update(first & set(neighbours(group)) - {group})
    return rhymes, borrowings


def rhyme_of(lines: Sequence[str]) -> str | None:
    """The one group that the even lines of a poem of equal lines share."""
    if len(lines) < 4 or len(lines) % 2 or len(set(map(len, lines))) > 1:
        return None
    feet = [groups(line[-1]) or GROUPS.keys() for line in lines[1::2]]
    shared = [name for name in GROUPS if all(name in foot for foot in feet)]
    return shared[0] if len(shared) == 1 else None


def write(path: Path, counts: Counts) -> None:
    """A row for each character or group that has counts."""
    rows = [
        f"{key}\t" + "".join(f"{name}{counts[key][name]}" for name in GROUPS if counts[key][name])
        for key in sorted(counts)
        if counts[key]
    ]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
