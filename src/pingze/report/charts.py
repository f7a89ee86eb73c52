"""Charts as SVG, in the colours of the page, light or dark.

Matplotlib draws; then each of its colours becomes a CSS variable, and each of its ids gets the chart's name before
it, so that many charts can stand in one page.
"""

import re
from collections.abc import Sequence
from io import StringIO
from typing import Any, Literal, NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

INK, GRID = "#010101", "#020202"
SERIES = tuple(f"#0{number}0{number}0{number}" for number in range(3, 10))
"""What stands for the page's colours while Matplotlib draws."""
_VARIABLES = {INK: "--ink", GRID: "--grid"} | {colour: f"--s{n}" for n, colour in enumerate(SERIES, start=1)}
_DASHES = ("-", "--", ":", "-.")
_DASH_ARRAYS = ("none", "6 3", "2 3", "8 3 2 3")
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 13,
    "axes.edgecolor": GRID,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
}

Scale = Literal["linear", "log"]


class Line(NamedTuple):
    """Numbers against numbers; None leaves a gap."""

    label: str
    x: Sequence[float | None]
    y: Sequence[float | None]
    colour: int
    """Which of the page's colours of series, from 0."""
    style: int = 0
    """Which of the dashes, from 0."""
    marked: bool = False
    """Whether each point is marked."""
    panel: str = ""
    """The title of the part of the picture that it is drawn in, beside those of other titles."""
    crossed: bool = False
    """Whether None is a cross at the top."""


class Chart(NamedTuple):
    """A picture of some lines, and how to read it."""

    title: str
    caption: str
    x_label: str
    y_label: str
    lines: Sequence[Line]
    x_scale: Scale = "linear"
    y_scale: Scale = "linear"
    y_limits: tuple[float | None, float | None] = (None, None)
    marks: Sequence[tuple[float, str]] = ()
    """Heights at which a level line is drawn, each with what it says."""


def svg(chart: Chart, name: str) -> str:
    """The chart as an `<svg>` element; `name` is unique in its page."""
    with matplotlib.rc_context(_STYLE | {"svg.hashsalt": name}):
        buffer = StringIO()
        draw(chart).savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'(url\(|href=")#', rf"\1#{name}-", text)
    for colour, variable in _VARIABLES.items():
        text = text.replace(colour, f"var({variable})")
    opening = r'<svg viewBox="\1" aria-hidden="true">'
    return re.sub(r'<svg[^>]*viewBox="([^"]*)"[^>]*>', opening, text, count=1)


def legend(chart: Chart) -> list[tuple[str, str]]:
    """For each kind of line of a chart a small `<svg>` that is drawn as it is, and its label."""
    kinds = {(line.label, line.colour % len(SERIES), line.style): None for line in chart.lines}
    return [
        (
            f'<svg viewBox="0 0 28 8" width="28" height="8" aria-hidden="true"><path d="M0 4H28" fill="none" '
            f'stroke="var(--s{colour + 1})" stroke-width="2" '
            f'stroke-dasharray="{_DASH_ARRAYS[style]}"/></svg>',
            label,
        )
        for label, colour, style in kinds
    ]


def draw(chart: Chart) -> Figure:
    """The chart as Matplotlib draws it, in the stand-ins of the page's colours."""
    panels = list(dict.fromkeys(line.panel for line in chart.lines))
    rows, columns = -(-len(panels) // 2), min(2, len(panels))
    figure = Figure(figsize=(6.4, 4.2 if rows == 1 else 2.9 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for number, (panel, axes) in enumerate(zip(panels, grid.flat, strict=False)):
        _draw_panel(axes, chart, [line for line in chart.lines if line.panel == panel], limits=_limits(chart))
        axes.set_title(panel, fontsize=11)
        axes.set_ylabel("" if number % columns else chart.y_label)
    for axes in list(grid.flat)[len(panels) :]:
        axes.set_visible(False)
    return figure


def _draw_panel(
    axes: Axes, chart: Chart, lines: Sequence[Line], limits: tuple[float | None, float | None]
) -> None:
    axes.set(xlabel=chart.x_label, xscale=chart.x_scale, yscale=chart.y_scale)
    axes.xaxis.set_minor_formatter(NullFormatter())
    for line in lines:
        colour = SERIES[line.colour % len(SERIES)]
        axes.plot(
            np.array(line.x, float),
            np.array(line.y, float),
            _DASHES[line.style],
            color=colour,
            linewidth=1.6,
            marker="o" if line.marked else None,
            markersize=4,
        )
        lost = [x for x, y in zip(line.x, line.y, strict=True) if y is None] if line.crossed else []
        axes.plot(
            np.array(lost, float),
            np.full(len(lost), 0.97),
            "x",
            color=colour,
            transform=axes.get_xaxis_transform(),
        )
    axes.set_ylim(*limits)
    for height, says in chart.marks:
        axes.axhline(height, color=INK, linewidth=0.9, linestyle=(0, (1, 2)))
        text = axes.annotate(
            says,
            (1, height),
            (0, 3),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            ha="right",
            annotation_clip=True,
        )
        text.set_in_layout(False)
    axes.grid(visible=True)
    axes.set_axisbelow(True)


def _limits(chart: Chart) -> tuple[float | None, float | None]:
    """The chart's limits; a twentieth below the least value where only the top is given.

    Matplotlib's own margin is a share of all values, those above the top too.
    """
    bottom, top = chart.y_limits
    if bottom is None and top is not None:
        least = min(value for line in chart.lines for value in line.y if value is not None)
        bottom = least - (top - least) / 20
    return bottom, top


def smoothed(values: Sequence[float | None], window: int = 16) -> list[float | None]:
    """The mean of each value and those before it, `window` at most."""
    means: list[float | None] = []
    for at in range(len(values)):
        known = [value for value in values[max(0, at - window + 1) : at + 1] if value is not None]
        means.append(sum(known) / len(known) if known else None)
    return means
