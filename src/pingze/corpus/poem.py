"""A poem of the corpus: its text, and the lines, form and digest read off it."""

import hashlib
import re
from dataclasses import dataclass

from pingze.verse.characters import MARKS, only_han

OWN = "own"
"""In place of a dynasty, of the poems that a person brought."""
FORMS = ("五絕", "七絕", "五律", "七律", "五言", "七言")
"""The forms 體 that a shape alone can name."""

_BETWEEN_LINES = re.compile(f"[{MARKS}\\n]+")


@dataclass(frozen=True, slots=True)
class CorpusPoem:
    """One poem of the corpus."""

    dynasty: str
    """A key of `DYNASTIES`, or `own`."""
    title: str
    """In Traditional characters, as the corpus has it."""
    author: str
    """The poet, as 李白."""
    text: str
    """Han characters and marks, without spaces; a line end parts the stanzas of a 詞."""
    tune: str = ""
    """The tune 詞牌, as 浣溪沙, of a 詞; "" for every other poem."""

    @property
    def is_measured(self) -> bool:
        """Whether it is a poem of Tang, Song or a person, whose versions are grouped and whose splits are measured."""
        return not self.tune and self.dynasty in ("tang", "song", OWN)

    @property
    def lines(self) -> list[str]:
        """The poem's lines 句, without their marks."""
        return lines(self.text)

    @property
    def form(self) -> str:
        """The form of `FORMS` whose shape it has; "" for a 詞, and where the lines are not all of five or of seven.

        Four and eight lines are 絕 and 律, though some are 古體 by their tones; any other number is 五言 or 七言, for
        only the tones distinguish a 排 from a 古.
        """
        widths = set(map(len, self.lines))
        if self.tune or widths not in ({5}, {7}):
            return ""
        return ("五" if widths == {5} else "七") + {4: "絕", 8: "律"}.get(len(self.lines), "言")


def lines(text: str) -> list[str]:
    """Split a text at its marks into lines; no line is empty."""
    return [line for line in _BETWEEN_LINES.split(text) if line]


def digest(text: str) -> int:
    """BLAKE2b of a text's Han characters in UTF-8: eight bytes read as one big-endian number."""
    return int.from_bytes(hashlib.blake2b(only_han(text).encode(), digest_size=8).digest(), "big")
