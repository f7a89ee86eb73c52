"""Clean poems, and count the dropped poems by reason."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import attrgetter
from unicodedata import normalize

from pingze.corpus.poem import OWN, CorpusPoem
from pingze.corpus.sources import File
from pingze.verse.characters import HAN, MARKS

SHORTEST = 20  # a poem with fewer characters (Han characters and marks) is dropped as a fragment
REASONS = ("lost characters", "brackets, quotes or notes", "other signs", "too short")
"""The reasons for dropping a poem; each poem is counted once, under the first reason that applies."""
VERSION_OF_ANOTHER = "version of another"
"""The reason for dropping a poem that shares two lines with another poem; measured poems (`is_measured`) are exempt."""
_SIGNS = (
    "[□○●囗]",  # 囗 is a Han character (U+56D7), but poets do not use it: the source has it in place of □
    r"[()\[\]{}（）［］｛｝〈〉《》「」『』【】〔〕〖〗“”‘’\"']",
    f"[^{HAN}{MARKS}]",
)
"""Patterns of the signs for which a poem is dropped, in the order of `REASONS`."""


@dataclass(frozen=True)
class Cleaned:
    """The kept poems, in the corpus's order, and the number of dropped poems by (dynasty, reason)."""

    poems: list[CorpusPoem]
    dropped: Counter[tuple[str, str]]
    first: dict[tuple[str, str], str] = field(default_factory=dict)
    """The first poem dropped for each (dynasty, reason): its title and its first characters."""
    without: list[str] = field(default_factory=list)
    """The names of files that contain no poem."""

    @property
    def is_own(self) -> bool:
        """Whether the poems are the user's own rather than the package's."""
        return any(poem.dynasty == OWN for poem in self.poems)


def clean(files: Iterable[File]) -> Cleaned:
    """Clean every poem, in the order of the files."""
    cleaned = Cleaned([], Counter())
    for file in sorted(files, key=attrgetter("order")):
        if not file.poems:
            cleaned.without.append(file.name)
        for raw in file.poems:
            parts = (raw.title.strip(), raw.author.strip(), raw.text, raw.tune.strip())
            poem = CorpusPoem(raw.dynasty, *(normalize("NFC", part) for part in parts))
            if reason := fault(poem.text.replace("\n", "") if poem.tune else poem.text):
                cleaned.dropped[poem.dynasty, reason] += 1
                cleaned.first.setdefault((poem.dynasty, reason), f"《{poem.title}》{poem.text[:12]}")
            else:
                cleaned.poems.append(poem)
    return cleaned


def fault(text: str) -> str | None:
    """Return the first of `REASONS` that applies to a text in NFC, or None if the text is kept."""
    for reason, signs in zip(REASONS, _SIGNS, strict=False):
        if re.search(signs, text):
            return reason
    return REASONS[-1] if len(text) < SHORTEST else None
