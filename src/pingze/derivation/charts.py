"""Draw figures in one Matplotlib style."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
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
INK = STYLE["text.color"]
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

    `count` must be a multiple of `columns`, unless one row holds all panels. `labels`, such as
    xlabel, are set on every panel, but a ylabel only on the first panel of each row.
    """
    columns = min(columns, count)
    rows = count // columns
    if size is None:
        height = 4.6 if rows == 1 else 3.1 * rows
        size = (6.4, height)  # inches
    figure = Figure(figsize=size, layout="constrained")
    axes_grid = figure.subplots(rows, columns, sharey=sharey, squeeze=False)
    all_axes = list(axes_grid.flat)  # row by row
    for number, axes in enumerate(all_axes):
        axes.set(**labels)
        # Without this formatter, a logarithmic axis also writes numbers at its minor ticks.
        axes.xaxis.set_minor_formatter(NullFormatter())
        is_first_of_row = number % columns == 0
        if not is_first_of_row:
            axes.set_ylabel("")
    return figure, all_axes


def by_step(axes: Axes, values: Sequence[float] | Array, style: str = "", **line: Any) -> None:
    """Draw values against their steps, which count from 1.

    `line` holds other properties of the line, such as its label and colour.
    """
    axes.plot(range(1, len(values) + 1), values, style, **line)


def legend(figure: Figure, columns: int) -> None:
    """Add one legend for all panels, in at most `columns` columns."""
    # Panels repeat lines, so one line is kept for each label.
    line_by_label: dict[str, Artist] = {}
    for axes in figure.axes:
        handles, labels = axes.get_legend_handles_labels()
        line_by_label.update(zip(labels, handles, strict=True))
    # Two labels of more than 34 characters would not fit side by side.
    longest = max(len(label) for label in line_by_label)
    if longest > 34:
        columns = 1
    figure.legend(
        line_by_label.values(),
        line_by_label.keys(),
        loc="outside lower left",
        ncols=columns,
        fontsize=12,
    )
