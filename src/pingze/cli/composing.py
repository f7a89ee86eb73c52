"""`pingze compose`, `revise` and `generate`."""

from dataclasses import asdict
from typing import Annotated

import typer

from pingze import checkpoint, composing
from pingze.cli.app import (
    AntithesisOption,
    ExcludeOption,
    IncludeOption,
    JsonOption,
    LevelOption,
    ModelOption,
    OriginalOption,
    ParticlesOption,
    RepeatOption,
    SeedOption,
    TemperatureOption,
    TopPOption,
    app,
    print_json,
)
from pingze.composing import Poem, Reason
from pingze.composing.request import ANTITHESIS
from pingze.errors import InputError

TitleOption = Annotated[str | None, typer.Option(help="A title, for models that know titles.")]
PoetOption = Annotated[str | None, typer.Option(help="A poet's manner, for models that know poets.")]
ExplainOption = Annotated[bool, typer.Option("--explain", help="Say of each character why it stands there.")]


@app.command()
def compose(
    start: Annotated[str, typer.Argument(help="The opening; empty for a free beginning.")] = "",
    form: Annotated[str, typer.Option(help="五絕 七絕 五律 七律 五排 七排 五古 七古.")] = "七絕",
    lines: Annotated[int | None, typer.Option(help="How many lines, of a 排 or 古.")] = None,
    level: LevelOption = "customary",
    template: Annotated[
        str | None, typer.Option(help="A template's name or part of it: 平起, 首句入韻.")
    ] = None,
    rhyme: Annotated[str | None, typer.Option(help="The rhyme group, as 陽.")] = None,
    acrostic: Annotated[str | None, typer.Option(help="One character a line, as 春夏秋冬.")] = None,
    acrostic_at: Annotated[
        str, typer.Option(help="Where in the lines: head 藏頭, middle 藏中, end 藏尾.")
    ] = "head",
    pattern: Annotated[
        str | None, typer.Option(help="A block a line, ＿ where free: '＿＿明月＿ ＿＿＿＿＿'.")
    ] = None,
    include: IncludeOption = "",
    exclude: ExcludeOption = "",
    repeat: RepeatOption = False,
    title: TitleOption = None,
    poet: PoetOption = None,
    original: OriginalOption = None,
    antithesis: AntithesisOption = ANTITHESIS,
    temperature: TemperatureOption = 0.8,
    top_p: TopPOption = 1.0,
    particles: ParticlesOption = 32,
    seed: SeedOption = None,
    count: Annotated[int, typer.Option(help="How many poems.")] = 1,
    model: ModelOption = checkpoint.DEFAULT,
    explain: ExplainOption = False,
    as_json: JsonOption = False,
) -> None:
    """Compose poems that keep everything asked for."""
    poems = composing.compose(
        start,
        form=form,
        lines=lines,
        level=level,
        template=template,
        rhyme=rhyme,
        acrostic=acrostic,
        acrostic_at=acrostic_at,
        pattern=pattern,
        include=include,
        exclude=exclude,
        repeat=repeat,
        original=original,
        antithesis=antithesis,
        title=title,
        poet=poet,
        temperature=temperature,
        top_p=top_p,
        particles=particles,
        seed=seed,
        count=count,
        model=model,
    )
    _print_poems(poems, explain=explain, level=level, model=model, as_json=as_json)


@app.command()
def revise(
    poem: Annotated[str, typer.Argument(help="The poem, as it is written.")],
    line: Annotated[list[int] | None, typer.Option(help="A line to write again; may be given again.")] = None,
    char: Annotated[
        list[int] | None, typer.Option(help="Only this character of the line; one for each --line.")
    ] = None,
    form: Annotated[
        str | None, typer.Option(help="The poem's form, where its shape leaves a choice.")
    ] = None,
    level: LevelOption = "customary",
    include: IncludeOption = "",
    exclude: ExcludeOption = "",
    repeat: RepeatOption = False,
    title: TitleOption = None,
    poet: PoetOption = None,
    original: OriginalOption = None,
    antithesis: AntithesisOption = ANTITHESIS,
    temperature: TemperatureOption = 0.8,
    top_p: TopPOption = 1.0,
    particles: ParticlesOption = 32,
    seed: SeedOption = None,
    model: ModelOption = checkpoint.DEFAULT,
    explain: ExplainOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write parts of a poem again 推敲; all else is kept."""
    if char and len(char) != len(line or []):
        raise InputError(f"there are {len(char)} --char for {len(line or [])} --line; give one for each")
    targets = list(zip(line or [], char, strict=True)) if char else list(line or [])
    revised = composing.revise(
        composing.read_poem(poem, form=form, level=level),
        targets,
        temperature=temperature,
        top_p=top_p,
        particles=particles,
        seed=seed,
        model=model,
        level=level,
        include=include,
        exclude=exclude,
        repeat=repeat,
        title=title,
        poet=poet,
        original=original,
        antithesis=antithesis,
    )
    _print_poems([revised], explain=explain, level=level, model=model, as_json=as_json)


@app.command()
def generate(
    start: Annotated[str, typer.Argument(help="The opening, one or more characters.")],
    temperature: TemperatureOption = 0.7,
    split_len: Annotated[int, typer.Option(help="Characters a line, its mark included: 6 or 8.")] = 6,
    max_lines: Annotated[int, typer.Option(help="An even number of lines at most.")] = 8,
    seed: SeedOption = None,
    model: ModelOption = checkpoint.DEFAULT,
) -> None:
    """Go on from an opening, as the report's generator does."""
    typer.echo(composing.generate(start, temperature, split_len, max_lines=max_lines, seed=seed, model=model))


def _print_poems(poems: list[Poem], *, explain: bool, level: str, model: str, as_json: bool) -> None:
    reasons = [composing.explain(poem, level=level, model=model) if explain else [] for poem in poems]
    if as_json:
        print_json(
            [
                poem.as_json() | ({"reasons": [asdict(r) for r in rows]} if explain else {})
                for poem, rows in zip(poems, reasons, strict=True)
            ]
        )
        return
    typer.echo("\n\n".join(str(poem) + _table(rows) for poem, rows in zip(poems, reasons, strict=True)))


def _table(reasons: list[Reason]) -> str:
    """Reasons as rows that line up, a Han character being two columns wide."""
    rows = [
        f"{r.line}.{r.position} {r.character}  p {r.probability:<8.2g} rank {r.rank:<5} {r.tone or '　'}  "
        f"{'、'.join(r.alternatives)}  {r.rhyme_group}"
        for r in reasons
    ]
    return "".join(f"\n{row}" for row in ["", *rows]) if rows else ""
