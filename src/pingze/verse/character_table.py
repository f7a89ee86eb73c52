"""The table of characters: rhyme groups, counts in Tang verse, variants.

The table is `data/characters.tsv`, built by `scripts/build_prosody_table.py`; `data/SOURCES.md` says from what. A
row is: character, groups (each followed by how often Tang poets rhymed on it there), occurrences in Tang verse,
and for characters of both tones how often verse needs each; then the character's variant forms.
"""

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

from pingze.verse.rhyme_groups import GROUPS, LEVEL, OBLIQUE

_GROUP = re.compile(r"(\D)(\d*)")


@dataclass(frozen=True, slots=True)
class Entry:
    """What the table holds of one character."""

    rhymed: dict[str, int]
    """Its rhyme groups by name, and how often Tang poets rhymed on it in each."""
    count: int
    """How often Tang verse has it."""
    needed: dict[str, int]
    """Of a character of both tones: how often a template's fixed place needs it level, and oblique."""
    variants: str
    """Other forms of the same character, the most used first."""

    @property
    def sides(self) -> set[str]:
        """The tones that it can have: `LEVEL`, `OBLIQUE` or both."""
        return {GROUPS[name].side for name in self.rhymed}


@cache
def rows() -> dict[str, str]:
    """Every row of the table by its character, not yet taken apart: few of them are ever asked for."""
    return {line[0]: line for line in read("characters.tsv").splitlines()}


@lru_cache(1 << 15)
def entry(character: str) -> Entry | None:
    """What the table holds of a character exactly as it is written; None where it has none."""
    row = rows().get(character)
    if row is None:
        return None
    _, groups, count, level, oblique, variants = (row + "\t" * 5).split("\t")[:6]
    needed = {LEVEL: int(level), OBLIQUE: int(oblique)} if level else {}
    return Entry(name_counts(groups), int(count or 0), needed, variants)


def name_counts(written: str) -> dict[str, int]:
    """Names of groups with a count after each, as 支1齊52; no count is 0."""
    return {name: int(times or 0) for name, times in _GROUP.findall(written)}


@cache
def simplified() -> dict[str, str]:
    """For each Simplified character the Traditional ones that it stands for, the most used in Tang verse first."""
    return {line[0]: line[2:] for line in read("simplified.tsv").splitlines()}


def read(name: str) -> str:
    """The text of a file of the package's `data` folder."""
    return files("pingze.verse").joinpath("data", name).read_text(encoding="utf-8")
