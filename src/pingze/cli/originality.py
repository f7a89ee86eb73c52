"""`pingze originality`."""

from collections.abc import Iterator
from dataclasses import asdict
from os.path import isfile
from typing import TYPE_CHECKING, Annotated

import typer

from pingze import verse as prosody
from pingze.cli.application import JsonOption, app, file_name, print_json_list, read_file
from pingze.errors import InputError
from pingze.messages import here
from pingze.verse.context import in_context
from pingze.verse.pasted_text import read_lines

if TYPE_CHECKING:
    from pingze.corpus.originality import Shared


@app.command()
def originality(
    poem: Annotated[str, typer.Argument(metavar="POEM|FILE|-", help="A poem, or a file of poems.")],
    as_json: JsonOption = False,
) -> None:
    """Show what each line of a poem has in common with the poems of the corpus."""
    from pingze.cli.progress import counting
    from pingze.corpus import Store
    from pingze.corpus.originality import of_lines

    text = in_context(read_file(poem) if poem == "-" or isfile(poem) else poem)
    poems = [read_lines(part) for part in prosody.split_poems(text)]
    if not poems:
        raise InputError("no_verse", name=file_name(poem))
    with Store.open() as store, counting("lines_done", sum(map(len, poems))) as count:

        def compared() -> Iterator["list[Shared]"]:
            done = 0
            for lines in poems:
                found = []
                for shared in of_lines(lines, store):
                    found.append(shared)
                    done += 1
                    count(done)
                yield found

        if as_json:
            print_json_list({"lines": [asdict(line) for line in lines]} for lines in compared())
            return
        for number, found in enumerate(compared()):
            if number:
                typer.echo()
            for each in found:
                _print(each)


def _print(shared: "Shared") -> None:
    """Print a line's longest match and its nearest line."""
    run, near = shared.run_in, shared.nearest
    if run is None:
        typer.echo(here("shares_nothing", line=shared.text))
    else:
        typer.echo(here("shares", line=shared.text, has=shared.run, author=run.author, title=run.title))
    if near is not None:
        where = {"author": near.author, "title": near.title}
        typer.echo(here("nearest_line", line=near.line, same=shared.same, size=len(shared.text), **where))
