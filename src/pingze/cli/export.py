"""`pingze export`."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from pingze.cli.application import ModelOption, app, file_name, read_file
from pingze.errors import InputError
from pingze.network import DEFAULT


@app.command()
def export(
    to: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Write weights, configuration, vocabulary and card."),
    ] = None,
    onnx: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write one step as a graph for ONNX Runtime.")
    ] = None,
    figures: Annotated[
        str | None,
        typer.Option(metavar="FILE|-", help="The output of pingze evaluate --json, for the card."),
    ] = None,
    model: ModelOption = DEFAULT,
) -> None:
    """Write a model as a folder for a model hub, or as ONNX; --model verifies and reads such a folder."""
    from pingze.export import write_folder, write_onnx
    from pingze.network import checkpoint

    if to is None and onnx is None:
        raise InputError("nothing_to_write")
    measured = _read_figures(figures) if figures else None
    loaded = checkpoint.load(model)
    wrote = write_folder(to, loaded, measured) if to else []
    if onnx:
        write_onnx(onnx, loaded)
    for path in [*wrote, *([onnx] if onnx else [])]:
        typer.echo(f"wrote {path}", err=True)


def _read_figures(file: str) -> dict[str, Any]:
    try:
        figures = json.loads(read_file(file))
    except ValueError:
        figures = None
    if not isinstance(figures, dict):
        raise InputError("no_figures", name=file_name(file))
    return figures
