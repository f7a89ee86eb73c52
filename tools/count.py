"""Rebuild a table of facts from installed packages or from counts in the corpus.

    python -m tools.count TABLE [--out FOLDER]

| TABLE | files | maker |
|---|---|---|
| characters | characters.tsv, simplified.tsv, SOURCES.md | tools/character_table.py |
| mandarin | mandarin.tsv, mandarin_words.tsv | tools/mandarin.py |
| contexts | contexts.tsv | tools/contexts.py |
| rhymes | rhymes.tsv, borrowings.tsv | here |
| word_tones | word_tones.tsv, dictionary_tones.tsv | here, tools/dictionaries.py |
| doublings | doublings.tsv | here |
| moods | moods.tsv | tools/moods.py |
| worn | worn.tsv | tools/worn.py |
| places | places.tsv | tools/dictionaries.py |
| halves | halves.tsv | tools/halves.py |
| tunes | tunes.tsv | tools/tunes.py |

Every table except characters needs the corpus's store. When the characters table changes, rebuild
rhymes, word_tones and contexts.
"""

import argparse
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from pathlib import Path

from lab.experiments.quality import doubled
from pingze.composing.lexicon import DOUBLED_OFTEN
from pingze.corpus import Store
from pingze.verse.checking import check
from pingze.verse.forms import FORMS
from pingze.verse.patterns import word_starts
from pingze.verse.rhyme_groups import GROUPS, LEVEL, OBLIQUE
from pingze.verse.scansion import FAULT, FittedLine, fit
from pingze.verse.standard import PINGSHUI
from pingze.verse.word_tones import OPEN
from tools import dictionaries
from tools.character_table import masks, needs

PACKAGE = Path(__file__).parents[1] / "src" / "pingze"
VERSE = PACKAGE / "verse" / "data"
TERMS = PACKAGE / "composing" / "terms" / "data"

FEWEST_PLACES = 6
SHARE = 0.85
"""A pair decides a tone if this share of `FEWEST_PLACES` or more fixed positions need it."""

Counts = dict[str, Counter[str]]
"""The counts of rhyme groups, for each character or each group."""
Needed = dict[tuple[str, int], Counter[str]]
"""For each (pair, index in it): how often a fixed position needs it level, and oblique."""


def main() -> None:
    """Build the table that the command line names, and measure it if it is in `MEASURED`."""
    parser = argparse.ArgumentParser(description="Rebuild a table of facts.")
    parser.add_argument("table", choices=TABLES)
    parser.add_argument(
        "--out", type=Path, help="the folder to write to; by default, the package's"
    )
    asked = parser.parse_args()
    folder, make = TABLES[asked.table]
    write(make(), asked.out or folder)
    if asked.table in MEASURED and not asked.out:
        print(import_module(f"tools.{asked.table}").measure())


def write(files: dict[str, list[str]], folder: Path) -> None:
    """Write each file, given its lines by its name, to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in files.items():
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def elsewhere(module: str) -> Callable[[], dict[str, list[str]]]:
    """Return another script's `make`, which imports the script when it is called."""
    return lambda: import_module(f"tools.{module}").make()


# The rhymes of Tang poets


def make_rhymes() -> dict[str, list[str]]:
    """Count how often Tang poets rhyme on each character, and borrow rhymes in first lines."""
    with Store.open() as store:
        counted = count_rhymes(poem.lines for poem in store.poems(dynasty="tang", split="train"))
    return {
        name: [
            f"{key}\t" + "".join(f"{group}{times[group]}" for group in GROUPS if times[group])
            for key, times in sorted(counts.items())
            if times
        ]
        for name, counts in zip(("rhymes.tsv", "borrowings.tsv"), counted, strict=True)
    }


def count_rhymes(poems: Iterable[Sequence[str]]) -> tuple[Counts, Counts]:
    """Count the rhymes of each character, and the borrowed rhymes of each level group.

    A poem is counted if it has an even number of lines, at least four and all equally long, and if
    its even lines share exactly one group. Borrowings are counted only in poems of five or seven
    characters per line.
    """
    rhymes: Counts = defaultdict(Counter)
    borrowings: Counts = defaultdict(Counter)
    for lines in poems:
        if len(lines) < 4 or len(lines) % 2 or len(set(map(len, lines))) > 1:
            continue
        feet = [PINGSHUI.rhymes(line[-1]) or GROUPS.keys() for line in lines[1::2]]
        shared = [name for name in GROUPS if all(name in foot for foot in feet)]
        if len(shared) != 1:
            continue
        (group,), first = shared, PINGSHUI.rhymes(lines[0][-1])
        for line in lines[1::2] if group not in first else [lines[0], *lines[1::2]]:
            rhymes[line[-1]][group] += 1
        if GROUPS[group].tone == LEVEL and len(lines[0]) in (5, 7) and len(first) == 1:
            borrowings[group].update(first & PINGSHUI.neighbours[group] - {group})
    return rhymes, borrowings


# The tones of ambiguous characters within pairs: 相 and 思 can each be level or oblique, but in
# 相思 both are level


def make_word_tones() -> dict[str, list[str]]:
    """List pairs with the tone of each character in regulated poems, or `OPEN`; and what dictionaries say of words."""
    with Store.open() as store:
        poems = (
            poem for name in ("tang", "song") for poem in store.poems(dynasty=name, split="train")
        )
        needed = count_places(poem.lines for poem in poems if _is_regulated(poem.lines))
    rows = []
    for pair in sorted({pair for pair, _ in needed}):
        tones = [_tone(pair[n], needed.get((pair, n), Counter())) for n in range(2)]
        if set(tones) != {OPEN}:
            rows.append(f"{pair}\t{''.join(tones)}")
    return {
        "word_tones.tsv": rows,
        "dictionary_tones.tsv": dictionaries.make_word_tones(needed),
    }


def _is_regulated(lines: Sequence[str]) -> bool:
    if len(set(map(len, lines))) > 1:
        return False
    verdict = check("，".join(lines))
    return verdict.ok and verdict.template is not None


def count_places(poems: Iterable[Sequence[str]]) -> Needed:
    """Count the tones that fixed positions of regulated poems need, by pairs within a foot."""
    needed: Needed = defaultdict(Counter)
    for lines in poems:
        width = len(lines[0])
        readings = {
            character: set(PINGSHUI.rhymes(character)) for line in lines for character in line
        }
        openings = FORMS["五絕" if width == 5 else "七絕"].openings
        fitted = fit([masks(line, readings) for line in lines], width, "customary", openings, FAULT)
        for line, found in zip(lines, fitted, strict=True):
            for place, need in (*needs(found, width), *_last_but_one(line, found)):
                for start in {place - 1, place} & word_starts(2, width):
                    needed[line[start : start + 2], place - start][need] += 1
    return needed


def _last_but_one(line: str, found: FittedLine) -> list[tuple[int, str]]:
    """Return the last position but one of an oblique line, and its tone, if no rescue is there."""
    if found.kind == "a":
        return [(len(line) - 2, LEVEL)]
    # 特拗 has an oblique character there
    not_inverted = found.kind == "c" and PINGSHUI.tones(line[-3]) == {LEVEL}
    return [(len(line) - 2, OBLIQUE)] if not_inverted else []


def _tone(character: str, places: Counter[str]) -> str:
    """Return the tone of a character of both, or `OPEN` if it is undecided or the usual one."""
    side, times = max(places.items(), key=lambda item: item[1], default=(OPEN, 0))
    decided = len(PINGSHUI.tones(character)) == 2 and times >= max(
        FEWEST_PLACES, SHARE * places.total()
    )
    return side if decided and PINGSHUI.usual_tones(character) != {side} else OPEN


# The characters that verse doubles 疊字, as in 年年


def make_doublings() -> dict[str, list[str]]:
    """List the characters that verse doubles: how often in all, and at a line's end."""
    with Store.open() as store:
        poems = [
            poem.lines
            for name in ("tang", "song")
            for poem in store.poems(dynasty=name, split="train")
        ]
    within, at_end = doubled(poems), doubled([line[-2:] for line in lines] for lines in poems)
    often = sorted((-times, one) for one, times in within.items() if times >= DOUBLED_OFTEN)
    return {"doublings.tsv": [f"{one}\t{-times}\t{at_end[one]}" for times, one in often]}


TABLES: dict[str, tuple[Path, Callable[[], dict[str, list[str]]]]] = {
    "characters": (VERSE, elsewhere("character_table")),
    "mandarin": (VERSE, elsewhere("mandarin")),
    "contexts": (VERSE, elsewhere("contexts")),
    "rhymes": (VERSE, make_rhymes),
    "word_tones": (VERSE, make_word_tones),
    "doublings": (TERMS, make_doublings),
    "moods": (TERMS, elsewhere("moods")),
    "worn": (TERMS, elsewhere("worn")),
    "places": (TERMS, elsewhere("dictionaries")),
    "halves": (VERSE, elsewhere("halves")),
    "tunes": (VERSE, elsewhere("tunes")),
}
"""The folder and the maker of each table."""
MEASURED = ("contexts", "moods", "halves", "tunes")
"""The tables that are measured on the dev split after they are built."""

if __name__ == "__main__":
    main()
