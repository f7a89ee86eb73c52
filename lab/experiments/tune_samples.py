"""Judge the sample pieces of 《欽定詞譜》 and of 龍榆生 by their own shapes, and name them without their headings.

    PINGZE_CIPU=FOLDER python -m lab.experiments.tune_samples

FOLDER holds the books in the text of hulbji/couyun. tests/tools/odd_samples.tsv has the samples that
their own shapes blame, with the reasons.
"""

import os
from collections import Counter
from pathlib import Path

from lab.figures import record
from pingze.verse.checking import check
from pingze.verse.ci import judge
from pingze.verse.forms import tune_form
from pingze.verse.patterns import STRICTNESSES
from pingze.verse.standard import PINGSHUI
from pingze.verse.tunes import find_tune
from tools.cipu import BOOKS, read_book


def main() -> None:
    """Count the samples, and record the shares."""
    values = {}
    for book in BOOKS:
        counted: Counter[str] = Counter()
        for shape in read_book(Path(os.environ["PINGZE_CIPU"]), book):
            name = shape.names[0]
            lines = [line.words for line in shape.lines]
            # 1) By the sample's own shape; 浪淘沙令 is 浪淘沙·令格一.
            tune = find_tune(f"{name}·{shape.number}")
            tune = tune or find_tune(f"{name}·{name[-1]}{shape.number}")
            if tune and tune.widths == tuple(len(line) for line in lines):
                counted["judged"] += 1
                for level in STRICTNESSES:
                    counted[level] += judge(lines, tune_form(tune), level, PINGSHUI).ok
            # 2) Without its heading.
            counted["samples"] += 1
            verdict = check("，".join(lines))
            named = find_tune(verdict.form) if verdict.form else None
            own = find_tune(name)
            counted["named"] += named is not None and own is not None and named.names == own.names
        print(book, dict(counted))
        for level in STRICTNESSES:
            values[f"tunes.{book}.{level}"] = counted[level] / counted["judged"]
        values[f"tunes.{book}.named"] = counted["named"] / counted["samples"]
    record("PINGZE_CIPU=FOLDER python -m lab.experiments.tune_samples", values)


if __name__ == "__main__":
    main()
