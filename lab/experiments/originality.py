"""Measure what the option `original` costs, and whether poems composed with it copy the corpus.

    OPENBLAS_NUM_THREADS=1 python -m lab.experiments.originality [--poems 100]

The default model composes 七絕 and 七律, without the option and with `original` 4, 3 and 2. Whether
a poem copies is judged by searching the text of the whole corpus for each substring of its lines.
Writes the figures `originality.*` to lab/figures.json.
"""

import argparse
import statistics
import time
from collections.abc import Sequence
from typing import NamedTuple

from lab.experiments.compose_quality import mean_error, per_hanzi
from lab.figures import record
from pingze.composing.composer import Composer, load_composer
from pingze.composing.options import Composing, Sampling
from pingze.composing.read_request import read_request
from pingze.corpus import Store
from pingze.corpus.store import of_lines
from pingze.errors import UnfinishedError
from pingze.verse.forms import FORMS

COMMAND = "python -m lab.experiments.originality"
LONGEST = (None, 4, 3, 2)


def longest_shared(line: str, corpus: str) -> int:
    """Return the length of the longest substring of a line in a text, by brute force."""
    longest = 0
    for start in range(len(line)):
        for stop in range(start, len(line) + 1):
            if line[start:stop] in corpus:
                longest = max(longest, stop - start)
    return longest


class Composed(NamedTuple):
    """The poems composed with one setting."""

    lines: list[list[str]]
    unfinished: int
    """The number of poems left unfinished."""
    milliseconds: float
    """The time per poem."""


class Row(NamedTuple):
    """The results of one setting."""

    unfinished: int
    copied: int
    """The number of lines that share more with the corpus than `original` allows."""
    milliseconds: float
    """The time per poem."""


def compose(chosen: Composer, form: str, original: int | None, count: int) -> Composed:
    """Compose poems with one setting."""
    options = Composing(form=form, original=original, taste=0)
    inclusion = chosen.prepare(read_request(chosen.vocabulary, options))
    sampling = Sampling(temperature=0.8, particles=32)
    lines = []
    unfinished = 0
    start = time.perf_counter()
    for seed in range(count):
        try:
            lines.append(chosen.write(inclusion, sampling, seed).lines)
        except UnfinishedError:
            unfinished += 1
    milliseconds = 1000 * (time.perf_counter() - start) / count
    return Composed(lines=lines, unfinished=unfinished, milliseconds=milliseconds)


def row(chosen: Composer, form: str, original: int | None, count: int, corpus: str) -> Row:
    """Measure one setting, and print its results."""
    composed = compose(chosen, form, original, count)
    shared = []
    for lines in composed.lines:
        shared += [longest_shared(line, corpus) for line in lines]
    copied = sum(length > original for length in shared) if original else 0
    mean, error = mean_error(per_hanzi(chosen, FORMS[form], composed.lines))
    print(
        f"{form}, original {original}: {composed.unfinished} unfinished, longest shared {max(shared)}, "
        f"mean {statistics.mean(shared):.2f}, "
        f"{composed.milliseconds:.0f} ms, ln p per hanzi {mean:.2f} ± {error:.2f}",
        flush=True,
    )
    return Row(unfinished=composed.unfinished, copied=copied, milliseconds=composed.milliseconds)


def report_milliseconds(poems: Sequence[Sequence[str]], store: Store) -> float:
    """Measure the milliseconds of a poem's originality report."""
    list(of_lines(poems[0], store))
    start = time.perf_counter()
    for lines in poems:
        list(of_lines(lines, store))
    return 1000 * (time.perf_counter() - start) / len(poems)


def main() -> None:
    """Compose with each setting, judge the poems, and record the figures."""
    parser = argparse.ArgumentParser(description="Original poems: what is kept and what it costs.")
    parser.add_argument("--poems", type=int, default=100, help="how many of each form and setting")
    arguments = parser.parse_args()
    chosen = load_composer()
    with Store.open() as store:
        corpus = "\n".join("\n".join(poem.lines) for poem in store.poems())
        rows = {}
        for form in ("七絕", "七律"):
            for original in LONGEST:
                rows[form, original] = row(chosen, form, original, arguments.poems, corpus)
        composed = compose(chosen, "七絕", None, 20)
        report_ms = report_milliseconds(composed.lines, store)
    with_option = [found for (_, original), found in rows.items() if original]
    unfinished = statistics.mean(found.unfinished for found in with_option)
    ratio = rows["七絕", 3].milliseconds / rows["七絕", None].milliseconds
    values = {
        "originality.lines_that_copy": sum(found.copied for found in with_option),
        "originality.unfinished_share": unfinished / arguments.poems,
        "originality.ratio_of_time_3": ratio,
        "originality.report_ms_7jue": report_ms,
    }
    record(COMMAND, values)


if __name__ == "__main__":
    main()
