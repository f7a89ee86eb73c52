"""Place the words that must appear: count all ways to place them, and draw one placement for each particle.

A dynamic program visits the positions of a poem from the last to the first. At each position either
a word begins or the model writes one character from a set: the level, the oblique or all
characters. A word can be placed only once, and each written character leaves one fewer in its set.
A state records what has been used so far; the value of a state is the number of ways to continue to
the end. The request can be met if the initial state has a value above 0. A placement is drawn by
walking from the first position to the last. Each choice has a probability proportional to the
number of ways to continue after it, so that all placements are equally likely.

Interchangeable words count as one kind, and so do interchangeable rhyme groups. This keeps the
number of states small.

The words are placed before the model writes. Unless characters may repeat, the characters of the
words are then forbidden elsewhere, so that each text belongs to exactly one placement. A placement
drawn with probability q gets the weight 1/q, which corrects for the draw. If the model chose the
positions while writing, a word would often be forced into the last position that can take it.

Axes: T templates, W ways to write a couplet, R rows (pairs of a template and a way), and one axis
    for each `Axis`.
"""

import math
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from itertools import chain, product
from typing import Any, NamedTuple
from weakref import proxy

import numpy as np

from pingze.arrays import Array, Bool, Float, Int
from pingze.composing.constraints.feasibility import Fixes, Histories
from pingze.composing.constraints.masks import Constraints
from pingze.composing.lexicon import FREE, WANTS_ANY, WANTS_LEVEL, WANTS_OBLIQUE, Lexicon
from pingze.composing.request import Request
from pingze.deadline import check_deadline
from pingze.errors import InputError, UnfinishedError
from pingze.verse.patterns import word_starts

Word = tuple[int, ...]  # the ids of characters that must be adjacent within a line
Axis = str | tuple[str, int]
"""A resource that placements use up. ("kind", n): words of kind n. ("rhymes", n): rhymes at feet of kind n. ("shared",
id): the rhyme on character `id`, if several words end in it; only one of these words may rhyme.
"level", "oblique" or "total": characters of that set."""
Groups = tuple[int, ...]  # for each rhyme of the form, the row of its group in the tables of rhymes

# the most additions spent on placing the words of a request; they take about two seconds
MOST_WORK = 800_000_000
ONE_MORE = 1 << 14  # the fixed cost of adding two arrays, measured in additions of single numbers
MOST_NUMBERS = 1 << 19  # the most entries in a table
TRIES = 100  # attempts to draw placements that copy no line or, in a 集句, fit into quotable lines
_NAMES: dict[int, tuple[str, ...]] = {
    WANTS_ANY: (),
    WANTS_LEVEL: ("level",),
    WANTS_OBLIQUE: ("oblique",),
}


class Start(NamedTuple):
    """The beginning of a population of N particles."""

    histories: Histories
    log_weights: Float[Array, "N"]
    rng: np.random.Generator
    """The population's own random generator, so that other populations in its batch do not affect its draws."""


class Effort:
    """The remaining budget of work for placing the words of a request, shared by all attempts."""

    def __init__(self, request: Request) -> None:
        self.words, self.left = len(request.include), float(MOST_WORK)

    def spend(self, numbers: float) -> None:
        """Subtract `numbers` additions (the unit of work) from the budget.

        Raises InputError if fewer are left.
        """
        self.left -= numbers
        if self.left < 0:
            raise InputError("too_many_words", field="include", has=self.words)


class Inclusion:
    """A compiled request and the placements of its words, of which one is drawn for each particle.

    If `whole`, no word may span a pause. `effort` is the remaining budget of work; by default, the
    full budget.
    """

    def __init__(
        self, constraints: Constraints, *, whole: bool = False, effort: Effort | None = None
    ) -> None:
        self.constraints, self.whole = constraints, whole
        self.effort = effort or Effort(constraints.request)
        self.begun: dict[Fixes, tuple[Histories, float]] = {}

    @cached_property
    def words(self) -> list[Word]:
        """The words that the fixed characters do not already contain."""
        vocabulary = self.constraints.lexicon.vocabulary
        text = "".join(
            " " if id_ == FREE else vocabulary.tokens[id_] for id_ in self.constraints.fixed or ()
        )
        lines = self.constraints.layout.cut(text)
        missing = (
            word
            for word in self.constraints.request.include
            if not any(word in line for line in lines)
        )
        return [tuple(vocabulary.ids[character] for character in word) for word in missing]

    @cached_property
    def placements(self) -> "Placements":
        """All ways to place the words."""
        assert self.constraints.fixed is not None, (
            "a request that can be met fixes one character a place"
        )
        return Placements(
            self.constraints, self.constraints.fixed, self.words, self.effort, self.whole
        )

    @property
    def is_possible(self) -> bool:
        """Whether some poem satisfies the request.

        Raises InputError if there are too many words to decide this.
        """
        # Originality is checked only for fixed characters and for words.
        fixed = self.constraints.fixed
        ban = self.constraints.ban
        base = self.constraints.base
        if fixed is None:
            return False
        if ban and any(ban.rules_out_word(word) for word in self.words):
            return False
        if not self.words:
            return self.constraints.begin(fixed) is not None
        return (
            all(base[id_] for word in self.words for id_ in word)
            and self.placements.log_number > -np.inf
        )

    def draw(self, count: int, rng: np.random.Generator) -> Start:
        """Draw the initial texts and log-weights of `count` particles.

        Placements that copy the corpus are discarded; in a 集句, placements that fit into no
        quotable lines are discarded. Raises UnfinishedError if too few placements remain.
        """
        drawn: list[tuple[Histories, float]] = []
        for _ in range(TRIES):
            fixed, missing = self.constraints.fixed or (), count - len(drawn)
            placed = self.placements.draw(missing, rng) if self.words else [fixed] * missing
            for fixes in placed:
                if fixes not in self.begun and (begun := self.constraints.begin(fixes)):
                    self.begun[fixes] = begun, self._log_weight(fixes, begun)
            drawn += [self.begun[fixes] for fixes in placed if fixes in self.begun]
            if len(drawn) == count:
                histories, log_weights = zip(*drawn, strict=True)
                return Start(Histories.joined(histories), np.array(log_weights), rng)
        raise UnfinishedError(
            "words_copy" if self.constraints.request.original else "words_unquoted"
        )

    def _log_weight(self, fixed: Fixes, begun: Histories) -> float:
        """Compute -ln q, where q is the total probability of a placement over all templates, groups and ways."""
        if not self.words:
            return 0.0
        if self.placements.limits:  # then the ways of one couplet depend on the ways of the others
            alone = Placements(
                self.constraints, fixed, (), Effort(self.constraints.request), whole=False
            )
            return self.placements.log_number - alone.log_number
        with np.errstate(divide="ignore"):
            ways = np.log(begun.ways[0].sum(axis=2)).sum(axis=1)
            groups = np.add.reduceat(
                begun.alive[0], self.constraints.rhyming.first_rows, axis=1, dtype=np.int64
            )
            under = np.logaddexp.reduce(ways + np.log(groups).sum(axis=1))
        return self.placements.log_number - float(under)


class Choice(NamedTuple):
    """A choice at a position: a word begins, the model writes a character, or the position is fixed."""

    kind: int | None
    """The kind of the word that begins here; None if no word begins."""
    length: int
    fits: Bool[Array, "T W"]
    """Whether each way to write the couplet, under each template, allows the choice."""
    cost: tuple[int, ...]
    """The amount that the choice uses up along each axis of the state."""


class Placements:
    """All placements of the words, each with a template, a rhyme group and a way to write each couplet.

    A word lies within a line. A word may cover a fixed position if the word has the fixed character
    there.

    Raises InputError if counting the placements takes more work than `effort` has left.
    """

    def __init__(
        self,
        constraints: Constraints,
        fixed: Fixes,
        words: Sequence[Word],
        effort: Effort,
        whole: bool,
    ) -> None:
        self.constraints, self.fixed, self.words, self.effort = constraints, fixed, words, effort
        self.feet, self.rhymes, self.whole = constraints.feet, constraints.rhyming, whole
        self.blank = constraints.free(np.array(fixed))
        self.alive, self.ways = constraints.agreeing(fixed)
        self.free = constraints.base & constraints.unused(fixed, words)
        self.stock = constraints.stock(self.free)
        self.ends = sorted({word[-1] for word in words})
        """The ids of the last characters of words, which may become rhymes."""
        self.fixed_feet = [
            {fixed[place] for place in np.flatnonzero(feet)} - {FREE} for feet in self.feet.T
        ]
        self.taken = {
            (at, word): self._taken(at, word) for word in words for at in range(len(fixed))
        }
        # A tone, or the whole stock, is counted only if it may have too few characters for all
        # positions.
        left = min(fixed.count(FREE), len(fixed) - sum(map(len, words)))
        enough = 1 if constraints.request.repeat else left
        numbers = zip(("level", "oblique", "total"), self.stock[-3:].tolist(), strict=True)
        self.limits: dict[Axis, int] = {name: number for name, number in numbers if number < enough}
        # For each rhyme, divide the groups into kinds of interchangeable ones, and take one group
        # of each kind.
        alike: list[dict[object, list[int]]] = []
        first = self.rhymes.first_rows.tolist()
        for rhyme, rows in enumerate(np.split(np.arange(len(self.rhymes.of_row)), first[1:])):
            kinds = defaultdict[object, list[int]](list)
            for row in rows[self.alive[:, rows].any(axis=0)].tolist():
                groups = (*first[:rhyme], row, *first[rhyme + 1 :])
                parts = self.alive[:, row], *self.rhyming(groups)
                kinds[tuple(part.tobytes() for part in parts)].append(row)
            alike.append(kinds)
        chosen = [tuple(each) for each in product(*(kinds.values() for kinds in alike))]
        self.counts = [Count(self, tuple(rows[0] for rows in each)) for each in chosen]
        self.logs = np.array([count.log_number for count in self.counts])
        self.logs += [sum(math.log(len(rows)) for rows in each) for each in chosen]

    @property
    def log_number(self) -> float:
        """The logarithm of the number of placements; -inf if there are none."""
        return float(np.logaddexp.reduce(self.logs)) if len(self.logs) else -math.inf

    def draw(self, number: int, rng: np.random.Generator) -> list[Fixes]:
        """Draw placements (required ids), each in proportion to the number of templates, groups and ways it fits."""
        shares = np.exp(self.logs - self.logs.max())
        times = Counter(_draw(shares, rng) for _ in range(number))
        return [fixed for n in sorted(times) for fixed in self.counts[n].draw(times[n], rng)]

    def _taken(self, place: int, word: Word) -> Bool[Array, "T W"] | None:
        """Return a mask of the templates and ways under which a word can begin at a position.

        None if it never can.
        """
        c, size = self.constraints, len(word)
        (line, at), places = c.layout.where(place), slice(place, place + size)
        starts = (
            word_starts(size, c.layout.widths[line])
            if self.whole
            else range(c.layout.widths[line] - size + 1)
        )
        may = at in starts and self.blank[places].any() and not c.repeated[places].any()
        if not may or any(
            given not in (FREE, id_) for given, id_ in zip(self.fixed[places], word, strict=True)
        ):
            return None
        return np.logical_and.reduce([c.fits(place + n, id_) for n, id_ in enumerate(word)])

    def rhyming(self, groups: Groups) -> tuple[Int[Array, "F T"], Bool[Array, "2 F ends"]]:
        """Count the rhymes that words must supply, for each kind of foot and template.

        Also return two masks.

        The masks are over the kinds of feet and the last characters of words (`ends`). The first
        mask marks characters that may rhyme. The second mask marks characters on which the model
        cannot rhyme, not even on a variant. A word at a foot with such a character spares the model
        a rhyme: the model has one fewer to find. A word with any other character also takes a rhyme
        that the model could have used, and so spares the model nothing.
        """
        kinds = np.arange(len(self.rhymes.concerned))
        rows = np.array(groups)[
            [int(self.rhymes.of_row[each][0]) for each in self.rhymes.concerned]
        ]
        wanted = self.rhymes.within @ self.constraints.left(np.array(self.fixed), 0)[:-1]
        stock = self.stock[:-3].reshape(self.rhymes.concerned.shape)[kinds, rows]
        words = self.constraints.lexicon.word[self.ends]
        may = self.rhymes.rhymes[Lexicon.GIVEN, kinds, rows][:, self.ends]
        spares = ~(self.rhymes.rhymes[Lexicon.COMPOSED, kinds, rows][:, words] & self.free[words])
        return np.maximum(0, wanted - stock[:, None]), np.array([may, spares])


class Count:
    """The placements under one choice of rhyme groups. Interchangeable groups are counted once."""

    def __init__(self, common: Placements, groups: Groups) -> None:
        self.common: Placements = proxy(common)  # a reference cycle would keep the tables in memory
        self.constraints, self.size = common.constraints, common.constraints.size
        self.alive = common.alive[:, groups].all(axis=1)
        missing, rhyming = common.rhyming(groups)
        self.rhyming = dict(zip(common.ends, np.moveaxis(rhyming, -1, 0).tolist(), strict=True))
        """The two masks of `Placements.rhyming` for each word's last character: it may rhyme, it spares a rhyme."""
        # 1. Divide the words into kinds. Of the words with the same last character only one may
        #    rhyme.
        times = Counter(word[-1] for word in common.words)
        shared = {id_ for id_ in times if times[id_] > 1 and any(self.rhyming[id_][0])}
        lexicon, kinds = self.constraints.lexicon, defaultdict[object, list[Word]](list)
        for word in common.words:
            tones = lexicon.fits[Lexicon.GIVEN, :, word].ravel().tolist()
            named = [
                *(id_ in common.fixed and id_ for id_ in word),
                word[-1] in shared and word[-1],
            ]
            kinds[(*tones, *chain(*self.rhyming[word[-1]]), *named)].append(word)
        self.kinds = list(kinds.values())
        # 2. List the things that can be used up, with their amounts.
        rhymes: dict[Axis, Array] = {
            ("rhymes", n): each for n, each in enumerate(missing) if each.any()
        }
        able = sum(any(self.rhyming[word[-1]][0]) for word in common.words)
        used: dict[Axis, int] = {
            ("kind", kind): len(words) for kind, words in enumerate(self.kinds)
        }
        ones: dict[Axis, int] = {("shared", id_): 1 for id_ in shared}
        most = used | ones | common.limits | dict.fromkeys(rhymes, able)
        self.axes, self.sizes = list(most), tuple(number + 1 for number in most.values())
        T, K, _ = common.ways.shape
        if common.ways.sum(axis=(0, 2)).max() * math.prod(self.sizes) > MOST_NUMBERS:
            common.effort.spend(math.inf)
        # 3. List the choices at each position of each couplet; equal couplets share the list.
        self.choices, kept = list[list[list[Choice]]](), dict[object, list[list[Choice]]]()
        for k in range(K):
            places = range(k * self.size, (k + 1) * self.size)
            key = (
                k == 0,
                self.constraints.asked[:, k].tobytes(),
                common.fixed[places.start : places.stop],
            )
            if key not in kept:
                kept[key] = [self._choices(place) for place in places]
            self.choices.append(kept[key])
        # 4. A poem may end in any state in which all words are placed and no rhyme is missing.
        self.after = [np.zeros((T, *self.sizes))]
        """The number of ways to continue from each couplet, and from the end.

        Words of a kind count as identical.
        """
        for n in range(T):
            end: tuple[Any, ...] = (
                n,
                *used.values(),
                ...,
                *(slice(number[n], None) for number in rhymes.values()),
            )
            self.after[0][end] = 1
        # 5. Add up the ways, from the last couplet to the first. No number is above 10^110.
        for k in reversed(range(K)):
            t, w = common.ways[:, k].nonzero()
            choices = [*chain(*self.choices[k])]
            fits = sum(int(choice.fits[t, w].sum()) for choice in choices)
            common.effort.spend(fits * math.prod(self.sizes) + len(choices) * ONE_MORE)
            (first,) = deque(self._completions(k, self.after[0], t, w), maxlen=1)
            self.after.insert(0, np.stack([first[t == n].sum(axis=0) for n in range(T)]))
        # from the state in which nothing is used up
        self.shares = self.after[0].reshape(T, -1)[:, 0] * self.alive
        number = float(self.shares.sum())
        orders = sum(math.lgamma(n + 1) for n in used.values())
        self.log_number = math.log(number) + orders if number else -math.inf

    def _completions(
        self, k: int, after: Float[Array, "T ..."], t: Int[Array, "R"], w: Int[Array, "R"]
    ) -> Iterator[Float[Array, "R ..."]]:
        """Yield the number of ways to continue after a couplet, then from each of its positions in reverse order."""
        longest = max((len(word) for word in self.common.words), default=1)
        ways = deque([after[t]], maxlen=longest)
        yield ways[0]
        for choices in reversed(self.choices[k]):
            check_deadline()
            here = np.zeros_like(ways[0])
            for choice in choices:
                low, high = _paid(choice.cost)
                rows = np.flatnonzero(choice.fits[t, w])
                here[rows, *low] += ways[choice.length - 1][rows, *high]
            ways.appendleft(here)
            yield here

    def draw(self, number: int, rng: np.random.Generator) -> list[Fixes]:
        """Draw placements (required ids), grouped by template."""
        times = Counter(_draw(self.shares, rng) for _ in range(number))
        drawn: list[Fixes] = []
        for t in sorted(times):
            texts = [list(self.common.fixed) for _ in range(times[t])]
            left = [
                [[kind[n] for n in rng.permutation(len(kind))] for kind in self.kinds]
                for _ in texts
            ]
            states: list[tuple[Any, ...]] = [(0,) * len(self.sizes)] * len(texts)
            for k in range(len(self.after) - 1):
                w = np.flatnonzero(self.common.ways[t, k])
                ways = [*self._completions(k, self.after[k + 1], np.full_like(w, t), w)][::-1]
                for n, text in enumerate(texts):
                    row, at = _draw(ways[0][:, *states[n]], rng), 0
                    while at < self.size:
                        # Draw a choice in proportion to the number of ways to continue after it.
                        choices = [
                            choice for choice in self.choices[k][at] if choice.fits[t, w[row]]
                        ]
                        after = [
                            tuple(map(sum, zip(states[n], one.cost, strict=True)))
                            for one in choices
                        ]
                        values = [
                            ways[at + one.length][row, *each]
                            if np.less(each, self.sizes).all()
                            else 0.0
                            for one, each in zip(choices, after, strict=True)
                        ]
                        chosen = _draw(np.array(values), rng)
                        choice, states[n] = choices[chosen], after[chosen]
                        if choice.kind is not None:
                            place = k * self.size + at
                            text[place : place + choice.length] = left[n][choice.kind].pop()
                        at += choice.length
            drawn += map(tuple, texts)
        return drawn

    def _choices(self, place: int) -> list[Choice]:
        """List the choices at a position; merge those that have the same kind, length and cost."""
        merged = dict[tuple[int | None, int, tuple[int, ...]], Array]()
        asked, foot = self.constraints.asked_at(place), self.common.feet[place][:, None]
        request, fixed = self.constraints.request, self.common.fixed

        def add(kind: int | None, length: int, fits: Array, *axes: Axis) -> None:
            key = kind, length, tuple(int(axis in axes) for axis in self.axes)
            merged[key] = merged.get(key, False) | fits

        # 1. No word begins: the position is fixed, or the model writes a character, which rhymes if
        #    it is at a foot.
        if not self.common.blank[place]:
            add(None, 1, np.ones_like(asked, bool))
        else:
            for tone, names in _NAMES.items():
                add(None, 1, ~foot & (asked == tone), "total", *names)
            names = _NAMES[self.common.rhymes.tones[self.common.rhymes.kind[place]]]
            add(
                None,
                1,
                foot & np.ones_like(asked, bool),
                *(() if request.repeat else ("total", *names)),
            )
        # 2. A word of some kind begins, and may end in a rhyme.
        for kind, (word, *_) in enumerate(self.kinds):
            if (fits := self.common.taken[place, word]) is None:
                continue
            end, last, rhyming = place + len(word) - 1, word[-1], self.rhyming[word[-1]]
            foot = self.common.feet[end][:, None] & (fixed[end] == FREE)
            of_foot = self.common.rhymes.kind[end]
            add(kind, len(word), fits & ~foot, ("kind", kind))
            free = np.array([[last not in others] for others in self.common.fixed_feet])
            used = self.common.rhymes.within[:, of_foot] & rhyming[1]
            rhymes = [("rhymes", each) for each in np.flatnonzero(used).tolist()]
            add(
                kind,
                len(word),
                fits & foot & free & rhyming[0][of_foot],
                ("kind", kind),
                ("shared", last),
                *rhymes,
            )
        return [
            Choice(kind, length, fits, cost)
            for (kind, length, cost), fits in merged.items()
            if fits.any()
        ]


@lru_cache(1 << 10)
def _paid(cost: tuple[int, ...]) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Return slices that select the states from which a cost can be paid, and the states after it is paid."""
    low = tuple(slice(None, -c) if c else slice(None) for c in cost)
    return low, tuple(slice(c, None) for c in cost)


def _draw(values: Float[Array, "n"], rng: np.random.Generator) -> int:
    """Draw an index with probability proportional to its value."""
    edges = values.cumsum()
    return int(np.searchsorted(edges, rng.random() * edges[-1], side="right"))
