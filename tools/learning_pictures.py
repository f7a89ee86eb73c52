"""Draw the pictures of docs/first-poem.md and docs/temperature.md.

python tools/learning_pictures.py [NAME ...]
"""

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from pingze.arrays import Array
from pingze.derivation.differentiation import VERSE, trained_layer
from pingze.lstm.formulas import sequence_forward
from pingze.network import checkpoint
from pingze.network.reference import layer_parameters
from pingze.network.vocabulary import BOS
from tools.training_pictures import BLUE, GREEN, GREY, ORANGE, RED, STYLE, name_axes, panels

FOLDER = Path(__file__).parents[1] / "docs" / "first-poem"
OPENING = "白日依山"
TEMPERATURES = {0.3: RED, 0.7: ORANGE, 1.0: BLUE, 2.0: GREEN}
HAN = ["Noto Sans CJK TC", "Noto Serif CJK TC", "DejaVu Sans"]
"""The fonts that are asked for; a browser that has none of them takes one of its own."""

# The cell, grown in four stages. Each piece is drawn from its first stage to its last.

ARROWS = (
    (2, 2, "M60 60H347"),
    (3, 4, "M60 60H187"),
    (3, 4, "M213 60H347"),
    (2, 4, "M373 60H700"),
    (1, 4, "M150 325V272"),
    (1, 4, "M410 270V232"),
    (1, 1, "M410 200V180H700"),
    (2, 2, "M410 200V140H360V75"),
    (3, 4, "M200 270V232"),
    (3, 4, "M310 270V232"),
    (3, 4, "M200 200V75"),
    (3, 4, "M310 200V140H345"),
    (3, 4, "M410 200V140H375"),
    (3, 4, "M360 126V75"),
    (2, 4, "M590 60V92"),
    (2, 3, "M590 124V180H700"),
    (4, 4, "M520 270V232"),
    (4, 4, "M590 124V167"),
    (4, 4, "M520 200V180H575"),
    (4, 4, "M605 180H700"),
)
LINES = ((1, 3, "M60 270H410"), (4, 4, "M60 270H520"))
"""Paths without an arrow's head."""
CIRCLES = ((3, 4, 200, 60, "⊙"), (2, 4, 360, 60, "+"), (3, 4, 360, 140, "⊙"), (4, 4, 590, 180, "⊙"))
BOXES = (
    (3, 4, 200, 216, "σ"),
    (3, 4, 310, 216, "σ"),
    (1, 4, 410, 216, "tanh"),
    (4, 4, 520, 216, "σ"),
    (2, 4, 590, 108, "tanh"),
)
STATES = (
    (2, 4, 35, 66, "c", "t−1"),
    (2, 4, 722, 66, "c", "t"),
    (1, 4, 35, 276, "h", "t−1"),
    (1, 4, 722, 186, "h", "t"),
    (1, 4, 150, 345, "x", "t"),
)
LETTERS = (
    (2, 4, 424, 170, "c̃"),
    (3, 4, 186, 160, "f"),
    (3, 4, 296, 170, "i"),
    (4, 4, 508, 190, "o"),
)
WORDS = ((3, 4, 200, 44, "keep"), (2, 4, 360, 44, "add"), (4, 4, 640, 172, "let out"))
TITLES = {
    1: "1. A plain recurrent network",
    2: "2. A cell that adds",
    3: "3. A gate to keep, and a gate to add",
    4: "4. A gate to let out: the LSTM",
}


def cell(stage: int) -> str:
    """Draw the cell up to a stage as SVG."""
    # 1) The frame and the arrow's head.
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 350" font-family="Georgia, serif" '
        'font-size="17" text-anchor="middle">',
        f"<title>{TITLES[stage]}</title>",
        '<defs><marker id="to" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto"><path d="M0 0 8 4 0 8z" fill="#333"/></marker></defs>',
        '<rect width="760" height="350" fill="#fff"/>',
        '<rect x="95" y="20" width="570" height="272" rx="14" fill="#f6f4ee" stroke="#bbb"/>',
        '<g fill="none" stroke="#333" stroke-width="1.6">',
    ]
    # 2) Lines, arrows, circles and boxes; the arrows that a stage adds are orange.
    for first, last, path in LINES:
        if first <= stage <= last:
            parts.append(f'<path d="{path}"/>')
    for first, last, path in ARROWS:
        if first <= stage <= last:
            new = ' stroke="#b45309"' if first == stage > 1 else ""
            parts.append(f'<path d="{path}" marker-end="url(#to)"{new}/>')
    parts.append('</g><g fill="#fff" stroke="#333" stroke-width="1.4">')
    for first, last, x, y, _ in CIRCLES:
        if first <= stage <= last:
            parts.append(f'<circle cx="{x}" cy="{y}" r="13"/>')
    for first, last, x, y, _ in BOXES:
        if first <= stage <= last:
            parts.append(f'<rect x="{x - 30}" y="{y - 16}" width="60" height="32" rx="5"/>')
    # 3) Signs, letters and words.
    parts.append('</g><g fill="#111">')
    for first, last, x, y, sign in CIRCLES + BOXES:
        if first <= stage <= last:
            parts.append(f'<text x="{x}" y="{y + 6}">{sign}</text>')
    parts.append('</g><g fill="#0b5394" font-style="italic" font-weight="bold">')
    for first, last, x, y, letter, index in STATES:
        if first <= stage <= last:
            small = f'<tspan dy="5" font-size="12">{index}</tspan>'
            parts.append(f'<text x="{x}" y="{y}">{letter}{small}</text>')
    for first, last, x, y, letter in LETTERS:
        if first <= stage <= last:
            parts.append(f'<text x="{x}" y="{y}">{letter}</text>')
    parts.append('</g><g font-size="13" fill="#555">')
    for first, last, x, y, word in WORDS:
        if first <= stage <= last:
            parts.append(f'<text x="{x}" y="{y}">{word}</text>')
    parts.append('<text x="570" y="275" font-size="15">z = [h, x]</text></g></svg>')
    return "\n".join(parts) + "\n"


def next_logits(opening: str) -> tuple[Array, Sequence[str]]:
    """Return the logits of the model `report` after an opening, (V), and its characters."""
    model = checkpoint.load("report")
    tensors = {name: tensor.astype(np.float64) for name, tensor in model.tensors.items()}
    ids = np.concatenate([[BOS], model.vocabulary.encode(opening)])
    zero = np.zeros((1, model.configuration.hidden_size))
    x = tensors["embedding.weight"][ids][:, None]
    (_, h, _), _ = sequence_forward(x, zero, zero, layer_parameters(tensors, depth=0))
    logits: Array = h[0] @ tensors["output.weight"].T + tensors["output.bias"]
    characters = [model.vocabulary.decode([number]) for number in range(len(logits))]
    return logits, characters


def temperature() -> Figure:
    """The probabilities of the likeliest next characters at four temperatures, and how many share the first half."""
    logits, characters = next_logits(OPENING)
    order = np.argsort(-logits)
    shown = order[:12]
    figure, (left, right) = panels(2, 9.4)
    for number, (each, colour) in enumerate(TEMPERATURES.items()):
        p = np.exp((logits - logits.max()) / each)
        p /= p.sum()
        places = np.arange(len(shown)) + 0.2 * (number - 1.5)
        left.bar(places, p[shown], width=0.2, color=colour, label=f"temperature {each}")
        right.semilogx(np.arange(1, len(p) + 1), np.cumsum(p[order]), color=colour)
    left.set_xticks(range(len(shown)), [characters[number] for number in shown], family=HAN)
    right.axhline(0.5, color=GREY, ls=":")
    name_axes(left, f"after {OPENING}", "the twelve likeliest characters", "p")
    left.title.set_family(HAN)
    name_axes(right, "their sum", "so many of the likeliest characters", "p of all of them")
    left.legend()
    return figure


def unit() -> Figure:
    """The cell of the unit that follows the place in the line most closely, over a verse."""
    # 1) The cells after each character; the first cache is that of <bos>.
    caches = trained_layer("report", 48)
    cells = np.array([cache.c_prev[0] for cache in caches[2:]])
    read = VERSE[: len(cells)]
    # 2) The unit whose cell follows the place.
    since_mark = []
    count = 0
    for character in read:
        count = 0 if character in "，。" else count + 1
        since_mark.append(count)
    place = np.array(since_mark, float)
    correlations = [np.corrcoef(place, cells[:, unit])[0, 1] for unit in range(cells.shape[1])]
    chosen = int(np.nanargmax(np.abs(correlations)))
    # 3) The picture.
    figure, axes = panels(1, 9.4)
    axes.plot(range(len(read)), cells[:, chosen], "o-", ms=3, color=BLUE)
    for at, character in enumerate(read):
        if character in "，。":
            axes.axvline(at, color=GREY, lw=0.7, ls=":")
    axes.set_xticks(range(len(read)), list(read), fontsize=9, family=HAN)
    name_axes(axes, f"unit {chosen} of 512, model report", "character read", "its cell c")
    return figure


def chart(draw: Callable[[], Figure]) -> str:
    """Draw a chart as SVG, with text as text."""
    path = FOLDER / "drawing.svg"
    with rc_context(STYLE):
        draw().savefig(path, metadata={"Date": None})
    svg = path.read_text(encoding="utf-8")
    path.unlink()
    return re.sub(r"(\.\d\d)\d+", r"\1", svg)  # hundredths of a point suffice


CHARTS: Mapping[str, Callable[[], Figure]] = {"temperature": temperature, "unit": unit}


def main(names: list[str]) -> None:
    """Draw all pictures, or those named."""
    FOLDER.mkdir(exist_ok=True)
    for stage in TITLES:
        name = f"cell-{stage}"
        if not names or name in names:
            (FOLDER / f"{name}.svg").write_text(cell(stage), encoding="utf-8")
    for name, draw in CHARTS.items():
        if not names or name in names:
            (FOLDER / f"{name}.svg").write_text(chart(draw), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
