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
        **options: Options of a `Sheet`, with the same names.

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
        fixed = self.constraints.fixed
        assert fixed is not None, "`prepare` refuses what clashes"
        # Each inclusion decides all choices such as [靜晚夜], at the same places, so that the first
        # one tells which places are choices.
        with_choices_decided = starts.inclusions[0].fixed
        # a place that repeats another 疊句 has no character of its own
        echoes = self.constraints.echoes
        self.open = [
            place for place, id_ in enumerate(fixed) if id_ == FREE and place not in echoes
        ]
        """The places that may differ between drafts."""
        self.to_write = [place for place in self.open if with_choices_decided[place] == FREE]
        """The open places where the model may write any character; at the others, it chooses."""
        layout = self.constraints.layout
        open_lines = sorted({layout.line[place] for place in self.open})
        self.parts = [layout.places(line) for line in open_lines]
        """The places of each part that no two drafts share."""
        # If only one line is open, its two first characters may be the only ones that fit.
        if len(self.parts) > 1 and set(OPENING) <= set(self.open):
            self.parts.append(OPENING)
        self.per_poem, _particles = composer.populations(self.constraints, sheet)
        self.numbers = range(self.per_poem * count)
        """The numbers of the populations."""
        self.starts_in_turn = [starts]
        """What the drafts are written from in turn: the sheet, then the sheet without the title."""
        # `_without_title` compiles a request without its ban, so that no ban may be there
        if OPENING in self.parts and count > 1 and not self.constraints.ban:
            self.starts_in_turn += self._without_title()

    def _without_title(self) -> list[Starts]:
        """Compile the sheet without the characters of title and theme in the first line.

        Return [] if title and theme have no characters, or if no poem is possible without them.
        """
        request = self.constraints.request
        characters = only_han(request.subject)
        if not characters:
            return []
        first_line = self.constraints.layout.places(0)
        places = [place for place in self.to_write if place in first_line]
        limits = [Limit(line=1, position=place + 1, characters=characters) for place in places]
        limited = replace(request, exclude_at=(*request.exclude_at, *limits))
        constraints = Constraints(self.constraints.lexicon, limited)
        starts = Starts(constraints, whole=self.starts.whole)
        return [starts] if starts.is_possible else []

    @property
    def is_listed(self) -> bool:
        """Whether all ways to fill the sheet can be listed: one place or only choices are open."""
        if self.count == 1 or self.constraints.ban or self.starts.inclusions[0].words:
            return False
        return not self.to_write or len(self.open) == 1

    def drafts(self) -> list[Poem]:
        """Choose the drafts, and write more populations if there are too few different ones."""
        found: list[Candidate] = []
        for round_ in range(ROUNDS):
            texts_before = {candidate.open for candidate in found}
            # each round has population numbers of its own, which seed other random numbers
            first_number = round_ * len(self.numbers)
            more = self.candidates([first_number + number for number in self.numbers])
            found += more
            drafts = choose_drafts(found, self.count)
            # a complete list, or a sheet without open places, gives no further drafts
            if len(drafts) == self.count or self.is_listed or not self.open:
                break
            # once a round writes nothing new, further rounds hardly would
            if texts_before.issuperset(candidate.open for candidate in more):
                break
        # Only a list of all ways to fill a single blank can be empty: where the model writes, a
        # population without texts raises an error.
        if not found:
            line, position = self.constraints.layout.numbered(self.open[0])
            raise UnfinishedError("all_excluded", line=line, position=position)
        if len(drafts) < self.count:
            drafts = choose_drafts(found, self.count, also_alike=True)
        if len(drafts) < self.count:
            tell(Note("fewer_drafts", has=len(drafts), wanted=self.count))
        if self.constraints.request.usual_forms:
            texts = ["".join(poem.lines) for poem in drafts]
            usual_texts = in_usual_forms(texts, self.constraints.request)
            cut = self.constraints.layout.cut
            drafts = [
                replace(poem, lines=cut(text))
                for poem, text in zip(drafts, usual_texts, strict=True)
            ]
        return drafts

    def candidates(self, numbers: Sequence[int]) -> list[Candidate]:
        """Write populations, and return the best texts of each: as many as can become drafts."""
        if self.is_listed:
            # the list is made once, by the process that has population 0
            texts = self._listed() if 0 in numbers else []
            return [self._candidate(self.constraints, text) for text in texts]
        # The texts of a population begin alike. If several lines are open, drafts must have
        # different openings, so that only one text of a population can become a draft.
        most = 1 if self.count == 1 or len(self.parts) > 2 else self.count
        found: dict[int, list[Candidate]] = {}
        turns = len(self.starts_in_turn)
        for turn, starts in enumerate(self.starts_in_turn):
            # the populations whose draft has this turn are written together
            group = [number for number in numbers if number // self.per_poem % turns == turn]
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
            filled = list(texts[0])
            texts = []
            # what stood there comes back only if nothing else fits
            for id_ in new or ids:
                for same in self.constraints.request.form.same(place):  # repeated lines 疊句 too
                    filled[same] = id_
                texts.append(tuple(filled))
        return self.composer.judge(self.constraints, texts, self.sheet) if texts else []


def choose_drafts(
    candidates: Sequence[Candidate], count: int, *, also_alike: bool = False
) -> list[Poem]:
    """Choose up to `count` candidates as drafts, the best ones that share no part, and number them.

    The candidates are chosen one after another. A candidate's score counts less the more characters
    it shares, at the same places, with a draft that is chosen already (maximal marginal relevance).
    If there are too few drafts without a shared part and `also_alike` is set, candidates that share
    the fewest parts with the drafts follow.
    """
    if not candidates:
        return []
    best_first = [candidates[n] for n in ranking([candidate.text for candidate in candidates])]
    # a row for each candidate: the code points of its open characters, and its parts
    characters = np.array([[ord(sign) for sign in candidate.open] for candidate in best_first])
    parts = np.array([candidate.parts for candidate in best_first])
    scores = np.array([candidate.poem.score for candidate in best_first])
    # If no term scores the texts, `ranking` draws their order, which is then kept.
    if not scores.any():
        scores = -np.arange(len(best_first)) * LIKENESS
    is_left = np.ones(len(best_first), bool)
    # for each candidate, the most parts and the largest share of its open characters that it has
    # in common with a chosen draft
    shared_parts = np.zeros(len(best_first), int)
    likeness = np.zeros(len(best_first))
    chosen: list[int] = []
    while len(chosen) < count and is_left.any():
        fewest_shared = shared_parts[is_left].min()
        if fewest_shared > 0 and not also_alike:
            break
        may_be_chosen = is_left & (shared_parts == fewest_shared)
        worth = scores - LIKENESS * likeness
        best = int(np.where(may_be_chosen, worth, -np.inf).argmax())
        chosen.append(best)
        is_same_character = characters == characters[best]
        is_left[is_same_character.all(axis=1)] = False
        if characters.shape[1]:  # the mean of no columns would be undefined
            likeness = np.maximum(likeness, is_same_character.mean(axis=1))
        is_same_part = parts == parts[best]
        shared_parts = np.maximum(shared_parts, is_same_part.sum(axis=1))
    return [
        replace(best_first[n].poem, number=number, count=count)
        for number, n in enumerate(sorted(chosen), 1)
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
    # raises an error if the model was trained without titles, poets or themes but `options` has one
    load_composer(model, Composing(**options), form=poem.form)
    if not isinstance(targets, Iterable):
        raise wrong_type("targets", targets, "a list of lines and places, as [2, (3, 5)]")
    places: list[int] = []
    for target in targets:
        numbers = target if isinstance(target, tuple) else (target,)
        are_whole = all(isinstance(number, Integral) for number in numbers)
        if len(numbers) not in (1, 2) or not are_whole:
            raise wrong_type("targets", target, "lines and places, as [2, (3, 5)]")
        places += _target_places(poem, *(int(number) for number in numbers))
    if not places:
        raise InputError("no_targets", field="targets")
    sheet = sheet.free_places(places)
    drafts = fill(sheet, count, model=model)
    # The sheet has the lines of the tune; the user may have divided the poem in other places.
    if sheet.shape.tune:
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
    Alternatives are ordered by the score of the whole poem, including the text after the places.

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
    width = len(sheet.row(line))
    if end is None:
        end = width
    freed = sheet.free(line, start, min(end, width))
    if end > width:
        freed = freed.free(line + 1, 1, end - width)
    freed = replace(freed, was=[])
    composer, starts = prepare_forgiving(freed, model)
    constraints = starts.constraints
    before_line = constraints.layout.starts[line - 1]
    span = slice(before_line + start - 1, before_line + end)
    # The text that stands there may be found as well, so that one more than asked for is written.
    # An eighth of the populations that `fill` would write for as many poems is enough, since
    # alternatives differ in a few places only.
    filling = Filling(composer, starts, freed, sheet.seed or 0, count + 1)
    numbers = range(max(2, len(filling.numbers) // 8))
    found = [candidate.text for candidate in filling.candidates(numbers)]
    texts = [found[n] for n in ranking(found)]
    standing = "".join(sheet.rows)[span]
    decode = constraints.lexicon.vocabulary.decode
    replacements = [decode(text.ids)[span] for text in texts]
    # Changes of the score are measured from the poem as it stands. It was found too, or it is
    # scored now if it has no blanks.
    score_now = None
    if standing in replacements:
        score_now = texts[replacements.index(standing)].score
    elif sheet.is_full:
        _, as_it_stands = prepare_forgiving(sheet, model)
        fixed = as_it_stands.constraints.fixed
        assert fixed is not None, "a full sheet fixes one character a place"
        (judged,) = composer.judge(as_it_stands.constraints, [fixed], sheet)
        score_now = judged.score
    shown = replacements
    if sheet.usual_forms:
        shown = in_usual_forms(replacements, constraints.request)
    listed: dict[str, Alternative] = {}
    for text, written in zip(texts, shown, strict=True):
        if written != standing and written not in listed and len(listed) < count:
            listed[written] = Alternative(
                text=written,
                score=text.score,
                change=None if score_now is None else text.score - score_now,
                log_probability=text.log_probability,
            )
    return list(listed.values())


def prepare_forgiving(sheet: Sheet, model: Model | None) -> tuple[Composer, Starts]:
    """Compile a sheet as `prepare` does, but do not judge characters that would make it fail.

    If characters of the sheet clash, their tones and rhymes are waived. Raises InfeasibleError if
    an option clashes, or if the sheet is still impossible.
    """
    try:
        return prepare(sheet, model)
    except InfeasibleError as error:
        waived: list[tuple[int, int]] = []
        for clash in error.clashes:
            # a clash of one character has a position, a clash of a line has several
            for position in clash.positions or (clash.position,):
                # an option that clashes, such as the rhyme, has no place and cannot be waived
                if clash.line is None or position is None:
                    raise
                waived.append((clash.line, position))
        if not waived:
            raise
    composer = load_composer(model, sheet)
    request = replace(read_request(composer.vocabulary, sheet), waived=tuple(waived))
    return composer, composer.prepare(request)


def in_usual_forms(texts: Sequence[str], request: Request) -> list[str]:
    """Write composed characters in their usual forms.

    A character that the request gives stays as it is given. A character whose usual form could
    break a tone or a rhyme stays too; a ConversionWarning tells which characters these are.
    """
    standard = request.standard
    usual = {}
    unusual: dict[str, str] = {}
    composed = set("".join(texts)) - set(request.given)
    for character in sorted(composed):
        usual_character = usual_form(character)
        if usual_character == character:
            continue
        # a composed character has its usable tone, and rhymes only as poets rhyme on it
        tone = standard.usable_tone(character)
        rhymes = {
            group for group in standard.rhymes(character) if standard.is_practised(character, group)
        }
        keeps_tone = tone is None or tone in standard.tones(usual_character)
        keeps_rhymes = rhymes <= standard.rhymes(usual_character)
        if keeps_tone and keeps_rhymes:
            usual[ord(character)] = usual_character
        else:
            unusual[character] = usual_character
    if unusual:
        tell(Note("unusual_forms", has="".join(unusual), wanted="".join(unusual.values())))
    return [text.translate(usual) for text in texts]


def likeliest(
    composer: Composer, constraints: Constraints, fixed: Fixes, place: int
) -> Sequence[int]:
    """List the characters that may stand at the only free position of a text, likeliest first.

    The model knows the text before the position, not the text after it. At most `TRIED` characters
    are listed.
    """
    request = constraints.request
    line, _ = constraints.layout.where(place)
    before = constraints.lines_of(fixed)[: line + 1]
    log_p, _ = composer.score(before, composer.prefix(request), request.form.name)
    candidates = np.flatnonzero(constraints.allowed_alone(fixed, place))
    model_ids = constraints.lexicon.reads[candidates]
    # `log_p` has a row for each token: each earlier line is followed by a mark
    row = log_p[place + line]
    order = np.argsort(-row[model_ids], kind="stable")[:TRIED]
    ids: list[int] = candidates[order].tolist()
    return ids
