"""Make the patterns of the tunes 詞牌 from 《欽定詞譜》 and 龍榆生, and count what poets do otherwise: tunes.tsv.

    PINGZE_CIPU=FOLDER python -m tools.count tunes

`tools/cipu.py` reads the books in that folder. The counts are those of the 詞 of the train split:

1. A piece belongs to the shape of its tune, of as many characters and with mostly the same line
   ends, that it breaks least; to the shapes of 龍榆生, apart from that, in the same way.
2. A tone of the book is not customary where 3 % of the shape's pieces, and at least three, have the
   other; nor where 龍榆生 leaves the tone open. Characters that can have both tones are not counted.
   In a line of which the book leaves four characters in a row open (鷓鴣天's first), an open one has
   the tone that 97 % of the shape's pieces, and at least thirty, have, if the sample has it too.
3. A rhyme is not customary where 3 % of the shape's pieces that keep every other rhyme, and at least
   three, do not rhyme.
4. A character leads 領字 if verse joins the next two characters, as words, oftener than it and the
   next. The pieces of all shapes of the tune are counted together where their stanzas are alike up to
   the line, or from it to the end.

The columns of tunes.tsv are the shape's name; its number of characters; its number in the book; the
number of its pieces; the lines; and for the first shape of a tune, the tune's other names. A line is
written as its tones (P level, Z oblique, x either; p and z where the other is customary too) and its
mark: . after a rhyme, , after another sentence, ; after a pause 讀. Before the mark of a line that
does not belong to the first rhyme stands the number of its rhyme. | stands where a stanza ends, !
before a character that leads, ? after a rhyme that may be left out. =3@2 states that the last three
characters repeat the last three of line 2; =2@5~, that they repeat them in reverse.
"""

import math
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pingze.corpus import CorpusPoem, Store
from pingze.verse.character_table import one_form, to_traditional
from pingze.verse.characters import only_han
from pingze.verse.checking import check
from pingze.verse.ci import broken_echoes, off_rhyme, tone_masks
from pingze.verse.patterns import CUSTOMARY, STRICT
from pingze.verse.rhyme_groups import LEVEL, OBLIQUE
from pingze.verse.standard import PINGSHUI
from pingze.verse.tunes import Tune, ends_of, find_tune, read_lines, shapes_of
from tools.cipu import BOOKS, BookLine, BookShape, read_book

CUSTOMARY_SHARE = 0.03
FEWEST = 3
"""The fewest pieces of a shape that make another tone, or a line without its rhyme, customary."""
OPEN_RUN = 4
"""The book says nothing of a line's rhythm if so many characters in a row are open; the pieces do."""
FEWEST_SURE = 30
"""The fewest pieces that decide the tone of an open character in such a line."""
FEWEST_LED = 5
"""The fewest pieces that decide whether a character leads."""
LED = 0.5
"""How much more, on average, the second and the third character then belong together (`Words.join`)."""
MOST_FAULTS = 8
"""A piece has a shape if at most one in this many characters has the wrong tone."""
_KINDS = "令慢近引"
"""The last characters of names that tell tunes of one name apart."""
NAMES = Path(__file__).with_name("tune_names.txt")
"""Each tune with its other names: those that 《欽定詞譜》 gives, and some of later collections."""


Place = tuple[int, int, int, int]
"""Where a line is in a tune, as `_places` says."""


@dataclass
class Counted:
    """A shape, and what the pieces do that have it."""

    shape: BookShape
    tune: Tune
    pieces: int = 0
    named: int = 0
    """The number of pieces that stand under the tune's usual name."""
    other: Counter[int] = field(default_factory=Counter)
    """How often each position has the tone that the book does not have."""
    certain: Counter[int] = field(default_factory=Counter)
    """How often the character of each position has one tone."""
    rhyming: Counter[int] = field(default_factory=Counter)
    """How often every other line has its rhyme, for each line."""
    unrhymed: Counter[int] = field(default_factory=Counter)
    """How often the line then has not."""
    joins: dict[int, float] = field(default_factory=dict)
    """For each line, by how much its second and third characters belong together more than its first and second."""


def make() -> dict[str, list[str]]:
    """Read the books, count the corpus, and write a row for each shape."""
    folder = Path(os.environ["PINGZE_CIPU"])
    shapes: list[BookShape] = []
    for book in BOOKS:
        shapes += read_book(folder, book)
    with Store.open() as store:
        words = Words(store)
        return {"tunes.tsv": rows(shapes, list(store.ci(split="train")), words)}


def measure() -> str:
    """Count the dev split's pieces of known tunes, those that the checker names rightly, and those without a fault."""
    found: Counter[str] = Counter()
    with Store.open() as store:
        for poem in store.ci(split="dev"):
            tune = find_tune(poem.tune)
            if tune is None:
                continue
            verdict = check(poem.text)
            named = find_tune(verdict.form) if verdict.form else None
            rightly = named is not None and named.names == tune.names
            found["pieces"] += 1
            found["with a shape of its tune"] += any(
                shape.divides(poem.lines) for shape in shapes_of(tune)
            )
            found["named"] += rightly
            found["without fault"] += rightly and verdict.ok
            if rightly:
                found.update({fault.rule for fault in verdict.violations})
    return ", ".join(f"{name} {count:,}" for name, count in found.items())


class Words:
    """How often verse joins two characters in a word, and how often they only meet.

    In lines of 詩 the first and the second character, and the third and the fourth, belong together;
    the second and the third do not.
    """

    def __init__(self, store: Store) -> None:
        self.together: Counter[str] = Counter()
        self.apart: Counter[str] = Counter()
        for dynasty in ("tang", "song"):
            for poem in store.poems(dynasty=dynasty, split="train"):
                for line in poem.lines:
                    if len(line) in (5, 7):
                        self.together.update((line[:2], line[2:4]))
                        self.apart[line[1:3]] += 1

    def join(self, pair: str) -> float:
        """Return how much two characters belong together, as the logarithm of a ratio."""
        return math.log((2 * self.together[pair] + 1) / (4 * self.apart[pair] + 1))


def rows(shapes: Sequence[BookShape], poems: Iterable[CorpusPoem], words: "Words") -> list[str]:
    """Return the rows of the table.

    The tunes with the most pieces come first, and of a tune's shapes the usual one of 《欽定詞譜》.
    """
    # 1) The shapes and the names of each tune, by the first name that the book gives it.
    counted = _shapes_of_tunes(shapes)
    names, tune_of = _names(shapes)
    # 2) Count the pieces.
    under = _count_all(poems, counted, names, tune_of, words)
    # 3) A tune whose name mostly stands over pieces to a related tune takes its shapes: 浪淘沙.
    for (name, other), pieces in under.items():
        if other[:-1] == name and pieces > under[name, name]:
            for each in counted.pop(other):
                number = other[-1] + each.tune.number
                counted[name].append(replace(each, tune=replace(each.tune, number=number)))
            names[name].update(names.pop(other))
            tune_of = {key: name if of == other else of for key, of in tune_of.items()}
    # 4) Write the rows.
    total: Counter[str] = Counter()
    for (name, _), pieces in under.items():
        total[name] += pieces
    written = []
    for first in sorted(counted, key=lambda first: -total[first]):
        own = [name for name in names[first] if tune_of.get(_key(name), first) == first]
        written += _rows_of_tune(counted[first], own)
    return written


def _shapes_of_tunes(shapes: Sequence[BookShape]) -> dict[str, list[Counted]]:
    """Return the different shapes of each tune, by the first name that the book gives it."""
    counted: dict[str, list[Counted]] = defaultdict(list)
    for shape in shapes:
        first = shape.names[0]
        pattern = "".join(line.tones + _notation(line) for line in shape.lines)
        lines = read_lines(pattern)
        tune = Tune(name=first, names=shape.names, number=shape.number, pieces=0, lines=lines)
        if lines not in [each.tune.lines for each in counted[first]]:
            counted[first].append(Counted(shape=shape, tune=tune))
    return counted


def _names(shapes: Sequence[BookShape]) -> tuple[dict[str, dict[str, None]], dict[str, str]]:
    """Return the names of each tune, the usual one first, and the tune of each name by its key.

    A name that the book has for a tune goes before an other name of another tune.
    """
    names: dict[str, dict[str, None]] = {}
    for shape in shapes:
        names.setdefault(shape.names[0], dict.fromkeys(shape.names))
    tune_of: dict[str, str] = {}
    for first in names:
        tune_of.setdefault(_key(first), first)
    for first, of_first in names.items():
        for name in of_first:
            tune_of.setdefault(_key(name), first)
    for line in NAMES.read_text(encoding="utf-8").splitlines():
        more = line.split()
        known = [tune_of[_key(name)] for name in more if _key(name) in tune_of]
        if not known:
            continue  # the tune of no shape that was read
        first = known[0]
        names[first] = dict.fromkeys(more) | names[first]
        for name in more:
            tune_of.setdefault(_key(name), first)
    return names, tune_of


def _count_all(
    poems: Iterable[CorpusPoem],
    counted: dict[str, list[Counted]],
    names: dict[str, dict[str, None]],
    tune_of: dict[str, str],
    words: "Words",
) -> Counter[tuple[str, str]]:
    """Count the pieces; return how many under the name of each tune have a shape of each tune related to it."""
    # 1) All names as the books write them, and the tunes whose names differ in the last character.
    written: set[str] = set()
    for of_tune in names.values():
        written.update(of_tune)
    related: dict[str, list[str]] = {}
    for name in counted:
        stem = name.rstrip(_KINDS)
        related[name] = [name]
        related[name] += [
            other for other in counted if other != name and other.rstrip(_KINDS) == stem
        ]
    # 2) Each piece counts for the first of the related tunes that has its shape.
    under: Counter[tuple[str, str]] = Counter()
    for poem in poems:
        tune = tune_of.get(_key(poem.tune))
        if tune is None:
            continue
        if poem.tune not in written:  # the corpus writes the name with another form of a character
            names[tune].setdefault(poem.tune)
        usual = _key(next(iter(names[tune])))
        for other in related[tune]:
            found = []
            for book in ("格", "龍"):
                of_book = [each for each in counted[other] if each.tune.number.startswith(book)]
                best = _count(poem, of_book, words)
                if best is not None:
                    best.named += _key(poem.tune) == usual
                    found.append(best)
            if found:
                under[tune, other] += 1
                break
    return under


def _rows_of_tune(counted: Sequence[Counted], names: Sequence[str]) -> list[str]:
    """Write the rows of a tune, given its names, the usual one first."""
    usual = _usual(counted)
    led = leading(counted)
    written = []
    for each in sorted(counted, key=lambda each: each is not usual):
        cells = [f"{names[0]}·{each.tune.number}", f"{each.tune.size}", each.tune.number]
        cells += [f"{each.pieces}", _customary(each, led, _left_open(each, counted))]
        if each is usual:
            cells[0] = names[0]
            cells.append(" ".join(names[1:]))
        written.append("\t".join(cells))
    return written


def _key(name: str) -> str:
    return one_form(to_traditional(name))


def _notation(line: BookLine) -> str:
    """Write what follows the tones of a line."""
    if line.rhyme is None:
        return line.mark
    number = f"{line.rhyme + 1}" if line.rhyme else ""
    return number + line.echo + line.mark


def _count(poem: CorpusPoem, shapes: Sequence[Counted], words: "Words") -> Counted | None:
    """Add a piece to the counts of the shape that it breaks least; return that shape, or None."""
    text = only_han(poem.text)
    ends = ends_of(poem.lines)
    level, oblique = tone_masks(text, PINGSHUI)
    best = None
    least = (len(text) // MOST_FAULTS + 1, 0, 0)
    for each in shapes:
        tune = each.tune
        if tune.size != len(text) or not tune.has_ends(ends):
            continue
        misfits = tune.pattern(STRICT).misfits(level, oblique).bit_count()
        misfits += len(off_rhyme(text, tune, STRICT, PINGSHUI)[1])
        misfits += len(broken_echoes(text, tune))
        cost = (misfits + tune.moved(ends), -len(tune.echoes), -each.pieces)
        if cost < least:
            best = each
            least = cost
    if best is None:
        return None
    best.pieces += 1
    # 1) The tones.
    tones = "".join(line.tones for line in best.tune.lines)
    for place, tone in enumerate(tones):
        can_be_level = level >> place & 1
        can_be_oblique = oblique >> place & 1
        if can_be_level != can_be_oblique:
            best.certain[place] += 1
            best.other[place] += bool(can_be_level) != (tone == "P")
    # 2) The rhymes.
    off = off_rhyme(text, best.tune, CUSTOMARY, PINGSHUI)[1]
    start = 0
    for number, (line, end) in enumerate(zip(best.tune.lines, best.tune.ends, strict=True)):
        if line.rhyme is not None and set(off) <= {number}:
            best.rhyming[number] += 1
            best.unrhymed[number] += number in off
        # 3) The words.
        if end - start >= 4:
            first = words.join(text[start : start + 2])
            second = words.join(text[start + 1 : start + 3])
            best.joins[number] = best.joins.get(number, 0.0) + second - first
        start = end
    return best


def _usual(counted: Sequence[Counted]) -> Counted:
    """Return the first shape of those whose lines have the lengths that most pieces under the usual name have."""
    of_the_book = [each for each in counted if "格" in each.tune.number]
    if sum(each.named for each in of_the_book) < FEWEST:
        of_the_book = list(counted)
    pieces: Counter[tuple[int, ...]] = Counter()
    for each in of_the_book:
        pieces[each.tune.ends] += each.named
    most = max(pieces, key=lambda ends: pieces[ends])
    return next(each for each in of_the_book if each.tune.ends == most)


def leading(counted: Sequence[Counted]) -> set[Place]:
    """Return the places at which the first character of a line leads, in any shape of a tune."""
    pieces: Counter[Place] = Counter()
    joins: dict[Place, float] = defaultdict(float)
    for each in counted:
        for number, join in each.joins.items():
            for place in _places(each, number):
                pieces[place] += each.pieces
                joins[place] += join
    led = set()
    for place, total in pieces.items():
        if total >= FEWEST_LED and joins[place] > LED * total:
            led.add(place)
    return led


def _places(counted: Counted, number: int) -> list[Place]:
    """Return where a line is: its stanza, the characters of the stanza before it or after it, and its length."""
    lines = counted.shape.lines
    stanza = sum(number >= begin for begin in counted.shape.stanzas)
    bounds = sorted(counted.shape.stanzas)
    bounds.insert(0, 0)
    bounds.append(len(lines))
    before = sum(len(line.tones) for line in lines[bounds[stanza] : number])
    after = sum(len(line.tones) for line in lines[number + 1 : bounds[stanza + 1]])
    size = len(lines[number].tones)
    return [(stanza, before, -1, size), (stanza, -1, after, size)]


def _left_open(counted: Counted, shapes: Sequence[Counted]) -> set[int]:
    """Return the positions that 龍榆生 leaves open in a shape with the same lines and rhymes."""

    def plan(each: Counted) -> list[tuple[int, int | None]]:
        return [(len(line.tones), line.rhyme) for line in each.shape.lines]

    found = set()
    for other in shapes:
        if other.tune.number.startswith("龍") and plan(other) == plan(counted):
            tones = "".join(line.tones for line in other.shape.lines)
            found |= {place for place, tone in enumerate(tones) if tone == "x"}
    return found


def _tone_of_pieces(counted: Counted, place: int, word: str) -> str:
    """Return the tone that nearly all pieces of a shape have at an open position, or x.

    The character `word` of the book's own sample must have it too.
    """
    certain = counted.certain[place]
    if certain < FEWEST_SURE:
        return "x"
    tones = PINGSHUI.tones(word)
    level = counted.other[place] / certain  # of an open position, what is level counts as other
    if level >= 1 - CUSTOMARY_SHARE and LEVEL in tones:
        return "P"
    if level <= CUSTOMARY_SHARE and OBLIQUE in tones:
        return "Z"
    return "x"


def _customary(counted: Counted, led: set[Place], left_open: set[int]) -> str:
    """Write the lines of a shape with what is customary, and the characters that lead."""
    written = []
    place = 0
    for number, line in enumerate(counted.shape.lines):
        signs = ""
        is_silent = "x" * OPEN_RUN in line.tones
        for tone, word in zip(line.tones, line.words, strict=True):
            if tone == "x":
                signs += _tone_of_pieces(counted, place, word) if is_silent else tone
            else:
                other = counted.other[place]
                often = other >= max(FEWEST, CUSTOMARY_SHARE * counted.certain[place])
                signs += tone.lower() if often or place in left_open else tone
            place += 1
        rest = _notation(line)
        if line.rhyme is not None:
            signs = signs[:-1] + line.tones[-1]
            unrhymed = counted.unrhymed[number]
            if unrhymed >= max(FEWEST, CUSTOMARY_SHARE * counted.rhyming[number]):
                rest += "?"
        lead = "!" if led.intersection(_places(counted, number)) else ""
        stanza = "|" if number + 1 in counted.shape.stanzas else ""
        written.append(lead + signs + rest + stanza)
    return "".join(written)
