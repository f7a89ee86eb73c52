"""Draw figures in one Matplotlib style, and convert them to SVG with text in the page's colour."""

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
"""The colour in which Matplotlib draws text. `svg` replaces it with the page's text colour."""


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
    height = 4.6 if rows == 1 else 3.1 * rows
    figure = Figure(figsize=size or (6.4, height), layout="constrained")
    all_axes = list(figure.subplots(rows, columns, sharey=sharey, squeeze=False).flat)
    for number, axes in enumerate(all_axes):
        axes.set(**labels)
        axes.xaxis.set_minor_formatter(NullFormatter())
        if number % columns:
            axes.set_ylabel("")
    return figure, all_axes


def by_step(axes: Axes, values: Sequence[float] | Array, style: str = "", **line: Any) -> None:
    """Draw values against their steps, which count from 1."""
    axes.plot(range(1, len(values) + 1), values, style, **line)


def level(axes: Axes, height: float, text: str) -> None:
    """Draw a dotted horizontal line at a height.

    `text`, written above the line, says what the height means.
    """
    axes.axhline(height, color=_INK, linewidth=0.9, linestyle=(0, (1, 2)))
    annotation = axes.annotate(
        text,
        xy=(1, height),
        xytext=(0, 3),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        ha="right",
        color=_INK,
        fontsize=11,
    )
    annotation.set_annotation_clip(True)
    annotation.set_in_layout(False)


def cap(panels: Sequence[Axes], top: float) -> None:
    """Limit the y axis to `top`, so that exploding lines do not flatten the rest.

    The axis starts below all values.
    """
    values = []
    for axes in panels:
        values += [np.asarray(line.get_ydata(), float) for line in axes.lines]
    least = float(np.nanmin(np.concatenate(values)))
    panels[0].set_ylim(least - (top - least) / 20, top)


def legend(figure: Figure, columns: int) -> None:
    """Add one legend for all panels."""
    lines: dict[str, Artist] = {}
    for axes in figure.axes:
        handles, labels = axes.get_legend_handles_labels()
        lines.update(zip(labels, handles, strict=True))
    if max(len(label) for label in lines) > 34:
        columns = 1
    figure.legend(
        lines.values(), lines.keys(), loc="outside lower left", ncols=columns, fontsize=12
    )


def svg(figure: Figure, name: str) -> str:
    """Convert a figure to an `<svg>` element with a legend. The element's ids begin with `name`."""
    with matplotlib.rc_context(STYLE | {"svg.hashsalt": name}):
        legend(figure, columns=2)
        buffer = StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    # 1) Keep only the element, without Matplotlib's metadata.
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    # 2) Make the ids, and the references to them, unique in the page.
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'(url\(|href=")#', rf"\1#{name}-", text)
    # 3) Take the page's colour and size.
    text = text.replace(_INK, "currentColor")
    tag = r'<svg[^>]*viewBox="([^"]*)"[^>]*>'
    return re.sub(tag, r'<svg viewBox="\1" aria-hidden="true">', text, count=1)
