"""Define the Han characters and the marks that verse is written with."""

import re

HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
"""The Han characters, as the inside of a regular expression's character class."""

MARKS = "，。？！；：、"
"""The punctuation that the corpus keeps; a line 句 is the text between two of them."""

_NOT_HAN = re.compile(f"[^{HAN}]")


def only_han(text: str) -> str:
    """The Han characters of a text."""
    return _NOT_HAN.sub("", text)


def mark_after(index: int) -> str:
    """The mark after the line of this index (from 0)."""
    return "。" if index % 2 else "，"
