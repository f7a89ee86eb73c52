"""Clean raw records into poems, and count which are dropped and why."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from unicodedata import normalize

from pingze.corpus.poem import OWN, CorpusPoem
from pingze.corpus.records import File
from pingze.verse.characters import HAN, MARKS
from pingze.verse.dynasties import DYNASTIES

SHORTEST = 20
"""A poem of fewer kept characters (Han and marks) is a fragment, and is dropped."""

REASONS = ("lost characters", "brackets, quotes or notes", "other signs", "too short")
"""Why a poem is dropped; a poem is counted once, under the first that holds."""

VERSION_OF_ANOTHER = "version of another"
"""Why a poem that was added to those of Tang and Song is dropped: it shares two lines with another."""

_SIGNS = (
    "[□○●囗]",  # 囗 is Han (U+56D7), but no poet's character: it is there where □ was meant
    r"[()\[\]{}（）［］｛｝〈〉《》「」『』【】〔〕〖〗“”‘’\"']",
    f"[^{HAN}{MARKS}]",
)
"""The signs for which a poem is dropped, in the order of `REASONS`."""


@dataclass(frozen=True)
class Cleaned:
    """The poems that were kept, in the corpus's order, and how many were dropped, by (dynasty, reason)."""

    poems: list[CorpusPoem]
    dropped: Counter[tuple[str, str]]
    first: dict[tuple[str, str], str] = field(default_factory=dict)
    """The first of those dropped, by the same: its title and how it begins."""
    without: list[str] = field(default_factory=list)
    """The names of files that hold no poem at all."""

    @property
    def is_own(self) -> bool:
        """Whether they are a person's own poems, and not the package's."""
        return any(poem.dynasty == OWN for poem in self.poems)


def clean(files: Iterable[File]) -> Cleaned:
    """Clean every record, in the order of the files' sources, dynasties and numbers."""
    places = [*DYNASTIES, OWN]
    kept: dict[tuple[int, ...], list[CorpusPoem]] = {}
    cleaned = Cleaned([], Counter())
    for file in files:
        if not file.records:
            cleaned.without.append(file.name)
        source, *numbers = file.order
        poems = kept.setdefault((source, places.index(file.dynasty), *numbers), [])
        for record in file.records:
            parts = (record.title.strip(), record.author.strip(), record.text, record.tune.strip())
            title, author, text, tune = (normalize("NFC", part) for part in parts)
            if reason := fault(text.replace("\n", "") if tune else text):
                cleaned.dropped[file.dynasty, reason] += 1
                cleaned.first.setdefault((file.dynasty, reason), f"《{title}》{text[:12]}")
            else:
                poems.append(CorpusPoem(file.dynasty, title, author, text, tune))
    for place in sorted(kept):
        cleaned.poems.extend(kept[place])
    return cleaned


def fault(text: str) -> str | None:
    """The first of `REASONS` for which a text in NFC is dropped, or None."""
    for reason, signs in zip(REASONS, _SIGNS, strict=False):
        if re.search(signs, text):
            return reason
    return REASONS[-1] if len(text) < SHORTEST else None
