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
    existing: list[Path] = []
    try:
        if folder.exists():
            existing.extend(folder.iterdir())
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError("export_folder", folder=str(folder), reason=reason) from error
    # A folder with other files is refused, because an upload would publish them. The user may keep
    # an ONNX graph there, and `hub.upload` leaves out hidden files.
    for path in existing:
        is_hidden = path.name.startswith(".")
        if path.name not in _OURS and path.suffix != ".onnx" and not is_hidden:
            raise InputError("export_foreign", folder=str(folder), has=path.name)
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
    configuration = model.configuration
    conditions = Conditions(model.vocabulary)
    names = conditions.names
    is_shipped = model.name in SHIPPED
    # 1) The conditions that the model knows, in the order in which it reads them.
    dynasties = [name for name in DYNASTIES.values() if name in names]
    forms = [name for name in FORMS if name in names]
    descriptions = []
    order = ""
    if dynasties:
        descriptions.append(f"dynasty ({' '.join(dynasties)})")
        order += "[dynasty]"
    if forms:
        descriptions.append(f"form ({' '.join(forms)})")
    if names:
        order += "[form]"
    if conditions.poets:
        descriptions.append(f"poet ({len(conditions.poets)} of them)")
        order += "[poet]"
    if names:
        descriptions.append("title")
        order += "[title]"
    if ABOUT in names:
        descriptions.append("theme")
        order += "[<about> theme]"
    # 2) The sentences on the training data: one for each shipped model, and one for all others.
    # They follow the text of the template, each after a comment with its name.
    template = (files("pingze") / "card.md").read_text(encoding="utf-8")
    text, *parts = template.split("\n<!-- data: ")
    data_sentences = {}
    for part in parts:
        name, _, sentence = part.rstrip().partition(" -->\n")
        data_sentences[name] = sentence
    # 3) Fill in the text.
    held = ""
    if configuration.held:
        held = (
            "\nThe mean embedding of the tokens before `<bos>` is added as a further part of every "
            "input."
        )
    rights = "MIT."
    if not is_shipped:
        rights = "**To be stated by whoever shares it**, here and in the metadata at the top."
    return text.format(
        licence="mit" if is_shipped else "other",
        name=f"pingze-{model.name}" if is_shipped else "A model of pingze",
        parameters=sum(tensor.size for tensor in model.tensors.values()),
        layers=f"{configuration.layers} layers" if configuration.layers > 1 else "1 layer",
        hidden=configuration.hidden_size,
        embedding=configuration.embedding_size,
        tied=", output tied to it" if configuration.tied else "",
        vocabulary=len(model.vocabulary),
        conditions=", ".join(descriptions) or "nothing",
        order=order,
        optional="; each part in [ ] may be left out" if names else "",
        held=held,
        data=data_sentences.get(model.name, data_sentences["other"]),
        figures=_figures(model.name, figures),
        rights=rights,
    )


def _figures(name: str, given: Mapping[str, object] | None) -> str:
    """Return a Markdown table of figures: stored ones of a shipped model, otherwise `given`."""
    rows = ["| figure | value | measured by |", "|---|---|---|"]
    if name in SHIPPED:
        text = (files("pingze.network") / "weights" / "figures.json").read_text(encoding="utf-8")
        # the file calls the model tang just "model"
        prefix = "model." if name == "tang" else f"{name}."
        for key, figure in json.loads(text).items():
            if key.startswith(prefix):
                measured_by = f"`{figure['command']}`, {figure['date']}"
                rows.append(_row(key.removeprefix(prefix), figure["value"], measured_by))
    elif given:
        command = f"`pingze evaluate --model FOLDER --split {given.get('split', 'dev')}`"
        for key, value in given.items():
            if isinstance(value, int | float):  # the rest says what was measured
                rows.append(_row(key, value, command))
    else:
        return "None yet: `pingze evaluate --json` measures them, and `pingze export --figures FILE` puts them here."
    return "\n".join(rows)


def _row(name: str, value: float, measured_by: str) -> str:
    """Format a row of the table: whole and large numbers in full, others with four digits."""
    shown = f"{value:.4g}"
    if isinstance(value, int) or abs(value) >= 1000:
        shown = f"{value:,.0f}"
    return f"| {name.replace('_', ' ')} | {shown} | {measured_by} |"
