"""`pingze compose`, `revise`, `mend` and `generate`."""

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Annotated, cast

import typer

from pingze.cli.application import (
    JsonOption,
    LevelOption,
    ModelOption,
    PoetOption,
    ReportModelOption,
    SeedOption,
    StandardOption,
    TitleOption,
    app,
    option,
    print_json,
    with_options,
)
from pingze.composing.request.options import Collecting, Composing, Coupling, Revising
from pingze.errors import InputError
from pingze.messages import here
from pingze.verse.patterns import CUSTOMARY
from pingze.verse.rhyme_groups import PINGSHUI

if TYPE_CHECKING:
    from pingze.composing import Collected, Poem, Reason

ExplainOption = Annotated[
    bool,
    typer.Option(
        "--explain", help="Show each character's probability, tone and rhyme group, and its likeliest alternatives."
    ),
]


@app.command()
@with_options(Composing, argument="start")
def compose(
    asked: Composing,
    model: ModelOption = None,
    reference: Annotated[
        bool, typer.Option("--reference", help="Compose with lstm/formulas.py alone, in float32: slower.")
    ] = False,
    explain: ExplainOption = False,
    as_json: JsonOption = False,
) -> None:
    """Compose poems that meet all the given constraints."""
    from pingze.composing.composer import compose_as

    poems = compose_as(asked, model, reference=reference)
    _print_poems(poems, explain=explain, asked=asked, model=model, as_json=as_json)


@app.command()
@with_options(Collecting)
def collect(asked: Collecting, model: ModelOption = None, as_json: JsonOption = False) -> None:
    """Put together poems of real lines 集句, each from another poem of the corpus."""
    from pingze.composing.composer import compose_as

    poems = cast("list[Collected]", compose_as(asked, model))
    if as_json:
        print_json([poem.as_json() for poem in poems])
        return
    named = ("\n".join(here("hit", **asdict(hit)) for hit in poem.sources) for poem in poems)
    typer.echo("\n\n".join(f"{poem}\n\n{hits}" for poem, hits in zip(poems, named, strict=True)))


@app.command()
@with_options(Coupling, argument="line")
def couplet(
    asked: Coupling,
    model: ModelOption = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show both tones at each place, and antithesis.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write lower lines to an upper line 對聯, or both lines to a theme."""
    from pingze.composing import couplets

    found = couplets.couplet(**vars(asked), model=model)
    if as_json:
        print_json([asdict(each) for each in found])
        return
    rows = [
        "".join(
            f"\n{a} {b}  {s}{t}  antithesis {score:+.2f}"
            for a, b, s, t, score in zip(each.upper, each.lower, *each.tones, each.antithesis, strict=True)
        )
        for each in found
    ]
    typer.echo("\n\n".join(f"{each}{table * explain}" for each, table in zip(found, rows, strict=True)))


@app.command()
@with_options(Revising)
def revise(
    asked: Revising,
    poem: Annotated[str, typer.Argument(help="The poem's text.")],
    line: Annotated[list[int] | None, typer.Option(help="A line to rewrite; may be repeated.")] = None,
    char: Annotated[
        list[int] | None, typer.Option(help="Rewrite only this character of the line; one for each --line.")
    ] = None,
    form: Annotated[str | None, option("form", "The poem's form, if its shape fits several.")] = None,
    model: ModelOption = None,
    explain: ExplainOption = False,
    as_json: JsonOption = False,
) -> None:
    """Rewrite parts of a poem 推敲 and keep the rest."""
    if char and len(char) != len(line or []):
        raise InputError("char_for_line", chars=len(char), lines=len(line or []))
    targets = list(zip(line or [], char, strict=True)) if char else list(line or [])
    from pingze.composing import revision

    read = revision.read_poem(poem, form=form, level=asked.level, standard=asked.standard)
    revised = revision.revise(read, targets, model=model, **vars(asked))
    _print_poems([revised], explain=explain, asked=asked, model=model, as_json=as_json)


@app.command()
def mend(
    poem: Annotated[str, typer.Argument(help="The draft's text.")],
    keep: Annotated[list[str] | None, typer.Option(help="A word to keep; may be repeated.")] = None,
    form: Annotated[str | None, option("form", "The form to mend to; by default its shape's.")] = None,
    level: LevelOption = CUSTOMARY,
    standard: StandardOption = PINGSHUI.name,
    title: TitleOption = None,
    poet: PoetOption = None,
    seed: SeedOption = None,
    model: ModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Mend a draft's faults by changing as few characters as possible."""
    from pingze.composing import mending

    mended = mending.mend(
        poem, keep=keep or (), form=form, level=level, standard=standard, title=title, poet=poet, seed=seed, model=model
    )
    if as_json:
        print_json(asdict(mended))
        return
    changes = [f"· {change}" for change in mended.changes] or ["· nothing to mend"]
    typer.echo("\n".join([str(mended.poem), "", *changes]))


@app.command()
def generate(
    start: Annotated[str, typer.Argument(help="The opening, one or more characters.")] = "",
    temperature: Annotated[float, option("temperature")] = 0.7,
    split_len: Annotated[int, typer.Option(help="Characters per line, including its mark: 6 or 8.")] = 6,
    free: Annotated[
        bool, typer.Option("--free", help="Let the model choose lines, marks and end: 詞 and free verse.")
    ] = False,
    max_lines: Annotated[
        int | None, typer.Option(help="The most lines, an even number; by default 14, or 40 with --free.")
    ] = None,
    title: TitleOption = None,
    poet: PoetOption = None,
    about: Annotated[str | None, option("about")] = None,
    seed: SeedOption = None,
    model: ReportModelOption = "report",
) -> None:
    """Continue an opening, as the report's generator does."""
    conditions = {"title": title, "poet": poet, "about": about}
    width = None if free else split_len
    from pingze.composing import generation

    typer.echo(
        generation.generate(start, temperature, width, max_lines=max_lines, **conditions, seed=seed, model=model)
    )


def _print_poems(poems: "list[Poem]", *, explain: bool, asked: Revising, model: str | None, as_json: bool) -> None:
    from pingze.composing import explanation

    explained = partial(explanation.explain, level=asked.level, standard=asked.standard, model=model)
    reasons = [explained(poem) if explain else [] for poem in poems]
    if as_json:
        print_json(
            [
                poem.as_json() | ({"reasons": [asdict(r) for r in rows]} if explain else {})
                for poem, rows in zip(poems, reasons, strict=True)
            ]
        )
        return
    typer.echo("\n\n".join(str(poem) + _table(rows) for poem, rows in zip(poems, reasons, strict=True)))


def _table(reasons: "list[Reason]") -> str:
    """Format reasons as rows of aligned columns, in which a Han character counts as two columns wide."""
    rows = [
        f"{r.line}.{r.position} {r.character}  p {r.probability:<8.2g} rank {r.rank:<5} {r.tone or '　'}  "
        f"{'、'.join(r.alternatives)}  {r.rhyme_group}"
        for r in reasons
    ]
    return "".join(f"\n{row}" for row in ["", *rows]) if rows else ""
