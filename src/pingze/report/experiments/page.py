"""Render the page of the measured claims from the template `page.html`, as one self-contained HTML file."""

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
from pingze.report.experiments.experiment import Row, Setup


@dataclass(frozen=True)
class Section:
    """An experiment whose rows have all been measured, with its verdicts and figures."""

    name: str
    rows: Sequence[Row]
    """The rows of all seeds."""
    findings: Sequence[Finding]
    figures: Sequence[Figure]
    """The figures of the first seed."""
    minutes: float
    """How many minutes the rows took to measure."""

    @property
    def text(self) -> Mapping[str, Any]:
        """The experiment's title and description in `claims.toml`, and the title and caption of each figure."""
        text: Mapping[str, Any] = document()["experiment"][self.name]
        return text

    @property
    def charts(self) -> list[tuple[Mapping[str, str], str]]:
        """The title and caption of each figure, paired with its SVG."""
        drawn = [svg(each, f"{self.name}-{number}") for number, each in enumerate(self.figures, start=1)]
        return list(zip(self.text["charts"], drawn, strict=True))


def page(sections: Sequence[Section], setup: Setup, machine: Mapping[str, Any], planned: int) -> str:
    """Return the page of the experiments that are complete, as HTML; `planned` is the number of all experiments."""
    resources = files(__package__)
    environment = Environment(autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True)
    # Words in backticks become <code> elements.
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
