"""Find characters, and words of two, by tone, rhyme, meaning, and the line they are to stand in."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pingze.composing.composer import Composer, load_composer
from pingze.composing.lexicon import network_ids
from pingze.composing.options import Finding
from pingze.composing.request import Request
from pingze.composing.sheet import BLANK, BLANKS
from pingze.errors import InputError
from pingze.network.checkpoint import Model
from pingze.verse.characters import only_han
from pingze.verse.forms import find_form
from pingze.verse.meanings import meaning_like, meanings, times_used
from pingze.verse.standard import STANDARDS, Standard

MOST_TRIED = 256
"""The maximum number of candidates that are tried in a line: those that verse uses most."""
_OPEN = "中"


@dataclass(frozen=True)
class Found:
    """A character or word that was found."""

    text: str
    tones: str
    """The tone of each character: 平 or 仄, or 中 if it can have both."""
    rhymes: tuple[str, ...]
    """The groups in which the last character can rhyme."""
    meaning: str
    """Its meaning in English."""
    used: int
    """How often verse uses it: a character in Tang verse, a word in feet of Tang and Song lines."""
    log_probability: float | None
    """ln p of the line with it; None if no line is given."""


@dataclass(frozen=True)
class FoundTexts:
    """What was found: characters and words, each the best first."""

    characters: Sequence[Found]
    words: Sequence[Found]


def find(
    *,
    tone: str | None = None,
    rhyme: str | None = None,
    meaning: str = "",
    line: str = "",
    standard: str = "pingshui",
    count: int = 20,
    model: Model | None = None,
) -> FoundTexts:
    """Find characters and words of two characters: those that verse uses most come first.

    Args:
        tone: 平 or 仄; for a word the tone of its last character, or of both, as 平仄.
        rhyme: The rhyme group, as 先, in which poets rhyme on the last character.
        meaning: What it means: words of English, as river, or a word of Chinese, as 江.
        line: A line with one ＿ for a character, or two for a word: only those are found, and the
            order is that of the probability of the whole line.
        standard: How characters are read, as in `check`.
        count: The maximum number of characters, and of words, from 1 to 200.
        model: The model that judges the line.

    Raises InputError if a value cannot be used, or if neither tone, rhyme, meaning nor line is
    given.
    """
    asked = Finding(
        tone=tone, rhyme=rhyme, meaning=meaning, line=line, standard=standard, count=count
    )
    if not (asked.tone or asked.rhyme or asked.meaning.strip() or asked.line.strip()):
        raise InputError("nothing_to_find")
    found = sorted(_matching(asked), key=lambda candidate: -candidate.used)
    row = _read_row(asked.line)
    if row:
        blanks = row.count(BLANK)
        fitting = [candidate for candidate in found if len(candidate.text) == blanks]
        found = _sorted_by_line(row, fitting[:MOST_TRIED], load_composer(model))
    characters = [candidate for candidate in found if len(candidate.text) == 1]
    words = [candidate for candidate in found if len(candidate.text) == 2]
    return FoundTexts(characters=characters[: asked.count], words=words[: asked.count])


def _matching(asked: Finding) -> Iterator[Found]:
    """Yield every character and word that has the tone, the rhyme and the meaning."""
    standard = STANDARDS[asked.standard]
    group = None
    if asked.rhyme:
        group = standard.find_group(asked.rhyme)
        if group is None:
            choices = list(standard.groups)
            raise InputError("choice", field="rhyme", has=asked.rhyme, choices=choices)
    with_meaning = None
    if asked.meaning.strip():
        with_meaning = meaning_like(asked.meaning)
    for text, meaning in meanings().items():
        used = times_used(text)
        # what verse never uses, and words of more than two characters, are not listed
        if len(text) > 2 or used == 0:
            continue
        if with_meaning is not None and text not in with_meaning:
            continue
        # poets must rhyme on the last character in the group, and the rhyme book must allow it
        if group is not None and not standard.is_practised(text[-1], group.name):
            continue
        rhymes = standard.rhymes(text[-1])
        if group is not None and group.name not in rhymes:
            continue
        tones = _tones(text, standard)
        if asked.tone and not _tones_agree(tones, asked.tone):
            continue
        yield Found(
            text=text,
            tones=tones,
            rhymes=tuple(standard.joined(rhymes)),
            meaning=meaning,
            used=used,
            log_probability=None,
        )


def _tones(text: str, standard: Standard) -> str:
    """Return the tone of each character of a text: 平 or 仄, or 中 if it can have both."""
    every = [standard.usual_tones(text)]
    if len(text) > 1:
        every = list(standard.words.tones_in(text, range(len(text) - 1)))
    signs = ""
    for tones in every:
        one_tone = len(tones) == 1
        signs += next(iter(tones)) if one_tone else _OPEN
    return signs


def _tones_agree(tones: str, wanted: str) -> bool:
    """Return whether tones can be those that are wanted; fewer are wanted at the end."""
    if len(wanted) > len(tones):
        return False
    ends = tones[-len(wanted) :]
    return all(tone in (_OPEN, asked) for tone, asked in zip(ends, wanted, strict=True))


def _read_row(line: str) -> str:
    """Read a line with one blank, or two that stand together; an empty line is "".

    Raises InputError if a line that is not empty has other blanks.
    """
    row = ""
    for sign in line:
        row += BLANK if sign in BLANKS else only_han(sign)
    if line.strip() and not re.fullmatch(f"[^{BLANK}]*{BLANK}{{1,2}}[^{BLANK}]*", row):
        raise InputError("line_to_find", field="line", has=line[:20])
    return row


def _sorted_by_line(row: str, found: Sequence[Found], composer: Composer) -> list[Found]:
    """Sort candidates by the probability of the line that each completes, the likeliest first.

    `row` is the line. All candidates have as many characters as it has blanks.
    """
    if not found:
        return []
    vocabulary = composer.vocabulary
    blanks = BLANK * len(found[0].text)
    lines = [row.replace(blanks, candidate.text) for candidate in found]
    ids = np.array([network_ids(vocabulary, line) for line in lines])
    # a lone line is scored as the first line of a quatrain of its width
    quatrain = Request(find_form("五絕" if len(row) <= 5 else "七絕"), lines=4)
    prefix = composer.prefix(quatrain)
    state = composer.network.start(batch=len(found), prefix=prefix)
    # ln p of each line; `ids` is (line, place), and `state.log_p` is (line, token)
    log_p = np.zeros(len(found))
    rows = np.arange(len(found))
    for place in range(ids.shape[1]):
        log_p += state.log_p[rows, ids[:, place]]
        state = composer.network.step(state, ids[:, place])
    order = np.argsort(-log_p, kind="stable").tolist()
    return [replace(found[n], log_probability=float(log_p[n])) for n in order]
