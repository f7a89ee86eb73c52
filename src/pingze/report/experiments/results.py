"""Store measurements in `results.json` and their durations, which differ between runs, in `times.json`."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pingze.errors import InputError, TrainingError
from pingze.files import written
from pingze.report.experiments.claims import Finding
from pingze.report.experiments.experiment import Measured, Row, Trial

RESULTS, TIMES = "results.json", "times.json"
DIGITS = 6


class Results:
    """The rows stored in a folder, whose files are written atomically after each new row.

    Raises InputError if the folder holds a rerun with another budget, seed or corpus.
    """

    def __init__(self, folder: Path, heading: Mapping[str, Any], machine: Mapping[str, Any]) -> None:
        self.folder = folder
        self._results = _read(folder / RESULTS, {"heading": _plain(heading), "rows": {}})
        self._times = _read(folder / TIMES, {"machine": dict(machine), "seconds": {}})
        self.machine: Mapping[str, Any] = self._times["machine"]
        """The machine on which the times were measured."""
        if self._results["heading"] != _plain(heading):
            raise InputError("report_other", folder=str(folder))

    def row(self, key: str, trial: Trial) -> Row | None:
        """Return the row of a trial, or None if the trial was not measured with these settings."""
        row = self._results["rows"].get(key)
        return Row(key, **row) if row and row["settings"] == _plain(trial.settings) else None

    def add(self, key: str, trial: Trial, measured: Measured, seconds: float) -> None:
        """Store a row. Its time is written first, so that no stored row lacks one."""
        self._times["seconds"][key] = round(seconds, 3)
        self._write(TIMES, self._times)
        self._results["rows"][key] = _plain({"settings": trial.settings, **measured._asdict()})
        self._write(RESULTS, self._results)

    def conclude(self, order: Sequence[str], findings: Iterable[Finding]) -> None:
        """Sort the rows by the keys in `order`, drop the rows whose keys it does not list, and write the verdicts."""
        rows = self._results["rows"]
        self._results["rows"] = {key: rows[key] for key in order if key in rows}
        self._results["verdicts"] = {found.claim.id: concluded(found) for found in findings}
        self._write(RESULTS, self._results)

    def minutes(self, rows: Iterable[Row]) -> float:
        """Return how many minutes it took to measure some rows."""
        return float(sum(self._times["seconds"][row.id] for row in rows) / 60)

    def _write(self, name: str, document: Mapping[str, Mapping[str, Any]]) -> None:
        """Write a document as JSON with one line per row, so that two reruns can be compared line by line."""
        dump, parts = partial(json.dumps, ensure_ascii=False, allow_nan=False), []
        for title, part in document.items():
            rows = ",\n".join(f"{dump(key)}: {dump(each)}" for key, each in part.items())
            parts.append(f"{dump(title)}: {{\n{rows}\n}}")
        with written(self.folder / name, TrainingError) as path:
            path.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")


def concluded(finding: Finding) -> dict[str, Any]:
    """Return a finding as results.json stores it."""
    found: dict[str, Any] = _plain({"verdict": finding.conclusion, "numbers": finding.by_seed})
    for kind, rules in (("other", finding.claim.other), ("before", finding.claim.before)):
        found[kind] = {rule.label: finding.under(rule) for rule in rules}
    return found


def _read(path: Path, empty: dict[str, Any]) -> dict[str, Any]:
    if not path.exists():
        return empty
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return {name: document[name] for name in empty}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError("report_results", path=str(path), reason=str(error)) from None


def _plain(value: Any) -> Any:
    """Return a value as JSON will return it: floats with `DIGITS` significant digits, None if they are not finite."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    return value
