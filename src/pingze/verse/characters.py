"""Define the Han characters and the punctuation marks with which verse is written."""

import re
from collections.abc import Callable

HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
"""The ranges of Han characters, to be put between the brackets of a character class in a regular expression."""

MARKS = "，。？！；：、"
"""The punctuation marks that the corpus keeps; a line 句 is the text between two marks."""

_NOT_HAN = re.compile(f"[^{HAN}]")


def only_han(text: str) -> str:
    """Return the Han characters of a text, without anything else."""
    return _NOT_HAN.sub("", text)


def mark_after(index: int) -> str:
    """Return the punctuation mark that follows the line with the given index (from 0)."""
    return "。" if index % 2 else "，"


class Translation(dict[int, str]):
    """A table for `str.translate` that computes the replacement of a character when the character first occurs."""

    def __init__(self, translate: Callable[[str], str]) -> None:
        super().__init__()
        self.translate = translate

    def __missing__(self, code: int) -> str:
        self[code] = self.translate(chr(code))
        return self[code]
