"""Read options into a `Request`: check them against the form and the model's vocabulary."""

from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches

from pingze.composing.options import MOST_LINES, Collecting, Composing, check_bounds
from pingze.composing.request import Fixed, Request
from pingze.composing.sheet import BLANK, BLANKS, CHOICE, HOLES, Limit, Sheet
from pingze.composing.title_moods import mood_of
from pingze.composing.typed_text import (
    check_chinese,
    read_character,
    read_characters,
    read_known,
    read_pattern,
    tell,
    without_marks,
)
from pingze.errors import InputError
from pingze.network.conditions import LONGEST_THEME, LONGEST_TITLE, Conditions
from pingze.network.vocabulary import Vocabulary
from pingze.verse.character_table import in_use, one_form, to_traditional, traditional_candidates
from pingze.verse.characters import MARKS
from pingze.verse.context import in_context
from pingze.verse.forms import FORMS, Form, Layout, find_form, opening_name
from pingze.verse.rhyme_groups import LEVEL
from pingze.verse.standard import STANDARDS, Standard
from pingze.verse.verdict import Note

CHOSEN = "〓"  # stands for a choice, as [靜晚夜], while a pattern is read
MOST_INCLUDED = 28  # the maximum number of characters to include: those of a whole 七絕
LONGEST = {"title": LONGEST_TITLE, "about": LONGEST_THEME}


def read_request(vocabulary: Vocabulary, asked: Composing) -> Request:
    """Check every option against the form and the model's vocabulary, and return the request.

    Raises InputError, which names the option, if a name or character is unknown, a text is too
    long, or a line, pattern or acrostic does not fit.
    """
    # 1. Find the form, and the number of lines. A 集句 is not written to a tune.
    form = find_form(asked.form)
    if form.tune and isinstance(asked, Collecting):
        raise InputError("choice", field="form", has=asked.form, choices=list(FORMS))
    count = checked_count(asked, form)
    layout = form.layout(count)
    # 2. Fix the characters of the opening, the acrostic, the pattern and the sheet.
    fixed = _fix_in_order("start", asked.start, range(len(layout.line)), layout, vocabulary)
    acrostic_places = []
    for start, width in zip(layout.starts[:-1], layout.widths, strict=True):
        places_in_line = {"head": 0, "middle": (width - 1) // 2, "end": width - 1}
        acrostic_places.append(start + places_in_line[asked.acrostic_at])
    fixed += _fix_in_order("acrostic", asked.acrostic or "", acrostic_places, layout, vocabulary)
    pattern, choices = _read_blocks(asked.pattern or "", layout, vocabulary)
    fixed += pattern
    was: list[Fixed] = []
    exclude_at: list[Limit] = []
    if isinstance(asked, Sheet):
        fixed += _fix_written(asked, vocabulary)
        was = _read_former(asked, vocabulary)
        for limit in asked.choices:
            if limit.position is None:
                raise InputError("missing", field="choices", place="choices.position")
            _check_place("choices", limit, layout)
            characters = read_characters("choices", limit.characters, vocabulary)
            choices.append(replace(limit, characters=characters))
        for limit in asked.exclude_at:
            _check_place("exclude_at", limit, layout)
            exclude_at.append(
                replace(limit, characters=read_unwanted("exclude_at", limit.characters))
            )
    choices = [limit for limit in choices if not _is_decided(limit, fixed)]
    # `dict.fromkeys` leaves out a fixed character that is listed twice. Characters that stand on a
    # sheet but are not kept come last, since a conflict gives up the last ones first.
    fixed = list(dict.fromkeys(fixed))
    fixed.sort(key=lambda fix: (fix.option == "lines", fix.line, fix.position))
    # 3. If no mood is requested, find one in the title and theme, unless the user leaves the choice
    #    to the model by turning taste off.
    title = read_condition("title", asked.title, vocabulary)
    about = read_condition("about", asked.about, vocabulary)
    mood = asked.mood
    if not mood and asked.taste:
        mood = mood_of(title, about)
        if mood:
            tell(Note(f"mood_{mood}", field="mood", has=mood))
    if isinstance(asked, Collecting) and asked.original:
        raise InputError("quotes_original", field="original")
    standard = STANDARDS[asked.standard]
    return Request(
        form=form,
        lines=count,
        strictness=asked.level,
        standard=standard,
        template=_read_template(asked.template, form),
        rhyme=_read_rhyme(asked.rhyme, form, standard),
        fixed=tuple(fixed),
        choices=tuple(choices),
        was=tuple(was),
        include=_read_included(asked.include, form, count, vocabulary),
        exclude=read_unwanted("exclude", asked.exclude),
        exclude_words=_read_unwanted_words(asked.exclude_words),
        exclude_at=tuple(exclude_at),
        repeat=asked.repeat,
        usual_forms=asked.usual_forms,
        title=title,
        poet=read_poet(asked.poet, vocabulary),
        about=about,
        mood=mood,
        original=asked.original,
        poets=asked.poets if isinstance(asked, Collecting) else None,
        antithesis=asked.antithesis,
        taste=asked.taste,
        like=asked.like,
        unlike=asked.unlike,
    )


def checked_count(asked: Composing, form: Form) -> int:
    """Return the number of lines. Raises InputError if no poem of the form has so many."""
    count = asked.count_of_lines if isinstance(asked, Sheet) else asked.lines
    if count is None:
        count = form.default_lines
    # lines are composed in couplets, except those of a tune, whose number the tune gives
    if form.takes(count) and (form.tune or count % 2 == 0):
        return count
    least = next((even for even in range(2, MOST_LINES + 1, 2) if form.takes(even)), None)
    raise InputError(
        "line_count" if form.lines else "even_lines",
        field="lines",
        form=form.name,
        has=count,
        wanted=form.lines,
        least=least,
    )


def _fix_in_order(
    field: str, text: str, places: Sequence[int], layout: Layout, vocabulary: Vocabulary
) -> list[Fixed]:
    """Fix the characters of an option at places of the poem: the first one at the first place.

    A hole, as in the acrostic 花＿月＿, leaves its place free. The text may end before the places.
    """
    if not text.strip():
        return []
    read = read_characters(field, text, vocabulary, HOLES)
    check_bounds(field, read, {"maxLength": len(places)})
    fixed = []
    for place, character in zip(places, read, strict=False):
        if character not in HOLES:
            line, position = layout.numbered(place)
            fixed.append(Fixed(field, line, position, character))
    return fixed


def _read_template(name: str | None, form: Form) -> str | None:
    if not name:
        return None
    read = to_traditional(name.strip())
    names = [opening_name(form.width, opening[0]) for opening in form.openings]
    if not names:
        raise InputError("no_templates", field="template", form=form.name)
    if not any(read in known for known in names):
        raise InputError("choice", field="template", has=read, choices=names)
    return read


def _read_rhyme(name: str | None, form: Form, standard: Standard) -> str | None:
    if not name:
        return None
    if form.tune:
        # The name has a part 部 for each rhyme of the tune, or for its first rhymes only.
        parts = [standard.parts.find(part) or "" for part in name.split("、")]
        for part, choices in zip(parts, form.tune.rhymes(standard), strict=False):
            if part not in choices:  # as the "" of an unknown part
                raise InputError(
                    "no_part", field="rhyme", has=name, form=form.name, choices=choices
                )
        return "、".join(parts)
    group = standard.find_group(name)
    if group is None:
        groups = list(standard.groups.values())
        if form.regulated:
            groups = [group for group in groups if group.side == LEVEL]
        names = [group.name for group in groups]
        raise InputError("choice", field="rhyme", has=name, choices=names)
    if form.regulated and group.side != LEVEL:
        raise InputError("oblique_rhyme", field="rhyme", has=group.label, form=form.name)
    return group.name


def read_condition(field: str, text: str | None, vocabulary: Vocabulary) -> str | None:
    """Convert a title or theme to characters that the model knows.

    Raises InputError if it is too long.
    """
    if not text or not vocabulary.condition_tokens:
        return text or None
    read = read_known(field, text, vocabulary)
    check_bounds(field, read, {"maxLength": LONGEST[field]})
    return read or None


def read_poet(name: str | None, vocabulary: Vocabulary) -> str | None:
    """Return a poet's name in the model's spelling.

    Raises InputError with similar names if the poet is unknown.
    """
    if not name:
        return None
    poets = Conditions(vocabulary).poets
    read = to_traditional(name.strip())
    # Names are compared in one form of each character. If two poets' names become equal, the name
    # stands for the first poet, who is written last because the order is reversed.
    poets_by_form = {one_form(to_traditional(poet)): poet for poet in reversed(poets)}
    form_of_name = one_form(read)
    # a model that lists no poets takes any name
    if poets and form_of_name not in poets_by_form:
        near = get_close_matches(form_of_name, poets_by_form, cutoff=0.3)
        choices = [poets_by_form[form] for form in near]
        if not choices:
            choices = poets[:3]
        raise InputError("choice", field="poet", has=name, choices=choices)
    return poets_by_form.get(form_of_name, read)


def _split(text: str) -> list[str]:
    """Split a text at spaces and marks."""
    return "".join(" " if sign in MARKS else sign for sign in text).split()


def _read_included(text: str, form: Form, lines: int, vocabulary: Vocabulary) -> tuple[str, ...]:
    """Read the words to include, each once, and leave out a word that another word contains."""
    words: dict[str, None] = {}  # in order
    for typed in _split(text):
        read = read_characters("include", typed, vocabulary)
        if len(read) <= form.width:
            words[read] = None
        else:  # no line has room for the word, so that its characters are included one by one
            tell(Note("one_by_one", field="include", has=read, width=form.width))
            words |= dict.fromkeys(read)
    most = min(MOST_INCLUDED, sum(form.widths(lines)))
    has = sum(len(word) for word in words)
    if has > most:
        raise InputError(
            "no_room", field="include", has=has, form=form.name, lines=lines, most=most
        )

    def is_part(word: str) -> bool:
        return any(word in longer for longer in words if word != longer)

    return tuple(word for word in words if not is_part(word))


def read_unwanted(field: str, text: str) -> str:
    """Read the characters to exclude, and add their possible Traditional forms.

    The model need not know them. Raises InputError if one is not Chinese.
    """
    typed = without_marks(field, text)
    check_chinese(field, typed)
    found: dict[str, None] = {}
    for character, read in zip(typed, in_context(typed), strict=True):
        found |= dict.fromkeys([character, read, to_traditional(character)])
        # Verse does not use a Simplified character, which may stand for any of several others.
        if not in_use(character):
            found |= dict.fromkeys(traditional_candidates(character))
    return "".join(found)


def _read_unwanted_words(text: str) -> tuple[str, ...]:
    """Read the words to exclude, each as it is typed and with its Simplified characters converted.

    A single character is a word too. Raises InputError if a character is not Chinese.
    """
    words: dict[str, None] = {}
    for word in _split(text):
        check_chinese("exclude_words", word)
        words[word] = None
        words[in_context(word)] = None
    return tuple(words)


def _check_place(field: str, limit: Limit, layout: Layout) -> None:
    """Raise InputError if the form lacks the place of a limit."""
    if limit.line > len(layout.widths):
        raise InputError("no_line", field=field, has=limit.line, most=len(layout.widths))
    width = layout.widths[limit.line - 1]
    if limit.position is not None and limit.position > width:
        raise InputError("no_position", field=field, has=limit.position, most=width)


def _is_decided(choice: Limit, fixed: Sequence[Fixed]) -> bool:
    """Return whether a choice has no effect, since its place is decided.

    What is written on the sheet there decides it. What another option fixes there decides it only
    if it is one of the choice's characters; otherwise the two clash.
    """
    for fix in fixed:
        if (fix.line, fix.position) == (choice.line, choice.position):
            is_written = fix.option in ("kept", "lines")
            if is_written or fix.character in choice.characters:
                return True
    return False


def _fix_written(sheet: Sheet, vocabulary: Vocabulary) -> list[Fixed]:
    """Fix the characters that are written on a sheet.

    If the model knows all of them, they stay as they are. Otherwise the sheet is read as Simplified
    text, whose characters are converted by their neighbours.
    """
    rows = sheet.rows
    written = " ".join(rows)
    characters = set(written) - {" ", BLANK}
    if any(character not in vocabulary for character in characters):
        rows = read_pattern(written, BLANKS, vocabulary, field="lines").split()
    fixed = []
    for number, row in enumerate(rows):
        mask = sheet.kept[number] if number < len(sheet.kept) else ""
        for at, character in enumerate(row):
            if character != BLANK:
                # a slice, since the mask may be shorter than its line
                is_kept = mask[at : at + 1] == "1"
                option = "kept" if is_kept else "lines"
                fixed.append(Fixed(option, number + 1, at + 1, character))
    return fixed


def _read_former(sheet: Sheet, vocabulary: Vocabulary) -> list[Fixed]:
    """Read what stood at blanks of a sheet."""
    was = []
    for line, row in enumerate(sheet.was, 1):
        for position, typed in enumerate(row, 1):
            if typed not in BLANKS:
                character = read_character("was", typed, vocabulary)
                was.append(Fixed("was", line, position, character))
    return was


def _read_blocks(
    text: str, layout: Layout, vocabulary: Vocabulary
) -> tuple[list[Fixed], list[Limit]]:
    """Read a pattern: return the characters that it fixes, and its choices, as [靜晚夜]."""
    # Each choice becomes one sign, so that every character of a block is a place of its line.
    texts_in_brackets = CHOICE.findall(text)
    marked = CHOICE.sub(CHOSEN, text)
    blocks = read_pattern(marked, BLANKS + CHOSEN, vocabulary).split()
    most = len(layout.widths)
    if len(blocks) > most:
        raise InputError("too_many_lines", field="pattern", has=len(blocks), most=most)
    fixed: list[Fixed] = []
    choices: list[Limit] = []
    for line, block in enumerate(blocks, 1):
        width = layout.widths[line - 1]
        if len(block) != width:
            raise InputError(
                "block_width",
                field="pattern",
                line=line,
                block=block,
                has=len(block),
                wanted=width,
            )
        for position, character in enumerate(block, 1):
            if character == CHOSEN:
                next_in_brackets = texts_in_brackets[len(choices)]
                characters = read_characters("pattern", next_in_brackets, vocabulary)
                choices.append(Limit(line=line, position=position, characters=characters))
            elif character not in BLANKS:
                fixed.append(Fixed("pattern", line, position, character))
    return fixed, choices
