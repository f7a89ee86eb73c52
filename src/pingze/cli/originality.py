"""`pingze originality`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from itertools import count
from os.path import isfile
from typing import Annotated

import typer

from pingze import verse as prosody
from pingze.cli.app import JsonOption, app, file_name, print_json, read_file
from pingze.errors import InputError
from pingze.verse.pasted_text import read_lines
from pingze.verse.simplified import in_context

MANY = 100
"""Of more lines it is told how many are done."""


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
        raise InputError("no_verse", name=file_name(poem))
    with Store.open() as store, _counting(sum(map(len, poems))) as one_more:
        found = [of_lines(lines, store, progress=one_more) for lines in poems]
    if as_json:
        print_json([{"lines": [asdict(line) for line in lines]} for lines in found])
        return
    typer.echo("\n\n".join("\n".join(map(str, lines)) for lines in found))


@contextmanager
def _counting(lines: int) -> Iterator[Callable[[], object]]:
    """Give what counts one more line as done, and shows the number of many."""
    if lines <= MANY:
        yield lambda: None
        return
    from pingze.cli.terminal.status import status

    done = count(1)
    with status() as tell:
        yield lambda: tell(f"{next(done):,} of {lines:,} lines")
