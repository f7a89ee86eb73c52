"""Count which characters verse doubles 疊字, as 年年, for src/pingze/composing/steering/data/doublings.tsv.

    python -m scripts.count_doublings

Read are all poems of the corpus's train split. A row is a character, how often it stands twice in a row within a line,
and how often so at the line's end; rare ones are left out.
"""

import argparse
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from pingze.composing.steering.lapses import DOUBLED_OFTEN, doubled
from pingze.corpus import Store

FILE = Path(__file__).parents[1] / "src" / "pingze" / "composing" / "steering" / "data" / "doublings.tsv"


def main() -> None:
    """Count, and write the file."""
    parser = argparse.ArgumentParser(description="Count which characters verse doubles.")
    parser.add_argument("--out", type=Path, default=FILE, help="where the file goes")
    with Store.open() as store:
        rows = count(poem.lines for poem in store.poems(split="train"))
    parser.parse_args().out.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")


def count(poems: Iterable[Sequence[str]]) -> list[str]:
    """The rows, the most doubled first."""
    poems = list(poems)
    within, at_end = doubled(poems), Counter[str]()
    for lines in poems:
        at_end.update(doubled([[line[-2:] for line in lines]]))
    often = sorted((-times, one) for one, times in within.items() if times >= DOUBLED_OFTEN)
    return [f"{one}\t{-times}\t{at_end[one]}" for times, one in often]


if __name__ == "__main__":
    main()
