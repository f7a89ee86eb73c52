"""What cleaning a person's own corpus kept and dropped, as lines to read."""

from collections import Counter

from pingze.corpus.clean import SHORTEST, Cleaned
from pingze.corpus.poem import form

WHY = {
    "lost characters": "□ or ○ stands where a character is lost",
    "brackets, quotes or notes": "brackets, quotes or notes stand in the verse",
    "other signs": "other signs than Han characters and ，。？！；：、 stand in the verse",
    "too short": f"fewer than {SHORTEST} characters and marks",
}
"""Each of `corpus.clean.REASONS` as a sentence."""


def kept_and_dropped(cleaned: Cleaned) -> list[str]:
    """What was kept, by shape and length, and for each reason how many were dropped, with the first of them."""
    shapes = Counter(form(poem.lines) or "free" for poem in cleaned.poems)
    lengths = sorted(len(poem.text) for poem in cleaned.poems)
    shown = ", ".join(f"{name} {count:,}" for name, count in shapes.most_common())
    lines = [
        f"kept: {len(cleaned.poems):,} poems of {len({poem.author for poem in cleaned.poems} - {''}):,} poets, "
        f"{lengths[len(lengths) // 2]} characters and marks long in the middle; by shape: {shown}"
    ]
    for (dynasty, reason), count in cleaned.dropped.most_common():
        lines.append(f"dropped: {count:,}, {WHY[reason]}; the first is {cleaned.first[dynasty, reason]}…")
    if cleaned.without:
        lines.append(f"no poem in {len(cleaned.without)} of the files, as in {cleaned.without[0]}")
    return lines
