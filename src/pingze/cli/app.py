"""The application that the commands join, and what several of them share."""

import json
from typing import Annotated, Any

import typer

app = typer.Typer(
    help="pingze 平仄: classical Chinese poems from a small LSTM.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

ModelOption = Annotated[
    str,
    typer.Option(
        "--model", metavar="NAME|FILE|RUN", help="A shipped model, a checkpoint, or a run's folder."
    ),
]
SeedOption = Annotated[int | None, typer.Option(help="The same seed gives the same poem.")]
TemperatureOption = Annotated[float, typer.Option(help="0 takes the likeliest character; higher dares more.")]
TopPOption = Annotated[float, typer.Option(help="Keep to the likeliest characters that have this share.")]
ParticlesOption = Annotated[int, typer.Option(help="How many drafts are written side by side for each poem.")]
LevelOption = Annotated[str, typer.Option(help="How strictly tones are judged: customary or strict.")]
IncludeOption = Annotated[str, typer.Option(help="Characters that must appear.")]
ExcludeOption = Annotated[str, typer.Option(help="Characters that must not.")]
RepeatOption = Annotated[bool, typer.Option("--repeat", help="Let a character stand twice apart.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]


def print_json(value: Any) -> None:
    """Print a value as JSON that people can read too."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))
