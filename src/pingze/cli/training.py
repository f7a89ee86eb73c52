"""`pingze train`, `evaluate` and `export`; the first two need torch."""

import json
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from pingze.cli.application import command, file_name, need, read_file, show
from pingze.errors import InputError, StoppedError
from pingze.messages import here
from pingze.network import DEFAULT


@command()
def train(
    out: Annotated[Path, typer.Option(help="The run's folder.")],
    preset: Annotated[
        str, typer.Option(help="The preset to start the configuration from.")
    ] = "report",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="Change a field of the preset."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Resume the run in this folder.")
    ] = False,
) -> None:
    """Train a model on the corpus; after Ctrl-C, --resume continues the run."""
    need("train", "training")
    from pingze.cli.progress import training_progress
    from pingze.corpus import Store
    from pingze.training import presets, texts
    from pingze.training.run import Run

    # 1) read the texts and build or resume the run
    chosen = presets.preset(preset, settings)
    with Store.open() as store:
        read = texts.read(store, chosen.training)
    run = Run(out, chosen, read, resume=resume)
    is_first = run.processes.is_first  # only one of several processes prints
    # 2) say what the run starts from: the weights of another model, or an earlier state of itself
    if run.start is not None and is_first:
        source = run.start.name
        tokens_of_source = run.start.vocabulary.tokens
        kept = sum(token in run.vocabulary for token in tokens_of_source)
        new = len(run.vocabulary) - kept
        sentence = here(
            "train_from", source=source, has=len(run.start.vocabulary), kept=kept, new=new
        )
        typer.echo(sentence, err=True)
        if run.reward is not None:
            typer.echo(here("train_reward", source=source), err=True)
    if resume and is_first:
        if run.resumed:
            # Newer states of the run that were damaged, each with the reason.
            for problem in run.resumed.unread:
                typer.echo(problem, err=True)
            name = run.resumed.path.name
            typer.echo(here("train_resumed", name=name, step=run.position.step), err=True)
        else:
            typer.echo(here("train_started", step=run.position.step), err=True)
    # 3) train
    try:
        with training_progress(run) as (on_row, on_step):
            run.train(on_row, on_step)
    except KeyboardInterrupt:
        if not is_first:  # the error's message would be printed by every process
            sys.exit(StoppedError.exit_status)
        raise StoppedError("train_stopped", step=run.position.step) from None


@command()
def evaluate(
    model: str | None = None,
    split: Annotated[
        str, typer.Option(help="train, dev or, for models that know forms, test.")
    ] = "dev",
    as_json: bool = False,
) -> None:
    """Measure how well a model predicts the corpus."""
    need("train", "evaluation")
    from pingze.cli.progress import status
    from pingze.corpus import Store
    from pingze.network import checkpoint
    from pingze.network.model import LanguageModel
    from pingze.training import evaluation
    from pingze.training.presets import LENGTHS
    from pingze.training.texts import corpus_for, read_split

    loaded = checkpoint.load(model or DEFAULT)
    # Only a model that was trained with conditions, such as form and poet, has special tokens.
    condition_tokens = loaded.configuration.special_tokens
    row: dict[str, Any] = {"model": loaded.name, "split": split}
    with Store.open() as store, status() as tell:
        corpus = corpus_for(store, condition_tokens)
        texts = read_split(store, corpus, split)
        tell(here("evaluate_step", poems=len(texts)))
        language_model = LanguageModel.of(loaded)
        length = LENGTHS[corpus]
        measured = evaluation.evaluate(language_model, texts, loaded.vocabulary, length)
        row |= asdict(measured)
        if condition_tokens:  # measure too how much each condition helps the prediction
            row |= evaluation.by_condition(language_model, texts, loaded.vocabulary, length, tell)
    lines = []
    for name, value in row.items():
        label = name.replace("_", " ")
        shown = f"{value:.4f}" if isinstance(value, float) else value
        lines.append(f"{label:20} {shown}")
    show(row, lines, as_json=as_json)


@command()
def export(
    to: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write weights, vocabulary and card.")
    ] = None,
    onnx: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write one step for ONNX Runtime.")
    ] = None,
    push: Annotated[
        str | None,
        typer.Option(
            metavar="OWNER/NAME",
            help="Upload the folder of --to to this repository of a model hub.",
        ),
    ] = None,
    figures: Annotated[
        str | None,
        typer.Option(metavar="FILE|-", help="The output of pingze evaluate --json, for the card."),
    ] = None,
    model: str | None = None,
) -> None:
    """Write a model as ONNX or as a folder for a model hub.

    --model can read the folder, and verifies it first.
    """
    from pingze.export import write_folder, write_onnx
    from pingze.network import checkpoint

    # Either output may be missing, but not both, and --push uploads the folder of --to.
    is_nothing_to_write = to is None and onnx is None
    is_nothing_to_push = to is None and push
    if is_nothing_to_write or is_nothing_to_push:
        raise InputError("nothing_to_write")
    if push:
        need("hub", "export --push")
    measured = None
    if figures:
        # A file without JSON leaves None, which is refused as JSON of another shape is.
        with suppress(ValueError):
            measured = json.loads(read_file(figures))
        if not isinstance(measured, dict):
            raise InputError("no_figures", name=file_name(figures))
    loaded = checkpoint.load(model or DEFAULT)
    paths: list[Path] = []
    if to:
        paths.extend(write_folder(to, loaded, measured))
    if onnx:
        write_onnx(onnx, loaded)
        paths.append(onnx)
    for path in paths:
        typer.echo(f"wrote {path}", err=True)
    if to and push:
        from pingze.network import hub

        hub.upload(to, push)
        typer.echo(f"uploaded {to} to {push}", err=True)
