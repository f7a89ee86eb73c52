"""Drop the poems that are fragments or contain signs that verse does not have, and count them."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import attrgetter
from unicodedata import normalize

from pingze.corpus.poem import CorpusPoem
from pingze.corpus.sources import File
from pingze.verse.characters import HAN, MARKS

SHORTEST = 20  # a poem with fewer characters (Han characters and marks) is dropped as a fragment
TOO_SHORT = "too short"
_SIGNS = {
    # 囗 is a Han character (U+56D7), but poets do not use it: the source has it in place of □
    "lost characters": "[□○●囗]",
    "brackets, quotes or notes": r"[()\[\]{}（）［］｛｝〈〉《》「」『』【】〔〕〖〗“”‘’\"']",
    "other signs": f"[^{HAN}{MARKS}]",
}
"""For each reason for dropping a poem, a pattern of the signs that are this reason."""
REASONS = (*_SIGNS, TOO_SHORT)
"""The reasons for dropping a poem; each poem is counted once, under the first that applies."""


@dataclass(frozen=True)
class Cleaned:
    """The kept poems, in the corpus's order, and the number of dropped poems."""

    poems: list[CorpusPoem]
    dropped: Counter[tuple[str, str]]
    """The number of poems dropped for each (dynasty, reason)."""
    first: dict[tuple[str, str], str] = field(default_factory=dict)
    """The title and the first characters of the first poem dropped for each (dynasty, reason)."""
    without: list[str] = field(default_factory=list)
    """The names of files that contain no poem."""


def clean(files: Iterable[File]) -> Cleaned:
    """Clean every poem, in the order of the files."""
    cleaned = Cleaned(poems=[], dropped=Counter())
    for file in sorted(files, key=attrgetter("order")):
        if not file.poems:
            cleaned.without.append(file.name)
        for raw in file.poems:
            poem = CorpusPoem(
                dynasty=raw.dynasty,
                title=normalize("NFC", raw.title.strip()),
                author=normalize("NFC", raw.author.strip()),
                text=normalize("NFC", raw.text),
                tune=normalize("NFC", raw.tune.strip()),
            )
            checked = poem.text
            if poem.tune:
                checked = checked.replace("\n", "")  # a newline between stanzas is no fault
            reason = fault(checked)
            if reason is None:
                cleaned.poems.append(poem)
            else:
                key = (poem.dynasty, reason)
                cleaned.dropped[key] += 1
                # the first poem of each key is kept as an example
                cleaned.first.setdefault(key, f"《{poem.title}》{poem.text[:12]}")
    return cleaned


def fault(text: str) -> str | None:
    """Return the first of `REASONS` that applies to a text in NFC, or None if the text is kept."""
    for reason, signs in _SIGNS.items():
        if re.search(signs, text):
            return reason
    return TOO_SHORT if len(text) < SHORTEST else None
