"""Run the nine experiments, resume where they stopped, and write the page."""

import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import torch

from pingze.errors import InputError, TrainingError
from pingze.files import written
from pingze.machine import describe
from pingze.replication.experiment import Experiment, Finding
from pingze.replication.experiments import (
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
from pingze.replication.ledger import Ledger
from pingze.replication.page import Section, page
from pingze.replication.setup import Setup

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
    chosen = [experiment for experiment in EXPERIMENTS if only in (None, experiment.name)]
    plan = [(experiment, trial) for experiment in chosen for trial in experiment.trials(setup)]
    for number, (experiment, trial) in enumerate(plan):
        progress(f"{experiment.name}: {trial.name}", number, len(plan))
        if ledger.row(experiment, trial) is None:
            started = time.perf_counter()
            measured = experiment.measure(setup, trial)
            ledger.add(experiment, trial, measured, time.perf_counter() - started)
    progress("", len(plan), len(plan))
    sections = _sections(ledger, setup)
    with written(out / PAGE, TrainingError) as partial:
        partial.write_text(page(sections, setup, ledger, len(EXPERIMENTS)), encoding="utf-8")
    return sections


def _sections(ledger: Ledger, setup: Setup) -> list[Section]:
    """The experiments whose rows all stand, judged; the conclusions go to the ledger too."""
    order: list[str] = []
    sections: list[Section] = []
    findings: dict[str, list[Finding]] = {}
    for experiment in EXPERIMENTS:
        trials = experiment.trials(setup)
        order += [f"{experiment.name}/{trial.name}" for trial in trials]
        if rows := ledger.rows(experiment, trials):
            findings[experiment.name] = [claim.judge(rows) for claim in experiment.claims]
            sections.append(Section(experiment, rows, findings[experiment.name]))
    ledger.conclude(order, findings)
    return sections


def _machine() -> dict[str, str | int | None]:
    """What times depend on."""
    return {
        **describe(),
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "torch": torch.__version__,
        "pingze": version("pingze"),
    }
