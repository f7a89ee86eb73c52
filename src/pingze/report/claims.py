"""The claims, their rules, grids and seeds, as `claims.toml` has them; its head explains the fields."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from operator import ge, gt, le, lt
from typing import Any

CONFIRMED, REFINED, REFUTED, UNDECIDED = "confirmed", "refined", "refuted", "undecided"
_COMPARISONS = {"<=": le, "<": lt, ">=": ge, ">": gt}
_CONDITION = re.compile(r"(\S+) (<=|<|>=|>) (-?[\d.]+)")


@dataclass(frozen=True)
class Rule:
    """Two conditions on the numbers of a claim, each as `name <= 1.5`."""

    confirmed: str
    refined: str
    label: str = ""
    """What sets another rule apart from the claim's own."""

    def conclusion(self, numbers: Mapping[str, float]) -> str:
        """What the numbers of one seed say."""
        if _holds(self.confirmed, numbers):
            return CONFIRMED
        return REFINED if _holds(self.refined, numbers) else REFUTED

    @property
    def number(self) -> str:
        """The name of the number that decides first."""
        return _parts(self.confirmed)[0]

    def told(self, numbers: Mapping[str, str]) -> str:
        """The rule in words."""
        first, second = (_told(condition) for condition in (self.confirmed, self.refined))
        limit = "" if second[0] == first[0] else f"{numbers[second[0]]}: "
        return f"{numbers[first[0]]}. Confirmed if {first[1]}; refined if {limit}{second[1]}; else refuted."


@dataclass(frozen=True)
class Claim:
    """A line of the report, and how it is judged."""

    id: str
    quote: str
    numbers: Mapping[str, str]
    """What is computed, in words."""
    rule: Rule
    reason: str
    first_run: str
    reading: str = ""
    other: Sequence[Rule] = ()


@cache
def document() -> Mapping[str, Any]:
    """The whole file."""
    text = files("pingze.report").joinpath("claims.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def claims(experiment: str) -> Mapping[str, Claim]:
    """An experiment's claims by the second half of their ids."""
    found = [_claim(fields) for fields in document()["claim"]]
    return {claim.id.partition("/")[2]: claim for claim in found if claim.id.partition("/")[0] == experiment}


def plan(experiment: str) -> Mapping[str, Any]:
    """The grid of an experiment."""
    found: Mapping[str, Any] = document()["plan"].get(experiment, {})
    return found


def _claim(fields: dict[str, Any]) -> Claim:
    rest = {name: value for name, value in fields.items() if name not in ("confirmed", "refined", "other")}
    other = [Rule(**each) for each in fields.get("other", [])]
    return Claim(rule=Rule(fields["confirmed"], fields["refined"]), other=other, **rest)


def _parts(condition: str) -> tuple[str, str, str]:
    found = _CONDITION.fullmatch(condition)
    if not found:
        raise ValueError(f"{condition!r} is no condition")
    return found[1], found[2], found[3]


def _told(condition: str) -> tuple[str, str]:
    """The name of a number, and the condition on it as it is printed."""
    name, comparison, limit = _parts(condition)
    return name, f"{comparison.replace('<=', '≤').replace('>=', '≥')} {limit}"


def _holds(condition: str, numbers: Mapping[str, float]) -> bool:
    name, comparison, limit = _parts(condition)
    holds: bool = _COMPARISONS[comparison](numbers[name], float(limit))
    return holds
