"""Where the words that must appear can stand: all ways to place them are counted, and one of them is drawn.

The places of a poem are walked from the last to the first. At each a word begins, or one character is left to the
model; every choice has its cost. A word uses itself up, and what is left to the model uses up characters of the sets
that its place draws from. What was used so far is the state of a dynamic program, whose value is the number of ways
to go on to the end. A request can be met if that number is above 0 at the beginning; and a walk from the first place
to the last that takes each choice in proportion to the ways behind it draws each placement equally often.

Words that differ in nothing that matters are one kind, and so are rhyme groups: this keeps the states few.

Axes: T templates, W ways to write a couplet, then one axis for each thing that can be used up.
"""

import math
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple
from weakref import proxy

import numpy as np

from pingze.arrays import Array, Bool, Float, Int
from pingze.composing.constraints.feasibility import stock_of
from pingze.composing.constraints.hypotheses import WANTS_ANY, WANTS_LEVEL, WANTS_OBLIQUE, Fixes
from pingze.composing.constraints.lexicon import FREE
from pingze.composing.constraints.masks import Constraints
from pingze.composing.request.request import Request
from pingze.deadline import check_deadline
from pingze.errors import InputError
from pingze.verse.patterns import word_starts

Word = tuple[int, ...]
"""The ids of characters that stand side by side in a line."""

MOST_WORK = 400_000_000
"""So many numbers are added at most until it is known how the words of a request can stand: about a second's work."""
ONE_MORE = 1 << 14
"""What an addition of arrays costs beside the numbers that it adds, in such numbers."""
MOST_NUMBERS = 1 << 19
"""A table holds so many numbers at most."""
MOST_KEPT = 1 << 20
"""So many numbers are kept from one draw to the next."""

Axis = str | tuple[str, int]
"""What can be used up: words of a ("kind", number), the right of a ("shared", character) to rhyme, a set by name."""


class Choice(NamedTuple):
    """What may be done at a place."""

    kind: int | None
    """The kind of word that begins here; None where a character is left to the model, or fixed."""
    length: int
    """How many places it takes."""
    fits: Float[Array, "T W"]
    """1 under the templates, and ways to write the couplet, that take it; else 0."""
    cost: tuple[int, ...]
    """What it uses up along each axis of the state."""


class Effort:
    """The work that may still be done to place a request's words, over all that is tried."""

    def __init__(self, request: Request) -> None:
        self.words, self.left = len(request.include), MOST_WORK

    def spend(self, numbers: int) -> None:
        """Count some work. Raises InputError where that is too much."""
        self.left -= numbers
        if self.left < 0:
            raise self.too_many()

    def too_many(self) -> InputError:
        """What is said of words that can stand in too many ways."""
        sentence = f"include has {self.words} words that can stand in too many ways; give fewer, or single characters"
        return InputError(sentence, field="include", code="too_many_words", has=self.words)


class Placements:
    """The placements of words, each within a line, in a poem of which some places are fixed.

    A word may take in a fixed place that has its character; if `whole`, no pause of the line may part it. It is placed
    together with a template, a rhyme group and a way to write each couplet under which the poem can be completed;
    `log_number` counts all of these. Raises InputError where that takes more than the `effort` that is left.
    """

    def __init__(
        self,
        constraints: Constraints,
        fixed: Fixes,
        words: Sequence[Word],
        *,
        whole: bool = False,
        effort: Effort | None = None,
    ) -> None:
        self.constraints, self.fixed, self.words = constraints, fixed, words
        self.effort, self.kept = effort or Effort(constraints.request), 0
        self.taken: dict[tuple[int, Word], Array | None] = {}
        self.starts = {
            length: word_starts(length, constraints.width) if whole else frozenset(range(constraints.width))
            for length in map(len, words)
        }
        self.alive, self.ways = constraints.agreeing(fixed)
        self.feet = constraints.feet
        self.free = constraints.free_without(fixed, words)
        self.stock = stock_of(constraints, self.free)
        alike: dict[object, list[int]] = {}
        for group in np.flatnonzero(self.alive.any(axis=0)).tolist():
            alike.setdefault(self._what_matters(group), []).append(group)
        self.counts = [Count(self, groups[0]) for groups in alike.values()]
        number = [len(groups) for groups in alike.values()]
        self.logs = np.array([count.log_number for count in self.counts]) + np.log(number)

    def _what_matters(self, group: int) -> object:
        missing = tuple(tuple(numbers.tolist()) for numbers in self.missing_rhymes(group))
        return missing, self.alive[:, group].tobytes(), tuple(map(tuple, self.rhyming(group)))

    @property
    def log_number(self) -> float:
        """The logarithm of the number of placements; -inf where there is none."""
        return float(np.logaddexp.reduce(self.logs)) if len(self.logs) else -math.inf

    def draw(self, number: int, rng: np.random.Generator) -> list[Fixes]:
        """The fixed places with the words placed, so often; likelier as it fits more templates, groups and ways."""
        shares = np.exp(self.logs - self.logs.max())
        times = Counter(_draw(shares, rng) for _ in range(number))
        return [fixed for n in sorted(times) for fixed in self.counts[n].draw(times[n], rng)]

    def takes(self, place: int, word: Word) -> Bool[Array, "T W"] | None:
        """Under which templates, and ways to write the couplet, a word can stand from a place on; None under none."""
        if (place, word) not in self.taken:
            self.taken[place, word] = self._takes(place, word)
        return self.taken[place, word]

    def _takes(self, place: int, word: Word) -> Bool[Array, "T W"] | None:
        width, here = self.constraints.width, self.fixed[place : place + len(word)]
        if (
            place % width + len(word) > width
            or FREE not in here
            or place % width not in self.starts[len(word)]
        ):
            return None
        if any(given not in (FREE, id_) for given, id_ in zip(here, word, strict=True)):
            return None
        rows = zip(map(self.asked, range(place, place + len(word))), word, strict=True)
        fits = (self.constraints.fits(asked, np.array(id_), np.array(True)) for asked, id_ in rows)
        result: Array = np.logical_and.reduce(list(fits))
        return result

    def asked(self, place: int) -> Int[Array, "T W"]:
        """The tone that each way to write a couplet asks for at a place."""
        k, at = divmod(place, 2 * self.constraints.width)
        asked: Array = self.constraints.asked[:, k, :, at]
        return asked

    def keeps(self, tables: Sequence[Array]) -> bool:
        """Whether some tables are still few enough to be kept."""
        self.kept += sum(table.size for table in tables)
        return self.kept <= MOST_KEPT

    @cached_property
    def fixed_feet(self) -> list[set[int]]:
        """For each template the characters that are fixed as rhymes."""
        places = [np.flatnonzero(feet).tolist() for feet in self.feet.T]
        return [{self.fixed[place] for place in feet} - {FREE} for feet in places]

    @cached_property
    def ends(self) -> list[int]:
        """The characters that end words, and so may come to stand as rhymes."""
        return sorted({word[-1] for word in self.words})

    @cached_property
    def limits(self) -> dict[Axis, int]:
        """How many characters of a tone, or in all, may be left to the model, where there are not enough for all."""
        numbers = {name: int(getattr(self.stock, name)[0]) for name in ("level", "oblique", "total")}
        left = min(self.fixed.count(FREE), len(self.fixed) - sum(map(len, self.words)))
        enough = 1 if self.constraints.request.repeat else left
        return {name: number for name, number in numbers.items() if number < enough}

    def missing_rhymes(self, group: int) -> list[Int[Array, "T"]]:
        """For each template how many rhymes of a group words must be, and how many with the first line's foot."""
        free = (np.array(self.fixed) == FREE)[:, None] & self.feet
        wanted = free[self.constraints.width :].sum(axis=0), free.sum(axis=0)
        stock = self.stock.rhymes[0, group], self.stock.first_rhymes[0, group]
        return [np.maximum(0, places - number) for places, number in zip(wanted, stock, strict=True)]

    def rhyming(self, group: int) -> list[list[bool]]:
        """For each of `ends` whether it can stand as a rhyme of a group, and as the first line's; and spares one.

        What stands as a rhyme leaves one place fewer for the model to find a rhyme for; but it spares none where the
        model would have rhymed on it, or on another form of its word.
        """
        c = self.constraints
        words = c.lexicon.word[self.ends]
        may = [table[group, self.ends].tolist() for table in (c.can_rhyme, c.first_can_rhyme)]
        return may + [
            (~(table[group, words] & self.free[0, words])).tolist() for table in (c.rhymes, c.first_rhymes)
        ]

    @cached_property
    def alike_templates(self) -> list[tuple[list[int], list[int]]]:
        """For each couplet templates that differ in it or later, and for each template which of these it is like."""
        T, K, _ = self.ways.shape
        ends = [
            (frozenset(feet), free) for feet, free in zip(self.fixed_feet, self._free_feet(), strict=True)
        ]
        keys = [ends.index(end) for end in ends]
        result = []
        for k in reversed(range(K)):
            places = slice(2 * k * self.constraints.width, 2 * (k + 1) * self.constraints.width)
            asked, ways, feet = self.constraints.asked[:, k], self.ways[:, k], self.feet[places]
            rows = [(asked[t].tobytes(), ways[t].tobytes(), feet[:, t].tobytes(), keys[t]) for t in range(T)]
            distinct = list(dict.fromkeys(rows))
            keys = [distinct.index(row) for row in rows]
            result.append(([keys.index(n) for n in range(len(distinct))], keys))
        return result[::-1]

    def _free_feet(self) -> list[int]:
        return [sum(self.fixed[place] == FREE for place in np.flatnonzero(feet)) for feet in self.feet.T]


@dataclass
class Walk:
    """A poem whose words are being placed, couplet after couplet."""

    fixed: list[int]
    left: list[list[Word]]
    """The words of each kind that have no place yet."""
    used: tuple[int, ...]
    """The state."""


class Count:
    """The placements under rhyme groups that are like one."""

    def __init__(self, placements: Placements, group: int) -> None:
        # A proxy, so that the tables are free as soon as nothing refers to the placements, which hold this.
        self.all: Placements = proxy(placements)
        self.constraints, self.group = placements.constraints, group
        self.width = self.constraints.width
        self.rhyming = [dict(zip(placements.ends, row, strict=True)) for row in placements.rhyming(group)]
        # Of words that end alike only one may rhyme.
        times = Counter(word[-1] for word in placements.words)
        self.shared = {id_ for id_ in times if times[id_] > 1 and any(row[id_] for row in self.rhyming[:2])}
        kinds: dict[object, list[Word]] = {}
        for word in placements.words:
            kinds.setdefault(self._kind(word), []).append(word)
        self.kinds = list(kinds.values())
        self.used = tuple(map(len, self.kinds))
        self.missing = {
            name: numbers
            for name, numbers in zip(
                ("rhymes", "first_rhymes"), placements.missing_rhymes(group), strict=True
            )
            if numbers.any()
        }
        words: dict[Axis, int] = {("kind", kind): number for kind, number in enumerate(self.used)}
        shared: dict[Axis, int] = {("shared", id_): 1 for id_ in self.shared}
        able = sum(any(row[word[-1]] for row in self.rhyming[:2]) for word in placements.words)
        rhymes: dict[Axis, int] = dict.fromkeys(self.missing, able)
        most = words | shared | placements.limits | rhymes
        self.axes, self.sizes = list(most), tuple(number + 1 for number in most.values())
        self.nothing = (0,) * len(self.sizes)
        self.kept_choices: dict[object, list[list[Choice]]] = {}
        self.kept_tables: dict[tuple[int, int], list[Array]] = {}
        self.after, self.log_number = self._count()

    def _refuse_large_tables(self) -> None:
        rows = (len(self._rows(k, like[0])[0]) for k, like in enumerate(self.all.alike_templates))
        if max(rows) * math.prod(self.sizes) > MOST_NUMBERS:
            raise self.all.effort.too_many()

    def _kind(self, word: Word) -> object:
        """What two words share that can stand in each other's place."""
        lexicon = self.constraints.lexicon
        tones = [(bool(lexicon.can_be_level[id_]), bool(lexicon.can_be_oblique[id_])) for id_ in word]
        named = [*(id_ in self.all.fixed and id_ for id_ in word), word[-1] in self.shared and word[-1]]
        return (*tones, *(row[word[-1]] for row in self.rhyming), *named)

    def _count(self) -> tuple[list[Float[Array, "T ..."]], float]:
        """The ways to go on before each couplet and at the end, up to a factor, and the logarithm of their number."""
        self._refuse_large_tables()
        after, log_factor = [self._finished()], sum(math.lgamma(n + 1) for n in self.used)
        if not after[0].any():
            return after, -math.inf
        for k in reversed(range(self.all.ways.shape[1])):
            templates, like = self.all.alike_templates[k]
            at = self._rows(k, templates)[0]
            self.all.effort.spend(self._work(k, templates))
            first = deque(self._completions(k, after[0], templates), maxlen=1).pop()
            here = np.stack([first[at == n].sum(axis=0) for n in range(len(templates))])[like]
            if not (largest := here.max()):
                return [here], -math.inf
            after.insert(0, here / largest)
            log_factor += math.log(largest)
        number = float((after[0][_at(self.nothing)] * self.all.alive[:, self.group]).sum())
        return after, math.log(number) + log_factor if number else -math.inf

    def _finished(self) -> Float[Array, "T ..."]:
        """1 for the states in which a poem may end: all words placed, and no rhyme missing."""
        end = np.zeros((len(self.all.ways), *self.sizes))
        end[_at(self.used)] = 1
        for name, numbers in self.missing.items():
            axis = self.axes.index(name)
            spared = np.arange(self.sizes[axis]) >= numbers[:, None]
            end *= spared.reshape(
                len(end), *(self.sizes[axis] if n == axis else 1 for n in range(len(self.axes)))
            )
        return end

    def _completions(
        self, k: int, after: Float[Array, "T ..."], templates: list[int]
    ) -> Iterator[Float[Array, "R ..."]]:
        """The ways to go on after a couplet, and from each of its places, the last first, in each of its `_rows`."""
        t, w = self._rows(k, templates)
        longest = max((len(word) for word in self.all.words), default=1)
        ways = deque([after[templates][t]], maxlen=longest)
        yield ways[0]
        for choices in reversed(self.choices(k)):
            check_deadline()
            here = np.zeros_like(ways[0])
            for choice in choices:
                low, high = _paid(choice.cost)
                rows = np.flatnonzero(choice.fits[templates][t, w])
                here[rows, *low] += ways[choice.length - 1][rows, *high]
            ways.appendleft(here)
            yield here

    def _work(self, k: int, templates: list[int]) -> int:
        """The numbers that are added for a couplet, and what the additions cost beside them."""
        rows, states = self._rows(k, templates), math.prod(self.sizes)
        choices = [choice for here in self.choices(k) for choice in here]
        fits = sum(int(choice.fits[templates][rows].sum()) for choice in choices)
        return fits * states + len(choices) * ONE_MORE

    def _rows(self, k: int, templates: list[int]) -> tuple[Int[Array, "R"], Int[Array, "R"]]:
        """The ways to write a couplet under some templates: the number of each in `templates`, and the way."""
        t, w = np.nonzero(self.all.ways[templates, k])
        return t, w

    def _inside(self, k: int, t: int) -> list[Float[Array, "R ..."]]:
        """The ways to go on from each place of a couplet, and after it, under one template."""
        if (k, t) in self.kept_tables:
            return self.kept_tables[k, t]
        tables = list(self._completions(k, self.after[k + 1], [t]))[::-1]
        if self.all.keeps(tables):
            self.kept_tables[k, t] = tables
        return tables

    def draw(self, number: int, rng: np.random.Generator) -> list[Fixes]:
        """The fixed places with the words placed, so often; those under one template side by side."""
        shares = self.after[0][_at(self.nothing)] * self.all.alive[:, self.group]
        times = Counter(_draw(shares, rng) for _ in range(number))
        drawn: list[Fixes] = []
        for t in sorted(times):
            walks = [self._begin(rng) for _ in range(times[t])]
            for k in range(self.all.ways.shape[1]):
                ways = self._inside(k, t)
                for walk in walks:
                    self._place(walk, k, t, ways, rng)
            drawn += [tuple(walk.fixed) for walk in walks]
        return drawn

    def _begin(self, rng: np.random.Generator) -> Walk:
        left = [[kind[n] for n in rng.permutation(len(kind))] for kind in self.kinds]
        return Walk(list(self.all.fixed), left, self.nothing)

    def _place(self, walk: Walk, k: int, t: int, ways: Sequence[Array], rng: np.random.Generator) -> None:
        """Place the words of one couplet."""
        row, at = _draw(ways[0][_at(walk.used)], rng), 0
        w = self._rows(k, [t])[1][row]
        while at < 2 * self.width:
            choices = [choice for choice in self.choices(k)[at] if choice.fits[t, w]]
            states = [tuple(map(sum, zip(walk.used, choice.cost, strict=True))) for choice in choices]
            values = [
                ways[at + choice.length][row, *state] if self._is_within(state) else 0.0
                for choice, state in zip(choices, states, strict=True)
            ]
            n = _draw(np.array(values), rng)
            (kind, length, *_), walk.used = choices[n], states[n]
            place = 2 * k * self.width + at
            if kind is not None:
                walk.fixed[place : place + length] = walk.left[kind].pop()
            at += length

    def _is_within(self, state: tuple[int, ...]) -> bool:
        return all(used < size for used, size in zip(state, self.sizes, strict=True))

    def choices(self, k: int) -> list[list[Choice]]:
        """What may be done at each place of a couplet; couplets that are alike share them."""
        places = range(2 * k * self.width, 2 * (k + 1) * self.width)
        key = k == 0, self.constraints.asked[:, k].tobytes(), self.all.fixed[places.start : places.stop]
        if key not in self.kept_choices:
            self.kept_choices[key] = [self._choices(place) for place in places]
        return self.kept_choices[key]

    def _choices(self, place: int) -> list[Choice]:
        """What may be done at a place; choices of equal cost are one."""
        merged: dict[object, Choice] = {}
        for choice in (*self._left_to_model(place), *self._begun(place)):
            key = choice.kind, choice.cost
            fits = np.maximum(choice.fits, merged[key].fits if key in merged else 0.0)
            merged[key] = choice._replace(fits=fits)
        return [choice for choice in merged.values() if choice.fits.any()]

    def _left_to_model(self, place: int) -> Iterator[Choice]:
        """No word begins here."""
        asked, foot = self.all.asked(place), self.all.feet[place][:, None]
        request = self.constraints.request
        if self.all.fixed[place] != FREE:
            yield Choice(None, 1, np.ones_like(asked, bool), self.nothing)
            return
        for tone, names in ((WANTS_ANY, ()), (WANTS_LEVEL, ("level",)), (WANTS_OBLIQUE, ("oblique",))):
            yield Choice(None, 1, ~foot & (asked == tone), self._cost("total", *names))
        others = () if request.repeat else ("total", "level") if request.form.regulated else ("total",)
        yield Choice(None, 1, foot & np.ones_like(asked, bool), self._cost(*others))

    def _begun(self, place: int) -> Iterator[Choice]:
        """A word of some kind begins here."""
        for kind, (word, *_) in enumerate(self.kinds):
            fits = self.all.takes(place, word)
            if fits is None:
                continue
            end = place + len(word) - 1
            foot = self.all.feet[end][:, None] & (self.all.fixed[end] == FREE)
            yield Choice(kind, len(word), fits & ~foot, self._cost(("kind", kind)))
            first, last = place < self.width, word[-1]
            free = np.array([[last not in fixed] for fixed in self.all.fixed_feet])
            cost = self._cost(("kind", kind), ("shared", last), *self._spared(last, first))
            yield Choice(kind, len(word), fits & foot & free & self.rhyming[first][last], cost)

    def _spared(self, id_: int, first: bool) -> list[str]:
        """The numbers of rhymes that are one smaller where a character stands as one."""
        names = ("rhymes", "first_rhymes")
        return [
            name
            for name, row in zip(names, self.rhyming[2:], strict=True)
            if row[id_] and name != names[0] * first
        ]

    def _cost(self, *names: Axis) -> tuple[int, ...]:
        return tuple(int(axis in names) for axis in self.axes)


@lru_cache(1 << 10)
def _paid(cost: tuple[int, ...]) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """The states before and after a cost is paid, as slices."""
    low = tuple(slice(None, -c) if c else slice(None) for c in cost)
    return low, tuple(slice(c, None) for c in cost)


def _at(state: tuple[int, ...]) -> tuple[slice | int, ...]:
    """A state in every row."""
    return slice(None), *state


def _draw(values: Float[Array, "n"], rng: np.random.Generator) -> int:
    """An index drawn in proportion to values."""
    edges = values.cumsum()
    return int(np.searchsorted(edges, rng.random() * edges[-1], side="right"))
