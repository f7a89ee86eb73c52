"""Judge 詞 by the pattern of a tune, and find the tune and the shape 體 that a 詞 fits.

Four faults are possible: a character has the wrong tone (失律), a line does not rhyme with the lines
that it should rhyme with (出韻), or a line does not repeat the words (疊句) or the character (疊韻) that
it should repeat. Lines rhyme if they share one part of 詞林正韻. As in 詩, they also rhyme if they
share one rhyme group. At the customary level, the tones and rhymes that poets often leave aside
(`tunes`) are no faults, and parts that poets often mix (`Parts.mixed`) rhyme.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from math import log

from pingze.verse.characters import Translation
from pingze.verse.forms import FEWEST_LINES, Form, Layout, tune_form
from pingze.verse.patterns import STRICT, places_in
from pingze.verse.rhyme_groups import LEVEL, OBLIQUE
from pingze.verse.standard import Standard
from pingze.verse.tunes import Foot, Tune, ends_of, matching_shapes, of_size, with_shape
from pingze.verse.verdict import Note, Verdict, Violation

# lines are a 詞 to the tune that they fit best if at most one in this many characters is faulty
_CHARACTERS_PER_FAULT = 8
# tunes in fewer pieces do not claim a text without a heading that has the shape of 詩
_FREQUENT = 30
# ln 10: one piece in ten has another tone than the book at a place
_RARE = 2.3
_FEWEST_PIECES = 10  # of a tune that is named as near
_MOST_NEAR = 3  # tunes that a note names

Fault = tuple[int, str]
"""The position of a fault in the text, from 0, and its rule."""


@dataclass(frozen=True)
class _Judged:
    """The faults of a text by a tune."""

    tune: Tune
    parts: list[str]
    """The part of each rhyme."""
    faults: list[Fault]


def judge(lines: Sequence[str], form: Form, strictness: str, standard: Standard) -> Verdict:
    """Judge the tones, rhymes and repeated words of a 詞 by its tune's pattern.

    `lines` must have the tune's shape. The verdict keeps the division of the text into these lines,
    even where the tune has other line ends.
    """
    assert form.tune is not None, "only a tune's form comes here"
    judged = _judge_text("".join(lines), form.tune, strictness, standard)
    return _verdict_on(lines, judged, strictness, standard)


def _judge_text(text: str, tune: Tune, strictness: str, standard: Standard) -> _Judged:
    """Find the faults of a text by a tune, sorted by position."""
    faults: list[Fault] = []
    # 1) The rhymes: each line that is off the rhyme has its fault at its last character.
    parts, lines_off = off_rhyme(text, tune, strictness, standard)
    faults += [(tune.ends[number] - 1, "出韻") for number in lines_off]
    # 2) The tones, except of rhyming characters.
    can_be_level, can_be_oblique = tone_masks(text, standard)
    wrong = tune.pattern(strictness).misfits(can_be_level, can_be_oblique)
    faults += [(place, "失律") for place in places_in(wrong)]
    # 3) The repeated words.
    faults += broken_echoes(text, tune)
    return _Judged(tune, parts, sorted(faults))


def _verdict_on(
    lines: Sequence[str], judged: _Judged, strictness: str, standard: Standard
) -> Verdict:
    """Return the verdict on lines whose faults by a tune are known."""
    # 1) The faults.
    layout = Layout(len(line) for line in lines)
    violations = []
    for place, rule in judged.faults:
        line_number, place_in_line = layout.where(place)
        violations.append(Violation.at(rule, lines, line_number, place_in_line, standard))
    # 2) A note on the lines that rhyme in another part of 詞林正韻 without a fault.
    text = "".join(lines)
    faulty_places = {place for place, _ in judged.faults}
    mixed_feet = []
    for feet, part in zip(judged.tune.rhymed, judged.parts, strict=True):
        for foot in feet:
            # an unknown character rhymes in no part, and is not mentioned
            fitting_parts = _parts_of(text[foot.place], foot.kind, standard)
            if fitting_parts and part not in fitting_parts and foot.place not in faulty_places:
                line_number, _ = layout.numbered(foot.place)
                mixed_feet.append(f"{text[foot.place]} ({line_number})")
    rhyme = "、".join(judged.parts)
    notes = []
    if mixed_feet:
        notes.append(Note("mixed_parts", has=mixed_feet, wanted=rhyme))
    return Verdict(
        form=judged.tune.name,
        template=None,
        rhyme=rhyme,
        level=strictness,
        lines=tuple(lines),
        violations=tuple(violations),
        notes=tuple(notes),
        standard=standard.name,
    )


@lru_cache(1 << 8)
def tone_masks(text: str, standard: Standard) -> tuple[int, int]:
    """Return bit masks of the positions that can be level and oblique; bit 0 is the first."""
    backwards = text[::-1]  # the last digit of a number is bit 0
    level = int(backwards.translate(_bits(standard, OBLIQUE)), 2)
    oblique = int(backwards.translate(_bits(standard, LEVEL)), 2)
    return level, oblique


@cache
def _bits(standard: Standard, side: str) -> Translation:
    """Map a character to 0 if its only tone is `side`, 平 or 仄, and otherwise to 1."""
    return Translation(lambda character: "0" if standard.tones(character) == {side} else "1")


def broken_echoes(text: str, tune: Tune) -> list[Fault]:
    """Find the lines that do not repeat the words or the character that they should repeat."""
    faults = []
    for echo in tune.echoing:
        for place, source in echo:
            if text[place] != text[source]:
                faults.append((place, "疊韻" if len(echo) == 1 else "疊句"))
                break
    return faults


def off_rhyme(
    text: str, tune: Tune, strictness: str, standard: Standard
) -> tuple[list[str], list[int]]:
    """Find the part 部 of each of the tune's rhymes, and the lines that are off, which do not rhyme in it.

    Return the parts, and the numbers, from 0, of the lines that are off.

    The part of a rhyme is the one that leaves the fewest of its lines off. A line that ends in an
    unknown character is never off. If all lines of a rhyme can rhyme in one group, none of them is
    off: a group may be divided between two parts, but its characters rhyme.
    """
    part_of_each_rhyme = []
    lines_off: list[int] = []
    # `feet` has the lines of a rhyme, `possible_parts` the parts in which lines of their classes can
    # rhyme
    for feet, possible_parts in zip(tune.rhymed, tune.rhymes(standard), strict=True):
        parts_of_lines = [_parts_of(text[foot.place], foot.kind, standard) for foot in feet]
        shared_parts = frozenset.intersection(*parts_of_lines)
        if shared_parts:  # all lines rhyme, as in most texts
            first_shared = next(part for part in possible_parts if part in shared_parts)
            part_of_each_rhyme.append(first_shared)
            continue
        part, lines_off_part = _fewest_off(
            text, feet, parts_of_lines, possible_parts, strictness, standard
        )
        part_of_each_rhyme.append(part)
        if lines_off_part and not _in_one_group(text, feet, standard):
            lines_off += lines_off_part
    return part_of_each_rhyme, lines_off


def _fewest_off(
    text: str,
    feet: Sequence[Foot],
    parts_of_lines: Sequence[frozenset[str]],
    possible_parts: Sequence[str],
    strictness: str,
    standard: Standard,
) -> tuple[str, list[int]]:
    """Find the part that leaves the fewest lines of a rhyme off, and the numbers of these lines.

    Args:
        parts_of_lines: The parts in which each line of `feet` can rhyme.
        possible_parts: The parts in which all lines of the rhyme may rhyme.
    """
    is_customary = not strictness.startswith(STRICT)
    # how many lines can rhyme in each part: of parts that leave as few lines off, most lines decide
    votes: Counter[str] = Counter()
    for parts in parts_of_lines:
        votes.update(parts)
    best_part = ""
    fewest_off: list[int] = []
    for part in sorted(possible_parts, key=lambda part: -votes[part]):
        if best_part and not votes[part]:
            break  # no line can rhyme in this part or in those after it
        accepted_parts = {part}
        if is_customary:
            accepted_parts |= standard.parts.mixed(part)
        lines_off = []
        for foot, parts in zip(feet, parts_of_lines, strict=True):
            need_not_rhyme = is_customary and foot.optional
            if need_not_rhyme or not parts.isdisjoint(accepted_parts):
                continue
            if standard.rhymes(text[foot.place]):  # the character is known
                lines_off.append(foot.line)
        if not best_part or len(lines_off) < len(fewest_off):
            best_part = part
            fewest_off = lines_off
    return best_part, fewest_off


@lru_cache(1 << 13)
def _parts_of(character: str, kind: str, standard: Standard) -> frozenset[str]:
    """Return the parts in which a character can rhyme in a line of a class, 平 or 仄."""
    parts = set()
    for part, part_class in standard.parts.rhymes(character):
        if part_class == standard.parts.class_in(part, kind):
            parts.add(part)
    return frozenset(parts)


def _in_one_group(text: str, feet: Sequence[Foot], standard: Standard) -> bool:
    """Return whether all lines of a rhyme can rhyme in one group, in the tone that each needs."""
    groups_of_lines = [standard.rhymes(text[foot.place]) for foot in feet]
    # an unknown character, which has no groups, rhymes with all
    known_groups = [groups for groups in groups_of_lines if groups]
    shared_groups = frozenset.intersection(*known_groups)
    needed_tones = {foot.kind for foot in feet}
    return any({standard.groups[name].side} == needed_tones for name in shared_groups)


def find(
    lines: Sequence[str], named: Tune | None, strictness: str, standard: Standard
) -> Verdict | None:
    """Judge lines by the tune and the shape that they fit best, or return None if they fit no tune.

    `named` is the tune that the text's heading names, or None. If a heading names a tune, only that
    tune is tried, and the lines fit it whatever their faults.
    """
    shapes = matching_shapes(named, lines) if named else with_shape(lines)
    if not named and {len(line) for line in lines} in ({5}, {7}):
        if len(lines) <= FEWEST_LINES:
            return None  # four lines of one such length are a 絕
        # longer texts are more likely 詩 than a rare tune
        shapes = [tune for tune in shapes if tune.pieces >= _FREQUENT]
    judged = _by_fit(lines, shapes, strictness, standard)
    if not judged:
        return None
    best = judged[0]
    size = sum(map(len, lines))
    has_too_many_faults = _CHARACTERS_PER_FAULT * len(best.faults) > size
    if has_too_many_faults and not named:
        return None
    # Name the other tunes that fit with at most one fault more. (Several shapes may have one tune.)
    names = [best.tune.names[0]]
    for other in judged:
        name = other.tune.names[0]
        if len(other.faults) <= len(best.faults) + 1 and name not in names:
            names.append(name)
    verdict = _verdict_on(lines, best, strictness, standard)
    if len(names) > 1:
        also = Note("tunes_also", has=names[1:_MOST_NEAR])
        verdict = replace(verdict, notes=(*verdict.notes, also))
    return verdict


def _by_fit(
    lines: Sequence[str], shapes: Iterable[Tune], strictness: str, standard: Standard
) -> list[_Judged]:
    """Judge lines by each of the tunes whose shape they have, and return the judgements, the best fit first.

    The best has the fewest faults. Of shapes with equally many faults, the one with the fewest moved
    line ends is first, then the one with the most repeated characters, then one of 《欽定詞譜》 before
    one of 龍榆生. Then the likeliest shape is first: the more pieces it has, the likelier it is, and
    each tone that differs from the book makes it as unlikely as ten times fewer pieces do. Tunes
    with at least two faults more than the best are left out.
    """
    text = "".join(lines)
    ends = ends_of(lines)
    can_be_level, can_be_oblique = tone_masks(text, standard)
    # 1) Count the wrong tones of each shape, which takes much less time than judging the rhymes.
    candidates = []
    for tune in shapes:
        wrong = tune.pattern(strictness).misfits(can_be_level, can_be_oblique)
        wrong_by_book = tune.pattern(STRICT).misfits(can_be_level, can_be_oblique)
        rarity = _RARE * wrong_by_book.bit_count() - log(1 + tune.pieces)
        fit = (tune.moved(ends), -len(tune.echoes), "龍" in tune.number, rarity)
        candidates.append((wrong.bit_count(), fit, tune))
    candidates.sort(key=lambda candidate: candidate[:2])
    # 2) Judge the shapes whose wrong tones alone are not too many faults. A tune with a fault more
    # than the best is only named beside it (`find`). For that, one of its shapes is enough, and no
    # more than a few tunes are needed.
    judgements = []
    fewest_faults = len(text)
    judged_names: set[str] = set()
    for wrong_tones, fit, tune in candidates:
        name = tune.names[0]
        if wrong_tones > fewest_faults + 1:
            break  # all further candidates have as many wrong tones or more
        is_only_named = wrong_tones == fewest_faults + 1
        if is_only_named and (name in judged_names or len(judged_names) >= _MOST_NEAR):
            continue
        judged = _judge_text(text, tune, strictness, standard)
        fewest_faults = min(fewest_faults, len(judged.faults))
        judged_names.add(name)
        judgements.append((len(judged.faults), fit, judged))
    judgements.sort(key=lambda judgement: judgement[:2])
    return [judged for _, _, judged in judgements]


def best_shape(lines: Sequence[str], form: Form, strictness: str, standard: Standard) -> Form:
    """Find the shape 體 of the form's tune that `lines` fit best.

    Return that shape's form. Return `form` itself if it is one of 詩, if its name already tells the
    shape, as in 臨江仙·格二, or if the lines have no shape of the tune.
    """
    if form.tune is None or "·" in form.name:
        return form
    shapes = matching_shapes(form.tune, lines)
    judged = _by_fit(lines, shapes, strictness, standard)
    return tune_form(judged[0].tune) if judged else form


def nearest(lines: Sequence[str]) -> list[str]:
    """Name at most three tunes whose line lengths differ least from those of a text; [] if none is near.

    Only the usual shapes of tunes with ten pieces or more are compared.
    """
    widths = [len(line) for line in lines]
    size = sum(widths)
    most_different = max(
        1, len(lines) // 4
    )  # a tune is near if at most a quarter of the lines differ
    ranks: dict[str, tuple[int, int]] = {}  # the distance, and the number of pieces, negative
    # each line that differs may be two characters longer or shorter, on average
    for tune_size in range(size - 2 * most_different, size + 2 * most_different + 1):
        for tune in of_size(tune_size):
            if tune.pieces < _FEWEST_PIECES or "·" in tune.name:
                continue
            if abs(len(widths) - len(tune.widths)) > most_different:
                continue
            # The edit distance takes time, and is at least the number of lines of the longer
            # sequence that have no equal in the shorter one.
            same = sum(min(widths.count(width), tune.widths.count(width)) for width in set(widths))
            if max(len(widths), len(tune.widths)) - same <= most_different:
                distance = _distance(widths, tune.widths, most_different)
                if distance <= most_different:
                    ranks[tune.name] = (distance, -tune.pieces)
    return sorted(ranks, key=lambda name: ranks[name])[:_MOST_NEAR]


def _distance(text_widths: Sequence[int], tune_widths: Sequence[int], most: int) -> int:
    """Return the edit distance between two sequences of line widths, or `most` + 1 if it is larger."""
    # Levenshtein's table, of which one row is kept: after n widths of the text, `row[m]` is their
    # distance from the first m widths of the tune
    row = list(range(len(tune_widths) + 1))
    for n, text_width in enumerate(text_widths, 1):
        above_left = row[0]
        row[0] = n
        for m, tune_width in enumerate(tune_widths, 1):
            above = row[m]
            row[m] = min(above + 1, row[m - 1] + 1, above_left + (text_width != tune_width))
            above_left = above
        if min(row) > most:
            return most + 1
    return row[-1]
