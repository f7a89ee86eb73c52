"""Clean poems, and count which are dropped and why."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from unicodedata import normalize

from pingze.corpus.poem import OWN, CorpusPoem
from pingze.corpus.records import File
from pingze.verse.characters import HAN, MARKS

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
    """Clean every poem, in the order of the files."""
    kept: dict[tuple[int, ...], list[CorpusPoem]] = defaultdict(list)
    cleaned = Cleaned([], Counter())
    for file in files:
        if not file.poems:
            cleaned.without.append(file.name)
        for raw in file.poems:
            parts = (raw.title.strip(), raw.author.strip(), raw.text, raw.tune.strip())
            poem = CorpusPoem(raw.dynasty, *(normalize("NFC", part) for part in parts))
            if reason := fault(poem.text.replace("\n", "") if poem.tune else poem.text):
                cleaned.dropped[poem.dynasty, reason] += 1
                cleaned.first.setdefault((poem.dynasty, reason), f"《{poem.title}》{poem.text[:12]}")
            else:
                kept[file.order].append(poem)
    for place in sorted(kept):
        cleaned.poems.extend(kept[place])
    return cleaned


def fault(text: str) -> str | None:
    """The first of `REASONS` for which a text in NFC is dropped, or None."""
    for reason, signs in zip(REASONS, _SIGNS, strict=False):
        if re.search(signs, text):
            return reason
    return REASONS[-1] if len(text) < SHORTEST else None
