"""Work on a sheet: fill its blanks, and list what else could stand at its places."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from typing import TYPE_CHECKING, Unpack, cast

import numpy as np

from pingze.composing.composer import Composer, first_seed, load_composer, prepare
from pingze.composing.constraints.feasibility import Fixes
from pingze.composing.constraints.masks import Constraints
from pingze.composing.lexicon import FREE
from pingze.composing.options import Collecting, Composing, Options, check_bounds, with_options
from pingze.composing.poem import Poem, divided_as
from pingze.composing.read_request import read_request
from pingze.composing.request import Request
from pingze.composing.sheet import Limit, Sheet
from pingze.composing.smc import Text, ranking
from pingze.composing.typed_text import tell
from pingze.composing.words import Starts
from pingze.errors import InfeasibleError, InputError, UnfinishedError, wrong_type
from pingze.network.checkpoint import Model
from pingze.verse.character_table import usual_form
from pingze.verse.characters import only_han
from pingze.verse.forms import Layout
from pingze.verse.verdict import Note

if TYPE_CHECKING:
    from pingze.composing.collecting import Collected

Target = int | tuple[int, int]
"""A line number, or a line number and a position in that line; both count from 1."""
MOST_DRAFTS = 1000
OPENING = range(2)  # the places of the first two characters, which no two drafts share
TRIED = 96
"""The maximum number of characters tried at a place: the likeliest after the text before."""
LIKENESS = 48.0
"""By how much a draft's score counts less if a better one has all of its open characters."""
ROUNDS = 4
"""How often more populations are written, if the first ones give too few different drafts."""


@dataclass(frozen=True)
class Alternative:
    """What could replace a character, a word, a line or a couplet of a poem."""

    text: str
    """The characters, without marks."""
    score: float
    """The score of the poem with them (`Poem.score`)."""
    change: float | None
    """By how much the score rises; None if the sheet has other blanks."""
    log_probability: float
    """ln p of the whole poem with them, including marks and the end token."""


@with_options(Composing)
def compose(
    start: str = "", *, count: int = 1, model: Model | None = None, **options: Unpack[Options]
) -> list[Poem]:
    """Compose `count` different poems that keep every constraint, best first.

    A character appears only once unless it is reduplicated 疊字, you fix it, or `repeat` is set.
    Lines and characters are numbered from 1; Simplified characters are read as Traditional ones.

    Args:
        start: The opening, of any length up to the whole poem.
        count: The number of poems.
        model: A shipped model's name, a checkpoint, or the folder of a run or an export.
        **options: The options of a `Sheet`, which explains them.

    Raises InputError if a value cannot be used, InfeasibleError if the constraints clash,
    UnfinishedError if every attempt would copy a line of the corpus, CorpusError if `original` is
    set and there is no corpus, CheckpointError if the model cannot be read.
    """
    return fill(Sheet(start=start, **options), count, model=model)


@with_options(Collecting, omit=["original"])
def collect(
    *, poets: str = "", count: int = 1, model: Model | None = None, **options: Unpack[Options]
) -> "list[Collected]":
    """Put together poems of quoted lines 集句 that keep every constraint, each from another poem.

    Each line keeps its place in its couplet: first lines stay first, and second lines stay second.
    The model chooses which lines follow one another.

    Args:
        poets: Poets or dynasties whose lines to quote, separated by spaces, as '杜甫 李白' or 唐;
            all by default.
        count: The number of poems.
        model: A shipped model's name, a checkpoint, or the folder of a run or an export.
        **options: The options of a `Sheet` except `original`, such as `form`, `title`, `rhyme` and
            `seed`.

    Raises the same errors as `compose`, and CorpusError if there is no corpus, which `pingze corpus
    fetch` builds.
    """
    asked = Collecting(poets=poets, **options)
    return cast("list[Collected]", fill(asked, count, model=model))


def fill(
    sheet: Composing,
    count: int = 1,
    *,
    seed: int | None = None,
    model: Model | None = None,
    reference: bool = False,
) -> list[Poem]:
    """Fill the blanks of a sheet in `count` different ways, best first.

    No two drafts share a line that has blanks, as long as there are enough such drafts, and their
    openings differ. In about half of the drafts the first line has none of the title's or theme's
    characters, since otherwise most drafts would open with the same word. If only one place is
    blank, every character that fits is known; in other sheets that leave little choice, fewer
    drafts than asked for may be found. A ConversionWarning tells how many there are.

    Args:
        sheet: The sheet.
        count: The maximum number of drafts, from 1 to 1000.
        seed: The same seed and count give the same drafts; by default the sheet's seed, or a random
            one.
        model: A shipped model's name, a checkpoint, or the folder of a run or an export.
        reference: Whether to run the model by `lstm/formulas.py`, which is slower.

    Raises InputError if a value cannot be used, InfeasibleError if the constraints clash,
    UnfinishedError if no particle was finished, CorpusError if `original` is set and there is no
    corpus, CheckpointError if the model cannot be read.
    """
    check_bounds("count", count, {"minimum": 1, "maximum": MOST_DRAFTS})
    composer, starts = prepare(sheet, model, reference=reference)
    seed = first_seed(sheet.seed if seed is None else seed)
    return Filling(composer, starts, sheet, seed, count).drafts()


@dataclass(frozen=True)
class Candidate:
    """A filled sheet that may become a draft."""

    poem: Poem
    text: Text
    open: str
    """The characters at the places that were open."""
    parts: tuple[str, ...]
    """What no other draft may share: each line that had open places, and an open opening."""


class Filling:
    """The work on one sheet: which populations are written, and what becomes a draft.

    Processes can share the populations, since `candidates` takes any part of them.
    """

    def __init__(
        self, composer: Composer, starts: Starts, sheet: Composing, seed: int, count: int
    ) -> None:
        self.composer = composer
        self.starts = starts
        self.constraints = starts.constraints
        self.sheet = sheet
        self.seed = seed
        self.count = count
        # What the sheet fixes, and what is fixed where one of its choices is taken too. Every
        # choice is of the same places.
        fixed = self.constraints.fixed
        assert fixed is not None, "`prepare` refuses what clashes"
        with_a_choice = starts.inclusions[0].fixed
        echoes = self.constraints.echoes
        self.open = [at for at, id_ in enumerate(fixed) if id_ == FREE and at not in echoes]
        """The places that may differ between drafts."""
        self.to_write = [at for at in self.open if with_a_choice[at] == FREE]
        """Those that the model writes; the others are choices."""
        layout = self.constraints.layout
        open_lines = sorted({layout.line[at] for at in self.open})
        self.parts = [layout.places(line) for line in open_lines]
        """The places of each part that no two drafts share."""
        # If only one line is open, its two first characters may be the only ones that fit.
        if len(self.parts) > 1 and set(OPENING) <= set(self.open):
            self.parts.append(OPENING)
        self.per_poem, _particles = composer.populations(self.constraints, sheet)
        self.numbers = range(self.per_poem * count)
        """The numbers of the populations."""
        self.other_starts: Starts | None = None
        """The sheet without the title's characters in the first line.

        The populations of every second draft are written on it.
        """
        if OPENING in self.parts and count > 1 and not self.constraints.ban:
            self.other_starts = self._without_title()

    def _without_title(self) -> Starts | None:
        """Keep the characters of title and theme out of the first line.

        Return None if there are no such characters, or no poem without them.
        """
        request = self.constraints.request
        characters = only_han(request.subject)
        if not characters:
            return None
        first_line = self.constraints.layout.places(0)
        places = [place for place in self.to_write if place in first_line]
        limits = [Limit(line=1, position=place + 1, characters=characters) for place in places]
        limited = replace(request, exclude_at=(*request.exclude_at, *limits))
        constraints = Constraints(self.constraints.lexicon, limited)
        starts = Starts(constraints, whole=self.starts.whole)
        return starts if starts.is_possible else None

    @property
    def is_listed(self) -> bool:
        """Whether all ways to fill the sheet can be listed: one place or only choices are open."""
        if self.count == 1 or self.constraints.ban or self.starts.inclusions[0].words:
            return False
        has_choices = len(self.open) > len(self.to_write)
        return not self.to_write or (len(self.to_write) == 1 and not has_choices)

    def drafts(self) -> list[Poem]:
        """Choose the drafts, and write more populations if there are too few different ones."""
        found = self.candidates(self.numbers)
        if not found:
            line, position = self.constraints.layout.numbered(self.open[0])
            raise UnfinishedError("all_excluded", line=line, position=position)
        drafts = choose_drafts(found, self.count)
        for round_ in range(1, ROUNDS):
            if len(drafts) == self.count or self.is_listed or not self.open:
                break
            known = {candidate.open for candidate in found}
            more = self.candidates([number + round_ * len(self.numbers) for number in self.numbers])
            found += more
            drafts = choose_drafts(found, self.count)
            if known.issuperset(candidate.open for candidate in more):
                break
        if len(drafts) < self.count:
            drafts = choose_drafts(found, self.count, also_alike=True)
        if len(drafts) < self.count:
            tell(Note("fewer_drafts", has=len(drafts), wanted=self.count))
        if self.constraints.request.usual_forms:
            usual = in_usual_forms(
                ["".join(poem.lines) for poem in drafts], self.constraints.request
            )
            cut = self.constraints.layout.cut
            drafts = [
                replace(poem, lines=cut(text)) for poem, text in zip(drafts, usual, strict=True)
            ]
        return drafts

    def candidates(self, numbers: Sequence[int]) -> list[Candidate]:
        """Write populations, and return the best texts of each: as many as can become drafts."""
        if self.is_listed:
            texts = self._listed() if 0 in numbers else []
            return [self._candidate(self.constraints, text) for text in texts]
        # texts of a population share their openings, so that it gives one draft of many lines
        most = 1 if self.count == 1 or len(self.parts) > 2 else self.count
        # 1) Share the populations between the sheet and the one for every second draft.
        groups: list[tuple[Starts, Sequence[int]]] = [(self.starts, numbers)]
        if self.other_starts:
            of_sheet = []
            of_other = []
            for number in numbers:
                draft = number // self.per_poem
                if draft % 2 == 0:
                    of_sheet.append(number)
                else:
                    of_other.append(number)
            groups = [(self.starts, of_sheet), (self.other_starts, of_other)]
        # 2) Write them.
        found: dict[int, list[Candidate]] = {}
        for starts, group in groups:
            populations = [(self.seed, number) for number in group]
            written = self.composer.texts(starts, self.sheet, populations, most)
            for number, texts in zip(group, written, strict=True):
                found[number] = [self._candidate(starts.constraints, text) for text in texts]
        return [candidate for number in numbers for candidate in found[number]]

    def _candidate(self, constraints: Constraints, text: Text) -> Candidate:
        """Read a text as a candidate, and cut it into parts."""
        poem = self.composer.poem(constraints, text, self.seed)
        whole = "".join(poem.lines)
        return Candidate(
            poem=poem,
            text=text,
            open="".join(whole[place] for place in self.open),
            parts=tuple(whole[part.start : part.stop] for part in self.parts),
        )

    def _listed(self) -> list[Text]:
        """List all ways to fill the sheet: by choices, or by characters at the only blank."""
        texts = [inclusion.fixed for inclusion in self.starts.inclusions]  # one for each choice
        if self.to_write:
            (place,) = self.to_write
            ids = likeliest(self.composer, self.constraints, texts[0], place)
            new = [id_ for id_ in ids if id_ != self.constraints.old.get(place)]
            # what stood there comes back only if nothing else fits
            texts = [_with(self.constraints, texts[0], place, id_) for id_ in new or ids]
        return self.composer.judge(self.constraints, texts, self.sheet) if texts else []


def choose_drafts(
    candidates: Sequence[Candidate], count: int, *, also_alike: bool = False
) -> list[Poem]:
    """Take the best candidates of which no two share a part, and number them.

    A candidate counts less the more of its characters one that was taken has in their places
    (maximal marginal relevance). If they are too few and `also_alike`, those follow that share the
    fewest parts.
    """
    if not candidates:
        return []
    best_first = [candidates[n] for n in ranking([candidate.text for candidate in candidates])]
    # a row of code points for each candidate
    opens = np.array([[ord(character) for character in candidate.open] for candidate in best_first])
    parts = np.array([candidate.parts for candidate in best_first])
    scores = np.array([candidate.poem.score for candidate in best_first])
    if not scores.any():
        scores = -np.arange(len(best_first)) * LIKENESS  # they are already in a random order
    is_left = np.ones(len(best_first), bool)
    shared = np.zeros(len(best_first), int)  # the most parts shared with one that was taken
    likeness = np.zeros(len(best_first))  # the largest share of open characters shared with one
    taken: list[int] = []
    rounds = 1  # the first takes what shares no part
    if also_alike:
        rounds = max(1, parts.shape[1])
    for most_shared in range(rounds):
        while len(taken) < count and (is_left & (shared <= most_shared)).any():
            may = is_left & (shared <= most_shared)
            worth = scores - LIKENESS * likeness
            best = int(np.where(may, worth, -np.inf).argmax())
            taken.append(best)
            same = opens == opens[best]
            is_left[same.all(axis=1)] = False
            if opens.shape[1]:
                likeness = np.maximum(likeness, same.mean(axis=1))
            shared = np.maximum(shared, (parts == parts[best]).sum(axis=1))
    return [
        replace(best_first[n].poem, number=number, count=count)
        for number, n in enumerate(sorted(taken), 1)
    ]


@with_options(Composing, omit=["start", "form", "lines"])
def revise(
    poem: Poem,
    targets: Iterable[Target],
    *,
    count: int = 1,
    model: Model | None = None,
    **options: Unpack[Options],
) -> list[Poem]:
    """Rewrite the targets of a poem in `count` different ways, and keep everything else.

    The form, template and rhyme group are kept too. The text after a target counts as much as the
    text before it. Each target place gets a new character, unless only the old one is possible.

    Args:
        poem: A poem returned by `compose` or `read_poem`.
        targets: What to rewrite: lines, as 2, and characters, as (line, position); both count from
            1.
        count: The maximum number of poems.
        model: A shipped model's name, a checkpoint, or the folder of a run or an export.
        **options: The options of a `Sheet` except start and form. By default the poem's template,
            rhyme, title, poet, theme and mood are kept.

    Raises the same errors as `fill`, and InputError if a target is outside the poem.
    """
    sheet = Sheet.of(poem, **options)
    load_composer(
        model, Composing(**options), form=poem.form
    )  # refuses what the model does not know
    if not isinstance(targets, Iterable):
        raise wrong_type("targets", targets, "a list of lines and places, as [2, (3, 5)]")
    places: list[int] = []
    for target in targets:
        given = target if isinstance(target, tuple) else (target,)
        if len(given) not in (1, 2) or not all(isinstance(number, Integral) for number in given):
            raise wrong_type("targets", target, "lines and places, as [2, (3, 5)]")
        places += _target_places(poem, *(int(number) for number in given))
    if not places:
        raise InputError("no_targets", field="targets")
    layout = sheet.shape.layout(sheet.count_of_lines)
    for place in places:
        line, position = layout.numbered(place)
        sheet = sheet.free(line, position, position)
    drafts = fill(sheet, count, model=model)
    if sheet.shape.tune:  # the user may have divided the lines in other places
        drafts = [divided_as(draft, poem) for draft in drafts]
    return drafts


def _target_places(poem: Poem, line: int, position: int | None = None) -> list[int]:
    """Return the positions in the text of a line of a poem, or of one of its characters."""
    if not 1 <= line <= len(poem.lines):
        raise InputError("no_line", field="line", has=line, most=len(poem.lines))
    layout = Layout(len(verse) for verse in poem.lines)
    places = list(layout.places(line - 1))
    if position is None:
        return places
    if not 1 <= position <= len(places):
        raise InputError("no_position", field="position", has=position, most=len(places))
    return [places[position - 1]]


def alternatives(
    sheet: Sheet,
    line: int,
    start: int = 1,
    end: int | None = None,
    *,
    count: int = 12,
    model: Model | None = None,
) -> list[Alternative]:
    """List what else could stand at some places of a line, or of a couplet, best first.

    Every alternative keeps the constraints; faults elsewhere in the sheet are left as they are.
    The whole poem decides their order, with what follows the places.

    Args:
        sheet: The sheet; `Sheet.of` makes one of a poem.
        line: The number of the line, from 1.
        start: The first position in the line, from 1.
        end: The last position; by default the last of the line. A number beyond the line goes on in
            the next line: 2 · width is the end of the couplet.
        count: The maximum number of alternatives, from 1.
        model: A shipped model's name, a checkpoint, or the folder of a run or an export.

    Raises the same errors as `fill`.
    """
    check_bounds("count", count, {"minimum": 1, "maximum": MOST_DRAFTS})
    freed = _free_span(sheet, line, start, end)
    composer, starts = prepare_forgiving(freed, model)
    constraints = starts.constraints
    layout = constraints.layout
    if end is None:
        end = layout.widths[line - 1]
    before_line = layout.starts[line - 1]
    span = slice(before_line + start - 1, before_line + end)
    # One more than asked for, since the text that stands is an alternative too. An eighth of the
    # populations of as many poems is enough: alternatives differ in a few places only.
    filling = Filling(composer, starts, freed, sheet.seed or 0, count + 1)
    numbers = range(max(2, len(filling.numbers) // 8))
    found = [candidate.text for candidate in filling.candidates(numbers)]
    texts = [found[n] for n in ranking(found)]
    standing = "".join(sheet.rows)[span]
    decode = constraints.lexicon.vocabulary.decode
    replacements = [decode(text.ids)[span] for text in texts]
    # The score of what stands, if it is whole, decides by how much the others are better.
    present = None
    if standing in replacements:
        present = texts[replacements.index(standing)].score
    elif sheet.is_full:
        _, as_is = prepare_forgiving(sheet, model)
        assert as_is.constraints.fixed is not None, "a full sheet fixes one character a place"
        present = composer.judge(as_is.constraints, [as_is.constraints.fixed], sheet)[0].score
    shown = replacements
    if sheet.usual_forms:
        shown = in_usual_forms(replacements, constraints.request)
    listed: dict[str, Alternative] = {}
    for text, written in zip(texts, shown, strict=True):
        if written != standing and written not in listed and len(listed) < count:
            listed[written] = Alternative(
                text=written,
                score=text.score,
                change=None if present is None else text.score - present,
                log_probability=text.log_probability,
            )
    return list(listed.values())


def prepare_forgiving(sheet: Sheet, model: Model | None = None) -> tuple[Composer, Starts]:
    """Compile a sheet as `prepare` does; if characters clash, compile it without judging these.

    Raises InfeasibleError if something else clashes.
    """
    try:
        return prepare(sheet, model)
    except InfeasibleError as error:
        waived: list[tuple[int, int]] = []
        for clash in error.clashes:
            # a clash of one character has a position, a clash of a line has several
            for position in clash.positions or (clash.position,):
                if clash.line is None or position is None:  # an option, such as the rhyme
                    raise
                waived.append((clash.line, position))
        if not waived:
            raise
    composer = load_composer(model, sheet)
    request = replace(read_request(composer.vocabulary, sheet), waived=tuple(waived))
    return composer, composer.prepare(request)


def in_usual_forms(texts: Sequence[str], request: Request) -> list[str]:
    """Write composed characters in their usual forms.

    A character that the request gives stays as it is given. One whose usual form could break a tone
    or a rhyme stays too; a ConversionWarning tells which.
    """
    standard = request.standard
    usual = {}
    unusual: dict[str, str] = {}
    composed = set("".join(texts)) - set(request.given)
    for character in sorted(composed):
        other = usual_form(character)
        if other == character:
            continue
        # a composed character has its usable tone, and rhymes only as poets rhyme on it
        tone = standard.usable_tone(character)
        rhymes = {
            group for group in standard.rhymes(character) if standard.is_practised(character, group)
        }
        keeps_tone = tone is None or tone in standard.tones(other)
        keeps_rhymes = rhymes <= standard.rhymes(other)
        if keeps_tone and keeps_rhymes:
            usual[ord(character)] = other
        else:
            unusual[character] = other
    if unusual:
        tell(Note("unusual_forms", has="".join(unusual), wanted="".join(unusual.values())))
    return [text.translate(usual) for text in texts]


def likeliest(
    composer: Composer, constraints: Constraints, fixed: Fixes, place: int
) -> Sequence[int]:
    """List what may stand at the only free position, likeliest first after the text before.

    At most `TRIED` are listed.
    """
    request = constraints.request
    line, _ = constraints.layout.where(place)
    before = constraints.lines_of(fixed)[: line + 1]
    log_p, _ = composer.score(before, composer.prefix(request), request.form.name)
    candidates = np.flatnonzero(constraints.allowed_alone(fixed, place))
    known = constraints.lexicon.reads[candidates]
    # each earlier line is followed by a mark
    order = np.argsort(-log_p[place + line][known], kind="stable")[:TRIED]
    ids: list[int] = candidates[order].tolist()
    return ids


def _free_span(sheet: Sheet, line: int, start: int, end: int | None) -> Sheet:
    """Free the places from `start` to `end` of a line; an end beyond it is in the next line."""
    width = len(sheet.row(line))
    last = width if end is None else end
    freed = sheet.free(line, start, min(last, width))
    if last > width:
        freed = freed.free(line + 1, 1, last - width)
    return replace(freed, was=[])


def _with(constraints: Constraints, fixed: Fixes, place: int, id_: int) -> Fixes:
    """Return fixed ids with another at a place, and at those that repeat it 疊句."""
    changed = list(fixed)
    for same in constraints.request.form.same(place):
        changed[same] = id_
    return tuple(changed)
