"""Run the experiments, resume where they stopped, and write the page."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import matplotlib
import torch

from pingze.errors import InputError, TrainingError
from pingze.files import written
from pingze.machine import describe
from pingze.report.experiments import (
    activation,
    clipping,
    data,
    derivative,
    initialization,
    optimizers,
    perplexity,
    samples,
    saturation,
    softmax,
    zero,
)
from pingze.report.experiments.charts import STYLE
from pingze.report.experiments.claims import claims, document
from pingze.report.experiments.experiment import Experiment, Finding, Row, Rows, Trial, planned
from pingze.report.experiments.page import Section, page
from pingze.report.experiments.results import Results
from pingze.report.experiments.setup import Setup

EXPERIMENTS: Mapping[str, Experiment] = {
    "derivative": derivative,
    "zero": zero,
    "initialization": initialization,
    "activation": activation,
    "clipping": clipping,
    "data": data,
    "softmax": softmax,
    "saturation": saturation,
    "perplexity": perplexity,
    "optimizers": optimizers,
    "samples": samples,
}
"""In the order of the page."""
SEEDLESS = ("derivative", "perplexity", "samples", "saturation")
"""Experiments without chance, or that judge no claim; they are measured once."""
PAGE = "index.html"

Progress = Callable[[str, int, int], None]
"""Called with the key that is measured now, the number of rows, and how many there will be."""


def rerun(
    out: Path, setup: Setup, only: str | None = None, progress: Progress = lambda name, done, total: None
) -> list[Section]:
    """Measure the missing rows of a folder, one experiment or all, and write the page of those that are complete.

    Raises InputError on an unknown experiment or a folder with another budget, seed or corpus, TrainingError on a full
    disk.
    """
    if only is not None and only not in EXPERIMENTS:
        raise InputError("choice", field="experiment", has=only, choices=[*EXPERIMENTS])
    machine = {
        **describe(),
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "torch": torch.__version__,
        "pingze": version("pingze"),
    }
    results = Results(out, setup.describe(), machine)
    series = [
        _Series(name, seeded, results)
        for name in document()["order"]["run"]
        if only in (None, name)
        for seeded in _seeded(name, setup)
    ]
    total, done = sum(len(each.trials({})) for each in series), 0
    for each in series:
        while missing := [trial for trial in each.planned() if each.row(trial) is None]:
            for trial in missing:
                done += 1
                progress(each.key(trial), done, max(total, done))
                started = time.perf_counter()
                measured = each.experiment.measure(each.setup, trial)
                results.add(each.key(trial), trial, measured, time.perf_counter() - started)
    sections, order = [], []
    for name in EXPERIMENTS:
        of_name = [_Series(name, seeded, results) for seeded in _seeded(name, setup)]
        order += [each.key(trial) for each in of_name for trial in each.planned()]
        by_seed = {each.setup.seed: each.rows() for each in of_name}
        if all(len(each.rows()) == len(each.planned()) for each in of_name):
            done_section = section(name, by_seed)
            minutes = sum(map(results.seconds, done_section.rows)) / 60
            sections.append(done_section._replace(minutes=minutes))
    results.conclude(order, [finding for each in sections for finding in each.findings])
    with written(out / PAGE, TrainingError) as partial:
        partial.write_text(page(sections, setup, results, len(EXPERIMENTS)), encoding="utf-8")
    return sections


def section(name: str, by_seed: Mapping[int, Rows]) -> Section:
    """Judge an experiment whose rows are all there."""
    judged = {seed: EXPERIMENTS[name].judge(rows) for seed, rows in by_seed.items()}
    findings = [
        Finding(claim, {seed: numbers[half] for seed, numbers in judged.items()})
        for half, claim in claims(name).items()
    ]
    with matplotlib.rc_context(STYLE):
        figures = EXPERIMENTS[name].figures(next(iter(by_seed.values())))
    return Section(name, by_seed, findings, figures)


def _seeded(name: str, setup: Setup) -> list[Setup]:
    return [replace(setup, seed=seed) for seed in ([setup.seed] if name in SEEDLESS else setup.seeds)]


class _Series:
    """An experiment with one seed."""

    def __init__(self, name: str, setup: Setup, results: Results) -> None:
        self.name, self.setup, self.results = name, setup, results
        self.experiment = EXPERIMENTS[name]

    def key(self, trial: Trial) -> str:
        seed = "" if self.name in SEEDLESS else f", seed {self.setup.seed}"
        return f"{self.name}/{trial.name}{seed}"

    def row(self, trial: Trial) -> Row | None:
        return self.results.row(self.key(trial), trial)

    def trials(self, rows: Rows) -> list[Trial]:
        if hasattr(self.experiment, "trials"):
            return [*self.experiment.trials(self.setup, rows)]
        return planned(self.name, self.setup)

    def rows(self) -> Rows:
        return {trial.name: row for trial in self.planned() if (row := self.row(trial))}

    def planned(self) -> list[Trial]:
        """All trials, those included that follow from the rows that are there."""
        first = {trial.name: row for trial in self.trials({}) if (row := self.row(trial))}
        return self.trials(first)
