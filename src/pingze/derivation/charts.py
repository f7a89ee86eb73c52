"""Draw figures in one Matplotlib style, and convert them to SVG with real text in the page's color."""

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

STYLE = dict(
    matplotlib.rc_params_from_file(
        Path(__file__).parent / "charts.mplstyle", use_default_template=False
    )
)
_INK = STYLE["text.color"]
"""The color in which Matplotlib draws text. `svg` replaces it with the page's text color."""


def panels(
    count: int = 1,
    columns: int = 2,
    size: tuple[float, float] | None = None,
    *,
    sharey: bool = True,
    **labels: Any,
) -> tuple[Figure, list[Axes]]:
    """Make a figure of `count` panels in rows of `columns`.

    `labels`, such as xlabel, are set on every panel.
    """
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
    """Draw a dotted horizontal line at a height.

    `text`, written above the line, says what the height means.
    """
    axes.axhline(height, color=_INK, linewidth=0.9, linestyle=(0, (1, 2)))
    units: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
    place = axes.annotate(text, (1, height), (0, 3), **units, ha="right", color=_INK, fontsize=11)
    place.set_annotation_clip(True)
    place.set_in_layout(False)


def cap(panels: Sequence[Axes], top: float) -> None:
    """Limit the y axis to `top`, so that exploding lines do not flatten the rest.

    The axis starts below all values.
    """
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
    figure.legend(
        known.values(), known.keys(), loc="outside lower left", ncols=columns, fontsize=12
    )


def svg(figure: Figure, name: str) -> str:
    """Convert a figure to an `<svg>` element with a legend. The element's ids begin with `name`."""
    with matplotlib.rc_context(STYLE | {"svg.hashsalt": name}):
        legend(figure, columns=2)
        buffer = StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'(url\(|href=")#', rf"\1#{name}-", text).replace(_INK, "currentColor")
    return re.sub(
        r'<svg[^>]*viewBox="([^"]*)"[^>]*>', r'<svg viewBox="\1" aria-hidden="true">', text, count=1
    )
