"""Compose with a title taken as characters, as words, and as words that hardly count in the first line.

Run: python -m lab.experiments.title_words FOLDER

The script writes two sheets for blind readers, FOLDER/1 and FOLDER/2, each with 40 titles of the dev
split (half 七絕, half 五律) and, under each, the title's own Tang poem and one poem of each candidate:

- `today`: each character of the title earns `taste.NAMED` nats, wherever it stands;
- `shy`: persons, offices and what is done to them earn nothing, places only as a whole
  (`taste.earning`), and in the first line a word costs half of what it earns elsewhere;
- `few`: as `shy`, and beyond two of the title's characters each costs that too.

It prints what share of first lines have two or more of the title's characters, of poems four or more,
how many different pairs of characters the poems of a candidate have, and writes them to FOLDER.

The candidates were chosen by counts alone (a third, whose words earned nothing in the first line, had
two characters there in 16 % of the poems, where Tang poems have 1 %). The rule, set before any poem was
read: two fresh readers read each sheet. The candidate with the
highest mean ships if it is better than `today` by at least 0.1 in the paired mean over the 80 titles
and by at least two standard errors of that mean, if both echoes are at most twice those of the Tang
poems, and if its different pairs are at least 0.98 times today's.
"""

import argparse
import json
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from lab.experiments.blind_reading import REAL, Prompt, poem_for, title_prompts, write_sheet
from pingze.composing.terms import taste
from pingze.verse.characters import only_han

ALL = 99
CANDIDATES = {"today": (1.0, ALL), "shy": (-0.5, ALL), "few": (-0.5, 2)}
"""`taste.ECHO` and `taste.MOST` of each candidate."""
TITLES = 80
SEED = 21
as_words = taste.earning


def as_characters(title: str) -> list[str]:
    """Return each character of a title once."""
    return list(dict.fromkeys(only_han(title)))


@contextmanager
def candidate(name: str) -> Iterator[None]:
    """Compose as a candidate does."""
    before = taste.ECHO, taste.MOST, taste.earning
    taste.ECHO, taste.MOST = CANDIDATES[name]
    taste.earning = as_characters if name == "today" else as_words
    try:
        yield
    finally:
        taste.ECHO, taste.MOST, taste.earning = before


def write(prompt: Prompt, seed: int, name: str) -> str:
    """Compose a candidate's poem."""
    with candidate(name):
        return poem_for(prompt, seed, {})


def figures(titles: Sequence[str], poems: Sequence[str]) -> dict[str, float]:
    """Measure echoes and variety of the poems of one candidate."""
    first = 0
    whole = 0
    pairs = []
    for title, poem in zip(titles, poems, strict=True):
        lines = only_han(poem.replace("\n", ""))
        width = 7 if len(lines) in (28, 56) else 5
        first += len(set(title) & set(lines[:width])) >= 2
        whole += len(set(title) & set(lines)) >= 4
        for start in range(0, len(lines), width):
            line = lines[start : start + width]
            pairs += [line[n : n + 2] for n in range(width - 1)]
    return {
        "first_line_two": first / len(titles),
        "poem_four": whole / len(titles),
        "different_pairs": len(set(pairs)) / len(pairs),
    }


def main() -> None:
    """Write the sheets, and print what is counted."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    prompts = title_prompts("dev", TITLES, random.Random(SEED))
    writers = {name: partial(write, name=name) for name in CANDIDATES}
    for sheet in (1, 2):
        write_sheet(folder / str(sheet), "titles", prompts[sheet - 1 :: 2], writers, SEED + sheet)
    found = {}
    entries = []
    for sheet in (1, 2):
        key = json.loads((folder / str(sheet) / "key.json").read_text(encoding="utf-8"))
        entries += key["entries"]
    for name in (REAL, *CANDIDATES):
        chosen = [entry for entry in entries if entry["condition"] == name]
        found[name] = figures(
            [entry["prompt"] for entry in chosen], [entry["poem"] for entry in chosen]
        )
        print(name, found[name])
    (folder / "counted.json").write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
