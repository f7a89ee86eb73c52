"""Draw figures with Matplotlib in one style, and convert them to SVG whose text stays text in the page's colour."""

import re
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from pingze.arrays import Array

STYLE = dict(matplotlib.rc_params_from_file(Path(__file__).parent / "charts.mplstyle", use_default_template=False))
_INK = STYLE["text.color"]
"""The placeholder for the page's text colour while Matplotlib draws."""


def panels(
    count: int = 1, columns: int = 2, size: tuple[float, float] | None = None, *, sharey: bool = True, **labels: Any
) -> tuple[Figure, list[Axes]]:
    """Make a figure of full rows of panels, `columns` to a row; each panel gets the `labels`, such as xlabel."""
    columns = min(columns, count)
    rows = count // columns
    figure = Figure(figsize=size or (6.4, 4.6 if rows == 1 else 3.1 * rows), layout="constrained")
    every = list(figure.subplots(rows, columns, sharey=sharey, squeeze=False).flat)
    for number, axes in enumerate(every):
        axes.set(**labels)
        axes.xaxis.set_minor_formatter(NullFormatter())
        if number % columns:
            axes.set_ylabel("")
    return figure, every


def by_step(axes: Axes, values: Sequence[float] | Array, style: str = "", **line: Any) -> None:
    """Draw values against their steps, which count from 1."""
    axes.plot(range(1, len(values) + 1), values, style, **line)


def level(axes: Axes, height: float, text: str) -> None:
    """Draw a dotted horizontal line at a height, with its meaning written above it."""
    axes.axhline(height, color=_INK, linewidth=0.9, linestyle=(0, (1, 2)))
    units: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
    place = axes.annotate(text, (1, height), (0, 3), **units, ha="right", color=_INK, fontsize=11)
    place.set_annotation_clip(True)
    place.set_in_layout(False)


def cap(panels: Sequence[Axes], top: float) -> None:
    """Make the y axis run from just below the least value to `top`, so that exploding lines do not flatten the rest."""
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
