"""Define the rules of verse, each with its source and with poems that keep and break it (`data/rules.toml`).

The sentence that states a rule is in messages.toml under the rule's name; `definition` returns it.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from pingze.messages import Language, say
from pingze.verse.patterns import CUSTOMARY

RHYME_RULES = ("出韻", "鄰韻", "重韻")
"""The rules whose violations another character of the rhyme group can correct."""

SHAPE_RULES = ("句數", "字數")
"""The rules that a poem breaks if it lacks the shape of the requested form; such a poem is not checked further."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of regulated verse."""

    name: str
    """The name of the rule, which also names the fault of breaking it."""
    source: str
    """The work that states the rule, or the practice that establishes it."""
    accepted: list[str]
    """Poems that keep this rule and every other rule."""
    rejected: list[str]
    """Poems that break this rule and no other."""
    strictness: str = CUSTOMARY
    """The lowest strictness at which breaking the rule is a fault; below it, breaking the rule is only noted."""


@cache
def rules() -> dict[str, Rule]:
    """Return every rule by its name."""
    text = files("pingze.verse").joinpath("data", "rules.toml").read_text(encoding="utf-8")
    return {name: Rule(name, **fields) for name, fields in tomllib.loads(text).items()}


def definition(rule: str, language: Language = "en") -> str:
    """Return the sentence that states a rule of `rules` or `SHAPE_RULES`."""
    return say(rule, {}, language)
