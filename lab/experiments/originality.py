"""Measure what the option `original` costs, and whether poems composed with it copy the corpus.

Run: OPENBLAS_NUM_THREADS=1 python -m lab.experiments.originality [--poems 100]

The default model composes 七絕 and 七律, without the option and with `original` 4, 3 and 2. Whether
a poem copies is judged by searching the text of the whole corpus for each substring of its lines.
Writes the figures `originality.*` to lab/figures.json.
"""

import argparse
import statistics
import time
from collections.abc import Sequence

from lab.experiments.compose_quality import mean_error, per_hanzi
from lab.figures import record
from pingze.composing.composer import Composer, composer
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
    return max(
        stop - start
        for start in range(len(line))
        for stop in range(start, len(line) + 1)
        if line[start:stop] in corpus
    )


def compose(
    chosen: Composer, form: str, original: int | None, count: int
) -> tuple[list[list[str]], int, float]:
    """Compose poems; return them, the number left unfinished, and the milliseconds per poem."""
    inclusion = chosen.prepare(
        read_request(chosen.vocabulary, Composing(form=form, original=original, taste=0))
    )
    lines, unfinished, start = [], 0, time.perf_counter()
    for seed in range(count):
        try:
            lines.append(chosen.write(inclusion, Sampling(0.8, 32), seed).lines)
        except UnfinishedError:
            unfinished += 1
    return lines, unfinished, 1000 * (time.perf_counter() - start) / count


def row(
    chosen: Composer, form: str, original: int | None, count: int, corpus: str
) -> tuple[int, int, float]:
    """Print the results of one setting.

    Return the unfinished poems, the lines that copy and milliseconds per poem.
    """
    poems, unfinished, milliseconds = compose(chosen, form, original, count)
    lengths = [longest_shared(line, corpus) for lines in poems for line in lines]
    mean, error = mean_error(per_hanzi(chosen, FORMS[form], poems))
    copied = sum(length > (original or 0) for length in lengths)
    print(
        f"{form}, original {original}: {unfinished} unfinished, longest shared {max(lengths)}, "
        f"mean {statistics.mean(lengths):.2f}, "
        f"{milliseconds:.0f} ms, ln p per hanzi {mean:.2f} ± {error:.2f}",
        flush=True,
    )
    return unfinished, copied if original else 0, milliseconds


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
    chosen = composer()
    with Store.open() as store:
        corpus = "\n".join(line for poem in store.poems() for line in poem.lines)
        rows = {
            (form, original): row(chosen, form, original, arguments.poems, corpus)
            for form in ("七絕", "七律")
            for original in LONGEST
        }
        seven = compose(chosen, "七絕", None, 20)[0]
        asked = [values for (_, original), values in rows.items() if original]
        record(
            COMMAND,
            {
                "originality.lines_that_copy": sum(copied for _, copied, _ in asked),
                "originality.unfinished_share": statistics.mean(u for u, _, _ in asked)
                / arguments.poems,
                "originality.ratio_of_time_3": rows["七絕", 3][2] / rows["七絕", None][2],
                "originality.report_ms_7jue": report_milliseconds(seven, store),
            },
        )


if __name__ == "__main__":
    main()
