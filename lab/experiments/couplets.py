"""Draw lower lines 下聯 to upper lines of the dev split, for readers to compare two versions of pingze.

Run by each version, with the same seed: python -m lab.experiments.couplets --out FILE

Two fresh readers are given the lower lines of both versions to the same upper lines, shuffled, once
where both are the same, and mark each: does it make sense as a line of classical verse, and beside
its upper line? The rule: of 85 lower lines, 65 by the mean of both readers.

An upper line is the first line of a couplet that needs antithesis, in a Tang 律 of the dev split; its
own lower line is not shown.
"""

import argparse
import random
import warnings
from pathlib import Path

from pingze import couplet
from pingze.corpus import Store
from pingze.verse.checking import check
from pingze.verse.forms import FORMS


def main() -> None:
    """Write each upper line with its lower line, as rows of TSV."""
    parser = argparse.ArgumentParser(description="Draw lower lines to upper lines.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=85)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    upper_lines = []
    with Store.open() as store:
        for poem in store.poems(dynasty="tang", split="dev"):
            if poem.form in ("五律", "七律") and check(poem.text, form=poem.form).ok:
                couplets = FORMS[poem.form].antithetical(len(poem.lines))
                upper_lines += [poem.lines[2 * k] for k in couplets]
    rng = random.Random(asked.seed)
    rows = ["upper\tlower"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for line in rng.sample(upper_lines, asked.count):
            (found,) = couplet(line, seed=asked.seed)
            rows.append(f"{found.upper}\t{found.lower}")
    asked.out.write_text("\n".join(rows) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
