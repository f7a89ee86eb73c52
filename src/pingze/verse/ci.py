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
from pingze.verse.patterns import STRICT
from pingze.verse.rhyme_groups import LEVEL, OBLIQUE
from pingze.verse.standard import Standard
from pingze.verse.tunes import Tune, ends_of, of_size, shapes_of, with_shape
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

    `lines` must have the tune's shape. The verdict keeps them as they are divided.
    """
    assert form.tune is not None, "only a tune's form comes here"
    return _verdict(
        lines, _judged("".join(lines), form.tune, strictness, standard), strictness, standard
    )


def _judged(text: str, tune: Tune, strictness: str, standard: Standard) -> _Judged:
    faults: list[Fault] = []
    # 1) The rhymes.
    parts, off = off_rhyme(text, tune, strictness, standard)
    faults += [(tune.ends[number] - 1, "出韻") for number in off]
    # 2) The tones, except of rhyming characters.
    can_be_level, can_be_oblique = tone_masks(text, standard)
    level, oblique = tune.masks(strictness)
    wrong = level & ~can_be_level | oblique & ~can_be_oblique
    while wrong:
        place = wrong.bit_length() - 1
        faults.append((place, "失律"))
        wrong ^= 1 << place
    # 3) The repeated words.
    faults += broken_echoes(text, tune)
    return _Judged(tune, parts, sorted(faults))


def _verdict(lines: Sequence[str], judged: _Judged, strictness: str, standard: Standard) -> Verdict:
    # 1) The faults.
    layout = Layout(len(line) for line in lines)
    violations = []
    for place, rule in judged.faults:
        number, at = layout.where(place)
        violations.append(Violation.at(rule, lines, number, at, standard))
    # 2) The rhymes of another part that are no faults.
    text = "".join(lines)
    faulty = {place for place, _ in judged.faults}
    mixed = []
    for feet, part in zip(judged.tune.rhymed, judged.parts, strict=True):
        for _, place, kind, _ in feet:
            fitting = _parts_of(text[place], kind, standard)
            if fitting and part not in fitting and place not in faulty:
                line_number, _ = layout.numbered(place)
                mixed.append(f"{text[place]} ({line_number})")
    rhyme = "、".join(judged.parts)
    notes = []
    if mixed:
        notes.append(Note("mixed_parts", has=mixed, wanted=rhyme))
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
    parts = []
    off: list[int] = []
    # `feet` has the lines of a rhyme, `possible` the parts in which lines of their classes can rhyme
    for feet, possible in zip(tune.rhymed, tune.rhymes(standard), strict=True):
        fitting = [_parts_of(text[place], kind, standard) for _, place, kind, _ in feet]
        shared = frozenset.intersection(*fitting)
        if shared:  # as in most texts
            parts.append(next(part for part in possible if part in shared))
            continue
        part, wrong = _fewest_off(text, feet, fitting, possible, strictness, standard)
        parts.append(part)
        if wrong and not _in_one_group(text, feet, standard):
            off += wrong
    return parts, off


Feet = Sequence[tuple[int, int, str, bool]]
"""The lines of a rhyme, as in `Tune.rhymed`."""


def _fewest_off(
    text: str,
    feet: Feet,
    fitting: Sequence[frozenset[str]],
    possible: Sequence[str],
    strictness: str,
    standard: Standard,
) -> tuple[str, list[int]]:
    """Find the part that leaves the fewest lines of a rhyme off, and the numbers of these lines.

    `fitting` has the parts in which each line can rhyme.
    """
    customary = not strictness.startswith(STRICT)
    votes: Counter[str] = Counter()
    for parts in fitting:
        votes.update(parts)
    best = ""
    least: list[int] = []
    for part in sorted(possible, key=lambda part: -votes[part]):
        if best and not votes[part]:
            break  # no line can rhyme in this part or in those after it
        rhyming = {part}
        if customary:
            rhyming |= standard.parts.mixed(part)
        wrong = []
        for (number, place, _, optional), parts in zip(feet, fitting, strict=True):
            rhymes = parts & rhyming or (customary and optional)
            if not rhymes and standard.rhymes(text[place]):
                wrong.append(number)
        if not best or len(wrong) < len(least):
            best = part
            least = wrong
    return best, least


@lru_cache(1 << 13)
def _parts_of(character: str, kind: str, standard: Standard) -> frozenset[str]:
    """Return the parts in which a character can rhyme in a line of a class, 平 or 仄."""
    found = set()
    for part, part_class in standard.parts.rhymes(character):
        if part_class == standard.parts.class_in(part, kind):
            found.add(part)
    return frozenset(found)


def _in_one_group(text: str, feet: Feet, standard: Standard) -> bool:
    """Return whether all lines of a rhyme can rhyme in one group, in the tone that each needs."""
    known = [standard.rhymes(text[place]) for _, place, _, _ in feet]
    shared = frozenset.intersection(*(names for names in known if names))
    for name in shared:
        side = standard.groups[name].side
        if all(kind == side for _, _, kind, _ in feet):
            return True
    return False


def find(
    lines: Sequence[str], named: Tune | None, strictness: str, standard: Standard
) -> Verdict | None:
    """Judge lines by the tune and the shape that they fit best, or return None if they fit no tune.

    `named` is the tune that the text's heading names, or None. If a tune is given, no other tune is
    tried.
    """
    size = sum(map(len, lines))
    shapes = _divided(lines, shapes_of(named)) if named else with_shape(lines)
    has_widths_of_shi = len({len(line) for line in lines}) == 1 and len(lines[0]) in (5, 7)
    if not named and has_widths_of_shi:
        may_be_quatrain = len(lines) <= FEWEST_LINES
        frequent = [tune for tune in shapes if tune.pieces >= _FREQUENT]
        shapes = [] if may_be_quatrain else frequent
    judged = _by_fit(lines, shapes, strictness, standard)
    if not judged or (not named and _CHARACTERS_PER_FAULT * len(judged[0].faults) > size):
        return None
    best = judged[0]
    # other tunes, which have at most a fault more; a tune may have several shapes
    near = [best.tune.names[0]]
    for other in judged:
        name = other.tune.names[0]
        if len(other.faults) <= len(best.faults) + 1 and name not in near:
            near.append(name)
    verdict = _verdict(lines, best, strictness, standard)
    if len(near) > 1:
        also = Note("tunes_also", has=near[1:_MOST_NEAR])
        verdict = replace(verdict, notes=(*verdict.notes, also))
    return verdict


def _divided(lines: Sequence[str], shapes: Iterable[Tune]) -> list[Tune]:
    """Return those of the shapes that lines have."""
    size = sum(map(len, lines))
    ends = ends_of(lines)
    return [tune for tune in shapes if tune.size == size and tune.has_ends(ends)]


def _by_fit(
    lines: Sequence[str], shapes: Iterable[Tune], strictness: str, standard: Standard
) -> list[_Judged]:
    """Judge lines by each of the tunes whose shape they have, and return the judgements, the best fit first.

    The best has the fewest faults, then the fewest moved line ends, then the most repeated
    characters; a shape of 《欽定詞譜》 precedes one of 龍榆生. Then it is the likeliest: a place that the
    book has otherwise counts as much as ten times fewer pieces. Tunes with two faults more than the
    best are left out.
    """
    text = "".join(lines)
    ends = ends_of(lines)
    can_be_level, can_be_oblique = tone_masks(text, standard)
    # 1) Count the wrong tones, which takes least time.
    candidates = []
    for tune in shapes:
        level, oblique = tune.masks(strictness)
        wrong = (level & ~can_be_level | oblique & ~can_be_oblique).bit_count()
        level, oblique = tune.masks(STRICT)
        strictly = (level & ~can_be_level | oblique & ~can_be_oblique).bit_count()
        rarity = _RARE * strictly - log(1 + tune.pieces)
        fit = (tune.moved(ends), -len(tune.echoes), "龍" in tune.number, rarity)
        candidates.append((wrong, fit, tune))
    candidates.sort(key=lambda candidate: candidate[:2])
    # 2) Judge those whose wrong tones alone are not too many. With a fault more than the best, a
    # tune is only named as near (`find`): one shape of it is enough, and so are a few tunes.
    found = []
    least = len(text)
    near: set[str] = set()
    for wrong, fit, tune in candidates:
        name = tune.names[0]
        if wrong > least + 1:
            break
        if wrong == least + 1 and (name in near or len(near) >= _MOST_NEAR):
            continue
        judged = _judged(text, tune, strictness, standard)
        least = min(least, len(judged.faults))
        near.add(name)
        found.append((len(judged.faults), fit, judged))
    found.sort(key=lambda judgement: judgement[:2])
    return [judged for _, _, judged in found]


def best_shape(lines: Sequence[str], form: Form, strictness: str, standard: Standard) -> Form:
    """Find the shape 體 of the form's tune that `lines` fit best.

    Return that shape's form. Return `form` itself if it is one of 詩, if its name already tells the
    shape, as in 臨江仙·格二, or if the lines have no shape of the tune.
    """
    if form.tune is None or "·" in form.name:
        return form
    shapes = _divided(lines, shapes_of(form.tune))
    judged = _by_fit(lines, shapes, strictness, standard)
    return tune_form(judged[0].tune) if judged else form


def nearest(lines: Sequence[str]) -> list[str]:
    """Name at most three tunes whose line lengths differ least from those of a text; [] if none is near.

    Only the usual shapes of tunes with ten pieces or more are compared.
    """
    widths = [len(line) for line in lines]
    most = max(1, len(lines) // 4)
    size = sum(widths)
    costs: dict[str, tuple[int, int]] = {}  # the distance, and the number of pieces, negative
    # each line that differs may be two characters longer or shorter, on average
    for tune_size in range(size - 2 * most, size + 2 * most + 1):
        for tune in of_size(tune_size):
            if tune.pieces < _FEWEST_PIECES or abs(len(widths) - len(tune.widths)) > most:
                continue
            if "·" in tune.name:
                continue
            # The distance is at least the number of lines of the longer sequence without an equal in
            # the other.
            same = sum(min(widths.count(width), tune.widths.count(width)) for width in set(widths))
            if max(len(widths), len(tune.widths)) - same <= most:
                distance = _distance(widths, tune.widths, most)
                if distance <= most:
                    costs[tune.name] = (distance, -tune.pieces)
    return sorted(costs, key=lambda name: costs[name])[:_MOST_NEAR]


def _distance(one: Sequence[int], other: Sequence[int], most: int) -> int:
    """Return the edit distance between two sequences of line widths, or `most` + 1 if it is larger."""
    # the distances of the first widths of `one` from the first 0, 1 ... of `other`, in place
    row = list(range(len(other) + 1))
    for n, width in enumerate(one, 1):
        above_left = row[0]
        row[0] = n
        for m, wanted in enumerate(other, 1):
            above = row[m]
            row[m] = min(above + 1, row[m - 1] + 1, above_left + (width != wanted))
            above_left = above
        if min(row) > most:
            return most + 1
    return row[-1]
