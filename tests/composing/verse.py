"""A random model over a few dozen real characters, and a solver that decides by search what can be composed."""

from collections.abc import Callable, Iterable, Iterator, Set
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
from pingze.composing.request import Request, read_request
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
FORMS = "".join(form for character in POOL for form in forms(character)[1:])
"""Other written forms of these."""


def for_seeds(quick: int, slow: int) -> Callable[[Callable[[int], None]], Callable[[int], None]]:
    """Run a test with so many random seeds, and with more where the slow tests run."""

    def decorate(test: Callable[[int], None]) -> Callable[[int], None]:
        def run(examples: int) -> None:
            settings(max_examples=examples)(given(st.integers(0, 10**6))(test))()

        return pytest.mark.parametrize(
            "examples", [quick, pytest.param(slow, marks=pytest.mark.slow)]
        )(run)

    return decorate


def composer(
    characters: str = POOL, *, reward: bool = False, seed: int = 0, **given: Any
) -> Composer:
    """A composer on a model as `checkpoint_of` makes it, which may have a random reward."""
    loaded = checkpoint_of(characters, seed=seed, **given)
    if reward:
        weight = 0.3 * np.random.default_rng(seed + 1).standard_normal(
            loaded.configuration.hidden_size, np.float32
        )
        loaded = replace(loaded, stored={**loaded.stored, checkpoint.REWARD: weight})
    return Composer(loaded)


def checkpoint_of(characters: str, *, seed: int = 0, **given: Any) -> checkpoint.Checkpoint:
    """A smaller random model of one layer, which knows these characters and the marks."""
    return invented.model(seed, 6, layers=1, embedding_size=4, characters=characters, **given)


def prepared(chosen: Composer, **options: object) -> Starts:
    """What a composer prepares for a request, by default for a 五絕."""
    return chosen.prepare(read_request(chosen.vocabulary, Composing(**{"form": "五絕"} | options)))


def solvable(characters: Iterable[str], request: Request) -> bool:
    """Whether a poem exists in which every composed character is another: by search over all that can be chosen."""
    excluded = {form for character in request.exclude for form in forms(character)}
    known, fixed = tuple(c for c in characters if c not in excluded), _fixed(request)
    if fixed is None or excluded & {*fixed.values(), *"".join(request.include)}:
        return False
    return any(
        _fillable(sets, placed, request.repeat, feet)
        for placed, opening in product(placements(request), request.openings)
        for feet, tones in _readings(opening, request, placed)
        for group in request.groups
        if (sets := _sets(known, placed, tones, feet, group, request))
    )


def _readings(
    opening: str, request: Request, fixed: dict[int, str]
) -> Iterator[tuple[set[int], str]]:
    """Every way to write the template that what is fixed allows: its feet, and a tone for each place."""
    kinds, width = line_types(opening, request.lines), request.form.width
    feet = {n * width + width - 1 for n, kind in enumerate(kinds) if kind.isupper()}
    couplets = [
        [
            tones
            for pair in [(first, second)] + [("a'", "B'")] * (first == "a")
            for ways in product(*(accepted(kind, width, request.strictness) for kind in pair))
            for tones in ["".join(way.tones for way in ways)]
            if all(
                _has_tone(fixed[place], tone, given=True)
                for place, tone in enumerate(tones, 2 * width * n)
                if place in fixed
            )
        ]
        for n, (first, second) in enumerate(zip(kinds[::2], kinds[1::2], strict=True))
    ]
    yield from ((feet, "".join(ways)) for ways in product(*couplets))


def _fixed(request: Request) -> dict[int, str] | None:
    """What is fixed by place; None where two characters are asked for at one place."""
    fixed: dict[int, str] = {}
    for fix in request.fixed:
        place = (fix.line - 1) * request.form.width + fix.position - 1
        if fixed.setdefault(place, fix.character) != fix.character:
            return None
    return fixed


def placements(request: Request) -> Iterator[dict[int, str]]:
    """Every way to place the words that do not stand in what is fixed."""
    fixed, width = _fixed(request) or {}, request.form.width
    rows = [
        "".join(fixed.get(n * width + at, "＿") for at in range(width))
        for n in range(request.lines)
    ]
    words = [word for word in request.include if not any(word in row for row in rows)]

    def place(fixed: dict[int, str], words: list[str], own: set[int]) -> Iterator[dict[int, str]]:
        # Each word is within a line and at places of its own, some of which may be fixed so.
        if not words:
            yield fixed
            return
        for start in range(width * request.lines):
            places = {start + n: character for n, character in enumerate(words[0])}
            within = start % width + len(words[0]) <= width and not own & places.keys()
            if within and all(
                fixed.get(at, character) == character for at, character in places.items()
            ):
                yield from place(fixed | places, words[1:], own | places.keys())

    yield from place(fixed, words, set())


def _sets(
    known: tuple[str, ...],
    fixed: dict[int, str],
    tones: str,
    feet: set[int],
    group: str,
    request: Request,
) -> list[Set[str]] | None:
    """What may stand at each place; None where that is nothing."""
    sets: list[Set[str]] = []
    for place, tone in enumerate(tones):
        borrowed = place < request.form.width and request.strictness == "customary"
        if place not in fixed:
            names = (
                frozenset(PINGSHUI.lenders(group) if borrowed else [group])
                if place in feet
                else None
            )
            allowed = _composed(known, tone, names)
        else:  # its tone fits
            names = PINGSHUI.neighbours[group] if borrowed else {group}
            own = PINGSHUI.rhymes(fixed[place])
            allowed = {fixed[place]} if place not in feet or not own or own & names else set()
        if not allowed:
            return None
        sets.append(allowed)
    return sets


@cache
def _composed(known: tuple[str, ...], tone: str, names: frozenset[str] | None) -> Set[str]:
    """The characters that may be composed in a tone; at a foot, those that also rhyme in one of the named groups."""
    fits = (c for c in known if _has_tone(c, tone, given=False))
    return {c for c in fits if names is None or may_rhyme(c, names, known)}


def may_rhyme(character: str, names: Set[str], known: Iterable[str]) -> bool:
    """Whether poets rhyme on a character in one of some groups, and on no other form of its word more."""
    known_forms = [form for form in forms(character) if form in known]
    most = max(
        known_forms, key=lambda form: (sum(rhyme_counts(form).values()), form), default=character
    )
    return character == most and any(
        PINGSHUI.is_practised(character, name) for name in names & PINGSHUI.rhymes(character)
    )


def _has_tone(character: str, tone: str, *, given: bool) -> bool:
    if tone == "x":
        return True
    wanted = LEVEL if tone == "P" else OBLIQUE
    return (
        wanted in (PINGSHUI.tones(character) or {wanted})
        if given
        else PINGSHUI.usable_tone(character) == wanted
    )


def _fillable(sets: list[Set[str]], fixed: dict[int, str], repeat: bool, feet: set[int]) -> bool:
    """Whether the free places can be matched with words: each another, or with `repeat` each foot another."""
    rhyme_counts = [fixed[place] for place in fixed if place in feet]
    if len(set(rhyme_counts)) < len(rhyme_counts):
        return False
    taken = {word(character) for character in (rhyme_counts if repeat else fixed.values())}
    matched: dict[str, int] = {}

    def place_one(place: int, tried: set[str]) -> bool:
        for each in {word(character) for character in sets[place]} - taken - tried:
            tried.add(each)
            if each not in matched or place_one(matched[each], tried):
                matched[each] = place
                return True
        return False

    free = [n for n in range(len(sets)) if n not in fixed and not (repeat and n not in feet)]
    return all(place_one(place, set()) for place in free)


def word(character: str) -> str:
    """One of a character's written forms, which stands for all of them."""
    return min(forms(character))
