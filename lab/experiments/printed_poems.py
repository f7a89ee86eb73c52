"""Store the checker's verdicts on the report's fourteen poems, without the poems.

PINGZE_REPORT=report.md python -m lab.experiments.printed_poems
"""

import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from lab.report.samples import CALLS, FORMS
from pingze.verse.checking import check
from pingze.verse.pasted_text import read_lines

CALL = re.compile(r"generate\('(.)', temperature=([\d.]+), split_len=(\d)\)([^a-z]*)")
SENTENCE = re.compile(r"[\u4e00-\u9fff]+ *[,，] *[\u4e00-\u9fff]+。")


def judged(report: Path) -> list[dict[str, Any]]:
    """Judge the poems in a report's Markdown, and return their rows in printed order."""
    rows = []
    for (start, temperature, split_len), (call, text) in zip(
        CALLS.values(), _poems(report), strict=True
    ):
        if call != (start, temperature, split_len):
            raise SystemExit(f"{report} prints another call than {start} {temperature} {split_len}")
        rows.append(judge_printed(text, start, split_len))
    return rows


def judge_printed(text: str, start: str, split_len: int) -> dict[str, Any]:
    """Return the row of a printed poem, with a digest in place of its text.

    If the checker finds no form for the poem, judge it by the regulated form that has its shape, as
    real verse is.
    """
    lines = read_lines(text)
    whole = "".join(lines)
    verdict = check(text)
    form = FORMS.get((len(lines), len(lines[0])))
    if not verdict.form and form:
        verdict = check("，".join(lines), form=form)
    has_width = all(len(line) == split_len - 1 for line in lines)
    faults = Counter(violation.rule for violation in verdict.violations)
    return {
        "digest": hashlib.blake2b(whole.encode(), digest_size=8).hexdigest(),
        "lines": len(lines),
        "shaped": whole.startswith(start) and has_width,
        "form": verdict.form,
        "faults": dict(sorted(faults.items())),
        "kept": verdict.ok,
    }


def _poems(report: Path) -> Iterator[tuple[tuple[str, float, int], str]]:
    """Yield the opening, temperature and `split_len` of each printed call, and its poem."""
    for start, temperature, split_len, text in CALL.findall(report.read_text(encoding="utf-8")):
        call = (start, float(temperature), int(split_len))
        yield call, "".join(SENTENCE.findall(text))


def main() -> None:
    """Write the rows to the folder of the code that reads them."""
    path = os.environ.get("PINGZE_REPORT")
    if not path:
        raise SystemExit("PINGZE_REPORT must name the report's Markdown")
    rows = ",\n".join(json.dumps(row, ensure_ascii=False) for row in judged(Path(path)))
    target = Path(str(files("lab.report"))) / "printed_poems.json"
    target.write_text(f"[\n{rows}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
