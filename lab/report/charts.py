"""Draw what only the page of the report's claims shows: levels, caps and charts as SVG."""

import re
from collections.abc import Sequence
from io import StringIO

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pingze.derivation.charts import INK, STYLE, legend


def level(axes: Axes, height: float, text: str) -> None:
    """Draw a dotted horizontal line at a height.

    `text`, written above the line, says what the height means.
    """
    axes.axhline(height, color=INK, linewidth=0.9, linestyle=(0, (1, 2)))
    annotation = axes.annotate(
        text,
        xy=(1, height),
        xytext=(0, 3),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        ha="right",
        color=INK,
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
    text = text.replace(INK, "currentColor")
    tag = r'<svg[^>]*viewBox="([^"]*)"[^>]*>'
    return re.sub(tag, r'<svg viewBox="\1" aria-hidden="true">', text, count=1)
