"""Look up what characters and words mean in English, and how often verse uses them.

`data/SOURCES.md` describes the tables, which the page shows too.
"""

import json
import re
from functools import cache
from importlib.resources import files
from typing import Any

from pingze.files import table
from pingze.verse.character_table import row_of, to_traditional

_PREPOSITION = re.compile(r" (?:about|at|by|for|from|in|of|on|to|up|with)\b.*")
_ARTICLE = re.compile(r"^(?:to be|to|an?|the) ")
_NO_SENSE = {"surname", "", "name"}


@cache
def meanings() -> dict[str, str]:
    """Map each character, and each word of verse, to its meaning, such as 川 to "stream; river".

    This project's own meanings come first: before Unihan's of a character, in place of CC-CEDICT's
    of a word.
    """
    found: dict[str, str] = {**_json_table("glosses"), **_json_table("cedict")}
    own: dict[str, list[str]] = {}
    for key, meaning in _json_table("readings")["means"].items():
        text, _, _ = key.partition(" ")  # a reading may follow the character, as in "長 zhǎng"
        own.setdefault(text, []).append(meaning)
    for text, senses in own.items():
        if len(text) == 1 and text in found:
            senses += found[text].split("; ")
        found[text] = "; ".join(dict.fromkeys(senses))  # each sense once
    return found


def times_used(text: str) -> int:
    """Return how often verse uses a character (in Tang verse), or a word (in feet of Tang and Song lines)."""
    if len(text) == 1:
        return row_of(text).used
    return int(table("words").get(text, 0))


@cache
def meaning_like(wanted: str) -> frozenset[str]:
    """Return the characters and words that mean something, asked for in English or by a word of Chinese.

    In English, a meaning must have every word that is asked for. Of a word of Chinese, those are
    returned that share the main noun or verb of one of its senses.
    """
    if wanted.isascii():
        words = {_singular(word) for word in re.findall("[a-z]+", wanted.lower())}
        return frozenset(text for text, known in _words_of_meanings().items() if words <= known)
    asked = to_traditional(wanted.strip())
    heads = _heads_of_meanings().get(asked, set())
    return frozenset(text for text, known in _heads_of_meanings().items() if heads & known)


@cache
def _words_of_meanings() -> dict[str, set[str]]:
    """Map each text to the words of its meaning."""
    words = {}
    for text, meaning in meanings().items():
        words[text] = {_singular(word) for word in re.findall("[a-z]+", meaning.lower())}
    return words


@cache
def _heads_of_meanings() -> dict[str, set[str]]:
    """Map each text to the main word of each sense: "river" of "large river", "name of a river in Henan"."""
    heads = {}
    for text, meaning in meanings().items():
        known = set()
        for sense in re.split("[;,]", meaning.lower()):
            plain = sense.strip().removeprefix("name of ")
            plain = _PREPOSITION.sub("", _ARTICLE.sub("", plain))
            known.add(_singular(plain.split(" ")[-1]))
        heads[text] = known - _NO_SENSE
    return heads


def _singular(word: str) -> str:
    return word.removesuffix("s") if len(word) > 3 else word


def _json_table(name: str) -> dict[str, Any]:
    text = files("pingze.verse").joinpath("data", f"{name}.json").read_text(encoding="utf-8")
    rows: dict[str, Any] = json.loads(text)
    return rows
