"""Define a poem of the corpus: its text, and the lines, form and digest derived from the text."""

import hashlib
import re
from dataclasses import dataclass

from pingze.verse.characters import MARKS, only_han

OWN = "own"  # the value of `dynasty` for a user's own poems
# the forms 體 that a poem's shape alone can determine
FORMS = ("五絕", "七絕", "五律", "七律", "五言", "七言")
_BETWEEN_LINES = re.compile(f"[{MARKS}\\n]+")
# 進, "presented by", after a name of three characters; a count of pieces; a number; brackets
_BESIDE_NAMES = re.compile(r"(?<=\S{3})進$|\s\S+首$|\d+$|[\[\]]")


@dataclass(frozen=True, slots=True)
class CorpusPoem:
    """One poem of the corpus."""

    dynasty: str
    """A key of `DYNASTIES`, or `own`."""
    title: str
    """The title as the corpus has it, in Traditional characters."""
    author: str
    """The poet, such as 李白."""
    text: str
    """Han characters and marks, without spaces; newlines separate the stanzas of a 詞."""
    tune: str = ""
    """The tune 詞牌 of a 詞, such as 浣溪沙; "" for any other poem."""

    @property
    def is_measured(self) -> bool:
        """Whether this is a 詩 of Tang, Song or the user.

        Only such poems are grouped and used to measure models.
        """
        return not self.tune and self.dynasty in ("tang", "song", OWN)

    @property
    def lines(self) -> list[str]:
        """The poem's lines 句, without their marks."""
        return lines(self.text)

    @property
    def form(self) -> str:
        """The form in `FORMS` that fits the number and length of the lines.

        It is "" for a 詞, and if no form fits.

        In every form, all lines have 5 characters or all have 7. Four lines count as 絕 and eight
        as 律, though some such poems are 古體 by their tones. Any other number of lines counts as
        五言 or 七言, because only the tones distinguish 排 from 古.
        """
        lines = self.lines
        widths = {len(line) for line in lines}
        if self.tune or widths not in ({5}, {7}):
            return ""
        width = "五" if widths == {5} else "七"
        ending = {4: "絕", 8: "律"}.get(len(lines), "言")
        return width + ending


def lines(text: str) -> list[str]:
    """Split a text at its marks into lines; no line is empty."""
    return [line for line in _BETWEEN_LINES.split(text) if line]


def poet_name(author: str) -> str:
    """Return a poet's name without what the corpus writes beside it: 尹鶚 for 尹鶚 六首."""
    return _BESIDE_NAMES.sub("", author)


def digest(text: str) -> int:
    """Compute the 8-byte BLAKE2b digest of a text's Han characters in UTF-8, big-endian."""
    hashed = hashlib.blake2b(only_han(text).encode(), digest_size=8)
    return int.from_bytes(hashed.digest(), "big")
