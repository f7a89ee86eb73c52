"""Split pasted text into poems and lines 句, and remove marks, headings and comments."""

import html
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import chain, takewhile
from typing import NamedTuple

from pingze.verse.characters import HAN
from pingze.verse.forms import FEWEST_LINES
from pingze.verse.tunes import matching_shapes, named_tune, nearness, with_shape

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
    return list(chain.from_iterable(row.lines for row in rows))


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
        keep_others: Whether to return also the texts between two poems that have no Chinese, in
            their places.
    """
    # 1) Divide the text at blank lines. Blocks without Chinese go to `others`, under the index of
    # the block that follows them.
    text = _with_blank_lines(_normalised(text))
    blocks: list[str] = []
    others: defaultdict[int, list[str]] = defaultdict(list)
    for block in _BLANK_LINES.split(text):
        if _NOT_CHARACTER.sub("", block):
            blocks.append(block.strip("\n"))
        elif re.search(r"\w", block):
            others[len(blocks)].append(block.strip("\n"))
    # 2) Join the blocks of each poem.
    poems: list[str] = []
    poem_starts: list[int] = []  # the index of the first block of each poem
    start = 0  # the index of the first block of the next poem
    end = 0  # the index after its last block so far
    while end < len(blocks):
        pending = blocks[start:end]  # a title, or couplets that are too few for a poem so far
        blocks_of_tune = _blocks_to_tune(pending, blocks[end:])
        end += max(blocks_of_tune, 1)
        if not blocks_of_tune:
            block = blocks[end - 1]
            rows = _rows_of("\n".join(blocks[start:end]))
            lines = _lines_of(rows)
            marked = any(row.marked for row in rows)
            if poems and not pending and _belongs(block, lines, marked, poems[-1], form):
                poems[-1] += "\n" + block
                start = end
                continue
            if len(lines) < FEWEST_LINES and not marked and end < len(blocks):
                continue
        poems.append("\n".join(blocks[start:end]))
        poem_starts.append(start)
        start = end
    if not keep_others:
        return poems
    # 3) Put the blocks without Chinese back before the poems that they precede, but none before the
    # first poem.
    texts: list[str] = []
    for start, poem in zip(poem_starts, poems, strict=True):
        if texts:
            texts += others[start]
        texts.append(poem)
    return texts


def _blocks_to_tune(pending: list[str], blocks: list[str]) -> int:
    """Return how many blocks, from the first on, make a 詞 to the tune that a row above it names.

    That row is in a pending block or in the first block. A preface may stand before the 詞. Return
    0 if no tune is named, or if the blocks do not end in a 詞 to it.
    """
    first_rows = "\n".join([*pending, blocks[0]]).split("\n")
    headings = [row for row in first_rows if not _STOP.search(row)]
    tune = named_tune(headings[:_MOST_HEADINGS])
    if tune is None:
        return 0
    for count in range(1, min(len(blocks), _MOST_BLOCKS) + 1):
        rows = [row for row in _rows_of("\n".join(blocks[:count])) if row.lines]
        # the 詞 may begin at any row with marks, with title and preface above it
        for start in range(len(rows)):
            if rows[start].marked and matching_shapes(tune, _lines_of(rows[start:])):
                return count
    return 0


def _belongs(block: str, lines: list[str], marked: bool, poem: str, form: str | None) -> bool:
    """Return whether a block belongs to the poem before it.

    `lines` has the block's lines, and `marked` tells whether any has marks.
    """
    if _COMMENT.match(block):
        return True
    if max(len(poem), len(block)) > _LONGEST_BLOCK:
        return False
    only_poem_is_marked = _STOP.search(poem) is not None and not marked
    if only_poem_is_marked:  # the block is rather the title of the next poem
        return False
    return _continues(read_text(poem), lines, form)


def _with_blank_lines(text: str) -> str:
    """Insert missing blank lines between poems.

    A poem begins at a heading or where the width of the lines changes.
    """
    rows = _rows_of(text)
    is_verse = [row.marked or row.has_width(5) or row.has_width(7) for row in rows]
    # 1) Count the lines of verse from each row to the end.
    lines_ahead = [0] * len(rows)
    total = 0
    for n in range(len(rows) - 1, -1, -1):
        if is_verse[n]:
            total += len(rows[n].lines)
        lines_ahead[n] = total
    # 2) Copy the rows, with a blank line before each new poem.
    copied: list[str] = []
    line_count = 0  # the number of lines of the poem so far
    widths: set[int] = set()  # the widths of these lines
    for n, row in enumerate(rows):
        if _COMMENT.match(row.text):  # comments follow the last poem
            copied += [below.text for below in rows[n:]]
            break
        if not row.text.strip():
            line_count = 0
            widths = set()
        elif min(line_count, lines_ahead[n]) >= FEWEST_LINES and len(widths) == 1:
            # a whole poem may end here, and another one may follow
            (width,) = widths
            is_signature = row.text.lstrip().startswith("—")  # a poet's name below the poem
            has_other_width = not row.marked and not row.has_width(width)
            may_be_title = row.heading or _NUMBERED.match(row.text) or has_other_width
            # two whole poems of different widths, as eight lines of five before four of seven
            both_are_whole = line_count in (4, 8) and lines_ahead[n] in (4, 8)
            width_changes = both_are_whole and all(
                len(line) != width for line in _lines_of(rows[n:])
            )
            if (may_be_title and not is_signature) or width_changes:
                copied.append("")
                line_count = 0
                widths = set()
        # Within a poem every row counts, also one that does not look like verse: a poem with lines
        # of several widths is not parted.
        if row.lines and (is_verse[n] or line_count) and not row.heading:
            line_count += len(row.lines)
            widths.update(len(line) for line in row.lines)
        copied.append(row.text)
    return "\n".join(copied)


def _continues(read: ReadText, next_lines: list[str], form: str | None) -> bool:
    """Return whether the lines of the next block continue a poem.

    They do if they are another stanza of a 詞, or if both the poem and the block have at most three
    lines, all of one length.
    """
    lines = read.lines + next_lines
    both_are_short = max(len(read.lines), len(next_lines)) < FEWEST_LINES
    if both_are_short and _of_one_length(lines):
        return True
    # a smaller pair is nearer to a tune
    joined = nearness(lines)
    alone = nearness(read.lines)
    if joined is not None and (alone is None or joined < alone):
        return True
    # The first lines that were read may be headings, of which one names the tune of a 詞; at least
    # two lines must remain. Lines of one length have no heading among them.
    most_headings = 0
    if not _of_one_length(read.lines):
        most_headings = max(0, min(_MOST_HEADINGS, len(read.lines) - 2))
    for start in range(most_headings + 1):
        headings = [form] if form else read.left_out + lines[:start]
        tune = named_tune(headings)
        if tune is not None and matching_shapes(tune, lines[start:]):
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
    # most texts are just verse, which needs nothing else
    if _PLAIN.fullmatch(text):
        lines = re.split("[，。]", text)[:-1]  # nothing follows the last mark
        if _of_one_length(lines):
            return ReadText(lines=lines, left_out=[], headings=[], cut=None)
    written_rows = _normalised(text).split("\n")
    # 1) Remove the comments, which follow the poem: the first row is none.
    end = len(written_rows)
    for n, written_row in enumerate(written_rows):
        if n and _COMMENT.match(written_row):
            end = n
            break
    without_comments = "\n".join(written_rows[:end])
    every_row = _rows_of(_REMARK.sub("", without_comments))
    rows = [row for row in every_row if row.lines]
    # 2) Cut rows without marks into lines.
    cut = _cut_unmarked(rows)
    # 3) Remove the headings. If the remaining lines differ in length, try other readings that give
    # equal lines. These may join and divide rows: a row is then part of the verse if the verse
    # contains its characters.
    verse = _without_headings(rows) or rows
    lines = _lines_of(verse)
    rows_of_verse = set(verse)
    characters_of_verse = ""
    if len(rows) <= _MOST_ROWS and _may_be_other_lines(lines, rows):
        verse = _other_division(verse, rows) or verse
        lines = _lines_of(verse)
        characters_of_verse = "".join(lines)
        rows_of_verse = {row for row in rows if "".join(row.lines) in characters_of_verse}

    # 4) List what was left out; a quoted poem that was found is shown as 「…」.
    def shortened(quotation: re.Match[str]) -> str:
        is_poem = _NOT_CHARACTER.sub("", quotation[1]) == characters_of_verse
        return "「…」" if is_poem else quotation[0]

    rows_left_out = [row.text for row in rows if row not in rows_of_verse]
    left_out = [_QUOTED.sub(shortened, row).strip() for row in rows_left_out]
    left_out += [remark.group() for remark in _REMARK.finditer(without_comments)]
    left_out += [row.strip() for row in written_rows[end:] if row.strip()]
    rows_above = takewhile(lambda row: row not in rows_of_verse, every_row)
    headings = [row.text for row in rows_above]
    return ReadText(lines=lines, left_out=left_out, headings=headings, cut=cut)


def _may_be_other_lines(lines: list[str], rows: list[_Row]) -> bool:
    """Return whether lines are of several lengths, and lack the shape of the tune that a heading names, or of any."""
    if _of_one_length(lines):
        return False
    tune = named_tune(row.text for row in rows[:_MOST_HEADINGS] if not row.marked)
    if tune is not None:
        return not matching_shapes(tune, lines)
    return not with_shape(lines)


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


def _other_division(verse: list[_Row], rows: list[_Row]) -> list[_Row]:
    """Try other ways to divide a text into lines.

    `rows` has all rows of the text, `verse` those that are left without the headings. If `verse`
    ends in a 詞 to the tune that a heading names, return the rows of that 詞. Otherwise return the
    first of the following divisions that has four or more lines, all of four to seven characters
    and of equal length, or [] if none has:

    - what follows a preface 并序;
    - `verse` with lines that do not end at the marks 、 and ：;
    - all rows, or those below the first, second or third, with lines that do not end at the mark 、
      or at the end of a row;
    - a poem in quotation marks, without the prose around it.
    """
    # 1) Skip headings above a 詞 to the tune that one of them names.
    tune = named_tune(row.text for row in rows[:_MOST_HEADINGS])
    if tune is not None:
        for n in range(len(verse)):
            if matching_shapes(tune, _lines_of(verse[n:])):
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
    # the verse has the most frequent width, if possible of the rows with marks, which are verse
    widths: Counter[int] = Counter()
    for row in marked_rows or rows:
        widths.update(len(line) for line in row.lines)
    if not widths:
        return rows
    width = widths.most_common(1)[0][0]
    may_be_heading = [not row.marked and not row.has_width(width) for row in rows]
    # 1) Skip the headings above the verse: rows of another width, or a title as wide as the verse
    # and then a poet. If every row may be a heading, none is skipped.
    first = may_be_heading.index(False) if False in may_be_heading else 0
    for n in range(first + 1, min(_MOST_HEADINGS, len(rows) - 1)):
        title = rows[n - 1]
        poet = rows[n]
        if title.marked or not may_be_heading[n] or len(poet.lines[0]) > _LONGEST_POET:
            break
        first = n + 1
    # 2) Skip the rows below the verse, which only marks tell from its last line.
    end = len(rows)
    while marked_rows and end > first and may_be_heading[end - 1]:
        end -= 1
    verse = rows[first:end]
    if not marked_rows and not all(row.has_width(width) for row in verse):
        # with several lengths and no marks, a title cannot be distinguished from a line
        return rows
    # 3) Remove a title as long as the lines: an unmarked first row that makes the poem one line too
    # long.
    line_count = sum(len(row.lines) for row in verse)
    one_more_than_a_form = line_count - 1 in (4, 8)  # 絕, 律
    is_odd = bool(marked_rows) and line_count % 2 == 1
    is_one_unmarked_line = not verse[0].marked and len(verse[0].lines) == 1
    if (one_more_than_a_form or is_odd) and is_one_unmarked_line:
        return verse[1:]
    return verse


def _normalised(text: str) -> str:
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
        usual_width = widths.most_common(1)[0][0]

        def with_boxes(line: re.Match[str]) -> str:
            return _QUERY.sub("□", line[0]) if len(line[0]) == usual_width else line[0]

        text = re.sub("[^，。；！,;!\n]+", with_boxes, text)
    return re.sub("([" + HAN + "])[々〻]", r"\1\1", text)
