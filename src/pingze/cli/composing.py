"""`pingze compose`, `collect`, `couplet`, `revise`, `mend` and `generate`."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, cast

import typer

from pingze.cli.application import command, option, show
from pingze.composing.options import Collecting, Composing, Coupling, Revising
from pingze.errors import InputError
from pingze.messages import here
from pingze.verse.patterns import CUSTOMARY
from pingze.verse.standard import PINGSHUI

if TYPE_CHECKING:
    from pingze.composing.collecting import Collected
    from pingze.composing.explaining import Reason
    from pingze.composing.poem import Poem

ExplainOption = Annotated[
    bool, typer.Option("--explain", help="Show each character's probability, tone, alternatives.")
]


@command(argument="start")
def compose(
    asked: Composing,
    model: str | None = None,
    reference: Annotated[
        bool, typer.Option("--reference", help="Compose by lstm/formulas.py: slower.")
    ] = False,
    explain: ExplainOption = False,
    as_json: bool = False,
) -> None:
    """Compose poems that meet all the given constraints."""
    from pingze.composing.desk import fill

    _show_poems(
        fill(asked, asked.count, model=model, reference=reference),
        asked,
        model,
        explain=explain,
        as_json=as_json,
    )


@command()
def collect(asked: Collecting, model: str | None = None, as_json: bool = False) -> None:
    """Put together poems from real lines 集句, each line from a different poem of the corpus."""
    from pingze.composing.desk import fill

    poems = cast("list[Collected]", fill(asked, asked.count, model=model))
    shown = (
        "\n".join([f"{poem}\n", *(here("hit", **asdict(hit)) for hit in poem.sources)])
        for poem in poems
    )
    show([poem.as_json() for poem in poems], ["\n\n".join(shown)], as_json=as_json)


@command(argument="line")
def couplet(
    asked: Coupling,
    model: str | None = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show both tones at each place, and antithesis.")
    ] = False,
    as_json: bool = False,
) -> None:
    """Write lower lines that answer an upper line 對聯, or whole couplets on a theme."""
    from pingze.composing import couplets

    found, shown = couplets.couplet(**vars(asked), model=model), []
    for each in found:
        rows = zip(each.upper, each.lower, *each.tones, each.antithesis, strict=True)
        table = [f"{a} {b}  {s}{t}  antithesis {score:+.2f}" for a, b, s, t, score in rows]
        shown.append("\n".join([str(each), *(table if explain else [])]))
    show([asdict(each) for each in found], ["\n\n".join(shown)], as_json=as_json)


@command()
def revise(
    asked: Revising,
    poem: Annotated[str, typer.Argument(help="The poem's text.")],
    line: Annotated[
        list[int] | None, typer.Option(help="A line to rewrite; may be repeated.")
    ] = None,
    char: Annotated[
        list[int] | None, typer.Option(help="Only this character; one for each --line.")
    ] = None,
    form: Annotated[
        str | None, option("form", "The poem's form, if its shape fits several.")
    ] = None,
    model: str | None = None,
    explain: ExplainOption = False,
    as_json: bool = False,
) -> None:
    """Rewrite parts of a poem 推敲 and keep the rest."""
    if char and len(char) != len(line or []):
        raise InputError("char_for_line", chars=len(char), lines=len(line or []))
    targets = list(zip(line or [], char, strict=True)) if char else list(line or [])
    from pingze.composing import desk, reading

    read = reading.read_poem(poem, form=form, level=asked.level, standard=asked.standard)
    revised = desk.revise(read, targets, model=model, **vars(asked))
    _show_poems(revised, asked, model, explain=explain, as_json=as_json)


@command()
def mend(
    poem: Annotated[str, typer.Argument(help="The draft's text.")],
    keep: Annotated[list[str] | None, typer.Option(help="A word to keep; may be repeated.")] = None,
    form: Annotated[
        str | None, option("form", "The form to mend to; by default its shape's.")
    ] = None,
    level: str = CUSTOMARY,
    standard: str = PINGSHUI.name,
    title: str | None = None,
    poet: str | None = None,
    seed: int | None = None,
    model: str | None = None,
    as_json: bool = False,
) -> None:
    """Mend a draft's faults by changing as few characters as possible."""
    from pingze.composing import mending

    (mended,) = mending.mend(
        poem,
        keep=keep or (),
        form=form,
        level=level,
        standard=standard,
        title=title,
        poet=poet,
        seed=seed,
        model=model,
    )
    changes = [f"· {done}" for done in mended.swaps + mended.changes] or [
        f"· {here('nothing_to_mend')}"
    ]
    show(asdict(mended), [str(mended.poem), "", *changes], as_json=as_json)


@command()
def generate(
    start: Annotated[str, typer.Argument(help="The opening, one or more characters.")] = "",
    temperature: float = 0.7,
    split_len: Annotated[
        int, typer.Option(help="Characters per line, including its mark: 6 or 8.")
    ] = 6,
    free: Annotated[
        bool, typer.Option("--free", help="Let the model choose lines, marks and end.")
    ] = False,
    max_lines: Annotated[
        int | None,
        typer.Option(help="The most lines, an even number; by default 14, or 40 with --free."),
    ] = None,
    title: str | None = None,
    poet: str | None = None,
    about: str | None = None,
    seed: int | None = None,
    model: str = "report",
) -> None:
    """Continue an opening without form or rhyme, like the generator in the report that this project implements."""
    conditions = {"title": title, "poet": poet, "about": about}
    width = None if free else split_len
    from pingze.composing import generation

    text = generation.generate(
        start, temperature, width, max_lines=max_lines, **conditions, seed=seed, model=model
    )
    typer.echo(text)


def _show_poems(
    poems: "list[Poem]", asked: Revising, model: str | None, *, explain: bool, as_json: bool
) -> None:
    values, shown = [], []
    for poem in poems:
        value, rows = poem.as_json(), list["Reason"]()
        if explain:
            from pingze.composing import explaining

            rows = explaining.explain(poem, level=asked.level, standard=asked.standard, model=model)
            value["reasons"] = [asdict(row) for row in rows]
        values.append(value)
        shown.append("\n".join([str(poem), *([""] if rows else []), *map(_row, rows)]))
    show(values, ["\n\n".join(shown)], as_json=as_json)


def _row(reason: "Reason") -> str:
    """Format the figures of one character as a table row, aligned for terminals with Han characters of double width."""
    place, p, tone = (
        f"{reason.line}.{reason.position}",
        f"{reason.probability:<8.2g}",
        reason.tone or "　",
    )
    others = "、".join(reason.alternatives)
    return f"{place} {reason.character}  p {p} rank {reason.rank:<5} {tone}  {others}  {reason.rhyme_group}"
