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
from itertools import chain, groupby, product, zip_longest
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
from pingze.network.vocabulary import EOS, SPECIAL_TOKENS, Vocabulary
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
    length: Int[Array, "N"]
    """The number of characters and marks that are written."""
    begun: tuple[bytes, ...]
    """The bytes of the character or mark that is begun; b"" if none is."""
    ended: Bool[Array, "N"]
    """Whether the text has its end token."""

    def take(self, rows: Sequence[int] | Int[Array, "M"]) -> "State":
        """Copy the given texts, as a beam search does; a text may be listed several times."""
        chosen = np.asarray(rows, int)
        return State(
            partial_texts=self.partial_texts.take(chosen),
            length=self.length[chosen],
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
        # 1) The bytes of each token. A token without bytes would let a text go on for ever, so it
        #    is left out. In UTF-8, a byte inside a character begins with the bits 10.
        self.bytes_of: dict[int, bytes] = {}
        for id_, token in tokens.items():
            written = token.encode() if isinstance(token, str) else token
            if written and id_ != end:
                self.bytes_of[id_] = written
        self._token_bytes = frozenset(self.bytes_of.values())
        self._tokens_inside: list[int] = []
        """The tokens that begin inside a character."""
        for id_, written in self.bytes_of.items():
            if written[0] & 0b1100_0000 == 0b1000_0000:
                self._tokens_inside.append(id_)
        self._spells = cache(self._can_spell)
        # 2) The request, for the characters that the tokens can spell.
        requested_sheet = sheet or Sheet(**options)
        vocabulary = self._vocabulary("")
        request = read_request(vocabulary, requested_sheet)
        # Characters that are no characters of verse may be asked for too, so they join those that
        # the text can have; whether tokens can spell them is checked below.
        unknown = "".join(sorted(set(request.given) - vocabulary.ids.keys()))
        if unknown:
            vocabulary = self._vocabulary(unknown)
            request = read_request(vocabulary, requested_sheet)
        marks = request.form.marks(request.lines)
        for symbol in unknown + marks:
            if not self._spells(symbol.encode()):
                raise InputError("not_spelled", has=symbol)
        self.starts = compile_request(lexicon_of(vocabulary, request.standard, ""), request)
        self.constraints = self.starts.constraints
        self.lexicon = self.constraints.lexicon
        self._in_unwanted = set(chain(*self.constraints.unwanted))
        """The characters of unwanted words, as ids of `Lexicon.word`."""
        shape: list[str] = []
        for width, mark in zip(self.constraints.layout.widths, marks, strict=True):
            shape += [CHARACTER] * width + [mark]
        self._shape = (*shape, SPECIAL_TOKENS[EOS])
        """The shape of the whole poem, and its end, which no bytes spell."""
        self._places = np.cumsum([0] + [symbol == CHARACTER for symbol in shape])
        """For each length of a text, the position of its next character."""
        # 3) The beginnings of characters and marks that tokens can complete, with their numbers.
        #    Number 0 is for tokens that end in a whole character, without a beginning. The ids that
        #    complete it are never read, but there must be one, since `reduceat` in `_can_begin`
        #    reads at least one id for each number.
        completing: dict[bytes, list[int]] = {b"": [0]}
        special = len(SPECIAL_TOKENS)
        for id_, symbol in enumerate(vocabulary.tokens[special:], start=special):
            written = symbol.encode()
            for size in range(1, len(written)):
                if self._spells(written[size:]):
                    completing.setdefault(written[:size], []).append(id_)
        self._beginnings = {beginning: number for number, beginning in enumerate(completing)}
        self._completing = np.concatenate(list(completing.values()))
        """The ids of the characters that complete each beginning, one beginning after another."""
        counts = [len(ids) for ids in completing.values()]
        self._first_completing = np.cumsum([0, *counts])[:-1]
        """Where the ids of each beginning start in `_completing`."""
        self._most_taken = LONGEST * self.lexicon.forms.shape[1]
        """The most characters, with all their forms, that a token takes from any set."""
        self._table = cache(self._tabulate)
        self._tokens_of_hypotheses: dict[tuple[object, ...], Array] = {}

    def start(self, count: int = 1, *, seed: int | None = None) -> State:
        """Begin `count` texts; `seed` decides where in each the words to include will stand."""
        begun = self.starts.draw(count, np.random.default_rng(seed)).partial_texts
        return State(
            partial_texts=begun,
            length=np.zeros(count, int),
            begun=(b"",) * count,
            ended=np.zeros(count, bool),
        )

    def allowed(self, state: State) -> Bool[Array, "N T"]:
        """Return a mask of the tokens that may follow each text: at its end, only the end token.

        If the option `original` leaves a text no token, its row of the mask is empty.
        """
        allowed = np.zeros((len(state.length), self.size), bool)
        allowed[state.length == self.constraints.tokens, self.end] = True
        # Texts at the same place share most of the work.
        places_of_texts = self._places[state.length]
        for place in np.unique(places_of_texts).tolist():
            rows = np.flatnonzero(places_of_texts == place)
            texts = state.partial_texts.take(rows)
            characters = np.zeros((len(rows), len(self.lexicon.vocabulary)), bool)
            alive = texts.alive  # the hypotheses that long tokens may use
            if place < self.constraints.places:  # else only the last mark is missing
                characters, dead = self.constraints.allowed(texts, place)
                characters[dead] = False
                alive = self._alive_after_long_tokens(texts, place)
            for n, row in enumerate(rows.tolist()):
                length = int(state.length[row])
                for alike in self._table(state.begun[row]):
                    end = length + len(alike.shape)
                    if self._shape[length:end] != alike.shape:
                        continue
                    places = range(place, place + alike.characters.shape[1])
                    if len(places) < 2:
                        indices = _fitting_short_tokens(alike, places, characters[n])
                    elif self.constraints.ban:
                        # the ban judges only the next character, so no longer token is allowed
                        continue
                    else:
                        indices = self._fitting_long_tokens(
                            alike, places, texts, n, alive[n], characters[n]
                        )
                    if alike.rests is not None:
                        can_begin = self._can_begin(self._shape[end], places, characters[n])
                        indices = indices[can_begin[alike.rests[indices]]]
                    allowed[row, alike.tokens[indices]] = True
        return allowed

    def advance(self, state: State, ids: Sequence[int] | Int[Array, "N"]) -> State:
        """Return the state after each text has taken the given token.

        Raises InputError if a text may not take it.
        """
        chosen = np.asarray(ids, int).tolist()
        begun = list(state.begun)
        ended = state.ended.copy()
        symbols_of_texts = []  # what is to be written into each text
        # 1) Find what each token completes, and what it begins. The end token follows a whole poem.
        is_complete = state.length == self.constraints.tokens
        for row, id_ in enumerate(chosen):
            parsed = None  # stays None for an unknown token, or an end token that comes too early
            if id_ in self.bytes_of:
                parsed = self._parse(begun[row] + self.bytes_of[id_])
            elif id_ == self.end and is_complete[row] and not begun[row]:
                ended[row] = True
                parsed = ([], b"")
            if parsed is None:
                raise InputError("not_allowed", has=id_)
            symbols, begun[row] = parsed
            symbols_of_texts.append(symbols)
        # 2) Write the characters and marks one after another, into a copy. Each round writes one
        #    symbol of each text; texts that get a character at the same position are advanced
        #    together.
        copy = state.take(range(len(chosen)))
        after = replace(copy, begun=tuple(begun), ended=ended)
        for next_symbols in zip_longest(*symbols_of_texts):  # None where a text gets no more
            rows_by_place: dict[int, list[int]] = {}
            for row, symbol in enumerate(next_symbols):
                if symbol is None:
                    continue
                length = after.length[row]
                if self._shape[length] != _kind(symbol):  # the symbol cannot stand here
                    raise InputError("not_allowed", has=chosen[row])
                after.length[row] += 1
                if symbol not in MARKS:
                    rows_by_place.setdefault(int(self._places[length]), []).append(row)
            for place, rows in rows_by_place.items():
                characters = [self.lexicon.vocabulary.ids[next_symbols[row]] for row in rows]
                texts = after.partial_texts.take(np.array(rows))
                self.constraints.advance(texts, place, np.array(characters))
                after.partial_texts.put(rows, texts)
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
        for size in range(1, len(written) + 1):  # of the first token
            if written[:size] in self._token_bytes and self._spells(written[size:]):
                return True
        return False

    def _vocabulary(self, more: str) -> Vocabulary:
        """Return the characters of verse that the tokens can spell, and `more`."""
        spelled = [
            character
            for character in table("characters")
            if row_of(character).used and self._spells(character.encode())
        ]
        return Vocabulary([*SPECIAL_TOKENS, *MARKS, *spelled, *more])

    def _parse(self, written: bytes) -> tuple[list[str], bytes] | None:
        """Divide bytes into whole characters and marks, and the beginning of a further one.

        Return None if a poem has no such bytes.
        """
        symbols = []
        start = 0
        while start < len(written):
            # In UTF-8, the first byte of a character of several bytes begins with as many ones as
            # it has bytes, that of a character of one byte with none. A byte from inside a
            # character begins with a single one; alone it is decoded as U+FFFD, which no vocabulary
            # has.
            bits = f"{written[start]:08b}"
            leading_ones = len(bits) - len(bits.lstrip("1"))
            size = max(1, leading_ones)
            if start + size > len(written):  # only the beginning of a character is left
                break
            symbol = written[start : start + size].decode(errors="replace")
            if symbol not in self.lexicon.vocabulary:
                return None
            symbols.append(symbol)
            start += size
        rest = written[start:]
        return (symbols, rest) if rest in self._beginnings else None

    def _tabulate(self, begun: bytes) -> list[Alike]:
        """Group the tokens that may follow some bytes of a character by their shapes.

        Tokens that end inside a character are grouped apart from those that do not.
        """
        ids = self.lexicon.vocabulary.ids
        # the tokens of each shape, each with the ids of its characters and its beginning's number
        rows: dict[tuple[Shape, bool], list[tuple[int, list[int], int]]] = {}
        # a character that is begun can be continued only by bytes from inside a character
        for token in self._tokens_inside if begun else self.bytes_of:
            parsed = self._parse(begun + self.bytes_of[token])
            if parsed is None:
                continue
            symbols, rest = parsed
            shape = tuple(_kind(symbol) for symbol in symbols)
            characters = [ids[symbol] for symbol in symbols if symbol not in MARKS]
            # such tokens are never allowed
            if len(characters) > LONGEST or not self._is_safe(characters):
                continue
            row = (token, characters, self._beginnings[rest])
            rows.setdefault((shape, bool(rest)), []).append(row)
        tables = []
        for (shape, has_rest), rows_of_shape in rows.items():
            tokens, characters_of_tokens, rests = zip(*rows_of_shape, strict=True)
            tables.append(
                Alike(
                    shape=shape,
                    tokens=np.array(tokens),
                    characters=np.array(characters_of_tokens, int),
                    rests=np.array(rests) if has_rest else None,
                )
            )
        return tables

    def _is_safe(self, characters: list[int]) -> bool:
        """Return whether characters of a token may stand together.

        The characters and their variants must differ, and no two neighbours may form a word that
        reads one of them in another tone. Only the first character is judged by the mask of its
        place. Therefore no later character may be part of an unwanted word, wherever that word
        would stand.
        """
        for index, character in enumerate(characters):
            later = characters[index + 1 :]
            itself_and_variants = set(self.lexicon.forms[character].tolist())
            if itself_and_variants & set(later):
                return False
            misread_after = self.lexicon.misread.get(character, ())
            if later and later[0] in misread_after:
                return False
        return all(self.lexicon.word[id_] not in self._in_unwanted for id_ in characters[1:])

    # -- what may follow ---------------------------------------------------------------------------

    def _can_begin(
        self, after: str, places: range, characters: Bool[Array, "V"]
    ) -> Bool[Array, "B"]:
        """Return a mask of the beginnings that a token may end in, before the symbol `after`.

        A beginning is allowed if some allowed character, or the mark, has it. `characters` are the
        characters that are allowed at the next position. If the token completes a character, at one
        of `places`, `characters` says nothing about the position after that. Then no beginning of a
        character is allowed.
        """
        may_follow = np.zeros_like(characters)
        if after == CHARACTER and not places:
            may_follow = characters
        elif after != CHARACTER:
            may_follow[self.lexicon.vocabulary.ids[after]] = True
        completing = may_follow[self._completing]  # those of all beginnings, one after another
        can_begin: Array = np.logical_or.reduceat(completing, self._first_completing)
        return can_begin

    def _alive_after_long_tokens(self, texts: PartialTexts, place: int) -> Bool[Array, "N T G"]:
        """Return the hypotheses under which each text can be completed after any long token.

        It must be possible to complete the text even if a token takes the most characters that it
        can from every set.
        """
        reduced = replace(texts, stock=texts.stock - self._most_taken)
        return self.constraints.still_possible(reduced, place)

    def _fitting_long_tokens(
        self,
        alike: Alike,
        places: range,
        texts: PartialTexts,
        n: int,
        alive: Bool[Array, "T G"],
        characters: Bool[Array, "V"],
    ) -> Int[Array, "m"]:
        """Return the indices of the tokens of two or more characters that may follow text `n`.

        `alive` has the hypotheses under which long tokens may be used, `characters` the characters
        that may stand at the first of `places`.
        """
        templates: Array = np.logical_or.reduce(alive, axis=1)
        couplets = sorted({place // self.constraints.couplet_size for place in places})
        ways = texts.ways[n] & templates[:, None, None]
        has_foot = self.constraints.feet[list(places)].any()
        # 1) The tokens that agree with the hypotheses, which many texts share. Without a foot the
        #    rhyme groups do not matter; leaving them out lets more texts share a key.
        hypotheses = alive if has_foot else templates
        key = (id(alike), places, hypotheses.tobytes(), ways[:, couplets].tobytes())
        if key not in self._tokens_of_hypotheses:
            if len(self._tokens_of_hypotheses) >= MOST_KEPT:
                self._tokens_of_hypotheses.clear()
            is_agreeing = self._agreeing_tokens(alike, places, alive, ways)
            self._tokens_of_hypotheses[key] = np.flatnonzero(is_agreeing)
        agreeing = self._tokens_of_hypotheses[key]
        # 2) Of these, the tokens whose characters this text may still take.
        ids = alike.characters[agreeing]
        is_allowed = characters[ids[:, 0]]
        for column, place in enumerate(places[1:], start=1):
            fixed = texts.fixed[n, place]
            if fixed == FREE:
                is_allowed &= texts.unused[n, ids[:, column]]
            else:
                is_allowed &= ids[:, column] == fixed
        return agreeing[is_allowed]

    def _agreeing_tokens(
        self,
        alike: Alike,
        places: range,
        alive: Bool[Array, "T G"],
        ways: Bool[Array, "T K W"],
    ) -> Bool[Array, "M"]:
        """Return a mask of the tokens whose characters fit one hypothesis and way at `places`."""
        constraints = self.constraints
        rhyming = constraints.rhyming
        fits = self.lexicon.fits[Lexicon.COMPOSED]
        ids = alike.characters
        agree = np.zeros(len(ids), bool)
        feet = [place for place in places if constraints.feet[place].any()]
        special = constraints.leads | constraints.waived | constraints.echoes.keys()
        # The rules below know a single foot, and no place that has rules of its own. Elsewhere no
        # long token is allowed: shorter tokens can spell the same, and are judged by character.
        if len(feet) > 1 or special & set(places):
            return agree
        # 1) Under each template, allow the rhymes of a foot, and the tones that some way asks for.
        for t in np.flatnonzero(alive.any(axis=1)).tolist():
            fits_rhyme = np.ones(len(ids), bool)
            for foot in feet:
                kind_of_foot = rhyming.kind[foot]
                rhyme_rows = alive[t] & rhyming.concerned[kind_of_foot]
                if constraints.feet[foot, t] and rhyme_rows.any():
                    rhymes = rhyming.rhymes[Lexicon.COMPOSED, kind_of_foot, rhyme_rows]  # rows, V
                    may_rhyme = np.logical_or.reduce(rhymes, axis=0)  # V
                    fits_rhyme = may_rhyme[ids[:, places.index(foot)]]
            for asked_tones in self._asked_tones(places, t, ways[t]):
                fits_asked = fits_rhyme.copy()
                for column, tone in enumerate(asked_tones):
                    fits_asked &= fits[tone, ids[:, column]]
                agree |= fits_asked
        # 2) Forbid characters that may stand nowhere, and later characters that may not stand at
        #    their places; the first place has a mask of its own.
        agree &= constraints.base[ids].all(axis=1)
        for column, place in enumerate(places[1:], start=1):
            if place in constraints.excluded_at:
                agree &= ~np.isin(ids[:, column], constraints.excluded_at[place])
            if place in constraints.old:
                agree &= ~np.isin(ids[:, column], self.lexicon.forms[constraints.old[place]])
        return agree

    def _asked_tones(
        self, places: range, t: int, ways: Bool[Array, "K W"]
    ) -> list[tuple[int, ...]]:
        """List the sequences of tones that the ways of template `t` ask for at some places."""
        couplet_size = self.constraints.couplet_size
        tones_by_couplet = []
        for k, places_of_couplet in groupby(places, lambda place: place // couplet_size):
            offsets = [place % couplet_size for place in places_of_couplet]
            asked = self.constraints.asked[t, k, ways[k]][:, offsets]
            tones_by_couplet.append({tuple(row) for row in asked.tolist()})
        # combine the tones of each couplet with those of every other, and join each combination
        return [sum(tones, ()) for tones in product(*tones_by_couplet)]


def _kind(symbol: str) -> str:
    """Return what a shape has for a character or a mark."""
    return symbol if symbol in MARKS else CHARACTER


def _fitting_short_tokens(
    alike: Alike, places: range, characters: Bool[Array, "V"]
) -> Int[Array, "m"]:
    """Return the indices of the tokens with at most one character that may stand at its place."""
    if not places:  # these tokens complete only marks, or nothing yet
        return np.arange(len(alike.tokens))
    return np.flatnonzero(characters[alike.characters[:, 0]])
