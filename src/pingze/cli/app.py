"""The application that the commands join, and what several of them share."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from pingze.errors import InputError

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
OriginalOption = Annotated[
    int | None, typer.Option(help="The longest run that a line may share with any line of the corpus.")
]
AntithesisOption = Annotated[
    float,
    typer.Option(
        help="How much antithesis 對仗 weighs in the couplets that need it; 0 leaves it to the model."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]


def print_json(value: Any) -> None:
    """Print a value as JSON that people can read too."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


def read_file(file: str) -> str:
    """The text of a file or of standard input (-), whatever bytes it holds."""
    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror or error}") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{'standard input' if file == '-' else file} is not UTF-8 text") from None
