"""Text as people write it comes in; poems, and the lines 句 of a poem without marks or headings, go out."""

import re
import unicodedata
from collections import Counter

from pingze.characters import HAN

_CHARACTER = f"{HAN}□〇"  # □ is a lost character: it holds a place and fits any tone
_STOPS = "，。？！；,.?!;｡､．…﹐﹒﹔﹖﹗"
_ENDS_LINE = re.compile(f"[{_STOPS}、：:﹕︰/|]")
_STOP = re.compile(f"[{_CHARACTER}][”’」』\"']*[{_STOPS}]")
_REMARK = re.compile(r"\([^()\n]*\)|（[^（）\n]*）|\[[^\[\]\n]*\]|〔[^〔〕\n]*〕|［[^［］\n]*］")
_HEADING = re.compile(r"\s*[#《〈【]")
_NOT_CHARACTER = re.compile(f"[^{_CHARACTER}]")
_SHORTEST_PIECE = 4  # spaces between fewer characters are only letter-spacing
_FEWEST_LINES = 4  # of any form


def split_poems(text: str) -> list[str]:
    """The poems of a text, which blank lines separate; a title with blank lines around it stays with its poem."""
    poems: list[str] = []
    heading = ""
    for block in re.split(r"\n(?:[^\S\n]*\n)+", _normal(text)):
        if not _NOT_CHARACTER.sub("", block):
            continue
        block = heading + block.strip("\n")
        if _is_heading(block):
            heading = block + "\n"
        else:
            poems.append(block)
            heading = ""
    return poems + [heading.strip("\n")] * bool(heading)


def read_lines(text: str) -> list[str]:
    """The lines of one poem: Han characters (and □ where one is lost) between marks, spaces and line ends.

    Title and author are left out: the first and last rows without a full stop or comma that have another length
    than the poem's lines, or that would make their number odd. Remarks in brackets are left out.
    """
    rows = [_Row(row) for row in _REMARK.sub("", _normal(text)).split("\n")]
    rows = [row for row in rows if row.lines]
    rows = _without_headings(rows) or rows
    return [line for row in rows for line in row.lines]


class _Row:
    """A row of the text: its lines, and whether it is punctuated as verse is."""

    def __init__(self, row: str) -> None:
        self.marked = _STOP.search(row) is not None
        self.heading = not self.marked and _HEADING.match(row) is not None
        self.lines = [line for part in _ENDS_LINE.split(row) for line in _by_spaces(part)]

    def of(self, width: int) -> bool:
        """Whether every line has this many characters."""
        return all(len(line) == width for line in self.lines)


def _by_spaces(part: str) -> list[str]:
    """What spaces separate, where each piece is long enough to be a line; else all as one line."""
    pieces = [piece for raw in part.split() if (piece := _NOT_CHARACTER.sub("", raw))]
    if all(len(piece) >= _SHORTEST_PIECE for piece in pieces):
        return pieces
    return ["".join(pieces)]


def _without_headings(rows: list[_Row]) -> list[_Row]:
    rows = [row for row in rows if not row.heading]
    marked = any(row.marked for row in rows)
    widths = Counter(len(line) for row in rows if row.marked or not marked for line in row.lines)
    if not widths:
        return rows
    width = widths.most_common(1)[0][0]

    def may_go(row: _Row) -> bool:
        return not row.marked and not row.of(width)

    first = next((place for place, row in enumerate(rows) if not may_go(row)), 0)
    last = len(rows)
    while marked and last > first and may_go(rows[last - 1]):
        last -= 1
    verse = rows[first:last]
    if not marked and not all(row.of(width) for row in verse):
        return rows  # lines of several lengths and no marks: nothing tells a title from a line
    return verse[1:] if _begins_with_title(verse, marked) else verse


def _begins_with_title(rows: list[_Row], marked: bool) -> bool:
    """Whether the first row, of the lines' own length, is one too many: it is unmarked and leaves 4 or 8 lines."""
    first, count = rows[0], sum(len(row.lines) for row in rows)
    return not first.marked and len(first.lines) == 1 and (count - 1 in (4, 8) or (marked and count % 2 == 1))


def _is_heading(block: str) -> bool:
    """Whether a block of rows holds no verse: no stop, and fewer lines than any poem."""
    rows = [_Row(row) for row in block.split("\n")]
    return not any(row.marked for row in rows) and sum(len(row.lines) for row in rows) < _FEWEST_LINES


def _normal(text: str) -> str:
    """NFC, one kind of line end, no byte-order mark, and 々 replaced by the character that it repeats."""
    text = unicodedata.normalize("NFC", text.replace("\ufeff", ""))
    text = "\n".join(text.splitlines())
    return re.sub("([" + HAN + "])[々〻]", r"\1\1", text)
