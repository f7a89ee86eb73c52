"""Clean raw records into poems, and count what is dropped and why."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from pingze.corpus.poem import OWN, CorpusPoem
from pingze.corpus.records import File, Record
from pingze.verse.characters import HAN, MARKS
from pingze.verse.dynasties import DYNASTIES

SHORTEST = 20
"""A poem of fewer kept characters (Han and marks) is a fragment, and is dropped."""

REASONS = ("lost characters", "brackets, quotes or notes", "other signs", "too short")
"""Why a poem is dropped; a poem is counted once, under the first that holds."""

VERSION_OF_ANOTHER = "version of another"
"""Why a poem that was added to those of Tang and Song is dropped: it shares two lines with another."""

_LOST = re.compile("[□○●囗]")  # 囗 is Han (U+56D7), but no poet's character: it stands where □ was meant
_BRACKETED = re.compile(r"[()\[\]{}（）［］｛｝〈〉《》「」『』【】〔〕〖〗“”‘’\"']")
_FOREIGN = re.compile(f"[^{HAN}{MARKS}]")


@dataclass(frozen=True)
class Cleaned:
    """The poems that stay, in the corpus's order, and how many went by (dynasty, reason)."""

    poems: list[CorpusPoem]
    dropped: Counter[tuple[str, str]]
    first: dict[tuple[str, str], str] = field(default_factory=dict)
    """Of those the first, by the same: its title and how it begins."""
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
    dropped: Counter[tuple[str, str]] = Counter()
    first: dict[tuple[str, str], str] = {}
    without = []
    for file in files:
        if not file.records:
            without.append(file.name)
        source, *numbers = file.order
        poems = kept.setdefault((source, places.index(file.dynasty), *numbers), [])
        for record in file.records:
            text = _normal("".join(record.paragraphs))
            if reason := fault(text.replace("\n", "") if record.tune else text):
                dropped[file.dynasty, reason] += 1
                first.setdefault((file.dynasty, reason), f"《{record.title}》{text[:12]}")
            else:
                poems.append(_poem(file.dynasty, record, text))
    return Cleaned([poem for place in sorted(kept) for poem in kept[place]], dropped, first, without)


def fault(text: str) -> str | None:
    """Say why a text in NFC cannot stay (one of `REASONS`), or None where it can."""
    if _LOST.search(text):
        return "lost characters"
    if _BRACKETED.search(text):
        return "brackets, quotes or notes"
    if _FOREIGN.search(text):
        return "other signs"
    return "too short" if len(text) < SHORTEST else None


def _poem(dynasty: str, record: Record, text: str) -> CorpusPoem:
    title, author, tune = (_normal(each).strip() for each in (record.title, record.author, record.tune))
    return CorpusPoem(dynasty, title, author, text, tune)


def _normal(text: str) -> str:
    return unicodedata.normalize("NFC", text)
