"""Draw figures with Matplotlib in one style, and convert them to SVG whose text stays text in the page's colour."""

import re
from collections.abc import Sequence
from io import StringIO
from typing import Any

import matplotlib
import numpy as np
from cycler import cycler
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from pingze.arrays import Array

_INK = "#010101"
"""The placeholder for the page's text colour while Matplotlib draws."""
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 13,
    "axes.prop_cycle": cycler(color=["#3b82c4", "#d9662b", "#3a9a62", "#a85fb0", "#a88a00", "#d1527a", "#7c8794"]),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": _INK,
    "grid.alpha": 0.15,
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.6,
    "lines.markersize": 4,
    "legend.frameon": False,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
} | dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), _INK)
"""The style of all figures; the colours of the lines are legible on light and on dark backgrounds."""


def panels(
    count: int = 1, columns: int = 2, size: tuple[float, float] | None = None, *, sharey: bool = True, **labels: Any
) -> tuple[Figure, list[Axes]]:
    """Make a figure of `count` panels, `columns` to a row; every panel gets the properties `labels`, such as xlabel."""
    columns = min(columns, count)
    rows = -(-count // columns)
    size = size or (6.4, 4.6 if rows == 1 else 3.1 * rows)
    figure = Figure(figsize=size, layout="constrained")
    every = list(figure.subplots(rows, columns, sharey=sharey, squeeze=False).flat)
    for number, axes in enumerate(every):
        axes.set(**labels)
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_visible(number < count)
        if number % columns:
            axes.set_ylabel("")
    return figure, every[:count]


def by_step(axes: Axes, values: Sequence[float] | Array, style: str = "", **line: Any) -> None:
    """Draw values against the steps 1, 2, …."""
    axes.plot(range(1, len(values) + 1), values, style, **line)


def level(axes: Axes, height: float, text: str) -> None:
    """Draw a dotted horizontal line at a height, with its meaning written above it."""
    axes.axhline(height, color=_INK, linewidth=0.9, linestyle=(0, (1, 2)))
    units: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
    place = axes.annotate(text, (1, height), (0, 3), **units, ha="right", color=_INK, fontsize=11)
    place.set_annotation_clip(True)
    place.set_in_layout(False)


def cap(panels: Sequence[Axes], top: float) -> None:
    """Limit the y axis to just below the least value and to `top`, so that exploding lines do not flatten the rest."""
    values = [np.asarray(line.get_ydata(), float) for axes in panels for line in axes.lines]
    least = float(np.nanmin(np.concatenate(values)))
    panels[0].set_ylim(least - (top - least) / 20, top)


def legend(figure: Figure, columns: int) -> None:
    """Add one legend for all panels."""
    known: dict[str, Artist] = {}
    for axes in figure.axes:
        lines, names = axes.get_legend_handles_labels()
        known |= dict(zip(names, lines, strict=True))
    columns = 1 if max(map(len, known)) > 34 else columns
    figure.legend(known.values(), known.keys(), loc="outside lower left", ncols=columns, fontsize=12)


def svg(figure: Figure, name: str) -> str:
    """Return a figure with its legend as an `<svg>` element whose ids begin with a name."""
    with matplotlib.rc_context(STYLE | {"svg.hashsalt": name}):
        legend(figure, columns=2)
        buffer = StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'(url\(|href=")#', rf"\1#{name}-", text).replace(_INK, "currentColor")
    return re.sub(r'<svg[^>]*viewBox="([^"]*)"[^>]*>', r'<svg viewBox="\1" aria-hidden="true">', text, count=1)
