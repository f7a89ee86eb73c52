"""Divide the groups of 平水韻 that 詞林正韻 divides between two parts: halves.tsv.

    pip install --no-deps qieyun==0.13.3
    python -m tools.count halves

A character follows its rhyme in 廣韻, or in 泰 its 呼. `BY_USE` lists the characters of 佳 and 卦,
which 廣韻 does not divide, that 詞 rhyme with 麻. `measure` counts how often 詞 of the dev split
rhyme on each half in its part.
"""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterator

from pingze.corpus import Store
from pingze.files import table
from pingze.verse.standard import PINGSHUI
from tools.character_table import package

SECOND = {
    "灰": "咍",
    "賄": "海",
    "隊": "代",
    "元": "元",
    "阮": "阮",
    "願": "願",
    "泰": "開",
    "佳": "",
    "卦": "",
}
"""The divided groups, each with the rhyme of 廣韻 (for 泰, the 呼) that its second part has."""

BY_USE = {"佳": "佳涯娃蛙哇媧騧", "卦": "卦挂掛畫話罣絓"}


def make() -> dict[str, list[str]]:
    """List the characters of each divided group that rhyme in its second part."""
    described: dict[str, set[str]] = defaultdict(set)
    with (package("Qieyun") / "rhyme_book.csv").open(encoding="utf-8", newline="") as file:
        for record in csv.DictReader(file):
            if record["資料名稱"] == "廣韻":
                character = record["字頭"] or record["字頭覈校前"]
                described[character].add(record["韻部原貌"])
                described[character].update(record["最簡描述"])
    rows = []
    for group, sign in SECOND.items():
        characters = [one for one in table("characters") if group in PINGSHUI.row(one).rhymed]
        found = [one for one in characters if sign in described[one]] if sign else []
        if group == "泰":  # the only rhyme of 廣韻 with both kinds
            found = [one for one in found if "泰" in described[one]]
        found += BY_USE.get(group, "")
        rows.append(f"{group}\t{''.join(dict.fromkeys(found))}")
    return {"halves.tsv": rows}


def measure() -> str:
    """Count how often 詞 rhyme each half with its own part, and with the other part."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    with Store.open() as store:
        for piece in store.ci(split="dev"):
            for character, part in _between(piece.lines):
                counts[character][part] += 1
    return "\n".join(_rows(counts))


def _between(lines: list[str]) -> Iterator[tuple[str, str]]:
    """Yield each line's last character with the part in which most other lines of the piece end."""
    # 1) The part of each foot, where it has one part alone.
    feet = [line[-1] for line in lines]
    certain: dict[int, str] = {}
    for number, foot in enumerate(feet):
        parts = {part for part, _ in PINGSHUI.parts.rhymes(foot)}
        if len(parts) == 1:
            certain[number] = parts.pop()
    # 2) The commonest part of the other lines.
    for number, foot in enumerate(feet):
        others = Counter(part for other, part in certain.items() if other != number)
        if others:
            part, times = others.most_common(1)[0]
            if times >= max(3, len(lines) / 3):
                yield foot, part


def _rows(counts: dict[str, Counter[str]]) -> Iterator[str]:
    for group in SECOND:
        for second in (False, True):
            half = [one for one in counts if PINGSHUI.row(one).rhymed.keys() == {group}]
            half = [one for one in half if (one in table("halves")[group]) == second]
            total: Counter[str] = Counter()
            for one in half:
                total += counts[one]
            parts = [f"{part} {times}" for part, times in total.most_common(3)]
            yield f"{group} {second}: {', '.join(parts)}"
