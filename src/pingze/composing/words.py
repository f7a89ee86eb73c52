"""Place the words that must appear: count all placements, and draw one for each particle.

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
from collections.abc import Container, Iterator, Sequence
from functools import lru_cache
from itertools import compress, product
from typing import Any, NamedTuple
from weakref import proxy

import numpy as np

from pingze.arrays import Array, Bool, Float, Int
from pingze.cached import cached_property
from pingze.composing.constraints.feasibility import Fixes, PartialTexts
from pingze.composing.constraints.masks import Constraints
from pingze.composing.lexicon import FREE, WANTS_ANY, WANTS_LEVEL, WANTS_OBLIQUE, Lexicon
from pingze.composing.request import Request
from pingze.deadline import check_deadline
from pingze.errors import InputError, UnfinishedError

Word = tuple[int, ...]  # the ids of characters that must be adjacent within a line
Axis = str | tuple[str, int]
"""A resource that placements use up.

("kind", n) has the words of kind n, and ("rhymes", n) the rhymes at feet of kind n. ("shared", id)
is the rhyme on character `id`, if several words end in it; only one of these words may rhyme.
"level", "oblique" and "total" have the characters of that set.
"""
Groups = tuple[int, ...]  # for each rhyme of the form, the row of its group in the tables of rhymes

# the most additions spent on placing the words of a request; they take about two seconds
MOST_WORK = 800_000_000
ONE_MORE = 1 << 14  # the fixed cost of adding two arrays, measured in additions of single numbers
MOST_NUMBERS = 1 << 19  # the most entries in a table
MOST_DECISIONS = 64  # the most ways to decide a request's choices
TRIES = 100  # attempts to draw placements that copy no line or, in a 集句, fit into quotable lines
# the axes that a written character uses up, by the tone of its position
_TONE_AXES: dict[int, tuple[str, ...]] = {
    WANTS_ANY: ("total",),
    WANTS_LEVEL: ("total", "level"),
    WANTS_OBLIQUE: ("total", "oblique"),
}


class Start(NamedTuple):
    """The beginning of a population of N particles."""

    partial_texts: PartialTexts
    log_weights: Float[Array, "N"]
    rng: np.random.Generator
    """The population's own generator: other populations of its batch do not affect its draws."""


class Effort:
    """The remaining budget of work for placing the words of a request, shared by all attempts."""

    def __init__(self, request: Request) -> None:
        self.words = len(request.include)
        self.left = float(MOST_WORK)

    def spend(self, numbers: float) -> None:
        """Subtract `numbers` additions (the unit of work) from the budget.

        Raises InputError if fewer are left.
        """
        self.left -= numbers
        if self.left < 0:
            raise InputError("too_many_words", field="include", has=self.words)


class Starts:
    """A compiled request, and the ways to begin a text: its choices decided, its words placed.

    If `whole`, no word may span a pause. `effort` is the remaining budget of work; by default, the
    full budget. Of very many ways to decide the choices, the first `MOST_DECISIONS` are used.
    """

    def __init__(
        self, constraints: Constraints, *, whole: bool = False, effort: Effort | None = None
    ) -> None:
        self.constraints = constraints
        self.whole = whole
        self.effort = effort or Effort(constraints.request)

    @cached_property
    def inclusions(self) -> "list[Inclusion]":
        """The placements of the words under each possible way to decide the choices."""
        inclusions = []
        for fixed in self.constraints.decisions():
            inclusion = Inclusion(self.constraints, fixed, whole=self.whole, effort=self.effort)
            if inclusion.is_possible:
                inclusions.append(inclusion)
            if len(inclusions) == MOST_DECISIONS:
                break
        return inclusions

    @property
    def is_possible(self) -> bool:
        """Whether some poem satisfies the request.

        Raises InputError if there are too many words to decide this.
        """
        return bool(self.inclusions)

    def draw(self, count: int, rng: np.random.Generator) -> Start:
        """Draw the initial texts and log-weights of `count` particles (`Inclusion.draw`)."""
        # Share the particles out evenly. The random order decides which ways to decide the choices
        # get one particle more or, if there are more ways than particles, which get one at all.
        order = rng.permutation(len(self.inclusions))
        times = Counter(np.resize(order, count).tolist())
        starts = [self.inclusions[n].draw(times[n], rng) for n in sorted(times)]
        return Start(
            PartialTexts.joined([start.partial_texts for start in starts]),
            np.concatenate([start.log_weights for start in starts]),
            rng,
        )


class Inclusion:
    """The placements of a request's words beside some fixed characters.

    One is drawn for each particle.
    """

    def __init__(self, constraints: Constraints, fixed: Fixes, whole: bool, effort: Effort) -> None:
        self.constraints = constraints
        self.fixed = fixed
        self.whole = whole
        self.effort = effort
        self.begun: dict[Fixes, tuple[PartialTexts, float]] = {}

    @cached_property
    def words(self) -> list[Word]:
        """The words that the fixed characters do not already contain."""
        ids = self.constraints.lexicon.vocabulary.ids
        lines = self.constraints.lines_of(self.fixed)
        words = self.constraints.request.include
        missing = [word for word in words if not any(word in line for line in lines)]
        return [tuple(ids[character] for character in word) for word in missing]

    @cached_property
    def placements(self) -> "Placements":
        """All ways to place the words."""
        return Placements(self)

    @property
    def is_possible(self) -> bool:
        """Whether some poem satisfies the request.

        Raises InputError if there are too many words to decide this.
        """
        if not self.words:
            return self.constraints.begin(self.fixed) is not None
        # Whether words copy the corpus where they are placed shows only when a placement is begun
        # (see `draw`). Here each word is judged by itself.
        for word in self.words:
            if self.constraints.ban and self.constraints.ban.rules_out_word(word):
                return False
            if not self.constraints.base[list(word)].all():  # it has an excluded character
                return False
        return self.placements.log_number > -np.inf

    def draw(self, count: int, rng: np.random.Generator) -> Start:
        """Draw the initial texts and log-weights of `count` particles.

        Placements that copy the corpus are discarded; in a 集句, placements that fit into no
        quotable lines are discarded. Raises UnfinishedError if too few placements remain.
        """
        partial_texts: list[PartialTexts] = []
        log_weights: list[float] = []
        for _ in range(TRIES):
            placements = [self.fixed] * (count - len(partial_texts))
            if self.words:
                placements = self.placements.draw(len(placements), rng)
            for fixed in placements:
                if fixed not in self.begun:  # the same placement is often drawn again
                    begun = self.constraints.begin(fixed)
                    if begun is None:  # the ban rules this placement out
                        continue
                    self.begun[fixed] = (begun, self._log_weight(fixed, begun))
                text, log_weight = self.begun[fixed]
                partial_texts.append(text)
                log_weights.append(log_weight)
            if len(partial_texts) == count:
                return Start(PartialTexts.joined(partial_texts), np.array(log_weights), rng)
        # Every placement was ruled out, by the ban on copies or, in a 集句, by the need to quote.
        must_be_original = self.constraints.request.original
        raise UnfinishedError("words_copy" if must_be_original else "words_unquoted")

    def _log_weight(self, fixed: Fixes, begun: PartialTexts) -> float:
        """Compute -ln q.

        q is the total probability of a placement over all templates, groups and ways.
        """
        if not self.words:
            return 0.0
        # A placement is counted several times: under each template, once for each combination of a
        # way for each couplet and a group for each rhyme.
        if self.placements.limits:
            # If characters of a tone are few, not every combination is possible, since the ways of
            # one couplet leave fewer characters to the others. Therefore count the combinations
            # with this one placement fixed, so that no word is left to place.
            effort = Effort(self.constraints.request)
            alone = Inclusion(self.constraints, fixed, whole=False, effort=effort)
            return self.placements.log_number - alone.placements.log_number
        with np.errstate(divide="ignore"):  # a template without any way or group has log -inf
            way_counts = begun.ways[0].sum(axis=2)  # T, K
            group_counts = np.add.reduceat(  # T, rhymes
                begun.alive[0], self.constraints.rhyming.first_rows, axis=1, dtype=np.int64
            )
            log_by_template = np.log(way_counts).sum(axis=1) + np.log(group_counts).sum(axis=1)
            log_times = np.logaddexp.reduce(log_by_template)
        return self.placements.log_number - float(log_times)


class Choice(NamedTuple):
    """A choice at a position: a word begins, the model writes, or the position is fixed."""

    kind: int | None
    """The kind of the word that begins here; None if no word begins."""
    length: int
    fits: Bool[Array, "T W"]
    """Whether each way to write the couplet, under each template, allows the choice."""
    cost: tuple[int, ...]
    """The amount that the choice uses up along each axis of the state."""


class Placements:
    """All placements of the words.

    Each goes with a template, a rhyme group and a way to write each couplet. A word lies within a
    line. A word may cover a fixed position if the word has the fixed character there.

    Raises InputError if counting the placements takes more work than `effort` has left.
    """

    def __init__(self, inclusion: Inclusion) -> None:
        constraints = inclusion.constraints
        fixed = inclusion.fixed
        words = inclusion.words
        self.constraints = constraints
        self.fixed = fixed
        self.words = words
        self.effort = inclusion.effort
        self.whole = inclusion.whole
        self.feet = constraints.feet
        self.rhymes = constraints.rhyming
        # the places to fill: nothing is fixed there, and they repeat no earlier line 疊句
        self.blank = constraints.free(np.array(fixed))
        self.alive: Bool[Array, "T G"]
        """The templates and rhyme groups that allow what is fixed."""
        self.ways: Bool[Array, "T K W"]
        """The ways to write each couplet that allow what is fixed, under each template."""
        self.alive, self.ways = constraints.agreeing(fixed)
        # the characters that the model may write beside the words, and their number in each set
        self.usable = constraints.base & constraints.unused(fixed, words)
        self.stock = constraints.stock(self.usable)
        self.ends = [word[-1] for word in words]
        """The id of the last character of each word, which may become a rhyme."""
        self.ways_of_word: dict[tuple[int, Word], Bool[Array, "T W"] | None] = {}
        """For each position and word, the ways of its couplet that allow the word there, if any."""
        for word in words:
            for place in range(len(fixed)):
                self.ways_of_word[place, word] = self._ways_for_word(place, word)
        # 1) Find the sets (level, oblique and all characters) that may have fewer characters than
        # there are places. Only these limit the placements, so only these are counted below.
        #
        # The model writes only at places that are neither fixed nor in a word. As a word may cover
        # fixed places, the two numbers cannot simply be added; each alone bounds what is left.
        characters_in_words = sum(len(word) for word in words)
        most_written = min(fixed.count(FREE), len(fixed) - characters_in_words)
        if constraints.request.repeat:
            most_written = 1  # a single character may then be written at all places
        self.limits: dict[Axis, int] = {}
        stock_of_tones = self.stock[-3:].tolist()  # the sets after those of the rhymes
        for axis, number in zip(("level", "oblique", "total"), stock_of_tones, strict=True):
            if number < most_written:
                self.limits[axis] = number
        # 2) Divide the groups of each rhyme into kinds of interchangeable groups, and count the
        # placements once for each combination of kinds.
        self.counts: list[Count] = []
        log_numbers: list[float] = []
        for kinds in product(*self._kinds_of_groups()):
            count = Count(self, tuple(kind[0] for kind in kinds))  # any group of a kind will do
            self.counts.append(count)
            # the log of the number of combinations of groups that this one stands for
            log_combinations = sum(math.log(len(kind)) for kind in kinds)
            log_numbers.append(count.log_number + log_combinations)
        self.log_numbers = np.array(log_numbers)
        self.log_number = float(np.logaddexp.reduce(self.log_numbers))
        """The logarithm of the number of placements; -inf if there are none."""

    def _kinds_of_groups(self) -> list[list[list[int]]]:
        """Divide the groups of each rhyme into kinds of interchangeable groups.

        Return, for each rhyme, its kinds; a kind is a list of rows in the tables of rhymes.
        """
        first_rows = self.rhymes.first_rows.tolist()
        kinds_by_rhyme: list[list[list[int]]] = []
        rows_by_rhyme = np.split(np.arange(len(self.rhymes.of_row)), first_rows[1:])
        for rhyme, rows in enumerate(rows_by_rhyme):
            kinds = defaultdict[object, list[int]](list)
            is_possible = self.alive[:, rows].any(axis=0)  # under some template
            for row in rows[is_possible].tolist():
                # Rows are compared with the groups of all other rhymes held equal. Which groups
                # those are makes no difference, so take the first group of each.
                groups = first_rows.copy()
                groups[rhyme] = row
                missing, rhyming = self.rhyming(tuple(groups))
                key = (self.alive[:, row].tobytes(), missing.tobytes(), rhyming.tobytes())
                kinds[key].append(row)
            kinds_by_rhyme.append(list(kinds.values()))
        return kinds_by_rhyme

    def draw(self, number: int, rng: np.random.Generator) -> list[Fixes]:
        """Draw placements (required ids), each in proportion to its templates, groups and ways."""
        shares = np.exp(self.log_numbers - self.log_numbers.max())
        times = Counter(_draw(shares, rng) for _ in range(number))
        placements: list[Fixes] = []
        for n in sorted(times):
            placements += self.counts[n].draw(times[n], rng)
        return placements

    def _ways_for_word(self, place: int, word: Word) -> Bool[Array, "T W"] | None:
        """Return a mask of the templates and ways under which a word can begin at a position.

        None if it never can.
        """
        constraints = self.constraints
        length = len(word)
        places = slice(place, place + length)
        line, position = constraints.layout.where(place)
        # the positions of the line at which a word of this length may begin
        beginnings: Container[int] = range(constraints.layout.widths[line] - length + 1)
        if self.whole:
            beginnings = constraints.word_starts(length, line)
        if position not in beginnings:
            return None
        if constraints.repeated[places].any():  # a line that is copied from an earlier line 疊句
            return None
        fits = []
        for at, id_ in enumerate(word, place):
            if self.fixed[at] not in (FREE, id_) or id_ in constraints.excluded_at.get(at, ()):
                return None
            fits.append(constraints.fits(at, id_))
        return np.logical_and.reduce(fits)

    def rhyming(self, groups: Groups) -> tuple[Int[Array, "F T"], Bool[Array, "2 F words"]]:
        """Count the rhymes that words must supply, for each kind of foot and template.

        Also return two masks over the kinds of feet and the last characters of words (`ends`).

        The first mask marks the characters that may rhyme. The second mask marks the characters on
        which the model cannot rhyme, not even on a variant. If a word that ends in such a character
        stands at a foot, the model has one rhyme fewer to find. Any other word at a foot also takes
        away a character on which the model could have rhymed, so that nothing is gained.
        """
        kinds = np.arange(len(self.rhymes.concerned))
        # 1) The chosen group of each kind of foot, as a row of the tables. All rows that concern a
        #    kind belong to the same rhyme, so the first of them tells which rhyme that is.
        first_rows = self.rhymes.concerned.argmax(axis=1)
        rhyme_of_kind = self.rhymes.of_row[first_rows]
        row_of_kind = np.array(groups)[rhyme_of_kind]
        # 2) The rhymes that are missing: those that the free feet need, less those in stock.
        left = self.constraints.left(np.array(self.fixed), 0)
        free_feet = left[:-1]  # F, T; the last row counts the unrhymed places
        needed = self.rhymes.within @ free_feet
        stock_of_rhymes = self.stock[:-3]  # the last three sets are those of tones
        stock_by_row = stock_of_rhymes.reshape(self.rhymes.concerned.shape)  # F, G
        stock = stock_by_row[kinds, row_of_kind]
        missing = np.maximum(0, needed - stock[:, None])
        # 3) The masks. A word is given by a person, so its last character is read generously.
        words_may_rhyme = self.rhymes.rhymes[Lexicon.GIVEN, kinds, row_of_kind]  # F, V
        may_rhyme = words_may_rhyme[:, self.ends]
        model_may_rhyme = self.rhymes.rhymes[Lexicon.COMPOSED, kinds, row_of_kind] & self.usable
        variants_that_rhyme = self.constraints.lexicon.word[self.ends]
        spares = ~model_may_rhyme[:, variants_that_rhyme]
        return missing, np.array([may_rhyme, spares])


class Count:
    """The placements under one choice of rhyme groups. Interchangeable groups are counted once."""

    def __init__(self, common: Placements, groups: Groups) -> None:
        self.common: Placements = proxy(common)  # a reference cycle would keep the tables in memory
        self.constraints = common.constraints
        self.couplet_size = common.constraints.couplet_size
        self.alive = common.alive[:, groups].all(axis=1)  # the templates that allow all groups
        missing, self.rhyming = common.rhyming(groups)
        # 1) Divide the words into kinds. Of several words with the same last character only one may
        # rhyme, since no two lines rhyme on the same character.
        able_to_rhyme = self.rhyming[0].any(axis=0)  # each word, at some kind of foot
        rhyming_ends = list(compress(common.ends, able_to_rhyme))
        # the characters on which several words could rhyme
        shared = {id_ for id_ in rhyming_ends if rhyming_ends.count(id_) > 1}
        self.kinds = self._kinds_of_words(shared)
        # 2) List the resources that can be used up, with their amounts.
        amounts: dict[Axis, int] = {}
        for n, words in enumerate(self.kinds):
            amounts["kind", n] = len(words)
        for id_ in shared:
            amounts["shared", id_] = 1
        amounts |= common.limits
        for foot_kind, missing_by_template in enumerate(missing):
            if missing_by_template.any():
                amounts["rhymes", foot_kind] = len(rhyming_ends)
        self.axes = list(amounts)
        self.sizes = tuple(amount + 1 for amount in amounts.values())  # from none to all used up
        T, K, _ = common.ways.shape
        most_rows = common.ways.sum(axis=(0, 2)).max()  # of any couplet
        if most_rows * math.prod(self.sizes) > MOST_NUMBERS:
            # such a table would take too much memory: exceed the budget, which raises the error
            common.effort.spend(math.inf)
        # 3) List the choices at each position of each couplet.
        self.choices: list[list[list[Choice]]] = []
        for k in range(K):
            places = range(k * self.couplet_size, (k + 1) * self.couplet_size)
            self.choices.append([self._choices(place) for place in places])
        # 4) A poem may end in any state in which all words are placed and no rhyme is missing. The
        # axes of a state are in the order of `amounts`: kinds of words first, rhymes last. Of the
        # resources between them, any amount may be used up.
        end = np.zeros((T, *self.sizes))
        placed = tuple(len(words) for words in self.kinds)
        for t in range(T):
            # at least as many rhymes as are missing
            supplied = [slice(numbers[t], None) for numbers in missing if numbers.any()]
            end_states: tuple[Any, ...] = (t, *placed, ..., *supplied)
            end[end_states] = 1
        # 5) Add up the ways, from the last couplet to the first. No number is above 10^110, so that
        # floats can hold them all.
        self.after = [end]
        """The number of ways to continue from each couplet, and from the end.

        Each array has an axis for the templates, then those of a state. Words of a kind count as
        identical.
        """
        for k in reversed(range(K)):
            t_of_row, w_of_row = common.ways[:, k].nonzero()
            additions = 0
            for choices in self.choices[k]:
                for choice in choices:
                    fits = int(choice.fits[t_of_row, w_of_row].sum())
                    additions += fits * math.prod(self.sizes) + ONE_MORE
            common.effort.spend(additions)
            for numbers in self._completions(k, self.after[0], t_of_row, w_of_row):
                from_start = numbers  # keep only the last array, for the couplet's first position
            by_template = [from_start[t_of_row == t].sum(axis=0) for t in range(T)]
            self.after.insert(0, np.stack(by_template))
        # The initial state, in which nothing is used up, is the first of each template.
        self.shares = self.after[0].reshape(T, -1)[:, 0] * self.alive
        number = float(self.shares.sum())
        # the words of a kind were counted as identical; each of their orders is a placement
        log_orders = sum(math.lgamma(len(words) + 1) for words in self.kinds)
        self.log_number = math.log(number) + log_orders if number else -math.inf

    def _kinds_of_words(self, shared: set[int]) -> list[list[Word]]:
        """Divide the words into kinds of interchangeable words.

        Only one of the words that end in an id of `shared` may rhyme.
        """
        lexicon = self.constraints.lexicon
        kinds = defaultdict[object, list[Word]](list)
        for n, word in enumerate(self.common.words):
            last = word[-1]
            # a word may cover fixed characters, so those that it shares with the text matter
            fixed_in_word = tuple(id_ if id_ in self.common.fixed else FREE for id_ in word)
            key = (
                lexicon.fits[Lexicon.GIVEN, :, word].tobytes(),
                self.rhyming[..., n].tobytes(),
                fixed_in_word,
                last if last in shared else FREE,
            )
            kinds[key].append(word)
        return list(kinds.values())

    def _completions(
        self, k: int, after: Float[Array, "T ..."], t: Int[Array, "R"], w: Int[Array, "R"]
    ) -> Iterator[Float[Array, "R ..."]]:
        """Yield the number of ways to continue after a couplet, then from each of its positions.

        The positions come in reverse order. Row r of each array is for template `t[r]` and way
        `w[r]`; the other axes are those of a state.
        """
        # A choice reaches at most as far as the longest word, so later positions can be forgotten.
        longest = max((len(word) for word in self.common.words), default=1)
        later = deque([after[t]], maxlen=longest)  # the arrays of later positions, nearest first
        yield later[0]
        for choices in reversed(self.choices[k]):
            check_deadline()
            numbers = np.zeros_like(later[0])
            for choice in choices:
                before, afterwards = _paid(choice.cost)  # the states before and after the choice
                rows = np.flatnonzero(choice.fits[t, w])
                # a choice of one character leads to the next position, which is `later[0]`
                numbers[rows, *before] += later[choice.length - 1][rows, *afterwards]
            later.appendleft(numbers)
            yield numbers

    def draw(self, number: int, rng: np.random.Generator) -> list[Fixes]:
        """Draw placements (required ids), grouped by template."""
        times = Counter(_draw(self.shares, rng) for _ in range(number))
        placements: list[Fixes] = []
        for t in sorted(times):
            placements += self._draw_under(t, times[t], rng)
        return placements

    def _draw_under(self, t: int, number: int, rng: np.random.Generator) -> list[Fixes]:
        """Draw placements under one template."""
        # 1) Begin each placement with the fixed characters, and shuffle the words of each kind.
        texts: list[list[int]] = []
        words_left: list[list[list[list[int]]]] = []
        for _ in range(number):
            texts.append(list(self.common.fixed))
            words_left.append([rng.permutation(words).tolist() for words in self.kinds])
        states: list[tuple[Any, ...]] = [(0,) * len(self.sizes)] * number
        couplets = len(self.after) - 1  # the last entry of `after` is for the end
        for k in range(couplets):
            # 2) Count the ways to continue from each position of the couplet, and after it. Each
            # array has a row for each way to write the couplet.
            w = np.flatnonzero(self.common.ways[t, k])
            completions = list(self._completions(k, self.after[k + 1], np.full_like(w, t), w))
            completions.reverse()  # to the order of the text
            for n, text in enumerate(texts):
                # 3) Draw a way to write the couplet.
                state = states[n]
                row = _draw(completions[0][:, *state], rng)
                # 4) Draw a choice at each position that no earlier word covers, in proportion to
                # the number of ways to continue after it.
                offset = 0  # from the beginning of the couplet
                while offset < self.couplet_size:
                    possible: list[tuple[Choice, tuple[int, ...]]] = []  # with the state after it
                    numbers: list[float] = []
                    for choice in self.choices[k][offset]:
                        if not choice.fits[t, w[row]]:
                            continue
                        costs = zip(state, choice.cost, strict=True)
                        state_after = tuple(used + cost for used, cost in costs)
                        if np.less(state_after, self.sizes).all():  # else there is not so much
                            possible.append((choice, state_after))
                            next_offset = offset + choice.length
                            numbers.append(completions[next_offset][row, *state_after])
                    choice, state = possible[_draw(np.array(numbers), rng)]
                    if choice.kind is not None:
                        place = k * self.couplet_size + offset
                        word = words_left[n][choice.kind].pop()
                        text[place : place + choice.length] = word
                    offset += choice.length
                states[n] = state
        return [tuple(text) for text in texts]

    def _choices(self, place: int) -> list[Choice]:
        """List the choices at a position; merge those that have the same kind, length and cost."""
        merged = dict[tuple[int | None, int, tuple[int, ...]], Array]()
        asked = self.constraints.asked_at(place)  # T, W
        # whether the position is a foot under each template: T, and an axis for the ways
        foot = self.common.feet[place][:, None]
        rhymes = self.common.rhymes

        def add(kind: int | None, length: int, fits: Array, axes: Sequence[Axis]) -> None:
            """Add a choice that uses up 1 along each of `axes` that is counted at all."""
            cost = tuple(int(axis in axes) for axis in self.axes)
            key = (kind, length, cost)
            merged[key] = merged.get(key, False) | fits

        # 1) No word begins: the position is fixed, or the model writes a character, which rhymes if
        # it is at a foot.
        kind_of_foot = rhymes.kind[place]
        if not self.common.blank[place]:
            add(None, 1, np.ones_like(asked, bool), [])
        else:
            for tone, tone_axes in _TONE_AXES.items():
                add(None, 1, ~foot & (asked == tone), tone_axes)
            foot_axes = _TONE_AXES[rhymes.tones[kind_of_foot]]
            if self.constraints.request.repeat:
                # the tones keep a character that has rhymed, since it may stand again elsewhere
                foot_axes = ()
            add(None, 1, foot & np.ones_like(asked, bool), foot_axes)  # under all ways
        # 2) A word of some kind begins, and may end in a rhyme.
        for kind, words in enumerate(self.kinds):
            word = words[0]  # any word of a kind will do
            fits = self.common.ways_of_word[place, word]
            if fits is None:
                continue
            end = place + len(word) - 1
            last = word[-1]
            # whether the word supplies a rhyme, by template; a fixed character at a foot is not
            # counted among the missing rhymes
            new_foot = self.common.feet[end][:, None] & (self.common.fixed[end] == FREE)
            add(kind, len(word), fits & ~new_foot, [("kind", kind)])
            kind_of_foot = rhymes.kind[end]
            may_rhyme, spares = self.rhyming[..., self.common.ends.index(last)]  # by kind of foot
            if new_foot.any() and may_rhyme[kind_of_foot]:
                # whether a fixed rhyme has the same character, by template
                is_last = np.equal(self.common.fixed, last)
                is_taken: Array = np.logical_or.reduce(self.common.feet[is_last], axis=0)
                # the kinds of feet for which the model then has one rhyme fewer to find
                spared_kinds = np.flatnonzero(rhymes.within[:, kind_of_foot] & spares)
                axes: list[Axis] = [("kind", kind), ("shared", last)]
                axes += [("rhymes", foot_kind) for foot_kind in spared_kinds.tolist()]
                add(kind, len(word), fits & new_foot & ~is_taken[:, None], axes)
        return [
            Choice(kind=kind, length=length, fits=fits, cost=cost)
            for (kind, length, cost), fits in merged.items()
            if fits.any()
        ]


@lru_cache(1 << 10)
def _paid(cost: tuple[int, ...]) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Return slices of the states from which a cost can be paid, and of those after it is paid."""
    payable = tuple(slice(None, -c) if c else slice(None) for c in cost)
    paid = tuple(slice(c, None) for c in cost)
    return payable, paid


def _draw(values: Float[Array, "n"], rng: np.random.Generator) -> int:
    """Draw an index with probability proportional to its value."""
    edges = values.cumsum()
    return int(np.searchsorted(edges, rng.random() * edges[-1], side="right"))
