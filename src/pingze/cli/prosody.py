"""`pingze check`, `tones` and `rhyme`."""

from functools import partial
from typing import Annotated

import typer

from pingze import verse as prosody
from pingze.cli import completion
from pingze.cli.app import JsonOption, LevelOption, app, file_name, print_json, read_text
from pingze.errors import InputError
from pingze.messages import here
from pingze.verse import Verdict
from pingze.verse.patterns import CUSTOMARY
from pingze.verse.rhyme import find_groups, rhyme_characters
from pingze.verse.suggestions import suggest
from pingze.verse.tones import describe, known

RHYMES_SHOWN = 60


@app.command()
def check(
    file: Annotated[
        str, typer.Argument(metavar="[FILE|POEM|-]", help="Poems with blank lines between.")
    ] = "-",
    form: Annotated[
        str | None,
        typer.Option(
            help="The form to check for, instead of the one found.", autocompletion=completion.forms
        ),
    ] = None,
    level: LevelOption = CUSTOMARY,
    as_json: JsonOption = False,
) -> None:
    """Check the form, tones and rhyme of poems; exit status 1 if one has a fault."""
    texts = prosody.split_poems(read_text(file))
    if not texts:
        raise InputError("no_verse", name=file_name(file))
    verdicts = [prosody.check(text, form=form, level=level) for text in texts]
    if as_json:
        print_json([verdict.as_json() for verdict in verdicts])
    else:
        _print_verdicts(verdicts)
    if not all(verdict.ok for verdict in verdicts):
        raise typer.Exit(1)


def _print_verdicts(verdicts: list[Verdict]) -> None:
    """Print each poem with its tones, its faults, and the characters that would fit there."""
    from rich.console import Console

    from pingze.cli.terminal.checked_poem import show
    from pingze.corpus.store import usual_neighbours

    console = Console(highlight=False, soft_wrap=True)
    with usual_neighbours() as neighbours:
        for number, verdict in enumerate(verdicts):
            if number:
                console.print()
            console.print(show(verdict, partial(suggest, verdict, neighbours=neighbours)))


@app.command()
def tones(
    character: Annotated[str, typer.Argument(help="One character, as 看.")], as_json: JsonOption = False
) -> None:
    """Show each reading of a character: its tone and rhyme group, and how often Tang verse uses it."""
    found = describe(character)
    if as_json:
        rows = [
            {"tone": r.group.tone, "group": r.group.label, "used": r.used, "rhymed": r.rhymed} for r in found
        ]
        print_json(rows)
        return
    for reading in found:
        values = {"side": reading.group.side, "group": reading.group.label, "rhymed": f"{reading.rhymed:,}"}
        if reading.used is None:
            typer.echo(here("reading_rhymed", **values))
        else:
            typer.echo(here("reading_used", **values, used=f"{reading.used:,}"))
    if any(reading.used is None for reading in found) and (places := known(character.strip()).needed):
        typer.echo(here("tones_needed", has=[f"{side} {times:,}" for side, times in places.items()]))


@app.command()
def rhyme(
    name: Annotated[
        str,
        typer.Argument(help="A group, as 陽 or 七陽, or any character.", autocompletion=completion.groups),
    ],
    every: Annotated[bool, typer.Option("--all", help="List every character of the group.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show a rhyme group's characters, those that Tang poets rhyme on most first."""
    groups = {group.label: rhyme_characters(group.name) for group in find_groups(name)}
    if as_json:
        print_json({label: list(characters) for label, characters in groups.items()})
        return
    for label, characters in groups.items():
        shown = characters if every else characters[:RHYMES_SHOWN]
        more = len(characters) - len(shown)
        typer.echo(
            f"{label}  {' '.join(shown)}" + (f"  {here('more_characters', more=more)}" if more else "")
        )
