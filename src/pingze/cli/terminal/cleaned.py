"""Show which poems of a person's own corpus cleaning kept and dropped, as lines to read."""

from collections import Counter

from pingze.corpus.clean import REASONS, SHORTEST, Cleaned
from pingze.messages import here

_CODES = dict(zip(REASONS, ("lost_characters", "brackets", "other_signs", "too_short"), strict=True))


def kept_and_dropped(cleaned: Cleaned) -> list[str]:
    """The poems that were kept, by shape and length, and for each reason how many were dropped, with the first."""
    shapes = Counter(poem.form or "-" for poem in cleaned.poems).most_common()
    lengths = sorted(len(poem.text) for poem in cleaned.poems)
    lines = [
        here(
            "kept",
            count=f"{len(cleaned.poems):,}",
            poets=len({poem.author for poem in cleaned.poems} - {""}),
            middle=lengths[len(lengths) // 2],
            has=[f"{name} {count:,}" for name, count in shapes],
        )
    ]
    for (dynasty, reason), count in cleaned.dropped.most_common():
        first = cleaned.first[dynasty, reason]
        lines.append(here(_CODES[reason], count=f"{count:,}", first=first, least=SHORTEST))
    if cleaned.without:
        lines.append(here("files_without", count=len(cleaned.without), first=cleaned.without[0]))
    return lines
