"""`pingze compose`, `collect`, `couplet`, `revise`, `alternatives`, `mend` and `generate`."""

import re
from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated, cast

import typer

from pingze.cli.application import command, option, read_text, show
from pingze.composing.options import Collecting, Composing, Coupling
from pingze.errors import InputError
from pingze.messages import here
from pingze.verse.characters import MARKS
from pingze.verse.patterns import CUSTOMARY
from pingze.verse.standard import PINGSHUI

if TYPE_CHECKING:
    from pingze.composing.collecting import Collected
    from pingze.composing.explaining import Reason
    from pingze.composing.poem import Poem
    from pingze.composing.sheet import Sheet

PoemArgument = Annotated[
    str, typer.Argument(metavar="POEM|FILE|-", help="A poem; its heading may name title and poet.")
]
FormOption = Annotated[
    str | None, option("form", "The poem's form; by default its heading's or its shape's.")
]
KeepOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="LINE=TEXT",
        help="Write this as the line, with ＿ for a blank and [靜晚夜] for a choice, or as a couplet; "
        "with --seed, #7 is draft 7; may be repeated.",
    ),
]
ExcludeAtOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="LINE=TEXT", help="Characters that the line must not have; may be repeated."
    ),
]
ExplainOption = Annotated[
    bool, typer.Option("--explain", help="Show each character's probability, tone, alternatives.")
]
_OF_NEW_POEMS = ("start", "form", "lines", "acrostic", "acrostic_at")
"""The options of `compose` that are of no use for a poem that is written."""


@command(argument="start")
def compose(
    asked: Composing,
    keep: KeepOption = None,
    exclude_at: ExcludeAtOption = None,
    model: str | None = None,
    reference: Annotated[
        bool, typer.Option("--reference", help="Compose by lstm/formulas.py: slower.")
    ] = False,
    explain: ExplainOption = False,
    as_json: bool = False,
) -> None:
    """Compose poems that meet all the given constraints."""
    from pingze.composing.sheet import Sheet

    sheet = _with_keep_and_exclude(Sheet(**vars(asked)), keep, exclude_at, model)
    _show_drafts(sheet, model, reference=reference, explain=explain, as_json=as_json)


@command()
def collect(asked: Collecting, model: str | None = None, as_json: bool = False) -> None:
    """Put together poems from real lines 集句, each line from a different poem of the corpus."""
    from pingze.composing.desk import fill

    # For an object of class Collecting, `fill` returns poems with the sources of their lines.
    poems = cast("list[Collected]", fill(asked, asked.count, model=model))
    shown = []
    for poem in poems:
        sources = [here("hit", **asdict(hit)) for hit in poem.sources]
        shown.append("\n".join([f"{poem}\n", *sources]))
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

    found = couplets.couplet(**vars(asked), model=model)
    shown = []
    for pair in found:
        rows = [str(pair)]
        if explain:  # a row for each place, with the characters of both lines there
            upper_tones, lower_tones = pair.tones
            places = zip(
                pair.upper, pair.lower, upper_tones, lower_tones, pair.antithesis, strict=True
            )
            for upper, lower, upper_tone, lower_tone, score in places:
                rows.append(f"{upper} {lower}  {upper_tone}{lower_tone}  antithesis {score:+.2f}")
        shown.append("\n".join(rows))
    show([asdict(pair) for pair in found], ["\n\n".join(shown)], as_json=as_json)


@command(omit=_OF_NEW_POEMS)
def revise(
    asked: Composing,
    poem: PoemArgument,
    line: Annotated[
        list[int] | None, typer.Option(help="A line to rewrite; may be repeated.")
    ] = None,
    char: Annotated[
        list[int] | None, typer.Option(help="Only this character; one for each --line.")
    ] = None,
    keep: KeepOption = None,
    exclude_at: ExcludeAtOption = None,
    form: FormOption = None,
    model: str | None = None,
    explain: ExplainOption = False,
    as_json: bool = False,
) -> None:
    """Rewrite parts of a poem 推敲 and keep the rest."""
    line_numbers = line or []
    if char and len(char) != len(line_numbers):
        raise InputError("char_for_line", chars=len(char), lines=len(line_numbers))
    sheet = _sheet_of(poem, asked, form, model)
    sheet = _with_keep_and_exclude(sheet, keep, exclude_at, model)
    for index, line_number in enumerate(line_numbers):
        if char:
            position = char[index]
            sheet = sheet.free(line_number, position, position)
        else:
            sheet = sheet.free(line_number)
    if sheet.is_full:  # nothing is to be rewritten
        raise InputError("no_targets", field="targets")
    _show_drafts(sheet, model, explain=explain, as_json=as_json)


@command(omit=(*_OF_NEW_POEMS, "pattern", "count"))
def alternatives(
    asked: Composing,
    poem: PoemArgument,
    line: Annotated[list[int], typer.Option(help="The line; both lines for a whole couplet.")],
    char: Annotated[int | None, typer.Option(help="Only this character.")] = None,
    first: Annotated[int, typer.Option("--from", help="Only from this character on.")] = 1,
    last: Annotated[int | None, typer.Option("--to", help="Only as far as this character.")] = None,
    count: Annotated[int, typer.Option(help="The most alternatives to list.")] = 12,
    exclude_at: ExcludeAtOption = None,
    form: FormOption = None,
    model: str | None = None,
    as_json: bool = False,
) -> None:
    """List what else could stand in a poem, best first, with the change of the poem's score."""
    from pingze.composing import desk

    sheet = _sheet_of(poem, asked, form, model)
    sheet = _with_keep_and_exclude(sheet, keep=(), exclude_at=exclude_at, model=model)
    first_line = min(line)
    if len(line) > 1:
        # A couplet can only be replaced as a whole: its two lines, the first of which is odd.
        is_part = char is not None or first != 1 or last is not None
        is_couplet = sorted(line) == [first_line, first_line + 1] and first_line % 2 == 1
        if is_part or not is_couplet:
            raise InputError("one_line", field="line", has=", ".join(map(str, line)))
        # The characters of a couplet are counted on from its first line to its second.
        couplet_rows = sheet.rows[first_line - 1 : first_line + 1]
        last = len("".join(couplet_rows))
    if char is not None:
        first = char
        last = char
    found = desk.alternatives(sheet, first_line, first, last, count=count, model=model)
    rows = []
    for alternative in found:
        figure = alternative.change
        if figure is None:  # a sheet with blanks has no score that could change
            figure = alternative.score
        rows.append(f"{alternative.text}  {figure:+.1f}")
    if found:
        show([asdict(alternative) for alternative in found], rows, as_json=as_json)
        return
    if as_json:  # a program that reads the output gets an empty list
        show([], [], as_json=True)
    typer.echo(here("no_alternatives"), err=True)
    raise typer.Exit(1)


@command()
def mend(
    poem: PoemArgument,
    keep: Annotated[list[str] | None, typer.Option(help="A word to keep; may be repeated.")] = None,
    count: Annotated[int, typer.Option(help="The most ways to print.")] = 1,
    form: FormOption = None,
    level: str = CUSTOMARY,
    standard: str = PINGSHUI.name,
    title: str | None = None,
    poet: str | None = None,
    seed: int | None = None,
    model: str | None = None,
    as_json: bool = False,
) -> None:
    """Mend a draft's faults by changing as few characters as possible."""
    from pingze.composing import mending, reading

    text = read_text(poem)
    if form is None:
        form = reading.heading_form(text)
    # The form decides only how a heading is read, which 詞 write differently from 詩. A text whose
    # form is not known is no 詞, and all forms of 詩 have the same headings: any of them will do.
    form_of_heading = form or "七絕"
    title_in_text, poet_in_text = reading.title_and_poet(text, form_of_heading, model)
    ways = mending.mend(
        text,
        count,
        keep=keep or (),
        form=form,
        level=level,
        standard=standard,
        title=title or title_in_text,
        poet=poet or poet_in_text,
        seed=seed,
        model=model,
    )
    shown = []
    for mended in ways:
        changes = [f"· {change}" for change in mended.swaps + mended.changes]
        if not changes:
            changes = [f"· {here('nothing_to_mend')}"]
        shown.append("\n".join([str(mended.poem), "", *changes]))
    show([asdict(mended) for mended in ways], ["\n\n".join(shown)], as_json=as_json)


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
    """Continue an opening without form or rhyme, as the report's generator does."""
    from pingze.composing import generation

    width = None if free else split_len  # None lets the model end lines where it likes
    text = generation.generate(
        start,
        temperature,
        width,
        max_lines=max_lines,
        title=title,
        poet=poet,
        about=about,
        seed=seed,
        model=model,
    )
    typer.echo(text)


def _sheet_of(argument: str, asked: Composing, form: str | None, model: str | None) -> "Sheet":
    """Read the poem of a PoemArgument; return it as a full sheet with the options in `asked`."""
    from pingze.composing import reading
    from pingze.composing.composer import load_composer
    from pingze.composing.sheet import Sheet

    poem = reading.read_poem(
        read_text(argument), form=form, level=asked.level, standard=asked.standard, model=model
    )
    # The composer is not used: this refuses options that the model does not know.
    load_composer(model, asked, form=poem.form)
    return Sheet.of(poem, **vars(asked))


def _with_keep_and_exclude(
    sheet: "Sheet",
    keep: Sequence[str] | None,
    exclude_at: Sequence[str] | None,
    model: str | None,
) -> "Sheet":
    """Return a sheet with the lines of --keep and the characters of --exclude-at added.

    The text `#7` of --keep stands for the lines of draft 7. That is the draft that the same request
    writes without --keep and --exclude-at.
    """
    from pingze.composing import desk
    from pingze.composing.sheet import Limit

    separators = f" 　,;{MARKS}"
    sheet_without_keep = sheet
    drafts: list[Poem] = []
    for argument in keep or ():
        first, last, text = _numbers_and_text("keep", argument)
        if text.startswith(("#", "＃")):
            # Without the seed of the call that showed the drafts, draft 7 would be another one.
            if sheet.seed is None:
                raise InputError("draft_seed", field="keep", has=text)
            if not drafts:  # they are written once, even if several arguments name drafts
                drafts = desk.fill(sheet_without_keep, sheet_without_keep.count, model=model)
            digits = text[1:]
            draft_number = int(digits) if digits.isdecimal() else 0  # there is no draft 0
            if not 1 <= draft_number <= len(drafts):
                raise InputError("no_draft", field="keep", has=text[:10], most=len(drafts))
            lines = drafts[draft_number - 1].lines[first - 1 : last]
        else:
            # A text may hold several lines that follow one another, such as a couplet.
            lines = re.split(f"[{separators}]+", text.strip(separators))
        for line_number, line in enumerate(lines, first):
            sheet = sheet.keep(line_number, line)
    limits = list(sheet.exclude_at)
    for argument in exclude_at or ():
        line_number, _, text = _numbers_and_text("exclude_at", argument)
        limits.append(Limit(line=line_number, characters=text))
    return replace(sheet, exclude_at=limits)


def _numbers_and_text(field: str, argument: str) -> tuple[int, int, str]:
    """Divide LINE=TEXT, or FIRST-LAST=TEXT, into the first line, the last line and the text."""
    match = re.fullmatch(r"\s*(\d{1,3})(?:\s*[-–]\s*(\d{1,3}))?\s*[=＝](.+)", argument)
    if match is None:
        raise InputError("numbered", field=field, has=argument[:40])
    first, last, text = match.groups()
    return int(first), int(last or first), text.strip()


def _show_drafts(
    sheet: "Sheet",
    model: str | None,
    *,
    reference: bool = False,
    explain: bool = False,
    as_json: bool = False,
) -> None:
    """Fill a sheet, and print the drafts.

    If at most half of the lines are open, print only these lines of several drafts.
    """
    from pingze.composing import desk, explaining
    from pingze.composing.composer import first_seed, prepare
    from pingze.composing.lexicon import FREE
    from pingze.composing.poem import punctuate

    composer, starts = prepare(sheet, model, reference=reference)
    filling = desk.Filling(composer, starts, sheet, first_seed(sheet.seed), sheet.count)
    poems = filling.drafts()
    # 1) Find the places that the sheet leaves open, as (line, position), and the lines with such
    # places. The other lines are the same in all drafts.
    layout = filling.constraints.layout
    fixed = filling.constraints.fixed
    assert fixed is not None, "`prepare` refuses what clashes"
    open_places = {layout.numbered(place) for place, id_ in enumerate(fixed) if id_ == FREE}
    open_lines = sorted({line for line, _ in open_places})
    all_lines = list(range(1, len(layout.widths) + 1))
    has_few_open_lines = 0 < len(open_lines) <= len(all_lines) / 2
    is_short = sheet.count > 1 and has_few_open_lines
    shown_lines = open_lines if is_short else all_lines
    # 2) Print each draft: its name, its lines, and their explanation.
    values = []
    drafts = []
    for poem in poems:
        value = poem.as_json()
        shown = []
        if sheet.count > 1:
            name = here("draft", number=poem.number, seed=poem.seed, score=f"{poem.score:.1f}")
            if not is_short:
                # Couplets of different drafts go together if these have the same template and
                # rhyme, so a reader who wants to join some must see both.
                parts = (name, poem.template, poem.rhyme)
                name = " · ".join(part for part in parts if part)
            shown.append(name)
        lines = _with_new_marked(poem.lines, open_places)
        if is_short:
            shown += [f"{line} {lines[line - 1]}" for line in shown_lines]
        else:
            shown.append(punctuate(lines, poem.form))
        if explain:
            reasons = explaining.explain(
                poem, level=sheet.level, standard=sheet.standard, model=model
            )
            value["reasons"] = [asdict(reason) for reason in reasons]
            shown.append("")
            shown += [_row_of(reason) for reason in reasons if reason.line in shown_lines]
        values.append(value)
        drafts.append("\n".join(shown))
    # Drafts of a few rows each stand close together, so that their lines can be compared.
    separator = "\n" if is_short and not explain else "\n\n"
    show(values, [separator.join(drafts)], as_json=as_json)


def _with_new_marked(lines: list[str], new: Collection[tuple[int, int]]) -> list[str]:
    """Print the new characters of a poem in green; `new` holds their (line, position).

    `echo` drops the colour unless it prints on a terminal.
    """
    if len(new) == len("".join(lines)):  # everything is new, so a colour would tell nothing
        return lines
    marked = []
    for line, characters in enumerate(lines, 1):
        shown = ""
        for position, character in enumerate(characters, 1):
            is_new = (line, position) in new
            shown += typer.style(character, fg="green", bold=True) if is_new else character
        marked.append(shown)
    return marked


def _row_of(reason: "Reason") -> str:
    """Format the figures of one character as a table row.

    It is aligned for terminals with Han characters of double width.
    """
    place = f"{reason.line}.{reason.position}"
    figures = f"p {reason.probability:<8.2g} rank {reason.rank:<5}"
    tone = reason.tone or "　"
    others = "、".join(reason.alternatives)
    return f"{place} {reason.character}  {figures} {tone}  {others}  {reason.rhyme_group}"
