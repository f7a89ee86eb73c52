"""`pingze originality`."""

from dataclasses import asdict
from os.path import isfile
from typing import Annotated

import typer

from pingze import verse as prosody
from pingze.cli.application import JsonOption, app, file_name, print_json, read_file
from pingze.errors import InputError
from pingze.messages import here
from pingze.verse.context import in_context
from pingze.verse.pasted_text import read_lines

MANY = 100
"""Of more lines it is shown how many are done."""


@app.command()
def originality(
    poem: Annotated[str, typer.Argument(metavar="POEM|FILE|-", help="A poem, or a file of poems.")],
    as_json: JsonOption = False,
) -> None:
    """Show what each line of a poem shares with the Tang and Song poems of the corpus."""
    from pingze.cli.progress import status
    from pingze.corpus import Store
    from pingze.corpus.originality import Shared, of_lines

    text = in_context(read_file(poem) if poem == "-" or isfile(poem) else poem)
    poems = [read_lines(part) for part in prosody.split_poems(text)]
    if not poems:
        raise InputError("no_verse", name=file_name(poem))
    total, done = sum(map(len, poems)), 0
    found: list[list[Shared]] = []
    with Store.open() as store, status() as tell:
        for lines in poems:
            found.append([])
            for shared in of_lines(lines, store):
                found[-1].append(shared)
                done += 1
                if total > MANY:
                    tell(here("lines_done", done=f"{done:,}", total=f"{total:,}"))
    if as_json:
        print_json([{"lines": [asdict(line) for line in lines]} for lines in found])
        return
    for number, poem_found in enumerate(found):
        if number:
            typer.echo()
        for each in poem_found:
            run, near, size = each.run_in, each.nearest, len(each.text)
            if run is None:
                typer.echo(here("shares_nothing", line=each.text))
            else:
                typer.echo(here("shares", line=each.text, has=each.run, author=run.author, title=run.title))
            if near is not None:
                where = {"author": near.author, "title": near.title}
                typer.echo(here("nearest_line", line=near.line, same=each.same, size=size, **where))
