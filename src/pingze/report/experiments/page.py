"""Write the page of the measured claims from `page.html`: one HTML file without other files."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape
from matplotlib.figure import Figure

from pingze.report.experiments.charts import svg
from pingze.report.experiments.claims import Finding, document
from pingze.report.experiments.experiment import Row
from pingze.report.experiments.setup import Setup


@dataclass(frozen=True)
class Section:
    """An experiment whose rows are all there, judged and drawn."""

    name: str
    rows: Sequence[Row]
    """Of all seeds."""
    findings: Sequence[Finding]
    figures: Sequence[Figure]
    """Of the first seed."""
    minutes: float
    """How long the rows took to measure."""

    @property
    def text(self) -> Mapping[str, Any]:
        """The prose: title, what it is about, title and caption of each figure."""
        text: Mapping[str, Any] = document()["experiment"][self.name]
        return text

    @property
    def charts(self) -> list[tuple[Mapping[str, str], str]]:
        """Title and caption, and SVG, of each figure."""
        drawn = [svg(each, f"{self.name}-{number}") for number, each in enumerate(self.figures, start=1)]
        return list(zip(self.text["charts"], drawn, strict=True))


def page(sections: Sequence[Section], setup: Setup, machine: Mapping[str, Any], planned: int) -> str:
    """Write the whole page of the complete experiments; `planned` is the number of all."""
    resources = files(__package__)
    environment = Environment(autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True)
    # Words in backticks are code.
    code = partial(re.sub, r"`([^`]*)`", r"<code>\1</code>")
    environment.filters |= {"code": lambda text: Markup(code(str(escape(text)))), "plain": _plain}
    template = environment.from_string(resources.joinpath("page.html").read_text(encoding="utf-8"))
    return template.render(
        style=resources.joinpath("page.css").read_text(encoding="utf-8"),
        sections=sections,
        counts=Counter(finding.conclusion for section in sections for finding in section.findings),
        changed=document()["changed"],
        planned=planned,
        setup=setup,
        budget=setup.budget,
        machine=machine,
    )


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_plain(each)}" for name, each in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "–" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
