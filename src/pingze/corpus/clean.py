"""Clean raw records into poems, and count what is dropped and why."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from pingze.characters import HAN, MARKS
from pingze.corpus.poem import DYNASTIES, CorpusPoem
from pingze.corpus.records import File, Record

SHORTEST = 20
"""A poem of fewer kept characters (Han and marks) is a fragment, and is dropped."""

REASONS = ("lost characters", "brackets, quotes or notes", "other signs", "too short")
"""Why a poem is dropped; a poem is counted once, under the first that holds."""

_LOST = re.compile("[□○●囗]")  # 囗 is Han (U+56D7), but no poet's character: it stands where □ was meant
_BRACKETED = re.compile(r"[()\[\]{}（）［］｛｝〈〉《》「」『』【】〔〕〖〗“”‘’\"']")
_FOREIGN = re.compile(f"[^{HAN}{MARKS}]")


@dataclass(frozen=True)
class Cleaned:
    """The poems that stay, in the corpus's order, and how many went by (dynasty, reason)."""

    poems: list[CorpusPoem]
    dropped: Counter[tuple[str, str]]


def clean(files: Iterable[File]) -> Cleaned:
    """Clean every record; Tang comes before Song, then by the number of the file, then by place in it."""
    kept: dict[tuple[int, int], list[CorpusPoem]] = {}
    dropped: Counter[tuple[str, str]] = Counter()
    for file in files:
        poems = kept.setdefault((DYNASTIES.index(file.dynasty), file.number), [])
        for record in file.records:
            text = _normal("".join(record.paragraphs))
            if reason := fault(text):
                dropped[file.dynasty, reason] += 1
            else:
                poems.append(_poem(file.dynasty, record, text))
    return Cleaned([poem for place in sorted(kept) for poem in kept[place]], dropped)


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
    return CorpusPoem(dynasty, _normal(record.title).strip(), _normal(record.author).strip(), text)


def _normal(text: str) -> str:
    return unicodedata.normalize("NFC", text)
