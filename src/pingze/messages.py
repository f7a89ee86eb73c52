"""Look up messages for users by code, in English or Chinese; `messages.toml` is the catalogue."""

import locale
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Literal

# the variables that set the language, in order of precedence
_SET_BY = ("PINGZE_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
# the parameters that may consist of the signs of tones, 平, 仄 and 中
_TONES = ("wanted", "own", "partner_tones")
_LINES = re.compile(r" \(([\d, ]+)\)")  # the lines of a repeated character, as in 江 (1, 8)
_SIGNS = str.maketrans("平仄中", "○●◐")
Language = Literal["en", "zh"]
Parameter = str | int | float | Sequence[str] | None


def say(code: str, parameters: Mapping[str, Parameter], language: Language = "en") -> str:
    """Return the sentence for a code, with its parameters filled in.

    Args:
        code: A key of messages.toml.
        parameters: The value of each placeholder. A list is joined. The value of `field`, an
            option, is translated.
        language: en or zh.
    """
    values = {name: _in_words(name, value, language) for name, value in parameters.items()}
    # The parameters of two codes contain more words to translate: types, and lines in brackets.
    if code == "type" and language == "zh":
        names_in_chinese = catalogue()["types"]
        for name in ("wanted", "has"):
            values[name] = names_in_chinese.get(str(values[name]), values[name])
    if code == "repeated":

        def in_lines(match: re.Match[str]) -> str:
            return say("in_lines", {"has": match[1].split(", ")}, language)

        values["has"] = _LINES.sub(in_lines, str(values["has"]))
    return catalogue()[code][language].format(**values)


def one_line(text: str) -> str:
    """Return a text with each run of spaces and line breaks as one space."""
    return " ".join(text.split())


def language() -> Language:
    """Return the command line's language.

    Chinese under `PINGZE_LANG=zh` or a Chinese locale, else English.
    """
    return "zh" if _locale().lower().startswith(("zh", "chinese")) else "en"


def _locale() -> str:
    for variable in _SET_BY:
        value = os.environ.get(variable)
        if value:
            return value
    return locale.getlocale()[0] or ""  # Windows sets none of the variables


def here(code: str, **parameters: Parameter) -> str:
    """Return the message for a code, in the command line's language."""
    return say(code, parameters, language())


def _in_words(name: str, value: Parameter, language: Language) -> str | int | float:
    """Return a parameter as it stands in a sentence; a number is left to the sentence's format."""
    if value is None:
        return ""
    if name == "field" and language == "zh" and isinstance(value, str):
        return catalogue()["fields"].get(value, value)
    if language == "en" and isinstance(value, str) and name in _TONES:
        return _tones_in_english(value)
    if isinstance(value, str | int | float):
        return value
    # The value is a list, of notes or of texts. Notes are sentences, which end with 。 in Chinese.
    notes = [note.text(language) for note in value if hasattr(note, "text")]
    if notes:
        return ("" if language == "zh" else "; ").join(notes)
    return ("、" if language == "zh" else ", ").join(value)


def _tones_in_english(tones: str) -> str:
    """Return one tone as a word, a line's tones as a sheet's signs, and other texts as given."""
    if len(tones) == 1:
        return {"平": "level", "仄": "oblique"}.get(tones, tones)
    if set(tones) <= set("平仄中＿"):
        return tones.translate(_SIGNS)
    return tones


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """Return the message templates by code, then language.

    Three keys instead map names to Chinese: "fields" options to their names, "described" options
    to their descriptions, and "types" JSON Schema's types.
    """
    return tomllib.loads(files("pingze").joinpath("messages.toml").read_text(encoding="utf-8"))
