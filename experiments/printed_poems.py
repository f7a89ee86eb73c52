"""Store the checker's verdicts on the fourteen poems that the report prints, without the poems, which are not ours.

Run: PINGZE_REPORT=report.md python -m experiments.printed_poems
"""

import json
import os
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from pingze.errors import InputError
from pingze.report.experiments.samples import CALLS, judge_printed

CALL = re.compile(r"generate\('(.)', temperature=([\d.]+), split_len=(\d)\)([^a-z]*)")
SENTENCE = re.compile(r"[\u4e00-\u9fff]+ *[,，] *[\u4e00-\u9fff]+。")


def judged(report: Path) -> list[dict[str, Any]]:
    """Judge the poems in a report's Markdown, and return their rows in printed order."""
    rows = []
    for (start, temperature, split_len), poem in zip(CALLS, _poems(report), strict=True):
        if poem[:3] != (start, temperature, split_len):
            raise InputError(f"{report} prints another call than {start} {temperature} {split_len}")
        rows.append(judge_printed(poem[3], start, split_len))
    return rows


def _poems(report: Path) -> Iterator[tuple[str, float, int, str]]:
    for start, temperature, split_len, text in CALL.findall(report.read_text(encoding="utf-8")):
        yield start, float(temperature), int(split_len), "".join(SENTENCE.findall(text))


def main() -> None:
    """Write the rows to the folder of the code that reads them."""
    path = os.environ.get("PINGZE_REPORT")
    if not path:
        raise InputError("PINGZE_REPORT must name the report's Markdown")
    rows = ",\n".join(json.dumps(row, ensure_ascii=False) for row in judged(Path(path)))
    target = Path(str(files("pingze.report.experiments"))) / "printed_poems.json"
    target.write_text(f"[\n{rows}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
