"""Run the nine experiments, resume where they stopped, and write the page."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import torch

from pingze.errors import InputError, TrainingError
from pingze.files import written
from pingze.machine import describe
from pingze.report.claims import claims, document
from pingze.report.experiment import Experiment, Finding, Rows, Series, Trial
from pingze.report.experiments import (
    activation,
    clipping,
    data,
    initialization,
    optimizers,
    perplexity,
    samples,
    softmax,
    zero,
)
from pingze.report.ledger import Ledger
from pingze.report.page import Section, page
from pingze.report.setup import Setup

EXPERIMENTS: tuple[Experiment, ...] = tuple(
    module.EXPERIMENT
    for module in (
        zero,
        initialization,
        activation,
        clipping,
        data,
        softmax,
        perplexity,
        optimizers,
        samples,
    )
)
PAGE = "index.html"

Progress = Callable[[str, int, int], None]
"""Hears what is measured now, how many rows stand, and how many there will be."""


def rerun(
    out: Path,
    setup: Setup,
    only: str | None = None,
    progress: Progress = lambda name, done, total: None,
) -> list[Section]:
    """Measure what is missing in a folder, one experiment or all; write the page of those that are whole.

    Raises InputError on an unknown experiment, or a folder with a rerun of another budget, seed or corpus;
    TrainingError where the disk is full.
    """
    names = [experiment.name for experiment in EXPERIMENTS]
    if only is not None and only not in names:
        raise InputError(f"experiment {only!r} is unknown; choose one of {', '.join(names)}")
    ledger = Ledger(out, setup.describe(), _machine())
    chosen = [experiment for experiment in _in_order() if only in (None, experiment.name)]
    series = [each for experiment in chosen for each in _series(experiment, setup)]
    total = sum(len(each.experiment.trials(each.setup)) for each in series)
    done = 0
    for each in series:
        for trial in _measured(ledger, each):
            progress(each.key(trial), done, max(total, done + 1))
            done += 1
    progress("", done, done)
    sections = _sections(ledger, setup)
    with written(out / PAGE, TrainingError) as partial:
        partial.write_text(page(sections, setup, ledger, len(EXPERIMENTS)), encoding="utf-8")
    return sections


def _in_order() -> list[Experiment]:
    """The experiments as `claims.toml` has them run."""
    by_name = {experiment.name: experiment for experiment in EXPERIMENTS}
    return [by_name[name] for name in document()["order"]["run"]]


def _series(experiment: Experiment, setup: Setup) -> list[Series]:
    seeds = setup.seeds if experiment.seeded else [setup.seed]
    return [Series(experiment, replace(setup, seed=seed)) for seed in seeds]


def _measured(ledger: Ledger, series: Series) -> Iterator[Trial]:
    """Name each trial, then measure it if its row does not stand; then those that follow from the rows."""
    for trials in (series.experiment.trials, lambda setup: _further(ledger, series)):
        for trial in trials(series.setup):
            yield trial
            _measure(ledger, series, trial)


def _measure(ledger: Ledger, series: Series, trial: Trial) -> None:
    if ledger.row(series.key(trial), trial) is None:
        started = time.perf_counter()
        measured = series.experiment.measure(series.setup, trial)
        ledger.add(series.key(trial), trial, measured, time.perf_counter() - started)


def _further(ledger: Ledger, series: Series) -> Sequence[Trial]:
    """The trials that follow from the rows that stand; none while one of those is missing."""
    experiment, setup = series
    rows = _standing(ledger, series, experiment.trials(setup))
    return experiment.further(setup, rows) if rows else ()


def _planned(ledger: Ledger, series: Series) -> list[Trial]:
    return [*series.experiment.trials(series.setup), *_further(ledger, series)]


def _standing(ledger: Ledger, series: Series, trials: Sequence[Trial]) -> Rows | None:
    rows = {trial.name: row for trial in trials if (row := ledger.row(series.key(trial), trial))}
    return rows if len(rows) == len(trials) else None


def _sections(ledger: Ledger, setup: Setup) -> list[Section]:
    """The experiments whose rows all stand, judged; the conclusions go to the ledger too."""
    sections: list[Section] = []
    order: list[str] = []
    for experiment in EXPERIMENTS:
        series = _series(experiment, setup)
        order += [each.key(trial) for each in series for trial in _planned(ledger, each)]
        rows = {each.setup.seed: _standing(ledger, each, _planned(ledger, each)) for each in series}
        if all(rows.values()):
            sections.append(section(experiment, {seed: found for seed, found in rows.items() if found}))
    ledger.conclude(order, [finding for each in sections for finding in each.findings])
    return sections


def section(experiment: Experiment, by_seed: Mapping[int, Rows]) -> Section:
    """An experiment whose rows are all there, judged."""
    findings = [
        Finding(claim, {seed: experiment.judges[name](rows) for seed, rows in by_seed.items()})
        for name, claim in claims(experiment.name).items()
    ]
    return Section(experiment, by_seed, findings)


def _machine() -> dict[str, str | int | None]:
    """What times depend on."""
    return {
        **describe(),
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "torch": torch.__version__,
        "pingze": version("pingze"),
    }
