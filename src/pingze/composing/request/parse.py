"""Read the options that a person gave as a `Request`, or refuse them: form and vocabulary decide."""

from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from itertools import chain

from pingze.composing.request.input_characters import FIELDS, read_characters, read_known, read_pattern, tell
from pingze.composing.request.options import MOST_INCLUDED, Composing, acrostic_position, too_long
from pingze.composing.request.request import Fixed, Request
from pingze.composing.steering.mood import mood_of
from pingze.errors import InputError
from pingze.network.conditions import LONGEST_THEME, LONGEST_TITLE, Conditions
from pingze.network.vocabulary import Vocabulary
from pingze.verse.character_table import in_use, to_traditional, traditional_candidates
from pingze.verse.characters import MARKS
from pingze.verse.context import in_context
from pingze.verse.forms import Form, find_form, opening_name
from pingze.verse.rhyme import find_group
from pingze.verse.rhyme_groups import GROUPS, LEVEL
from pingze.verse.verdict import Note

BLANKS = "＿_□？?*＊.．"
"""What a pattern has where a character is free."""


def read_request(vocabulary: Vocabulary, asked: Composing) -> Request:
    """Check every option against the form and the model's vocabulary.

    Raises InputError, which names the option, on what no poem of the form could mean: an unknown form, template,
    group, poet or character, an opening or title that is too long, a pattern or acrostic that does not fit.
    """
    form = find_form(asked.form)
    lines = _count_lines(form, asked.lines)
    fixed = _fixed(asked, form, lines, vocabulary)
    title, about = read_title(asked.title, vocabulary), read_about(asked.about, vocabulary)
    return Request(
        form=form,
        lines=lines,
        strictness=asked.level,
        template=_template(asked.template, form),
        rhyme=_rhyme(asked.rhyme, form),
        fixed=fixed,
        include=_words(asked.include, form, lines, vocabulary),
        exclude=_unwanted(asked.exclude),
        repeat=asked.repeat,
        title=title,
        poet=read_poet(asked.poet, vocabulary),
        about=about,
        mood=_mood(asked, title, about),
        original=asked.original,
        antithesis=asked.antithesis,
        taste=asked.taste,
    )


def _fixed(asked: Composing, form: Form, lines: int, vocabulary: Vocabulary) -> tuple[Fixed, ...]:
    """What opening, acrostic and pattern fix."""
    return in_order(
        [
            *_opening(asked.start, form, lines, vocabulary),
            *_acrostic(asked.acrostic or "", asked.acrostic_at, form, lines, vocabulary),
            *_pattern(asked.pattern or "", form, lines, vocabulary),
        ]
    )


def in_order(fixed: Iterable[Fixed]) -> tuple[Fixed, ...]:
    """What is fixed in the order of the places; the first of two that ask the same."""
    at_place: dict[tuple[int, int, str], Fixed] = {}
    for fix in fixed:
        at_place.setdefault((fix.line, fix.position, fix.character), fix)
    return tuple(sorted(at_place.values(), key=lambda f: (f.line, f.position)))


def _count_lines(form: Form, lines: int | None) -> int:
    count = lines or form.default_lines
    if not form.takes(count) or count % 2:
        wanted = "couplets, so an even number of lines" if form.takes(count) else form.size
        raise InputError(
            f"a {form.name} has {wanted}, not {count}",
            field="lines",
            code="line_count",
            form=form.name,
            has=count,
            wanted=form.lines,
        )
    return count


def _template(name: str | None, form: Form) -> str | None:
    if not name:
        return None
    name = to_traditional(name.strip())
    names = [opening_name(form.width, opening[0]) for opening in form.openings]
    if not any(name in known for known in names):
        message = f"template {name!r} is none of {form.name}'s, or a part of one: {', '.join(names)}"
        raise InputError(
            message if names else f"a {form.name} has no templates: leave template out",
            field="template",
            code="choice",
            has=name,
            choices=names,
        )
    return name


def _rhyme(name: str | None, form: Form) -> str | None:
    if not name:
        return None
    group = find_group(name)
    if group is None:
        raise InputError(
            f"rhyme {name!r} is no rhyme group; `pingze rhyme {name}` tells a character's group",
            field="rhyme",
            code="choice",
            has=name,
            choices=[known.name for known in GROUPS.values() if known.side == LEVEL or not form.regulated],
        )
    if form.regulated and group.side != LEVEL:
        raise InputError(
            f"rhyme {group.label} is oblique, and a {form.name} rhymes level",
            field="rhyme",
            code="oblique_rhyme",
            has=group.name,
            form=form.name,
        )
    return group.name


def read_title(title: str | None, vocabulary: Vocabulary) -> str | None:
    """A title in the model's characters. Raises InputError on one that is too long."""
    if not title or not vocabulary.condition_tokens:
        return title or None
    return _written_to("title", title, vocabulary, LONGEST_TITLE)


def read_about(theme: str | None, vocabulary: Vocabulary) -> str | None:
    """A theme in the model's characters. Raises InputError on one that is too long."""
    return _written_to("theme", theme, vocabulary, LONGEST_THEME) if theme else None


def _written_to(option: str, text: str, vocabulary: Vocabulary, longest: int) -> str | None:
    """What a poem is written to: free text, of which the model reads what it knows."""
    read = read_known(option, text, vocabulary)
    if len(read) > longest:
        message = f"the {option} has {len(read)} characters; give {longest} at most"
        raise too_long(message, FIELDS.get(option, option), len(read), longest)
    return read or None


def read_poet(name: str | None, vocabulary: Vocabulary) -> str | None:
    """A poet's name as the model has it. Raises InputError, which tells near ones, where it has none such."""
    if not name:
        return None
    poets, read = Conditions(vocabulary).poets, to_traditional(name.strip())
    if poets and read not in poets:
        near = get_close_matches(read, poets, cutoff=0.3) or poets[:3]
        raise InputError(
            f"the model does not know the manner of {name!r}; it knows that of {'、'.join(near)}",
            field="poet",
            code="choice",
            has=name,
            choices=near,
        )
    return read


def _mood(asked: Composing, title: str | None, about: str | None) -> str | None:
    """The mood that is asked for, or that title and theme tell where taste counts."""
    if asked.mood or not asked.taste or not (told := mood_of(title, about)):
        return asked.mood
    sentence = (
        f"the poem is written as {told} because of its title or theme; give another mood to change that"
    )
    tell(Note(sentence, "mood", field="mood", has=told))
    return told


def _read(option: str, text: str, vocabulary: Vocabulary) -> str:
    return read_characters(option, text, vocabulary) if text.strip() else ""


def _words(text: str, form: Form, lines: int, vocabulary: Vocabulary) -> tuple[str, ...]:
    """The words of a text, in which spaces and marks separate them; what stands in a longer one is not named twice."""
    blocks = "".join(" " if c in MARKS else c for c in text).split()
    read = (read_characters("include", block, vocabulary) for block in blocks)
    words = dict.fromkeys(word for block in read for word in _within_lines(block, form.width))
    most = min(MOST_INCLUDED, lines * form.width)
    if (has := sum(map(len, words))) > most:
        message = f"include has {has} characters, a {form.name} of {lines} lines takes {most} at most"
        raise InputError(message, field="include", code="no_room", has=has, most=most)
    return tuple(word for word in words if not any(word in other for other in words if word != other))


def _within_lines(block: str, width: int) -> Sequence[str]:
    """A block of characters as one word; what is longer than a line cannot stay together."""
    if len(block) <= width:
        return [block]
    sentence = f"{block} is longer than a line of {width}: its characters were taken one by one; spaces separate words"
    tell(Note(sentence, "one_by_one", field="include", has=block, width=width))
    return block


def _unwanted(text: str) -> str:
    """Characters not to use, which the model need not know: as they are typed, and all that they are Simplified for."""
    typed = "".join(text.split())
    meant = zip(typed, in_context(typed), strict=True)
    forms = [
        (one, read, to_traditional(one), *(() if in_use(one) else traditional_candidates(one)))
        for one, read in meant
    ]
    return "".join(dict.fromkeys(chain(*forms)))


def _opening(text: str, form: Form, lines: int, vocabulary: Vocabulary) -> Iterator[Fixed]:
    characters = _read("opening", text, vocabulary)
    if len(characters) > lines * form.width:
        most = lines * form.width
        message = f"the opening has {len(characters)} characters, a {form.name} holds {most}"
        raise too_long(message, "start", len(characters), most)
    for at, character in enumerate(characters):
        yield Fixed("opening", at // form.width + 1, at % form.width + 1, character)


def _acrostic(text: str, at: str, form: Form, lines: int, vocabulary: Vocabulary) -> Iterator[Fixed]:
    characters = _read("acrostic", text, vocabulary)
    if len(characters) > lines:
        message = f"the acrostic has {len(characters)} characters for {lines} lines"
        raise too_long(message, "acrostic", len(characters), lines)
    position = acrostic_position(at, form.width)
    for line, character in enumerate(characters, 1):
        yield Fixed("acrostic", line, position, character)


def _pattern(text: str, form: Form, lines: int, vocabulary: Vocabulary) -> Iterator[Fixed]:
    blocks = read_pattern(text, BLANKS, vocabulary).split()
    if len(blocks) > lines:
        raise too_long(
            f"the pattern has {len(blocks)} blocks for {lines} lines", "pattern", len(blocks), lines
        )
    for line, block in enumerate(blocks, 1):
        if len(block) != form.width:
            raise InputError(
                f"the pattern's block {line}, {block}, has {len(block)} characters, "
                f"a {form.name} line has {form.width}",
                field="pattern",
                code="block_width",
                line=line,
                has=len(block),
                wanted=form.width,
            )
        for position, character in enumerate(block, 1):
            if character not in BLANKS:
                yield Fixed("pattern", line, position, character)
