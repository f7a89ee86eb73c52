"""Count how many characters of the title stand in the first line of composed and of real poems.

    python -m lab.experiments.title_echo [--titles 60] [--named 13 4 ...]

The titles are those of Tang poems of the test split, of 2 to 9 characters. For each form, for the
titles' own poems (`real`) and for poems composed with each value of `taste.NAMED`, the script
prints the shares of poems whose first line has none, one, two, and three or more of the title's
characters, and writes them to lab/figures.json as `title.first_line.*`.
"""

import argparse
from collections import Counter
from collections.abc import Sequence

from lab.experiments.quality import real_poems
from lab.figures import record
from pingze import compose
from pingze.composing.terms import taste
from pingze.corpus import CorpusPoem, Store
from pingze.verse.characters import only_han
from pingze.verse.forms import FORMS

COMMAND = "python -m lab.experiments.title_echo"
MEASURED = ("七絕", "五律")
LENGTHS = range(2, 10)
"""The numbers of characters that a title may have."""
ALL = 10**6
COUNTS = ("none", "one", "two", "three")
"""The names of the figures; `three` is three or more."""


def titled(form: str, count: int) -> list[CorpusPoem]:
    """Select `count` poems of the test split with a plain title, evenly spaced in corpus order."""
    with Store.open() as store:
        poems = real_poems(FORMS[form], ALL, store)
    found = [
        poem for poem in poems if poem.title == only_han(poem.title) and len(poem.title) in LENGTHS
    ]
    return found[:: max(1, len(found) // count)][:count]


def shares(titles: Sequence[str], first_lines: Sequence[str]) -> dict[str, float]:
    """Return the shares of first lines with 0, 1, 2 and more of the title's characters."""
    numbers: Counter[int] = Counter()
    for title, line in zip(titles, first_lines, strict=True):
        shared = set(title) & set(line)
        numbers[min(len(shared), 3)] += 1
    return {name: numbers[number] / len(titles) for number, name in enumerate(COUNTS)}


def main() -> None:
    """Measure, print a table, and record the figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--titles", type=int, default=60, help="how many titles of each form")
    parser.add_argument("--named", type=float, nargs="+", default=[13.0, 4.0])
    given = parser.parse_args()
    figures = {}
    for form in MEASURED:
        poems = titled(form, given.titles)
        titles = [poem.title for poem in poems]
        first_lines = {"real": [poem.lines[0] for poem in poems]}
        for named in given.named:
            taste.NAMED = named
            composed = []
            for seed, title in enumerate(titles, 1):
                composed.append(compose(form=form, title=title, seed=seed)[0].lines[0])
            first_lines[f"named_{named:g}"] = composed
        for source, lines in first_lines.items():
            found = shares(titles, lines)
            print(f"| {form} | {source} | " + " | ".join(f"{s:.2f}" for s in found.values()) + " |")
            for name, share in found.items():
                figures[f"title.first_line.{form}.{source}.{name}"] = share
    record(COMMAND, figures)


if __name__ == "__main__":
    main()
