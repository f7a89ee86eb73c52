"""A random model over a few dozen real characters, and a solver that decides by search what can be composed."""

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import replace
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pingze.composing.composer import Composer
from pingze.composing.options import Composing
from pingze.composing.read_request import read_request
from pingze.composing.request import Request
from pingze.composing.words import Starts
from pingze.network import checkpoint
from pingze.verse.character_table import forms
from pingze.verse.forms import line_types
from pingze.verse.patterns import accepted
from pingze.verse.rhyme_book import rhyme_counts
from pingze.verse.rhyme_groups import LEVEL, OBLIQUE
from pingze.verse.standard import PINGSHUI
from tests import invented

RHYMES = "東風中空同紅宮公天年前邊然眠煙"
LEVELS = "春秋人山雲花江來歸書樓家"
OBLIQUES = "月日水雨夜海雪柳鳥客酒夢老古草木落白綠遠"
OPEN = "看過"
POOL = RHYMES + LEVELS + OBLIQUES + OPEN
SIDES = {"P": LEVEL, "Z": OBLIQUE}
FORMS = "".join("".join(forms(character)[1:]) for character in POOL)
"""Other written forms of these."""


def for_seeds(quick: int, slow: int) -> Callable[[Callable[[int], None]], Callable[[int], None]]:
    """Run a test with so many random seeds, and with more where the slow tests run."""

    def decorate(test: Callable[[int], None]) -> Callable[[int], None]:
        def run(examples: int) -> None:
            settings(max_examples=examples)(given(st.integers(0, 10**6))(test))()

        slow_case = pytest.param(slow, marks=pytest.mark.slow)
        return pytest.mark.parametrize("examples", [quick, slow_case])(run)

    return decorate


def composer(
    characters: str = POOL, *, reward: bool = False, seed: int = 0, **given: Any
) -> Composer:
    """A composer on a model as `checkpoint_of` makes it, which may have a random reward."""
    loaded = checkpoint_of(characters, seed=seed, **given)
    if reward:
        rng = np.random.default_rng(seed + 1)
        weight = 0.3 * rng.standard_normal(loaded.configuration.hidden_size, np.float32)
        loaded = replace(loaded, stored=loaded.stored | {checkpoint.REWARD: weight})
    return Composer(loaded)


def checkpoint_of(characters: str, *, seed: int = 0, **given: Any) -> checkpoint.Checkpoint:
    """A smaller random model of one layer, which knows these characters and the marks."""
    return invented.model(seed, 6, layers=1, embedding_size=4, characters=characters, **given)


def prepared(chosen: Composer, **options: object) -> Starts:
    """What a composer prepares for a request, by default for a 五絕."""
    asked = Composing(**{"form": "五絕"} | options)
    return chosen.prepare(read_request(chosen.vocabulary, asked))


def solvable(characters: Iterable[str], request: Request) -> bool:
    """Whether a poem exists in which every composed character is another, by search.

    Everything that could be chosen is tried in turn: where the words stand, a template, a pattern
    for each line, a rhyme group. Then each place has a set of characters, and the question is
    whether a different one can be taken from each.
    """
    excluded: set[str] = set()
    for character in request.exclude:
        excluded.update(forms(character))
    known = tuple(character for character in characters if character not in excluded)
    fixed = _fixed(request)
    if fixed is None or excluded.intersection([*fixed.values(), *"".join(request.include)]):
        return False
    for placed in placements(request):
        for opening in request.openings:
            kinds = line_types(opening, request.lines)
            feet = _feet(kinds, request.form.width)
            for tones in _readings(kinds, request, placed):
                for group in request.groups:
                    sets = _sets(known, placed, tones, feet, group, request)
                    if sets and _fillable(sets, placed, request.repeat, feet):
                        return True
    return False


# -- where words stand -----------------------------------------------------------------------------


def _fixed(request: Request) -> dict[int, str] | None:
    """What is fixed by place; None if two characters are asked for at one place."""
    fixed: dict[int, str] = {}
    for fix in request.fixed:
        place = (fix.line - 1) * request.form.width + fix.position - 1
        if fixed.get(place, fix.character) != fix.character:
            return None
        fixed[place] = fix.character
    return fixed


def placements(request: Request) -> Iterator[dict[int, str]]:
    """Every way to place the words that do not stand in what is fixed."""
    fixed = _fixed(request) or {}
    width = request.form.width
    rows = []
    for line in range(request.lines):
        places = range(line * width, (line + 1) * width)
        rows.append("".join(fixed.get(place, "＿") for place in places))
    text = "\n".join(rows)
    words = [included for included in request.include if included not in text]
    yield from _with_words(fixed, words, set(), request)


def _with_words(
    placed: dict[int, str], words: list[str], own: set[int], request: Request
) -> Iterator[dict[int, str]]:
    """Every way to add words to what is placed.

    Each word is within a line and at places of its own, some of which may be fixed so. `own` has
    the places of the words that are placed already.
    """
    if not words:
        yield placed
        return
    width = request.form.width
    for start in range(width * request.lines):
        if start % width + len(words[0]) > width:
            continue
        places = dict(enumerate(words[0], start))
        if own & places.keys():
            continue
        if all(placed.get(place, character) == character for place, character in places.items()):
            yield from _with_words(placed | places, words[1:], own | places.keys(), request)


# -- how a template is read ------------------------------------------------------------------------


def _feet(kinds: Sequence[str], width: int) -> set[int]:
    """The places that rhyme: the ends of the lines whose type has a capital letter."""
    feet = set()
    for line, kind in enumerate(kinds):
        if kind.isupper():
            feet.add(line * width + width - 1)
    return feet


def _readings(kinds: Sequence[str], request: Request, placed: dict[int, str]) -> Iterator[str]:
    """Every way to write a template that what is placed allows: a tone for each place."""
    couplets = [
        _couplet_readings(kinds[line], kinds[line + 1], line, request, placed)
        for line in range(0, len(kinds), 2)
    ]
    for patterns in product(*couplets):
        yield "".join(patterns)


def _couplet_readings(
    first: str, second: str, line: int, request: Request, placed: dict[int, str]
) -> list[str]:
    """The same of a couplet, whose first line is the given one."""
    width = request.form.width
    kinds = [(first, second)]
    if first == "a":
        kinds.append(("a'", "B'"))  # the second line may rescue 拗救 the first
    readings = []
    for upper_kind, lower_kind in kinds:
        for upper in accepted(upper_kind, width, request.strictness):
            for lower in accepted(lower_kind, width, request.strictness):
                tones = upper.tones + lower.tones
                if _agrees(tones, line * width, placed):
                    readings.append(tones)
    return readings


def _agrees(tones: str, start: int, placed: dict[int, str]) -> bool:
    """Whether what is placed can have the tones of a couplet, which begins at a place."""
    return all(
        place not in placed or _can_have(placed[place], tone)
        for place, tone in enumerate(tones, start)
    )


def _can_have(character: str, tone: str) -> bool:
    """Whether a given character has a tone in any reading; an unknown one has every tone."""
    tones = PINGSHUI.tones(character)
    return tone == "x" or not tones or SIDES[tone] in tones


def _is_usable(character: str, tone: str) -> bool:
    """Whether a character may be composed in a tone."""
    return tone == "x" or PINGSHUI.usable_tone(character) == SIDES[tone]


# -- what may stand at a place ---------------------------------------------------------------------


def _sets(
    known: tuple[str, ...],
    placed: dict[int, str],
    tones: str,
    feet: set[int],
    group: str,
    request: Request,
) -> list[Set[str]] | None:
    """What may stand at each place; None if that is nothing at some place."""
    sets: list[Set[str]] = []
    for place, tone in enumerate(tones):
        in_first_line = place < request.form.width
        borrows = in_first_line and request.strictness == "customary"
        is_foot = place in feet
        if place in placed:
            allowed = _given_set(placed[place], group, is_foot=is_foot, borrows=borrows)
        elif is_foot:
            names = PINGSHUI.lenders(group) if borrows else [group]
            allowed = _composed_feet(known, tone, frozenset(names))
        else:
            allowed = _composed(known, tone)
        if not allowed:
            return None
        sets.append(allowed)
    return sets


def _given_set(character: str, group: str, *, is_foot: bool, borrows: bool) -> Set[str]:
    """The character itself, or nothing if it does not rhyme at a foot; its tone fits already."""
    own = PINGSHUI.rhymes(character)
    if is_foot and own:
        names = PINGSHUI.neighbours[group] if borrows else {group}
        if not own & names:
            return set()
    return {character}


@cache
def _composed(known: tuple[str, ...], tone: str) -> Set[str]:
    """The characters that may be composed in a tone."""
    return {character for character in known if _is_usable(character, tone)}


@cache
def _composed_feet(known: tuple[str, ...], tone: str, names: frozenset[str]) -> Set[str]:
    """Those that also rhyme in one of the named groups."""
    usable = _composed(known, tone)
    return {character for character in usable if may_rhyme(character, names, known)}


def may_rhyme(character: str, names: Set[str], known: Iterable[str]) -> bool:
    """Whether poets rhyme on a character in one of some groups, and on no other form of it more."""

    def times(form: str) -> tuple[int, str]:
        return sum(rhyme_counts(form).values()), form

    known_forms = [form for form in forms(character) if form in known]
    if max(known_forms, key=times, default=character) != character:
        return False
    return any(
        PINGSHUI.is_practised(character, name) for name in names & PINGSHUI.rhymes(character)
    )


# -- whether each place can have another character -------------------------------------------------


def _fillable(sets: list[Set[str]], placed: dict[int, str], repeat: bool, feet: set[int]) -> bool:
    """Whether the free places can be matched with words, each place with another.

    With `repeat`, only the feet must have different words.
    """
    placed_feet = [placed[place] for place in placed if place in feet]
    if len(set(placed_feet)) < len(placed_feet):
        return False
    taken = placed_feet if repeat else placed.values()
    taken_words = {word(character) for character in taken}
    matching: dict[str, int] = {}  # the place of each matched word
    for place in range(len(sets)):
        if place in placed or (repeat and place not in feet):
            continue
        if not _match(place, sets, taken_words, matching):
            return False
    return True


def _match(place: int, sets: list[Set[str]], excluded: set[str], matching: dict[str, int]) -> bool:
    """Match a place with a word, moving matched places to other words if needed.

    Each word is tried once (Kuhn's augmenting paths).
    """
    tried = set(excluded)

    def search(place: int) -> bool:
        for candidate in {word(character) for character in sets[place]}:
            if candidate in tried:
                continue
            tried.add(candidate)
            if candidate not in matching or search(matching[candidate]):
                matching[candidate] = place
                return True
        return False

    return search(place)


def word(character: str) -> str:
    """One of a character's written forms, which stands for all of them."""
    return min(forms(character))
