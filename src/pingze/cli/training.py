"""`pingze train` and `evaluate`; both need torch."""

from dataclasses import asdict
from importlib.util import find_spec
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Annotated, Any

import typer

from pingze import checkpoint
from pingze.cli.app import JsonOption, ModelOption, app, print_json
from pingze.errors import MissingExtraError

BASELINE = "report"
"""The model beside whose poems those of every model are measured."""


@app.command()
def train(
    out: Annotated[Path, typer.Option(help="The run's folder.")],
    preset: Annotated[str, typer.Option(help="Where the configuration starts from.")] = "report",
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="Change a field of the preset.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in this folder.")] = False,
) -> None:
    """Train a model on the corpus; Ctrl-C leaves a run that --resume goes on with."""
    _need_torch("training")
    from pingze.corpus import Store
    from pingze.training import configuration, display, loop

    chosen = configuration.preset(preset, settings)
    with Store.open() as store:
        texts, dev = store.report_draw("train"), store.report_draw("dev")
    run = loop.Run(out, chosen, texts, dev, resume=resume)
    if resume:
        typer.echo(f"going on from {run.resumed_from.name} at step {run.position.step}", err=True)
    try:
        with display.progress(run) as report:
            run.train(report)
    except KeyboardInterrupt:
        typer.echo(f"stopped at step {run.position.step}; --resume goes on from there", err=True)
        raise typer.Exit(130) from None


@app.command()
def evaluate(
    model: ModelOption = "report",
    split: Annotated[str, typer.Option(help="train or dev, of the report's draw.")] = "dev",
    poems: Annotated[
        int,
        typer.Option(
            min=0, help="Compose so many poems of each form too, and measure them beside real ones."
        ),
    ] = 0,
    as_json: JsonOption = False,
) -> None:
    """Measure how well a model predicts the corpus, and how near its poems come to real ones."""
    _need_torch("evaluation")
    from pingze.composing import quality
    from pingze.corpus import Store
    from pingze.model import LanguageModel
    from pingze.training import evaluation

    loaded = checkpoint.load(model)
    with Store.open() as store:
        texts = store.report_draw(split)
        qualities = list(quality.compare([model, BASELINE], poems, store)) if poems else []
    figures = evaluation.evaluate(LanguageModel.of(loaded), texts, loaded.vocabulary, length=48)
    row = {"model": loaded.name, "split": split, **asdict(figures)}
    if as_json:
        print_json(row | ({"poems": [asdict(each) for each in qualities]} if poems else {}))
    else:
        for name, value in row.items():
            typer.echo(
                f"{name.replace('_', ' '):20} {value:.4f}"
                if isinstance(value, float)
                else f"{name:20} {value}"
            )
        for form, rows in groupby(qualities, key=attrgetter("form")):
            typer.echo("\n" + _block(form, [asdict(row) for row in rows]))


def _block(form: str, rows: list[dict[str, Any]]) -> str:
    """A form's figures, a row for each and a column for each source."""
    names = [name for name in rows[0] if name not in ("form", "source")]
    cells = [[form.ljust(18), *(row["source"] for row in rows)]]  # two characters that are four columns wide
    cells += [[name.replace("_", " ").ljust(20), *(_cell(row[name]) for row in rows)] for name in names]
    widths = [0, *(max(8, len(row["source"])) for row in rows)]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in cells
    )


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)


def _need_torch(what: str) -> None:
    if find_spec("torch") is None:
        raise MissingExtraError(what, "train")
