"""Write the page of the measured claims from `page.html`: one HTML file without other files."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any, NamedTuple

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape
from matplotlib.figure import Figure

from pingze.report.experiments.charts import svg
from pingze.report.experiments.claims import Description, description, document
from pingze.report.experiments.experiment import Finding, Row, Rows
from pingze.report.experiments.results import Results
from pingze.report.experiments.setup import Setup


class Section(NamedTuple):
    """An experiment whose rows are all there, judged and drawn."""

    name: str
    by_seed: Mapping[int, Rows]
    findings: Sequence[Finding]
    figures: Sequence[Figure]
    """Of the first seed."""
    minutes: float = 0.0
    """How long the rows took to measure."""

    @property
    def text(self) -> Description:
        """The prose."""
        return description(self.name)

    @property
    def rows(self) -> list[Row]:
        """The rows of all seeds."""
        return [row for rows in self.by_seed.values() for row in rows.values()]

    @property
    def poems(self) -> list[Row]:
        """The rows that hold poems."""
        return [row for row in self.rows if "free" in row.figures]

    @property
    def charts(self) -> list[tuple[Mapping[str, str], str]]:
        """Title and caption, and SVG, of each figure."""
        drawn = [svg(each, f"{self.name}-{number}") for number, each in enumerate(self.figures, start=1)]
        return list(zip(self.text.charts, drawn, strict=True))


def page(sections: Sequence[Section], setup: Setup, results: Results, planned: int) -> str:
    """Write the whole page of the complete experiments; `planned` is the number of all."""
    resources = files(__package__)
    environment = Environment(autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True)
    environment.filters |= {"code": _code, "plain": _plain}
    template = environment.from_string(resources.joinpath("page.html").read_text(encoding="utf-8"))
    return template.render(
        style=resources.joinpath("page.css").read_text(encoding="utf-8"),
        sections=sections,
        counts=Counter(finding.conclusion for section in sections for finding in section.findings),
        changed=document()["changed"],
        planned=planned,
        setup=setup,
        budget=setup.budget,
        machine=results.machine,
    )


def _code(text: str) -> Markup:
    """Return text as HTML, with words in backticks as code."""
    return Markup(re.sub(r"`([^`]*)`", r"<code>\1</code>", str(escape(text))))


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_plain(each)}" for name, each in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "–" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
