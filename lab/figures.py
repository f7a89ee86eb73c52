"""Record in lab/figures.json the newest value of each figure by name, and how it was measured.

Scripts of lab/ run from the root as modules, as in `python -m lab.experiments.recipe`.
"""

import datetime
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pingze.network.weights
from pingze.machine import describe

FIGURES = Path(__file__).with_name("figures.json")
SHIPPED = Path(pingze.network.weights.__path__[0]) / "figures.json"
"""The figures of the shipped models, which the models' cards show."""


def record(command: str, values: Mapping[str, float]) -> None:
    """Print values, and store them with command, date, commit and machine.

    Figures of other names are kept.
    """
    figures = json.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.exists() else {}
    measured = {
        "command": command,
        "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        "commit": commit(),
        "machine": "{processor}, {cores} cores".format(**describe()),
    }
    for name, value in values.items():
        figures[name] = {"value": round(value, 5), **measured}
        print(f"{name} {value:.5g}")
    FIGURES.write_text(_json(figures), encoding="utf-8")
    SHIPPED.write_text(_json(of_shipped_models(figures)), encoding="utf-8")


def of_shipped_models(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Select the figures of the shipped models."""
    return {
        name: figure
        for name, figure in figures.items()
        if name.startswith(("model.", "report.", "ci."))
    }


def _json(figures: Mapping[str, Any]) -> str:
    return json.dumps(figures, indent=1, sort_keys=True) + "\n"


def commit() -> str:
    """Return the commit that is checked out, with a + if files have changed since."""
    asked = ["git", "describe", "--always", "--dirty=+"]
    done = subprocess.run(asked, cwd=FIGURES.parent, capture_output=True, text=True, check=False)
    return done.stdout.strip()
