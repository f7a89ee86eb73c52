"""experiments/figures.json: the newest value of each figure by name, with the command that measured it."""

import datetime
import json
from collections.abc import Mapping
from pathlib import Path

FIGURES = Path(__file__).with_name("figures.json")


def record(command: str, values: Mapping[str, float]) -> None:
    """Write the values beside those of other names, with the command and today's date, and print them."""
    figures = json.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.exists() else {}
    for name, value in values.items():
        figures[name] = {
            "value": round(value, 5),
            "command": command,
            "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        }
        print(f"{name} {value:.5g}")
    FIGURES.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n", encoding="utf-8")
