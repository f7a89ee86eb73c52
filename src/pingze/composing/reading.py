"""Read a text as a poem: form, template and rhyme group, and its heading's title and poet."""

import re
from typing import TYPE_CHECKING

from pingze.composing.poem import Poem
from pingze.composing.typed_text import tell_converted
from pingze.errors import InputError
from pingze.verse import DYNASTIES
from pingze.verse.character_table import one_form, to_traditional
from pingze.verse.characters import HAN
from pingze.verse.checking import check
from pingze.verse.forms import COUPLET, FORMS, find_form, is_form_name
from pingze.verse.pasted_text import read_text
from pingze.verse.patterns import CUSTOMARY
from pingze.verse.standard import PINGSHUI, STANDARDS
from pingze.verse.verdict import Verdict

if TYPE_CHECKING:  # a text without a heading needs no model
    from pingze.composing.judging import Judged
    from pingze.network.checkpoint import Model

LONGEST_HEADING = 20  # the maximum number of characters in a title, as in `LONGEST_TITLE`
_WORD = re.compile(f"《([^》]+)》|([{HAN}]+)")
_DYNASTY = re.compile(f"[初盛中晚北南]?(?:{'|'.join(DYNASTIES.values())})[代朝]?")
_LABEL = re.compile(
    "[詩诗]?[標标]?[題题]目?|作者|[詩诗]人|[詩诗]?[體体]|其?[一二三四五六七八九十]+"
)


def read_poem(
    text: str,
    *,
    form: str | None = None,
    level: str = CUSTOMARY,
    standard: str = PINGSHUI.name,
    model: "Model | None" = None,
) -> Poem:
    """Read a poem from plain text: its template and rhyme group, and its heading's title and poet.

    Args:
        text: The poem, with or without marks, one or more lines per row. Rows above it are its
            heading, as 《塞上》王維 五律.
        form: The form 體, as 七古; by default the heading's, or the one that the poem's shape fits.
        level: How strictly tones are judged: customary or strict.
        standard: How characters are read: pingshui, tongyun or xinyun.
        model: The model that must know the heading's poet.

    Raises InputError if the text has the shape of no form, or the form, level or standard is
    unknown; CheckpointError if the model cannot be read.
    """
    if form is None:
        form = heading_form(text)
    verdict = check(text, form=form, level=level, standard=standard)
    if verdict.form in (None, COUPLET):
        # The notes say why the text is no poem; "chosen" only tells how its characters were read.
        notes = [note for note in verdict.notes if note.cause["code"] != "chosen"]
        raise InputError("no_poem", field="poem", has=notes)
    title, poet = title_and_poet(text, verdict.form or "", model)
    return poem_of(verdict, title, poet)


def title_and_poet(
    text: str, form: str, model: "Model | None" = None
) -> tuple[str | None, str | None]:
    """Return the title and the poet of a poem's heading, as far as the model knows them."""
    words = _heading_words(text)
    if not words:
        return None, None
    from pingze.composing.composer import load_composer

    conditions = load_composer(model, form=form).conditions
    # names are compared in one form of each character
    poets_by_form = {one_form(to_traditional(name)): name for name in conditions.poets}
    tune = find_form(form).tune
    title = None
    poet = None
    for word in words:
        poet_named = poets_by_form.get(one_form(to_traditional(word)))
        is_tune = tune is not None and to_traditional(word) in tune.names
        # The first poet and the first other word count. A tune's name is the form, not a title, and
        # a model without conditions knows no title.
        if poet_named is not None:
            poet = poet or poet_named
        elif conditions and not is_tune:
            title = title or word
    return title, poet


def heading_form(text: str) -> str | None:
    """Return the form of 詩 that a poem's heading or a remark names, if the poem has its shape."""
    read = read_text(text)
    for word in _words(read.left_out):
        if is_form_name(word) and find_form(word).cut(read.lines):
            return find_form(word).name
    return None


def heading_of(text: str) -> str:
    """Return the words above a text's verse, as 靜夜思　李白; "" if there are none."""
    rows = " ".join(read_text(text).headings)
    return "\u3000".join(re.findall(r"[\w·]+", rows))


def _heading_words(text: str) -> list[str]:
    """List the words of a heading that may be the title or the poet, those in 《》 first."""
    found = []
    for word in _words(read_text(text).headings):
        is_label = _LABEL.fullmatch(word) or _DYNASTY.fullmatch(to_traditional(word))
        if not is_label and not is_form_name(word) and len(word) <= LONGEST_HEADING:
            found.append(word)
    return found


def _words(headings: list[str]) -> list[str]:
    quoted = []
    others = []
    for row in headings:
        for match in _WORD.finditer(row):
            if match[1]:
                quoted.append(match[1])
            else:
                others.append(match[2])
    return quoted + others


def poem_of(verdict: "Verdict | Judged", title: str | None = None, poet: str | None = None) -> Poem:
    """Build a poem from the checker's verdict on a text.

    Warns (ConversionWarning) if characters were converted.
    """
    # The rhyme of a 詩 is one group, so that a 古 that mixes several groups has none. A 詞 may have
    # several rhymes.
    is_shi = verdict.form in FORMS
    is_one_group = verdict.rhyme in STANDARDS[verdict.standard].groups
    rhyme = verdict.rhyme if is_one_group or not is_shi else None
    lines = list(verdict.read)
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
