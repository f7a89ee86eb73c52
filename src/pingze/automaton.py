"""Tell any language model which of its tokens may come next, so that its poem keeps every wish.

The text is that of a poem: the characters of each line, then the line's mark, as 孤舟夜雨寒，;
after the last mark comes the end token. The constraints are those of composing
(`composing.constraints`): no choice leads into a dead end, and nothing is replayed, since a state
holds what the text so far leaves possible.

A token is a text, or some bytes of one. It may spell

- a character or a mark, or several of both, as 春風 or 盡，;
- the first bytes of a character, its next ones, or its last ones, and whole characters or marks
  after those.

Some long tokens are never allowed; shorter tokens can spell the same. They end inside a character,
after another whole one; or have more than four characters, or one twice; or as a word have other
tones; or might lead into a dead end, since few characters are left.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from typing import Unpack

import numpy as np

from pingze.arrays import Array, Bool, Int
from pingze.composing.composer import compile_request, lexicon_of
from pingze.composing.constraints.feasibility import PartialTexts
from pingze.composing.lexicon import FREE, Lexicon
from pingze.composing.options import Composing, Options
from pingze.composing.read_request import read_request
from pingze.composing.sheet import Sheet
from pingze.errors import InputError
from pingze.files import table
from pingze.network.vocabulary import SPECIAL_TOKENS, Vocabulary
from pingze.verse.character_table import row_of
from pingze.verse.characters import MARKS

LONGEST = 4
"""The maximum number of characters in a token that is used."""
MOST_KEPT = 512
"""The most sets of long tokens that are kept for later texts with the same hypotheses."""
CHARACTER = ""
"""In a shape, any character."""
Shape = tuple[str, ...]
"""What a token completes, in order: marks, and `CHARACTER` for each character."""


@dataclass(frozen=True)
class State:
    """What N texts so far leave possible."""

    partial_texts: PartialTexts
    place: Int[Array, "N"]
    """The position of the next character."""
    at_mark: Bool[Array, "N"]
    """Whether a mark comes before it."""
    begun: tuple[bytes, ...]
    """The bytes of the character or mark that is begun; b"" if none is."""
    ended: Bool[Array, "N"]
    """Whether the text has its end token."""

    def take(self, rows: Sequence[int] | Int[Array, "M"]) -> "State":
        """Copy the given texts, as a beam search does; a text may be listed several times."""
        chosen = np.asarray(rows, int)
        return State(
            partial_texts=self.partial_texts.take(chosen),
            place=self.place[chosen],
            at_mark=self.at_mark[chosen],
            begun=tuple(self.begun[row] for row in chosen.tolist()),
            ended=self.ended[chosen],
        )


@dataclass(frozen=True, eq=False)
class Alike:
    """The tokens that have one shape, after certain bytes."""

    shape: Shape
    tokens: Int[Array, "M"]
    characters: Int[Array, "M C"]
    """The ids of the characters that each token completes."""
    rests: Int[Array, "M"] | None
    """The number of the beginning in which each token ends; None if they end in whole characters.

    `Automaton` numbers the beginnings.
    """
    is_safe: Bool[Array, "M"]
    """Whether the characters of each token may stand together (`Automaton._is_safe`)."""


class Automaton:
    """The tokens of a language model, and the poem that they are to spell.

    Args:
        tokens: The text or the bytes of each token, by its id. Ids that are missing are never
            allowed, nor are tokens with anything that the poem cannot have, such as a space.
        end: The id of the token that ends a text.
        sheet: What is written already and what is wished for; by default, the options make one.
        **options: The options of `compose`, such as `form`, `rhyme`, `acrostic`, `pattern` and
            `include`. Those that weigh and do not forbid, such as `title` and `taste`, are not
            read: what the model writes about is its own matter.

    Raises the same errors as `fill`, and InputError if the tokens cannot spell a mark of the form
    or a character that is asked for.
    """

    def __init__(
        self,
        tokens: Mapping[int, str | bytes],
        end: int,
        sheet: Composing | None = None,
        **options: Unpack[Options],
    ) -> None:
        self.end = end
        self.size = max([end, *tokens]) + 1
        """The number of tokens in a mask: the largest id and one more."""
        # 1) The bytes of each token. In UTF-8, a byte inside a character begins with the bits 10.
        self.bytes_of: dict[int, bytes] = {}
        for id_, token in tokens.items():
            written = token.encode() if isinstance(token, str) else token
            if written and id_ != end:
                self.bytes_of[id_] = written
        self._known = frozenset(self.bytes_of.values())
        self._inside: list[int] = []
        """The tokens that begin inside a character."""
        for id_, written in self.bytes_of.items():
            if written[0] & 0b1100_0000 == 0b1000_0000:
                self._inside.append(id_)
        self._spells = cache(self._can_spell)
        # 2) The request, for the characters that the tokens can spell.
        asked = sheet or Sheet(**options)
        vocabulary = self._vocabulary("")
        request = read_request(vocabulary, asked)
        unknown = "".join(sorted({*request.given} - vocabulary.ids.keys()))
        if unknown:
            vocabulary = self._vocabulary(unknown)
            request = read_request(vocabulary, asked)
        self.marks = request.form.marks(request.lines)
        for symbol in unknown + self.marks:
            if not self._spells(symbol.encode()):
                raise InputError("not_spelled", has=symbol)
        self.starts = compile_request(lexicon_of(vocabulary, request.standard, ""), request)
        self.constraints = self.starts.constraints
        self.lexicon = self.constraints.lexicon
        # 3) The beginnings of characters and marks that tokens can complete, with their numbers.
        #    Number 0 is that of no beginning. What completes it is never read, but may not be
        #    empty, since `reduceat` reads at least one id for each number.
        completing: dict[bytes, list[int]] = {b"": [0]}
        special = len(SPECIAL_TOKENS)
        for id_, symbol in enumerate(vocabulary.tokens[special:], start=special):
            written = symbol.encode()
            for size in range(1, len(written)):
                if self._spells(written[size:]):
                    completing.setdefault(written[:size], []).append(id_)
        self._beginnings = {written: number for number, written in enumerate(completing)}
        self._completing = np.concatenate([*completing.values()])
        """The ids of the characters that complete each beginning, one beginning after another."""
        self._first = np.cumsum([0, *(len(ids) for ids in completing.values())])[:-1]
        """Where the ids of each beginning start in `_completing`."""
        self._most_taken = LONGEST * self.lexicon.forms.shape[1]
        """The most characters, with all their forms, that a token takes from any set."""
        self._walk = cache(self._walked)
        self._tables: dict[bytes, list[Alike]] = {}
        self._kept: dict[tuple[object, ...], Array] = {}

    def start(self, count: int = 1, *, seed: int | None = None) -> State:
        """Begin `count` texts; `seed` decides where in each the words to include will stand."""
        begun = self.starts.draw(count, np.random.default_rng(seed)).partial_texts
        return State(
            partial_texts=begun,
            place=np.zeros(count, int),
            at_mark=np.zeros(count, bool),
            begun=(b"",) * count,
            ended=np.zeros(count, bool),
        )

    def allowed(self, state: State) -> Bool[Array, "N T"]:
        """Return a mask of the tokens that may follow each text: at its end, only the end token.

        If the option `original` leaves a text no token, its row of the mask is empty.
        """
        allowed = np.zeros((len(state.place), self.size), bool)
        complete = (state.place == self.constraints.places) & ~state.at_mark
        allowed[complete, self.end] = True
        for place in np.unique(state.place[~complete]).tolist():
            rows = np.flatnonzero((state.place == place) & ~complete)
            texts = state.partial_texts
            if len(rows) < len(state.place):
                texts = texts.take(rows)
            characters = np.zeros((len(rows), len(self.lexicon.vocabulary)), bool)
            roomy = texts.alive
            if place < self.constraints.places:  # else only the last mark is missing
                characters, dead = self.constraints.allowed(texts, place)
                characters[dead] = False
                roomy = self._roomy(texts, place)
            for n, row in enumerate(rows.tolist()):
                at_mark = bool(state.at_mark[row])
                for alike in self._table(state.begun[row]):
                    places, after = self._walk(alike.shape, place, at_mark)
                    if places is None:
                        continue
                    if len(places) < 2:
                        found = _first_fits(alike, places, characters[n])
                    elif self.constraints.ban:  # it judges only the next character
                        continue
                    else:
                        found = self._long(alike, places, texts, n, roomy[n], characters[n])
                    if alike.rests is not None:
                        can_begin = self._can_begin(after, places, characters[n])
                        found = found[can_begin[alike.rests[found]]]
                    allowed[row, alike.tokens[found]] = True
        return allowed

    def advance(self, state: State, ids: Sequence[int] | Int[Array, "N"]) -> State:
        """Return the state after each text has taken the given token.

        Raises InputError if a text may not take it.
        """
        chosen = np.asarray(ids, int).tolist()
        begun = list(state.begun)
        ended = state.ended.copy()
        left: list[list[str]] = []
        # 1) What each token completes, and what it begins. The end token follows a whole poem.
        is_complete = (state.place == self.constraints.places) & ~state.at_mark
        for row, id_ in enumerate(chosen):
            parsed = None  # an unknown token, or an end token that comes too early
            if id_ in self.bytes_of:
                parsed = self._parse(begun[row] + self.bytes_of[id_])
            elif id_ == self.end and is_complete[row] and not begun[row]:
                ended[row] = True
                parsed = ([], b"")
            if parsed is None:
                raise InputError("not_allowed", has=id_)
            symbols, begun[row] = parsed
            left.append(symbols)
        # 2) Write the characters and marks one after another, into a copy.
        copy = state.take(range(len(chosen)))
        after = replace(copy, begun=tuple(begun), ended=ended)
        while any(left):
            # the rows that write a character, by its position
            writing: dict[int, list[int]] = {}
            for row, symbols in enumerate(left):
                if not symbols:
                    continue
                symbol = symbols[0]
                is_mark = symbol in MARKS
                shape = (symbol,) if is_mark else (CHARACTER,)
                place = int(after.place[row])
                places, _ = self._walk(shape, place, bool(after.at_mark[row]))
                if places is None:  # it cannot stand here
                    raise InputError("not_allowed", has=chosen[row])
                if is_mark:
                    symbols.pop(0)
                    after.at_mark[row] = False
                else:
                    writing.setdefault(place, []).append(row)
            for place, rows in writing.items():
                characters = []
                for row in rows:
                    character = left[row].pop(0)
                    characters.append(self.lexicon.vocabulary.ids[character])
                texts = after.partial_texts.take(np.array(rows))
                self.constraints.advance(texts, place, np.array(characters))
                after.partial_texts.put(rows, texts)
                after.place[rows] = place + 1
                # a mark follows where a line has just ended
                line_ended = (place + 1) in self.constraints.layout.starts
                after.at_mark[rows] = line_ended
        # 3) Each text must still fit some template and rhyme.
        is_possible = after.partial_texts.alive.any(axis=(1, 2))
        if not is_possible.all():
            stuck = int(np.flatnonzero(~is_possible)[0])
            raise InputError("not_allowed", has=chosen[stuck])
        return after

    # -- what tokens spell -------------------------------------------------------------------------

    def _can_spell(self, written: bytes) -> bool:
        """Return whether some tokens in a row are exactly these bytes."""
        if not written:
            return True
        sizes = range(1, len(written) + 1)  # of the first token
        return any(written[:size] in self._known and self._spells(written[size:]) for size in sizes)

    def _vocabulary(self, more: str) -> Vocabulary:
        """Return the characters of verse that the tokens can spell, and `more`."""
        symbols = dict.fromkeys(MARKS)  # a set that keeps its order
        for character in table("characters"):
            if row_of(character).used and self._spells(character.encode()):
                symbols[character] = None
        return Vocabulary([*SPECIAL_TOKENS, *(symbols | dict.fromkeys(more))])

    def _parse(self, written: bytes) -> tuple[list[str], bytes] | None:
        """Divide bytes into whole characters and marks, and the beginning of one.

        Return None if a poem has no such bytes.
        """
        symbols = []
        at = 0
        while at < len(written):
            # In UTF-8, the first byte of a character of several bytes begins with as many ones as
            # it has bytes, that of a character of one byte with none. A byte from inside a
            # character begins with a single one; alone it is decoded as U+FFFD, which no vocabulary
            # has.
            leading_ones = f"{written[at]:08b}0".index("0")
            size = max(1, leading_ones)
            if at + size > len(written):
                break
            symbol = written[at : at + size].decode(errors="replace")
            if symbol not in self.lexicon.vocabulary:
                return None
            symbols.append(symbol)
            at += size
        rest = written[at:]
        return (symbols, rest) if rest in self._beginnings else None

    def _table(self, begun: bytes) -> list[Alike]:
        """Return the tokens that may follow some bytes of a character, by their shapes."""
        if begun not in self._tables:
            self._tables[begun] = self._tabulate(begun)
        return self._tables[begun]

    def _tabulate(self, begun: bytes) -> list[Alike]:
        ids = self.lexicon.vocabulary.ids
        rows: dict[tuple[Shape, bool], list[tuple[int, list[int], int]]] = {}
        for token in self._inside if begun else self.bytes_of:
            parsed = self._parse(begun + self.bytes_of[token])
            if parsed is None:
                continue
            symbols, rest = parsed
            shape = tuple(symbol if symbol in MARKS else CHARACTER for symbol in symbols)
            characters = [ids[symbol] for symbol in symbols if symbol not in MARKS]
            if len(characters) > LONGEST:
                continue
            row = (token, characters, self._beginnings[rest])
            rows.setdefault((shape, bool(rest)), []).append(row)
        tables = []
        for (shape, has_rest), found in rows.items():
            characters_of = np.array([characters for _, characters, _ in found], int)
            rests = np.array([rest for _, _, rest in found])
            tables.append(
                Alike(
                    shape=shape,
                    tokens=np.array([token for token, _, _ in found]),
                    characters=characters_of.reshape(len(found), -1),
                    rests=rests if has_rest else None,
                    is_safe=np.array([self._is_safe(characters) for _, characters, _ in found]),
                )
            )
        return tables

    def _is_safe(self, characters: list[int]) -> bool:
        """Return whether characters of a token may stand together.

        They and their variants must differ, no two neighbours may form a word that reads one of
        them in another tone, and none after the first may be in an unwanted word, wherever that
        word would stand. The mask of its place judges the first.
        """
        for at, character in enumerate(characters):
            later = characters[at + 1 :]
            itself_and_variants = {*self.lexicon.forms[character].tolist()}
            if itself_and_variants & {*later}:
                return False
            misread_after = self.lexicon.misread.get(character, ())
            if later and later[0] in misread_after:
                return False
        unwanted = {id_ for word in self.constraints.unwanted for id_ in word}
        return unwanted.isdisjoint(self.lexicon.word[characters[1:]].tolist())

    # -- what may follow ---------------------------------------------------------------------------

    def _walked(
        self, shape: Shape, place: int, at_mark: bool
    ) -> tuple[tuple[int, ...] | None, str | None]:
        """Return the positions of a shape's characters, and what follows the shape.

        What follows is a mark, `CHARACTER`, or None at the end of the text. The positions are None
        if marks and characters cannot stand so.
        """
        layout = self.constraints.layout
        places = []
        for symbol in shape:
            if at_mark:
                if symbol != self.marks[layout.line[place - 1]]:
                    return None, None
                at_mark = False
            elif symbol != CHARACTER or place == self.constraints.places:
                return None, None
            else:
                places.append(place)
                place += 1
                at_mark = place in layout.starts
        if at_mark:
            return tuple(places), self.marks[layout.line[place - 1]]
        if place == self.constraints.places:
            return tuple(places), None
        return tuple(places), CHARACTER

    def _can_begin(
        self, after: str | None, places: tuple[int, ...], characters: Bool[Array, "V"]
    ) -> Bool[Array, "B"]:
        """Return a mask of the beginnings that what follows can have.

        A character that follows whole characters of the same token can have none.
        """
        may_follow = np.zeros_like(characters)
        if after == CHARACTER and not places:
            may_follow = characters
        elif after:  # a mark; `CHARACTER` is empty
            may_follow[self.lexicon.vocabulary.ids[after]] = True
        can_begin: Array = np.logical_or.reduceat(may_follow[self._completing], self._first)
        return can_begin

    def _roomy(self, texts: PartialTexts, place: int) -> Bool[Array, "N T G"]:
        """Return the hypotheses under which each text can be completed after any long token."""
        spared = replace(texts, stock=texts.stock - self._most_taken)
        roomy: Array = texts.alive & self.constraints.can_complete(spared, place)
        return roomy

    def _long(
        self,
        alike: Alike,
        places: tuple[int, ...],
        texts: PartialTexts,
        n: int,
        alive: Bool[Array, "T G"],
        characters: Bool[Array, "V"],
    ) -> Int[Array, "m"]:
        """Return the indices of the long tokens that may follow text `n` under these hypotheses."""
        templates: Array = np.logical_or.reduce(alive, axis=1)
        couplets = sorted({place // self.constraints.couplet_size for place in places})
        ways = texts.ways[n] & templates[:, None, None]
        has_foot = self.constraints.feet[[*places]].any()
        # without a foot the groups do not matter, so that more texts share a key
        rhymes = alive if has_foot else templates
        key = (id(alike), places, rhymes.tobytes(), ways[:, couplets].tobytes())
        if key not in self._kept:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[key] = np.flatnonzero(self._agree(alike, places, alive, ways))
        found = self._kept[key]
        ids = alike.characters[found]
        fit = characters[ids[:, 0]]
        for column, place in enumerate(places[1:], start=1):
            fixed = texts.fixed[n, place]
            if fixed == FREE:
                fit &= texts.unused[n, ids[:, column]]
            else:
                fit &= ids[:, column] == fixed
        return found[fit]

    def _agree(
        self,
        alike: Alike,
        places: tuple[int, ...],
        alive: Bool[Array, "T G"],
        ways: Bool[Array, "T K W"],
    ) -> Bool[Array, "M"]:
        """Return a mask of the tokens whose characters fit one hypothesis and one way somewhere."""
        constraints = self.constraints
        rhyming = constraints.rhyming
        fits = self.lexicon.fits[Lexicon.COMPOSED]
        ids = alike.characters
        agree = np.zeros(len(ids), bool)
        feet = [place for place in places if constraints.feet[place].any()]
        special = constraints.leads | constraints.waived | constraints.echoes.keys()
        # only one rhyme is judged below, and no place that has rules of its own
        if len(feet) > 1 or special & {*places}:
            return agree  # no token: shorter ones are judged character by character
        # 1) Under each template: the tones that some way asks for, and the rhymes of a foot.
        seen = set()
        for t in np.flatnonzero(alive.any(axis=1)).tolist():
            for wanted in self._wanted(places, t, ways[t]):
                rhyme_rows = np.zeros(alive.shape[1], bool)  # no rhyme is asked for
                if feet and constraints.feet[feet[0], t]:
                    rhyme_rows = alive[t] & rhyming.concerned[rhyming.kind[feet[0]]]
                if (wanted, rhyme_rows.tobytes()) in seen:
                    continue
                seen.add((wanted, rhyme_rows.tobytes()))
                fit = np.ones(len(ids), bool)
                for column, tone in enumerate(wanted):
                    fit &= fits[tone, ids[:, column]]
                if rhyme_rows.any():
                    rhymes = rhyming.rhymes[Lexicon.COMPOSED, rhyming.kind[feet[0]], rhyme_rows]
                    fit &= rhymes.any(axis=0)[ids[:, places.index(feet[0])]]
                agree |= fit
        # 2) What may stand nowhere, or not there.
        agree &= alike.is_safe & constraints.base[ids].all(axis=1)
        for column, place in enumerate(places[1:], start=1):
            if place in constraints.excluded_at:
                agree &= ~np.isin(ids[:, column], constraints.excluded_at[place])
            if place in constraints.old:
                agree &= ~np.isin(ids[:, column], self.lexicon.forms[constraints.old[place]])
        return agree

    def _wanted(
        self, places: tuple[int, ...], t: int, ways: Bool[Array, "K W"]
    ) -> list[tuple[int, ...]]:
        """List the tones that the ways of a template ask for at some places."""
        couplet_size = self.constraints.couplet_size
        by_couplet = []
        for k in dict.fromkeys(place // couplet_size for place in places):
            columns = [place % couplet_size for place in places if place // couplet_size == k]
            asked = self.constraints.asked[t, k, ways[k]][:, columns]
            by_couplet.append({tuple(row) for row in asked.tolist()})
        # choose the tones of each couplet in every way, and join them
        return [sum(tones, ()) for tones in product(*by_couplet)]


def _first_fits(
    alike: Alike, places: tuple[int, ...], characters: Bool[Array, "V"]
) -> Int[Array, "m"]:
    """Return the indices of the tokens with at most one character, if that may stand there."""
    if not places:
        return np.arange(len(alike.tokens))
    return np.flatnonzero(characters[alike.characters[:, 0]])
