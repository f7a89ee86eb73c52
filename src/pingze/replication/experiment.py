"""An experiment: claims of the report, trials that test them, rows that they leave, conclusions that follow by a rule.

No conclusion is written by hand: a claim's `judge` reads the rows and nothing else.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pingze.replication.charts import Chart
from pingze.replication.setup import Setting, Setup

CONFIRMED, REFINED, REFUTED = "confirmed", "refined", "refuted"


@dataclass(frozen=True)
class Trial:
    """One thing to measure: its name within the experiment, and what sets it apart."""

    name: str
    settings: Mapping[str, Setting]


@dataclass(frozen=True)
class Measured:
    """What a trial showed; numbers that are not finite are None in JSON, infinite here."""

    figures: Mapping[str, Any]
    curves: Mapping[str, Sequence[float | None]] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """A trial and what it showed, as the ledger holds it."""

    id: str
    """The key in results.json: experiment/trial."""
    settings: Mapping[str, Setting]
    figures: Mapping[str, Any]
    curves: Mapping[str, Sequence[float | None]]

    def number(self, name: str) -> float:
        """A figure; what is no finite number is infinite."""
        value = self.figures[name]
        return float("inf") if value is None else float(value)


Rows = Mapping[str, Row]
"""The rows of an experiment by the trial's name."""


class Finding(NamedTuple):
    """A conclusion, the numbers that it rests on, and the rows they come from."""

    conclusion: str
    sentence: str
    rows: Sequence[Row]


@dataclass(frozen=True)
class Claim:
    """A line of the report, and the rule by which measurements confirm, refine or refute it."""

    quote: str
    rule: str
    judge: Callable[[Rows], Finding]


@dataclass(frozen=True)
class Experiment:
    """One of the nine."""

    name: str
    title: str
    about: str
    """What is done, in a few sentences; no number in it is a result."""
    trials: Callable[[Setup], Sequence[Trial]]
    measure: Callable[[Setup, Trial], Measured]
    claims: Sequence[Claim]
    charts: Callable[[Rows], Sequence[Chart]]
    times: Callable[[Rows, Callable[[Row], float]], str] = lambda rows, seconds: ""
    """What the seconds of each row say; it stands beside the results, for no two runs have the same."""


def by_rule(confirmed: bool, refined: bool) -> str:
    """The conclusion: confirmed, else refined, else refuted."""
    return CONFIRMED if confirmed else REFINED if refined else REFUTED
