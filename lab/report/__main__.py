"""Rerun the report's experiments: `make report`, or `python -m lab.report` from a clone.

The same command resumes a stopped run.
"""

import argparse
import sys
from pathlib import Path

from lab.report.experiment import BUDGETS, Setup
from lab.report.rerun import PAGE, rerun
from pingze.cli import guarded
from pingze.cli.progress import bar
from pingze.corpus import Store
from pingze.errors import StoppedError

SEED = 11
RESULTS = Path(__file__).with_name("results")


def main() -> None:
    """Measure what is missing in the folder, draw the page, and print the verdict on each claim."""
    parser = argparse.ArgumentParser(prog="python -m lab.report", description=__doc__)
    add = parser.add_argument
    add("--out", type=Path, default=RESULTS, help="the folder for the page and its JSON")
    add("--only", metavar="NAME", help="run only one of the eleven experiments")
    add(
        "--budget",
        choices=sorted(BUDGETS),
        default="hours",
        help="sketch takes minutes; hours uses the report's own model",
    )
    add("--seed", type=int, default=SEED, help="the first seed; the same one gives the same rows")
    asked = parser.parse_args()
    with Store.open() as store:
        setup = Setup.of(store, asked.budget, asked.seed)
    try:
        with bar() as shown:
            task = shown.add_task("", total=None)

            def on_progress(name: str, done: int, total: int) -> None:
                shown.update(task, description=name, completed=done, total=total)

            sections = rerun(asked.out, setup, asked.only, on_progress)
    except KeyboardInterrupt:
        print("pingze: stopped; the same command goes on from there", file=sys.stderr)
        raise SystemExit(StoppedError.exit_status) from None
    for section in sections:
        for finding in section.findings:
            number = finding.spread(finding.deciding)
            print(f"{finding.conclusion:9}  {finding.claim.id}: {number}  {finding.claim.quote}")
    print(f"wrote {asked.out / PAGE}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(guarded(main))
