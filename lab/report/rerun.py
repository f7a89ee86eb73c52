"""Run the experiments, store their results, resume where they stopped, and render `page.html` as one file."""

import json
import math
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from importlib import import_module
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import torch
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

from lab.report import (
    CONFIRMED,
    REFINED,
    REFUTED,
    UNDECIDED,
    Finding,
    claims,
    document,
    plan,
)
from lab.report.charts import svg
from lab.report.experiment import Figures, Measured, Row, Rows, Setup, Trial
from pingze.derivation.charts import STYLE
from pingze.errors import TrainingError
from pingze.files import written
from pingze.machine import describe

PAGE, RESULTS, TIMES = "index.html", "results.json", "times.json"
"""The files of a rerun: the page, the measurements, and how long each took, which differs between runs."""
DIGITS = 6


class Section(NamedTuple):
    """An experiment: its rows and findings for all seeds, its figures for one seed, and the minutes that it took."""

    name: str
    rows: Sequence[Row]
    findings: Sequence[Finding]
    figures: Figures
    minutes: float


def page(
    sections: Sequence[Section], setup: Setup, machine: Mapping[str, Any], planned: int
) -> str:
    """Render an HTML page of the completed experiments. `planned` is the number of all experiments."""
    resources = files(__package__)
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True
    )
    # Words in backticks become <code> elements.
    code = partial(re.sub, r"`([^`]*)`", r"<code>\1</code>")
    environment.filters |= {"code": lambda text: Markup(code(str(escape(text)))), "plain": _shown}
    template = environment.from_string(resources.joinpath("page.html").read_text(encoding="utf-8"))
    findings = [finding for section in sections for finding in section.findings]
    return template.render(
        style=resources.joinpath("page.css").read_text(encoding="utf-8"),
        sections=sections,
        names=(CONFIRMED, REFINED, REFUTED, UNDECIDED),
        counts=Counter(finding.conclusion for finding in findings),
        registered=registered(findings),
        documented=len(findings),
        seeded=sum(len(finding.by_seed) == len(setup.seeds) for finding in findings),
        document=document(),
        svg=svg,
        planned=planned,
        setup=setup,
        budget=setup.budget,
        machine=machine,
    )


def registered(findings: Iterable[Finding]) -> Counter[str]:
    """Count the verdicts of the rules that were registered before the rows were measured."""
    counts: Counter[str] = Counter()
    for finding in findings:
        counts.update(finding.under(rule) for rule in finding.claim.registered)
    return counts


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_shown(each)}" for name, each in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "–" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


class Results:
    """The rows stored in a folder.

    After each new row, the files in the folder are written atomically.

    Ends the process with a message if the folder holds a rerun with another budget, seed or corpus.
    """

    def __init__(
        self, folder: Path, heading: Mapping[str, Any], machine: Mapping[str, Any]
    ) -> None:
        self.folder = folder
        self._results = _read(folder / RESULTS, {"heading": _plain(heading), "rows": {}})
        self._times = _read(folder / TIMES, {"machine": dict(machine), "seconds": {}})
        self.machine: Mapping[str, Any] = self._times["machine"]
        """The machine on which the times were measured."""
        if self._results["heading"] != _plain(heading):
            raise SystemExit(
                f"{folder} contains a report with another budget, seed or corpus; "
                "name another folder, or remove it"
            )

    def row(self, key: str, trial: Trial) -> Row | None:
        """Return the row of a trial, or None if no row with `key` and the trial's settings is stored."""
        row = self._results["rows"].get(key)
        return Row(key, **row) if row and row["settings"] == _plain(trial.settings) else None

    def add(self, key: str, trial: Trial, measured: Measured, seconds: float) -> None:
        """Store a row. The time is written before the row, so that every stored row has a time."""
        self._times["seconds"][key] = round(seconds, 3)
        self._write(TIMES, self._times)
        self._results["rows"][key] = _plain({"settings": trial.settings, **measured._asdict()})
        self._write(RESULTS, self._results)

    def conclude(self, order: Sequence[str], findings: Iterable[Finding]) -> None:
        """Keep only the rows whose keys are in `order`, sort the rows in this order, and write the verdicts."""
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
    """Return a finding's verdict, numbers by seed, and verdicts under other rules, as results.json stores them."""
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
        raise SystemExit(
            f"{path} holds no results of a report ({error}); remove it, or name another folder"
        ) from None


def _plain(value: Any) -> Any:
    """Convert a value for JSON: round floats to `DIGITS` significant digits, and turn non-finite floats into None."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    return value


EXPERIMENTS = {name: import_module(f"{__package__}.{name}") for name in document()["experiment"]}
"""The module of each experiment in `claims.toml`, in the order of the page.

Every module has measure(setup, trial) -> Measured and figures(rows) -> Figures. A module also has
judge(rows) -> Judged if the experiment has claims, and trials(setup, rows) -> list[Trial] if
`claims.toml` cannot list the trials.
"""
SEEDLESS = ("derivative", "perplexity", "samples", "saturation")
"""The experiments measured with only one seed, because nothing in them is random or because they have no claims."""


def rerun(
    out: Path,
    setup: Setup,
    only: str | None = None,
    progress: Callable[[str, int, int], None] = lambda name, done, total: None,
) -> list[Section]:
    """Measure the trials that have no results in a folder yet, and write the page of the experiments that are complete.

    If `only` names an experiment, no other is measured. Before each trial, `progress` is called
    with the trial's key, the trial's number (from 1), and the number of all trials. Ends
    the process with a message if the experiment is unknown, or if the folder holds a rerun with another budget,
    seed or corpus. Raises TrainingError if the disk is full.
    """
    if only is not None and only not in EXPERIMENTS:
        raise SystemExit(f"--only {only}: choose one of {', '.join(EXPERIMENTS)}")
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    machine = {**describe(), "threads": torch.get_num_threads(), "gpu": gpu}
    machine |= {"torch": torch.__version__, "pingze": version("pingze")}
    results, series = Results(out, setup.describe(), machine), dict[str, list[_Series]]()
    for name in EXPERIMENTS:
        seeds = setup.seeds[: 1 if name in SEEDLESS else None]
        series[name] = [_Series(name, replace(setup, seed=seed), results) for seed in seeds]
    # 1) Measure the missing rows; an experiment may plan further trials once its first rows are
    # measured.
    run = [
        each for name in document()["order"]["run"] if only in (None, name) for each in series[name]
    ]
    done, total = 0, sum(len(each.trials()) for each in run)
    for each in run:
        while missing := [trial for trial in each.trials() if not each.rows([trial])]:
            for trial in missing:
                done += 1
                progress(each.key(trial), done, max(total, done))
                started = time.perf_counter()
                measured = EXPERIMENTS[each.name].measure(each.setup, trial)
                results.add(each.key(trial), trial, measured, time.perf_counter() - started)
    # 2) Judge and draw the experiments that are complete.
    sections, order = [], []
    for name, seeded in series.items():
        keys = [each.key(trial) for each in seeded for trial in each.trials()]
        by_seed = {each.setup.seed: each.rows(each.trials()) for each in seeded}
        order += keys
        if len(keys) == sum(map(len, by_seed.values())):
            sections.append(section(name, by_seed, results))
    results.conclude(order, [finding for each in sections for finding in each.findings])
    with written(out / PAGE, TrainingError) as path:
        path.write_text(page(sections, setup, results.machine, len(EXPERIMENTS)), encoding="utf-8")
    return sections


def section(name: str, by_seed: Mapping[int, Rows], results: Results) -> Section:
    """Judge and draw an experiment whose trials have all been measured."""
    known = claims(name)
    judged = (
        {seed: EXPERIMENTS[name].judge(rows) for seed, rows in by_seed.items()} if known else {}
    )
    findings = [
        Finding(claim, {seed: judged[seed][half] for seed in judged})
        for half, claim in known.items()
    ]
    with matplotlib.rc_context(STYLE):
        figures = EXPERIMENTS[name].figures(next(iter(by_seed.values())))
    rows = [row for rows in by_seed.values() for row in rows.values()]
    return Section(name, rows, findings, figures, results.minutes(rows))


class _Series(NamedTuple):
    """One experiment with one seed. `results` holds the rows of all experiments in the folder."""

    name: str
    setup: Setup
    results: Results

    def key(self, trial: Trial) -> str:
        seed = "" if self.name in SEEDLESS else f", seed {self.setup.seed}"
        return f"{self.name}/{trial.name}{seed}"

    def rows(self, trials: Sequence[Trial]) -> Rows:
        """Return the rows of those trials that have been measured."""
        return {
            trial.name: row for trial in trials if (row := self.results.row(self.key(trial), trial))
        }

    def trials(self) -> Sequence[Trial]:
        """List all trials. Some experiments add trials that depend on the rows measured so far."""
        if planned := getattr(EXPERIMENTS[self.name], "trials", None):
            found: Sequence[Trial] = planned(self.setup, self.rows(planned(self.setup, {})))
            return found
        shortened = self.setup.steps
        return [
            Trial(
                name,
                {
                    key: shortened(value) if key == "steps" else value
                    for key, value in settings.items()
                },
            )
            for name, settings in plan(self.name)["trials"].items()
        ]
