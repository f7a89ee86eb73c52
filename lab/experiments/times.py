"""Measure how often poems have words of two seasons or hours.

    python -m lab.experiments.times [--words]

The real poems are Tang poems of at most 56 characters. The composed ones are eight to each title of
`TITLES`, half 七絕 and half 五律. The script prints shares of poems that contradict the times of
their title by terms/data/times.tsv, and writes the figures `times.*` to
lab/figures.json. `--words` also prints, for each word of the table that real poems have
under a title of a contrary time, how often they have it there and under the titles of its own times.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterable
from statistics import fmean

from lab.figures import record
from pingze import compose
from pingze.composing.terms.taste import KINDS, contradicts, times, times_of_title
from pingze.corpus import CorpusPoem, Store

COMMAND = "python -m lab.experiments.times"
LONGEST = 56
FEWEST = 50
"""The smallest number of poems of which a share is recorded."""
TITLES = ("春夜聞笛", "早行", "秋日", "曉望", "夏夜", "冬日", "江上晚泊", "春曉")
FORMS = ("七絕", "五律")
EACH = 4
"""The number of poems of each form to a title."""

ByTimes = dict[frozenset[str], list[str]]
"""The texts of poems by the times that their title allows.

Poems whose title names no time are left out.
"""


def by_times(poems: Iterable[CorpusPoem]) -> ByTimes:
    """Group the texts of poems by the seasons, and by the hours, of their titles."""
    found: ByTimes = defaultdict(list)
    for poem in poems:
        for kind in KINDS:
            allowed = times_of_title(poem.title, kind)
            if allowed != kind:
                found[allowed].append("\n".join(poem.lines))
    return found


def contrary(text: str, allowed: frozenset[str]) -> list[str]:
    """Return the words of a text that name other times of the same kind than the allowed ones."""
    (kind,) = (kind for kind in KINDS if allowed <= kind)
    found = []
    for row in times():
        if row.times <= kind and not row.times & allowed:
            found += [word for word in row.words if word in text]
    return found


def words_table(texts: ByTimes) -> None:
    """Print the words that stand under titles of contrary times."""
    for row in times():
        (kind,) = (kind for kind in KINDS if row.times <= kind)
        own: list[str] = []
        other: list[str] = []
        for allowed, under in texts.items():
            if allowed & row.times:
                own += under
            elif allowed <= kind:
                other += under
        for word in row.words:
            share = fmean(word in text for text in own)
            wrong = fmean(word in text for text in other) if other else 0.0
            if wrong:
                print(f"{word} {' '.join(sorted(row.times))}: {share:.2%}, contrary {wrong:.2%}")


def main() -> None:
    """Measure real and composed poems, and record the figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--words", action="store_true", help="print the words' frequencies")
    given = parser.parse_args()
    with Store.open() as store:
        poems = [
            poem for poem in store.poems(dynasty="tang") if len("".join(poem.lines)) <= LONGEST
        ]
    texts = by_times(poems)
    if given.words:
        words_table(texts)
    figures = {"times.real.alone": fmean(contradicts(poem.lines) for poem in poems)}
    for allowed, under in texts.items():
        if len(under) < FEWEST:
            continue
        share = fmean(bool(contrary(text, allowed)) for text in under)
        print(f"| {' '.join(sorted(allowed))} | {len(under)} | {share:.1%} |")
        figures[f"times.real.{'_'.join(sorted(allowed))}"] = share
    for title in TITLES:
        composed = []
        for form in FORMS:
            composed += compose(form=form, title=title, count=EACH, seed=1)
        figures[f"times.composed.{title}"] = fmean(
            contradicts(poem.lines, title) for poem in composed
        )
    record(COMMAND, figures)


if __name__ == "__main__":
    main()
