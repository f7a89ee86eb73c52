"""Count in which tone verse reads characters of both tones beside each other, for verse/data/word_tones.tsv.

    python -m scripts.count_word_tones

相 and 思 can both be either, in 相思 they are level. Read are the regulated Tang poems of the corpus's train split, and
their pairs of characters within one foot, at places whose tone a template fixes. A row is a pair and the tone of each
of its characters: 平 or 仄 where at least `SHARE` of at least `FEWEST` such places ask for it, 中 where that is open.
"""

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from pingze.corpus import Store
from pingze.verse import check
from pingze.verse.forms import FORMS
from pingze.verse.scansion import FAULT, fit
from pingze.verse.tones import groups, sides
from pingze.verse.word_tones import OPEN, starts
from scripts.build_prosody_table import masks, needs

FILE = Path(__file__).parents[1] / "src" / "pingze" / "verse" / "data" / "word_tones.tsv"
FEWEST = 4
SHARE = 0.85

Needed = dict[tuple[str, int], Counter[str]]
"""(pair, which of its characters) -> how often a fixed place needs that one level, and oblique."""


def main() -> None:
    """Count, and write the file."""
    parser = argparse.ArgumentParser(description="Count the tones of characters within words.")
    parser.add_argument("--out", type=Path, default=FILE, help="where the file goes")
    with Store.open() as store:
        regulated = (poem.lines for poem in store.poems(dynasty="tang", split="train") if _keeps(poem.text))
        rows = describe(count(regulated))
    parser.parse_args().out.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")


def _keeps(text: str) -> bool:
    verdict = check(text)
    return verdict.ok and verdict.form is not None and FORMS[verdict.form].regulated


def count(poems: Iterable[Sequence[str]]) -> Needed:
    """What the fixed places of poems that keep a template need of the characters of pairs."""
    needed: Needed = defaultdict(Counter)
    for lines in poems:
        width = len(lines[0])
        readings = {character: set(groups(character)) for line in lines for character in line}
        openings = FORMS["五絕" if width == 5 else "七絕"].openings
        fitted = fit([masks(line, readings) for line in lines], width, "customary", openings, FAULT)
        for line, found in zip(lines, fitted, strict=True):
            for place, need in needs(found, width):
                for start in {place - 1, place} & starts(2, width):
                    needed[line[start : start + 2], place - start][need] += 1
    return needed


def describe(needed: Needed) -> list[str]:
    """The rows."""
    rows = []
    for pair in sorted({pair for pair, _ in needed}):
        tones = [_tone(pair[n], needed.get((pair, n), Counter())) for n in range(2)]
        if set(tones) != {OPEN}:
            rows.append(f"{pair}\t{''.join(tones)}")
    return rows


def _tone(character: str, places: Counter[str]) -> str:
    """The tone of a character of both tones, if it is decided."""
    side, times = max(places.items(), key=lambda item: item[1], default=(OPEN, 0))
    decided = len(sides(character)) == 2 and times >= max(FEWEST, SHARE * places.total())
    return side if decided else OPEN


if __name__ == "__main__":
    main()
