"""Look up messages for users by code, in English or Chinese; `messages.toml` is the catalogue."""

import locale
import os
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Literal

# the variables that set the language, the first one first
_SET_BY = ("PINGZE_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
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
    if code == "type" and language == "zh":
        for name in ("wanted", "has"):
            values[name] = catalogue()["types"].get(str(values[name]), values[name])
    return catalogue()[code][language].format(**values)


def language() -> Language:
    """Return the command line's language.

    Chinese under `PINGZE_LANG=zh` or a Chinese locale, else English.
    """
    # Windows sets none
    asked = next(filter(None, map(os.environ.get, _SET_BY)), None) or locale.getlocale()[0] or ""
    return "zh" if asked.lower().startswith(("zh", "chinese")) else "en"


def here(code: str, **parameters: Parameter) -> str:
    """Return the message for a code, in the language (English or Chinese) that the command line uses."""
    return say(code, parameters, language())


def _in_words(name: str, value: Parameter, language: Language) -> str | int | float:
    if name == "field" and isinstance(value, str):
        return catalogue()["fields"].get(value, value) if language == "zh" else value
    if isinstance(value, str | int | float | None):
        return "" if value is None else value
    if notes := [one.text(language) for one in value if hasattr(one, "text")]:  # each is a sentence
        return ("" if language == "zh" else "; ").join(notes)
    return ("、" if language == "zh" else ", ").join(value)


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """Return the message templates by code, then language.

    Three keys instead map names to Chinese: "fields" options to their names, "described" options
    to their descriptions, and "types" JSON Schema's types.
    """
    return tomllib.loads(files("pingze").joinpath("messages.toml").read_text(encoding="utf-8"))
