"""Compose with a title taken as characters, as words, and as words that hardly count in the first line.

Run: python -m lab.experiments.title_words TRIAL FOLDER

The script writes two sheets for blind readers, FOLDER/1 and FOLDER/2, with titles of the dev split (half
七絕, half 五律) and, under each, the title's own Tang poem and one poem of each candidate:

- `today`: each character of the title earns `taste.NAMED` nats, wherever it stands;
- `shy`: persons, offices and what is done to them earn nothing, places only as a whole
  (`taste.earning`), and in the first line a word costs half of what it earns elsewhere;
- `few`, `three`: as `shy`, and beyond two, or three, of the title's characters each costs that too.

It prints what share of first lines have two or more of the title's characters, of poems four or more,
how many different pairs of characters the poems of a candidate have, and writes them to FOLDER.

The candidates of trial 1 were chosen by counts alone (one whose words earned nothing in the first line had
two characters there in 16 % of the poems, where Tang poems have 1 %). The rule, set before any poem was
read: two fresh readers read each sheet of 40 titles. The candidate with the highest mean ships if it is
better than `today` by at least 0.1 in the paired mean over the titles and by at least two standard errors
of that mean, if both echoes are at most twice those of the Tang poems, and if its different pairs are at
least 0.98 times today's. Trial 1: `shy` was better by 0.119, with a standard error of 0.065, and four of
the title's characters stood in 7.5 % of its poems, in none of the Tang poems: it does not ship.

Trial 2 has all other titles that the split gives, some 125, and one candidate, `three`. The rule, set
before any of its poems was read, is the same and asks these titles alone; an echo passes too if it is
found in at most two poems of a hundred, since none of 80 Tang poems has four of the title's characters.
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
CANDIDATES = {"today": (1.0, ALL), "shy": (-0.5, ALL), "few": (-0.5, 2), "three": (-0.5, 3)}
"""`taste.ECHO` and `taste.MOST` of each candidate."""
TRIALS = {1: ("today", "shy", "few"), 2: ("today", "three")}
TITLES = 80
"""How many titles trial 1 has."""
EVERY = 400
"""More titles than the split gives."""


def prompts_of(trial: int) -> list[Prompt]:
    """Draw the titles of a trial; no title is in both."""
    first = title_prompts("dev", TITLES, random.Random(21))
    if trial == 1:
        return first
    used = {prompt.text for prompt in first}
    return [
        prompt
        for prompt in title_prompts("dev", EVERY, random.Random(24))
        if prompt.text not in used
    ]


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
    parser.add_argument("trial", type=int, choices=TRIALS)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    prompts = prompts_of(given.trial)
    names = TRIALS[given.trial]
    writers = {name: partial(write, name=name) for name in names}
    entries = []
    for sheet in (1, 2):
        folder = given.folder / str(sheet)
        seed = 20 + 10 * (given.trial - 1) + 1 + sheet
        write_sheet(folder, "titles", prompts[sheet - 1 :: 2], writers, seed)
        key = json.loads((folder / "key.json").read_text(encoding="utf-8"))
        entries += key["entries"]
    found = {}
    for name in (REAL, *names):
        chosen = [entry for entry in entries if entry["condition"] == name]
        found[name] = figures(
            [entry["prompt"] for entry in chosen], [entry["poem"] for entry in chosen]
        )
        print(name, found[name])
    (given.folder / "counted.json").write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
