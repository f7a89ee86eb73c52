"""`pingze originality`."""

from dataclasses import asdict
from os.path import isfile
from typing import Annotated

import typer

from pingze import verse as prosody
from pingze.cli.app import JsonOption, app, print_json, read_file
from pingze.errors import InputError
from pingze.verse.pasted_text import read_lines
from pingze.verse.simplified import in_context


@app.command()
def originality(
    poem: Annotated[str, typer.Argument(metavar="POEM|FILE|-", help="A poem, or a file of poems.")],
    as_json: JsonOption = False,
) -> None:
    """Show what each line of a poem shares with the Tang and Song poems of the corpus."""
    from pingze.corpus import Store
    from pingze.corpus.originality import of_lines

    text = in_context(read_file(poem) if poem == "-" or isfile(poem) else poem)
    poems = [read_lines(part) for part in prosody.split_poems(text)]
    if not poems:
        raise InputError(f"{poem[:20]!r} is neither verse nor a file of verse")
    with Store.open() as store:
        found = [of_lines(lines, store) for lines in poems]
    if as_json:
        print_json([{"lines": [asdict(line) for line in lines]} for lines in found])
        return
    typer.echo("\n\n".join("\n".join(map(str, lines)) for lines in found))
