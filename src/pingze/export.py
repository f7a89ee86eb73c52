"""Export a model for other tools: as a folder for a model hub, or as an ONNX graph of one step.

`--model FOLDER` reads such a folder. `checkpoint.load` then verifies every file except the model
card against the metadata in `model.safetensors`. The folder contains no code, and nothing in it is
executed.
"""

import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from pingze.errors import CheckpointError, InputError
from pingze.files import written
from pingze.network import checkpoint
from pingze.network.checkpoint import CONFIG_FILE, MODEL_FILE, SHIPPED, VOCABULARY_FILE, Checkpoint
from pingze.network.conditions import ABOUT, Conditions
from pingze.network.step_graph import whole_graph
from pingze.verse import DYNASTIES
from pingze.verse.forms import FORMS

CARD_FILE = "README.md"
_OURS = {MODEL_FILE, CONFIG_FILE, VOCABULARY_FILE, CARD_FILE}


def write_onnx(path: Path, model: Checkpoint) -> None:
    """Write an ONNX graph that computes one step of a model in 8 bits.

    `network.step_graph.whole_graph` describes the graph. The file is written atomically. Raises
    CheckpointError if writing fails.
    """
    with written(path, CheckpointError) as partial:
        partial.write_bytes(whole_graph(model.rounded()))


def write_folder(
    folder: Path, model: Checkpoint, figures: Mapping[str, object] | None = None
) -> list[Path]:
    """Export a model to a folder, new or of an earlier export, and return the files' paths.

    Each file is written atomically. An existing model card is kept. A new card includes `figures`,
    the output of `pingze evaluate --json` for this model.

    Raises InputError if the folder contains other files, CheckpointError if a file cannot be
    written.
    """
    try:
        found = (
            [path for path in folder.iterdir() if path.name[0] != "."] if folder.exists() else []
        )
    except OSError as error:
        raise InputError(
            "export_folder", folder=str(folder), reason=error.strerror or str(error)
        ) from error
    if foreign := [
        path.name for path in found if path.name not in _OURS and path.suffix != ".onnx"
    ]:
        raise InputError("export_foreign", folder=str(folder), has=foreign[0])
    texts = model.export_files
    if not (folder / CARD_FILE).exists():
        texts[CARD_FILE] = card(model, figures)
    checkpoint.save(folder / MODEL_FILE, model)
    for name, text in texts.items():
        with written(folder / name, CheckpointError) as partial:
            partial.write_bytes(text.encode())
    return [folder / name for name in (MODEL_FILE, *texts)]


def card(model: Checkpoint, figures: Mapping[str, object] | None = None) -> str:
    """Return a model card: metadata and Markdown.

    For a shipped model, stored evaluation figures replace `figures`.
    """
    sizes, conditions, shipped = (
        model.configuration,
        Conditions(model.vocabulary),
        model.name in SHIPPED,
    )
    names = conditions.names
    dynasties, themes = [name for name in DYNASTIES.values() if name in names], ABOUT in names
    forms, poets = [name for name in FORMS if name in names], len(conditions.poets)
    known = [
        f"dynasty ({' '.join(dynasties)})" * bool(dynasties),
        f"form ({' '.join(forms)})" * bool(forms),
    ]
    known += [f"poet ({poets} of them)" * bool(poets), "title" * bool(names), "theme" * themes]
    order = f"{'[dynasty]' * bool(dynasties)}[form]{'[poet]' * bool(poets)}[title]"
    held = "\nThe mean embedding of the tokens before `<bos>` is added as a further part of every input."
    text, *parts = (files("pingze") / "card.md").read_text(encoding="utf-8").split("\n<!-- data: ")
    data = dict(part.rstrip().split(" -->\n") for part in parts)
    return text.format(
        licence="mit" if shipped else "other",
        name=f"pingze-{model.name}" if shipped else "A model of pingze",
        parameters=sum(tensor.size for tensor in model.tensors.values()),
        layers=f"{sizes.layers} layer" + "s" * (sizes.layers > 1),
        hidden=sizes.hidden_size,
        embedding=sizes.embedding_size,
        tied=", output tied to it" * sizes.tied,
        vocabulary=len(model.vocabulary),
        conditions=", ".join(filter(None, known)) or "nothing",
        order=f"{order}{'[<about> theme]' * themes}" * bool(names),
        optional="; each part in [ ] may be left out" * bool(names),
        held=held * sizes.held,
        data=data.get(model.name, data["other"]),
        figures=_figures(model.name, figures),
        rights="MIT." if shipped else "**To be stated by whoever shares it**, here and in the metadata at the top.",
    )  # fmt: skip


def _figures(name: str, given: Mapping[str, object] | None) -> str:
    """Return a Markdown table of figures: stored ones of a shipped model, otherwise `given`."""
    if name in SHIPPED:
        text = (files("pingze.network") / "weights" / "figures.json").read_text(encoding="utf-8")
        prefix = "model." if name == "tang" else f"{name}."
        known = {
            each.removeprefix(prefix): row
            for each, row in json.loads(text).items()
            if each.startswith(prefix)
        }
        rows = [
            (each, row["value"], f"`{row['command']}`, {row['date']}")
            for each, row in known.items()
        ]
    elif given:
        command = f"`pingze evaluate --model FOLDER --split {given.get('split', 'dev')}`"
        rows = [
            (each, value, command)
            for each, value in given.items()
            if isinstance(value, int | float)
        ]
    else:
        return "None yet: `pingze evaluate --json` measures them, and `pingze export --figures FILE` puts them here."
    cells = [f"| {each.replace('_', ' ')} | {_shown(value)} | {how} |" for each, value, how in rows]
    return "\n".join(["| figure | value | measured by |", "|---|---|---|", *cells])


def _shown(value: float) -> str:
    """Format a figure: a whole number in full, any other with the four digits that matter."""
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}"
