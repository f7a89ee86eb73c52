"""Split pasted text into poems and lines 句, and remove marks, headings and comments."""

import html
import re
import unicodedata
from collections import Counter
from itertools import accumulate
from typing import NamedTuple

from pingze.verse.characters import HAN
from pingze.verse.forms import FEWEST_LINES
from pingze.verse.tunes import have_named_shape, have_shape

_CHARACTER = f"{HAN}□〇"  # □ represents a lost character and fits any tone
_STOPS = "，。？！；,.?!;｡､．…—﹐﹒﹔﹖﹗"
_ENDS_LINE = re.compile(f"[{_STOPS}、：:﹕︰/|]")
_STOP = re.compile(f"[{_CHARACTER}][”’」』\"']*[{_STOPS}]")
_REMARK = re.compile(
    r"\([^()\n]*\)|（[^（）\n]*）|\[[^\[\]\n]*\]|〔[^〔〕\n]*〕|［[^［］\n]*］|[橫横]批[：:].*"
)
_HEADING = re.compile(r"\s*[#《〈【]|.*[》〉】]\s*$")
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
_QUERY = re.compile(f"(?<=[{HAN}])[?？](?=[{HAN}])|(?:(?<=\n)|^)[?？](?=[{HAN}])")
_LOST = re.compile(
    f"[○◯＿囗▢](?=[{HAN}○◯＿囗▢{_STOPS}\n]|$)(?<=[{HAN}{_STOPS}\n].)|(?<=[{HAN}])[○◯＿囗▢]"
)
_COMMENT = re.compile(
    r"(?m)\s*[【\[(（]?(?:注释|注釋|註釋|注解|译文|譯文|赏析|賞析|简析|簡析|创作背景|作者简介)\s*(?:[】\])）：:]|$)|\s*[橫横]批[：:].*\Z"
)
# most texts are just verse; 囗 is a lost character
_PLAIN = re.compile("(?:[\u4e00-\u56d6\u56d8-\u9fff]+[，。])+")
_NOT_CHARACTER = re.compile(f"[^{_CHARACTER}]")
_SHORTEST_PIECE = 4  # spaces between shorter pieces are only letter-spacing
_MOST_ROWS = 100  # longer texts are read in one way only
_MOST_HEADINGS = 3  # the largest number of rows before the verse: title, dynasty, poet
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
            pieces = [piece for raw in part.split() if (piece := _NOT_CHARACTER.sub("", raw))]
            spaced = all(len(piece) >= _SHORTEST_PIECE for piece in pieces)
            self.lines += pieces if spaced else ["".join(pieces)]

    def of(self, width: int) -> bool:
        """Return whether every line of the row has `width` characters."""
        return all(len(line) == width for line in self.lines)


def split_poems(text: str, *, form: str | None = None) -> list[str]:
    """Split a text into poems at blank lines.

    A title remains with its poem even if a blank line follows it. Blank lines between couplets or
    single lines do not separate poems, since a poem has at least four lines. Nor do blank lines
    between the stanzas of a 詞.

    Args:
        text: One poem or several; HTML tags are removed.
        form: The form of the poems if it is known; the stanzas of a 玉樓春 without a heading could
            be two 七絕.
    """
    poems: list[str] = []
    heading, above = "", 0
    for block in re.split(r"\n(?:[^\S\n]*\n)+", _parted(_normal(text))):
        if not _NOT_CHARACTER.sub("", block):
            continue
        block = block.strip("\n")
        rows = list(map(_Row, block.split("\n")))
        lines = [line for row in rows for line in row.lines]
        marked = any(row.marked for row in rows)
        short = (
            poems
            and max(len(poems[-1]), len(block)) <= _LONGEST_BLOCK
            and (marked or not _STOP.search(poems[-1]))
        )
        if (
            poems
            and not heading
            and (_COMMENT.match(block) or (short and _goes_on(read_text(poems[-1]), lines, form)))
        ):
            poems[-1] += "\n" + block
        elif above + len(lines) < FEWEST_LINES and not marked:
            heading, above = heading + block + "\n", above + len(lines)
        else:
            poems.append(heading + block)
            heading, above = "", 0
    return [*poems, heading.strip("\n")] if heading else poems


def _parted(text: str) -> str:
    """Insert missing blank lines between poems.

    A poem begins at a heading or where the width of the lines changes.
    """
    rows, parted, count, widths = list(map(_Row, text.split("\n"))), list[str](), 0, set[int]()
    verse = [row.marked or row.of(5) or row.of(7) for row in rows]
    counts = [len(row.lines) * is_verse for row, is_verse in zip(rows, verse, strict=True)]
    ahead = [*accumulate(counts[::-1])][::-1]
    for n, row in enumerate(rows):
        if _COMMENT.match(row.text):
            return "\n".join([*parted, *(each.text for each in rows[n:])])
        if not row.text.strip():
            count, widths = 0, set()
        elif min(count, ahead[n]) >= FEWEST_LINES and len(widths) == 1:
            width, signed = max(widths), row.text.lstrip().startswith("—")
            starts = row.heading or _NUMBERED.match(row.text) or not (row.marked or row.of(width))
            turns = {count, ahead[n]} <= {4, 8} and all(
                len(line) != width for r in rows[n:] for line in r.lines
            )
            if (starts and not signed) or turns:
                parted.append("")
                count, widths = 0, set()
        if row.lines and (verse[n] or count) and not row.heading:
            count, widths = count + len(row.lines), widths | set(map(len, row.lines))
        parted.append(row.text)
    return "\n".join(parted)


def _goes_on(read: ReadText, more: list[str], form: str | None) -> bool:
    """Return whether `more` continues a poem: a stanza of a 詞, or up to three lines after as many, of one length."""
    lines, mixed = read.lines + more, len({*map(len, read.lines)}) > 1
    # the first lines of a 詞 may be headings
    most = min(_MOST_HEADINGS, len(read.lines) - 2) if mixed else 0
    starts = range(max(0, most) + 1)
    named = any(
        have_named_shape(lines[n:], [form] if form else [*read.left_out, *lines[:n]])
        for n in starts
    )
    short = max(len(read.lines), len(more)) < FEWEST_LINES and len({*map(len, lines)}) == 1
    return named or short or (have_shape(lines) and not have_shape(read.lines))


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
        if len({*map(len, lines)}) == 1:
            return ReadText(lines, [], None)
    written = _normal(text).split("\n")
    # 1) Remove the comments, which follow the poem.
    end = next((n for n, row in enumerate(written) if n and _COMMENT.match(row)), len(written))
    normal = "\n".join(written[:end])
    rows = [row for row in map(_Row, _REMARK.sub("", normal).split("\n")) if row.lines]
    # 2) Cut rows without marks into lines; such rows count as verse whatever surrounds them.
    cut = None
    for length, (width, fewest) in _UNMARKED.items() if not any(row.marked for row in rows) else ():
        found = [row for row in rows if len(row.lines) == 1 and row.of(length)]
        if len(found) >= fewest:
            cut = width
            for row in found:
                row.lines = [
                    row.lines[0][start : start + width] for start in range(0, length, width)
                ]
                row.marked = True
            break
    # 3) Remove the headings. If the remaining lines differ in length, try other readings that give
    # equal lines.
    verse = _without_headings(rows) or rows
    kept, used = set(verse), ""
    shape = [line for row in verse for line in row.lines]
    if len(rows) <= _MOST_ROWS and len({*map(len, shape)}) > 1 and not have_shape(shape):
        verse = _otherwise(verse, rows) or verse
        used = "".join(line for row in verse for line in row.lines)
        kept = {row for row in rows if "".join(row.lines) in used}
    left_out = [
        _QUOTED.sub(
            lambda found: "「…」" if _NOT_CHARACTER.sub("", found[1]) == used else found[0],
            row.text,
        ).strip()
        for row in rows
        if row not in kept
    ]
    left_out += [remark.group() for remark in _REMARK.finditer(normal)]
    left_out += [row.strip() for row in written[end:] if row.strip()]
    return ReadText([line for row in verse for line in row.lines], left_out, cut)


def _otherwise(verse: list[_Row], rows: list[_Row]) -> list[_Row]:
    """Try other ways to divide rows into lines.

    Return the first result with four or more lines of equal length, or [].

    Some ways skip headings as wide as the verse, or a preface 并序 before it; their lines may also
    have the shape of the tune that a heading names. Others do not end a line at the mark 、 or at
    the end of a row. The last ways keep only a poem in quotation marks and drop the prose around
    it.
    """
    text, headings = (
        "\n".join(row.text for row in verse),
        [row.text for row in rows[:_MOST_HEADINGS]],
    )
    titled = [
        verse[n:] for n in range(1, _MOST_HEADINGS + 1) if not any(row.marked for row in verse[:n])
    ]
    ways = [
        verse[n:]
        for n in range(1, len(verse))
        if _PREFACE.search("".join(row.text for row in rows[:n]))
    ]
    for way in titled + ways:
        if have_named_shape([line for row in way for line in row.lines], headings):
            return way
    ways.append([_Row(re.sub("[、：:]", "", row.text)) for row in verse])
    joined = (
        re.sub("[、\n]", "", "\n".join(row.text for row in rows[n:]))
        for n in range(_MOST_HEADINGS + 1)
    )
    ways += [[_Row(each)] for each in joined]
    ways += [[_Row(found.group(1))] for found in _QUOTED.finditer(text)]
    for way in ways:
        lines = [line for row in way for line in row.lines]
        if (
            len(lines) >= FEWEST_LINES
            and len(set(map(len, lines))) == 1
            and len(lines[0]) in (4, 5, 6, 7)
        ):
            return way
    return []


def _without_headings(rows: list[_Row]) -> list[_Row]:
    rows = [row for row in rows if not row.heading]
    marked = any(row.marked for row in rows)
    if not (
        widths := Counter(
            len(line) for row in rows if row.marked or not marked for line in row.lines
        )
    ):
        return rows
    width = widths.most_common(1)[0][0]
    may_go = [not row.marked and not row.of(width) for row in rows]
    # 1) Skip the headings above the verse: rows of another width, or a title as wide as the verse
    # and then a poet.
    first = next((place for place, goes in enumerate(may_go) if not goes), 0)
    for place in range(first + 1, min(_MOST_HEADINGS, len(rows) - 1)):
        if rows[place - 1].marked or not may_go[place] or len(rows[place].lines[0]) > _LONGEST_POET:
            break
        first = place + 1
    # 2) Skip the rows below the verse.
    last = len(rows)
    while marked and last > first and may_go[last - 1]:
        last -= 1
    verse = rows[first:last]
    if not marked and not all(row.of(width) for row in verse):
        # with several lengths and no marks, a title cannot be distinguished from a line
        return rows
    # 3) Remove a title as long as the lines: an unmarked first row that makes the poem one line too
    # long.
    count = sum(len(row.lines) for row in verse)
    one_too_many = count - 1 in (4, 8) or (marked and count % 2 == 1)
    return verse[1:] if one_too_many and not verse[0].marked and len(verse[0].lines) == 1 else verse


def _normal(text: str) -> str:
    """Normalize characters (NFC), line breaks and lost characters (to □), expand 々; remove tags, URLs and labels."""
    if "<" in text or "&" in text:
        text = html.unescape(_TAG.sub("", _BREAK.sub("\n", _RUBY.sub("", text))))
    text = unicodedata.normalize("NFC", _URL_OR_LABEL.sub(" ", text.replace("\ufeff", "")))
    text = _LOST.sub("□", _TITLED.sub(r"\1\n", "\n".join(text.splitlines())))
    if _QUERY.search(text):
        width = Counter(map(len, re.split(f"[{_STOPS}\n]+", text.strip()))).most_common(1)[0][0]
        text = re.sub(
            "[^，。；！,;!\n]+",
            lambda m: _QUERY.sub("□", m[0]) if len(m[0]) == width else m[0],
            text,
        )
    return re.sub("([" + HAN + "])[々〻]", r"\1\1", text)
