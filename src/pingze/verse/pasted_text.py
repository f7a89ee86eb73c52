"""Split pasted text into poems and lines 句, and remove marks, headings and comments."""

import html
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from pingze.verse.characters import HAN
from pingze.verse.forms import FEWEST_LINES
from pingze.verse.tunes import have_named_shape, have_shape, named_tune, nearness

_CHARACTER = f"{HAN}□〇"  # □ represents a lost character and fits any tone
_STOPS = "，。？！；,.?!;｡､．…—﹐﹒﹔﹖﹗"
_ENDS_LINE = re.compile(f"[{_STOPS}、：:﹕︰/|]")
_STOP = re.compile(f"[{_CHARACTER}][”’」』\"']*[{_STOPS}]")
_REMARK = re.compile(
    r"\([^()\n]*\)|（[^（）\n]*）|\[[^\[\]\n]*\]|〔[^〔〕\n]*〕|［[^［］\n]*］|[橫横]批[：:].*"
)
_HEADING = re.compile(r"\s*[#《〈【]|.*[》〉】]\s*$")
# a title in brackets, with what precedes it, and a poet with a colon, before verse in the same row
_TITLED = re.compile(
    f"(?m)^([^{_STOPS}\\n]*[《〈【][^《〈【》〉】\\n]*[》〉】](?:[{HAN}·（）()〔〕\\[\\] ]{{1,9}}(?=[：:]))?)"
    f"[^\\S\\n]*[：:]?[^\\S\\n]*(?=[{_CHARACTER}])"
)
_NUMBERED = re.compile(r"\s*[（(【]?其?[一二三四五六七八九十]{1,3}[）)】、.]?\s*$")
_PREFACE = re.compile("[并並有][序敘引]")
_QUOTED = re.compile('[「『“‘"]([^「」『』“”‘’"]+)[」』”’"]')
_RUBY = re.compile(r"<r[tp]\b[^<>]*>[^<>]*</r[tp]>", re.IGNORECASE)
# labels of a couplet's lines
_URL_OR_LABEL = re.compile(r"https?://\S+|www\.\S+|上[聯联][：:]|下[聯联][：:]")
# a question mark before a character, and after one or at the start of a row
_QUERY = re.compile(f"(?<=[{HAN}])[?？](?=[{HAN}])|(?:(?<=\n)|^)[?？](?=[{HAN}])")
# circles and boxes that stand for lost characters
_LOST = re.compile(
    f"(?<![^{HAN}{_STOPS}\n])[○◯＿囗▢]+(?=[{HAN}{_STOPS}\n]|$)|(?<=[{HAN}])[○◯＿囗▢]"
)
_COMMENT = re.compile(
    r"(?m)\s*[【\[(（]?(?:注释|注釋|註釋|注解|译文|譯文|赏析|賞析|简析|簡析|创作背景|作者简介)\s*(?:[】\])）：:]|$)|\s*[橫横]批[：:].*\Z"
)
# most texts are just verse; 囗 is a lost character
_PLAIN = re.compile("(?:[\u4e00-\u56d6\u56d8-\u9fff]+[，。])+")
_NOT_CHARACTER = re.compile(f"[^{_CHARACTER}]")
_BLANK_LINES = re.compile(r"\n(?:[^\S\n]*\n)+")
_SHORTEST_PIECE = 4  # spaces between shorter pieces are only letter-spacing
_MOST_ROWS = 100  # longer texts are read in one way only
_MOST_HEADINGS = 3  # the largest number of rows before the verse: title, dynasty, poet
_MOST_BLOCKS = 6  # title, poet, preface, and the stanzas of a 詞
_LONGEST_POET = 4  # the largest number of characters in a poet's name
# a block with more characters, title and preface included, is not joined to another
_LONGEST_BLOCK = 400

_UNMARKED = {20: (5, 1), 28: (7, 1), 40: (5, 1), 56: (7, 1), 10: (5, 2), 14: (7, 2)}
"""For each length of a row without marks: the width of its lines, and how many such rows a text needs at least."""

_TAG = re.compile(
    r"</?(?:ruby|rb|br|p|div|span|li|ul|em|i|b|strong|h\d|a|font|td|tr)\b[^<>]*>", re.IGNORECASE
)
_BREAK = re.compile(r"<(?:br|/p|/div|/li|/h\d|/tr)\b[^<>]*>", re.IGNORECASE)


class ReadText(NamedTuple):
    """A poem's lines, with a record of how the text was parsed."""

    lines: list[str]
    """The Han characters of each line, without marks; □ represents a lost character."""
    left_out: list[str]
    """The title, the author and any remarks, as they were written."""
    headings: list[str]
    """The rows above the verse, also those in other letters."""
    cut: int | None
    """The width of the lines into which rows without marks were cut; None if no row was cut."""


class _Row:
    """A row of the text, its lines, and whether it has the punctuation of verse."""

    def __init__(self, row: str) -> None:
        self.text = row
        self.marked = _STOP.search(row) is not None
        self.heading = not self.marked and _HEADING.match(row) is not None
        self.lines: list[str] = []
        for part in _ENDS_LINE.split(row):
            pieces = [_NOT_CHARACTER.sub("", piece) for piece in part.split()]
            pieces = [piece for piece in pieces if piece]
            if all(len(piece) >= _SHORTEST_PIECE for piece in pieces):
                self.lines += pieces
            else:
                self.lines.append("".join(pieces))

    def has_width(self, width: int) -> bool:
        """Return whether every line of the row has `width` characters."""
        return all(len(line) == width for line in self.lines)


def _rows_of(text: str) -> list[_Row]:
    return [_Row(row) for row in text.split("\n")]


def _lines_of(rows: Iterable[_Row]) -> list[str]:
    lines: list[str] = []
    for row in rows:
        lines += row.lines
    return lines


def _of_one_length(lines: Iterable[str]) -> bool:
    return len({len(line) for line in lines}) == 1


def split_poems(text: str, *, form: str | None = None, keep_others: bool = False) -> list[str]:
    """Split a text into poems at blank lines.

    A title remains with its poem even if a blank line follows it. Blank lines between couplets or
    single lines do not separate poems, since a poem has at least four lines. Nor do blank lines
    between the stanzas of a 詞.

    Args:
        text: One poem or several; HTML tags are removed.
        form: The form of the poems if it is known; the stanzas of a 玉樓春 without a heading could
            be two 七絕.
        keep_others: Whether a text between two poems that is no Chinese keeps its place among them.
    """
    text = _parted(_normal(text))
    blocks: list[str] = []
    # blocks that are no Chinese, by the number of the block that follows them
    others: defaultdict[int, list[str]] = defaultdict(list)
    for block in _BLANK_LINES.split(text):
        if _NOT_CHARACTER.sub("", block):
            blocks.append(block.strip("\n"))
        elif re.search(r"\w", block):
            others[len(blocks)].append(block.strip("\n"))
    poems: list[str] = []
    pending = ""  # a title, or couplets that are too few for a poem so far
    pending_lines = 0
    starts: list[int] = []  # the number of the first block of each poem
    first = 0  # the first block of the poem that is being gathered
    place = 0
    while place < len(blocks):
        if not pending:
            first = place
        block = blocks[place]
        joined = _blocks_to_tune(pending, blocks[place:])
        if joined:
            poems.append(pending + "\n".join(blocks[place : place + joined]))
            starts.append(first)
            pending = ""
            pending_lines = 0
            place += joined
            continue
        place += 1
        rows = _rows_of(block)
        lines = _lines_of(rows)
        marked = any(row.marked for row in rows)
        if poems and not pending and _belongs(block, lines, marked, poems[-1], form):
            poems[-1] += "\n" + block
        elif pending_lines + len(lines) < FEWEST_LINES and not marked:
            pending += block + "\n"
            pending_lines += len(lines)
        else:
            poems.append(pending + block)
            starts.append(first)
            pending = ""
            pending_lines = 0
    if pending:
        poems.append(pending.strip("\n"))
        starts.append(first)
    if not keep_others:
        return poems
    texts: list[str] = []
    for start, poem in zip(starts, poems, strict=True):
        if texts:
            texts += others[start]
        texts.append(poem)
    return texts


def _blocks_to_tune(heading: str, blocks: list[str]) -> int:
    """Return how many of the blocks make the 詞 to the tune that the heading or the first row names.

    The blocks may begin with a preface. Return 0 if no first blocks end in such a 詞.
    """
    headings = [row for row in (heading + blocks[0]).split("\n") if not _STOP.search(row)]
    if named_tune(headings[:_MOST_HEADINGS]) is None:
        return 0
    for count in range(1, min(len(blocks), _MOST_BLOCKS) + 1):
        rows = [row for row in _rows_of("\n".join(blocks[:count])) if row.lines]
        for first in range(len(rows)):
            if rows[first].marked and have_named_shape(_lines_of(rows[first:]), headings):
                return count
    return 0


def _belongs(block: str, lines: list[str], marked: bool, poem: str, form: str | None) -> bool:
    """Return whether a block belongs to the poem before it.

    `lines` has the block's lines, and `marked` tells whether any has marks.
    """
    if _COMMENT.match(block):
        return True
    if max(len(poem), len(block)) > _LONGEST_BLOCK or (_STOP.search(poem) and not marked):
        return False
    return _goes_on(read_text(poem), lines, form)


def _parted(text: str) -> str:
    """Insert missing blank lines between poems.

    A poem begins at a heading or where the width of the lines changes.
    """
    rows = _rows_of(text)
    is_verse = [row.marked or row.has_width(5) or row.has_width(7) for row in rows]
    # 1) Count the lines of verse from each row to the end.
    ahead = [0] * len(rows)
    total = 0
    for n in range(len(rows) - 1, -1, -1):
        if is_verse[n]:
            total += len(rows[n].lines)
        ahead[n] = total
    # 2) Copy the rows, with a blank line before each new poem.
    parted: list[str] = []
    count = 0  # the number of lines of the poem so far
    widths: set[int] = set()  # and their widths
    for n, row in enumerate(rows):
        if _COMMENT.match(row.text):
            parted += [below.text for below in rows[n:]]
            break
        if not row.text.strip():
            count = 0
            widths = set()
        elif count >= FEWEST_LINES and ahead[n] >= FEWEST_LINES and len(widths) == 1:
            (width,) = widths
            signed = row.text.lstrip().startswith("—")
            has_other_width = not row.marked and not row.has_width(width)
            starts = row.heading or _NUMBERED.match(row.text) or has_other_width
            # two whole poems of different widths, as eight lines of five before four of seven
            both_are_whole = count in (4, 8) and ahead[n] in (4, 8)
            turns = both_are_whole and all(len(line) != width for line in _lines_of(rows[n:]))
            if (starts and not signed) or turns:
                parted.append("")
                count = 0
                widths = set()
        # within a poem every row counts: a poem with lines of several widths is not parted
        if row.lines and (is_verse[n] or count) and not row.heading:
            count += len(row.lines)
            widths.update(len(line) for line in row.lines)
        parted.append(row.text)
    return "\n".join(parted)


def _goes_on(read: ReadText, more: list[str], form: str | None) -> bool:
    """Return whether `more` continues a poem: a stanza of a 詞, or up to three lines after as many, of one length."""
    lines = read.lines + more
    short = max(len(read.lines), len(more)) < FEWEST_LINES
    if short and _of_one_length(lines):
        return True
    fit = nearness(lines)
    own_fit = nearness(read.lines)
    if fit is not None and (own_fit is None or fit < own_fit):
        return True
    # the first lines of a 詞 may be headings
    most = 0
    if len({len(line) for line in read.lines}) > 1:
        most = max(0, min(_MOST_HEADINGS, len(read.lines) - 2))
    for start in range(most + 1):
        headings = [form] if form else read.left_out + lines[:start]
        if have_named_shape(lines[start:], headings):
            return True
    return False


def read_lines(text: str) -> list[str]:
    """Return the lines of one poem, as `read_text` finds them."""
    return read_text(text).lines


def read_text(text: str) -> ReadText:
    """Find the lines of one poem: sequences of Han characters between marks, spaces and line breaks.

    The title and the author are left out: rows at the start or end that have no full stop or comma
    and either differ in length from the poem's lines or make the number of lines odd. Remarks in
    brackets are left out too, and so is the text after 注釋 or 譯文. If no row has marks, each row
    with as many characters as a 絕 or 律 is cut into lines. Rows with as many characters as a
    couplet are cut if at least two rows have that length.
    """
    if _PLAIN.fullmatch(text):
        lines = re.split("[，。]", text)[:-1]
        if _of_one_length(lines):
            return ReadText(lines=lines, left_out=[], headings=[], cut=None)
    written = _normal(text).split("\n")
    # 1) Remove the comments, which follow the poem.
    end = len(written)
    for n, row in enumerate(written):
        if n and _COMMENT.match(row):
            end = n
            break
    normal = "\n".join(written[:end])
    every = _rows_of(_REMARK.sub("", normal))
    rows = [row for row in every if row.lines]
    # 2) Cut rows without marks into lines.
    cut = _cut_unmarked(rows)
    # 3) Remove the headings. If the remaining lines differ in length, try other readings that give
    # equal lines.
    verse = _without_headings(rows) or rows
    lines = _lines_of(verse)
    kept = set(verse)
    used = ""
    if len(rows) <= _MOST_ROWS and _may_be_other_lines(lines, rows):
        verse = _otherwise(verse, rows) or verse
        lines = _lines_of(verse)
        used = "".join(lines)
        kept = {row for row in rows if "".join(row.lines) in used}

    # 4) List what was left out; a quoted poem that was found is shown as 「…」.
    def shortened(quotation: re.Match[str]) -> str:
        is_poem = _NOT_CHARACTER.sub("", quotation[1]) == used
        return "「…」" if is_poem else quotation[0]

    left_out = [_QUOTED.sub(shortened, row.text).strip() for row in rows if row not in kept]
    left_out += [remark.group() for remark in _REMARK.finditer(normal)]
    left_out += [row.strip() for row in written[end:] if row.strip()]
    headings = []
    for heading in every:
        if heading in kept:
            break
        headings.append(heading.text)
    return ReadText(lines=lines, left_out=left_out, headings=headings, cut=cut)


def _may_be_other_lines(lines: list[str], rows: list[_Row]) -> bool:
    """Return whether lines are of several lengths, and lack the shape of the tune that a heading names, or of any."""
    if len({len(line) for line in lines}) == 1:
        return False
    headings = [row.text for row in rows[:_MOST_HEADINGS] if not row.marked]
    if named_tune(headings) is not None:
        return not have_named_shape(lines, headings)
    return not have_shape(lines)


def _cut_unmarked(rows: list[_Row]) -> int | None:
    """Cut rows of the lengths in `_UNMARKED` into lines, in place, unless a row has marks.

    Return the width of the lines, or None if no row was cut. Such rows count as verse whatever
    surrounds them.
    """
    if any(row.marked for row in rows):
        return None
    for length, (width, fewest) in _UNMARKED.items():
        unmarked = [row for row in rows if len(row.lines) == 1 and row.has_width(length)]
        if len(unmarked) >= fewest:
            for row in unmarked:
                whole = row.lines[0]
                row.lines = [whole[start : start + width] for start in range(0, length, width)]
                row.marked = True
            return width
    return None


def _otherwise(verse: list[_Row], rows: list[_Row]) -> list[_Row]:
    """Try other ways to divide a text into lines.

    `rows` has all rows of the text, `verse` those that are left without the headings. If `verse`
    ends in a 詞 to the tune that a heading names, return the rows of that 詞. Otherwise return the
    first of these that has four or more lines of equal length, or [] if none has:

    - what follows a preface 并序;
    - `verse` with lines that do not end at the marks 、 and ：;
    - all rows, or those below the first, second or third, with lines that do not end at the mark 、
      or at the end of a row;
    - a poem in quotation marks, without the prose around it.
    """
    # 1) Skip headings above a 詞 to the tune that one of them names.
    headings = [row.text for row in rows[:_MOST_HEADINGS]]
    for n in range(len(verse)):
        if have_named_shape(_lines_of(verse[n:]), headings):
            return verse[n:]
    # 2) Skip a preface.
    divisions: list[list[_Row]] = []
    for n in range(1, len(verse)):
        above = "".join(row.text for row in rows[:n])
        if _PREFACE.search(above):
            divisions.append(verse[n:])
    # 3) Join what marks and the ends of rows divide. If rows are joined, the parts of a line may be
    # rows that seemed to be headings, so that `verse` lacks them.
    divisions.append([_Row(re.sub("[、：:]", "", row.text)) for row in verse])
    for n in range(_MOST_HEADINGS + 1):
        joined = "".join(row.text for row in rows[n:])
        divisions.append([_Row(joined.replace("、", ""))])
    # 4) Keep only what is quoted.
    text = "\n".join(row.text for row in verse)
    divisions += [[_Row(quotation[1])] for quotation in _QUOTED.finditer(text)]
    for division in divisions:
        lines = _lines_of(division)
        if len(lines) >= FEWEST_LINES and _of_one_length(lines) and len(lines[0]) in (4, 5, 6, 7):
            return division
    return []


def _without_headings(rows: list[_Row]) -> list[_Row]:
    rows = [row for row in rows if not row.heading]
    marked_rows = [row for row in rows if row.marked]
    widths: Counter[int] = Counter()
    for row in marked_rows or rows:
        widths.update(len(line) for line in row.lines)
    if not widths:
        return rows
    width = widths.most_common(1)[0][0]
    may_go = [not row.marked and not row.has_width(width) for row in rows]
    # 1) Skip the headings above the verse: rows of another width, or a title as wide as the verse
    # and then a poet. If every row may go, none does.
    first = may_go.index(False) if False in may_go else 0
    for place in range(first + 1, min(_MOST_HEADINGS, len(rows) - 1)):
        title = rows[place - 1]
        poet = rows[place]
        if title.marked or not may_go[place] or len(poet.lines[0]) > _LONGEST_POET:
            break
        first = place + 1
    # 2) Skip the rows below the verse, which only marks tell from its last line.
    last = len(rows)
    while marked_rows and last > first and may_go[last - 1]:
        last -= 1
    verse = rows[first:last]
    if not marked_rows and not all(row.has_width(width) for row in verse):
        # with several lengths and no marks, a title cannot be distinguished from a line
        return rows
    # 3) Remove a title as long as the lines: an unmarked first row that makes the poem one line too
    # long.
    count = sum(len(row.lines) for row in verse)
    one_more_than_a_form = count - 1 in (4, 8)  # 絕, 律
    is_odd = bool(marked_rows) and count % 2 == 1
    is_one_unmarked_line = not verse[0].marked and len(verse[0].lines) == 1
    if (one_more_than_a_form or is_odd) and is_one_unmarked_line:
        return verse[1:]
    return verse


def _normal(text: str) -> str:
    """Normalise characters (NFC), line breaks and lost characters (to □), expand 々; remove tags, URLs and labels."""
    if "<" in text or "&" in text:
        text = html.unescape(_TAG.sub("", _BREAK.sub("\n", _RUBY.sub("", text))))
    text = _URL_OR_LABEL.sub(" ", text.replace("\ufeff", ""))
    text = unicodedata.normalize("NFC", text)
    text = _TITLED.sub(r"\1\n", "\n".join(text.splitlines()))
    text = _LOST.sub(lambda lost: "□" * len(lost[0]), text)
    if _QUERY.search(text):
        # a question mark is a lost character only in a line that is as wide as most
        widths = Counter(len(line) for line in re.split(f"[{_STOPS}\n]+", text.strip()))
        width = widths.most_common(1)[0][0]

        def mended(line: re.Match[str]) -> str:
            return _QUERY.sub("□", line[0]) if len(line[0]) == width else line[0]

        text = re.sub("[^，。；！,;!\n]+", mended, text)
    return re.sub("([" + HAN + "])[々〻]", r"\1\1", text)
