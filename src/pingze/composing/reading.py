"""Read a person's text as a poem: its form, template and rhyme group."""

from pingze.composing.poem import Poem
from pingze.composing.typed_text import tell_converted
from pingze.errors import InputError
from pingze.verse.checking import check
from pingze.verse.forms import COUPLET, FORMS
from pingze.verse.patterns import CUSTOMARY
from pingze.verse.standard import PINGSHUI, STANDARDS
from pingze.verse.verdict import Verdict


def read_poem(
    text: str, *, form: str | None = None, level: str = CUSTOMARY, standard: str = PINGSHUI.name
) -> Poem:
    """Read a poem from plain text, and find its form, template and rhyme group.

    Args:
        text: The poem, with or without marks, one or more lines per row.
        form: The form 體, as 七古, if the poem's shape fits several forms.
        level: How strictly tones are judged: customary or strict.
        standard: How characters are read: pingshui, tongyun or xinyun.

    Raises InputError if the text has the shape of no form, or the form, level or standard is
    unknown.
    """
    verdict = check(text, form=form, level=level, standard=standard)
    if verdict.form in (None, COUPLET):
        notes = [note for note in verdict.notes if note.cause["code"] != "chosen"]  # not a failure
        raise InputError("no_poem", field="poem", has=notes)
    return poem_of(verdict)


def poem_of(verdict: Verdict, title: str | None = None, poet: str | None = None) -> Poem:
    """Build a poem from the checker's verdict on a text.

    Warns (ConversionWarning) if characters were converted.
    """
    one = verdict.form not in FORMS or verdict.rhyme in STANDARDS[verdict.standard].groups
    rhyme = verdict.rhyme if one else None  # old-style verse may mix several groups
    lines = [*verdict.read]
    tell_converted("poem", "".join(verdict.lines), "".join(lines))
    return Poem(
        form=verdict.form or "",
        template=verdict.template,
        rhyme=rhyme,
        title=title,
        poet=poet,
        seed=0,
        model="",
        lines=lines,
        log_probability=0.0,
    )
