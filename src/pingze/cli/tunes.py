"""`pingze tunes`."""

from typing import TYPE_CHECKING, Annotated

import typer

from pingze.cli.application import BY_FIELD, command, show
from pingze.messages import here
from pingze.verse.tunes import Tune, known_tune, shapes_of
from pingze.verse.tunes import tunes as all_tunes

if TYPE_CHECKING:
    from rich.text import Text

_SIGNS = {"P": "○", "Z": "●", "x": "◐"}
_CELL = 4  # columns: a number of three digits and a space


@command()
def tunes(
    name: Annotated[str | None, typer.Argument(help="A tune, such as 浣溪沙.", autocompletion=BY_FIELD["tune"])] = None,
    as_json: bool = False,
) -> None:
    """List the tunes of 詞, or draw the pattern of one, as counted in the corpus."""
    found = shapes_of(known_tune(name)) if name else list(all_tunes().values())
    if as_json or name is None:
        show([tune.as_json() for tune in found], map(_row, found), as_json=as_json)
    else:
        from rich.console import Console

        console = Console(highlight=False, soft_wrap=True)
        for number, tune in enumerate(found):
            console.print("\n" * bool(number), drawn(tune), sep="")


def _row(tune: Tune) -> str:
    """Write a tune's name, its other names, its number of characters and of pieces, and the classes of its rhymes."""
    kinds = "".join(dict.fromkeys(line.kind for line in tune.lines))
    counted = here("tune_counted", size=tune.size, rhymes=kinds, shaped=f"{tune.shaped:,}", pieces=f"{tune.pieces:,}")
    return "  ".join(filter(None, (tune.name, counted, " ".join(tune.names[1:]))))


def drawn(tune: Tune) -> "Text":
    """Draw a tune's lines: their tones and rhymes, and below each tone how many percent of the pieces have it."""
    from rich.text import Text

    text = Text()
    text.append(_row(tune) + "\n\n", "bold")
    for number, line in enumerate(tune.lines, 1):
        text.append(f"{number:>2} " + "".join(_SIGNS[tone].ljust(_CELL) for tone in line.tones), "cyan")
        rhyme = f" {line.rhyme + 1}{line.kind} {line.rhymed}%" if line.rhyme is not None else ""
        text.append(line.mark + rhyme + (" 疊" if line.repeats else "") + "\n")
        shares = (f"{max(share, 100 - share):>2}".ljust(_CELL) for share in line.level)
        text.append("   " + "".join(shares).rstrip() + "\n" * (1 + line.ends_stanza), "dim")
    return text.append(here("tune_signs"), "dim")
