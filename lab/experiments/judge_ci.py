"""Compose 詞 to every tune and judge them by rules that share no code with the checker.

    python -m lab.experiments.judge_ci --model ci --each 6

The judge reads the tables of facts in src/pingze/verse/data and nothing else of the package. It
requires of each piece the tune's line lengths and marks, its set tones, a part of 詞林正韻 that all
lines of a rhyme share in the class that each needs, the repeated lines, no character twice but
where one is doubled or a line repeats, and what was wished: a rhyme, and the first character. It
prints how many of the pieces break a rule, and which.
"""

import argparse
import random
import re
import sys
from collections import defaultdict
from pathlib import Path

from pingze.composing.composer import Composer
from pingze.composing.options import Composing, Sampling
from pingze.composing.request import read_request
from pingze.network import checkpoint

DATA = Path(__file__).parents[2] / "src" / "pingze" / "verse" / "data"
LEVEL = "東冬江支微魚虞齊佳灰真文元寒刪先蕭肴豪歌麻陽庚青蒸尤侵覃鹽咸"
ENTERING = "屋沃覺質物月曷黠屑藥陌錫職緝合葉洽"
PARTS = {
    name: number
    for number, names in enumerate(
        [
            *[
                "東冬董腫送宋",
                "江陽講養絳漾",
                "支微齊紙尾薺寘未霽灰賄隊泰",
                "魚虞語麌御遇",
                "佳蟹卦",
            ],
            *["真文軫吻震問元阮願", "寒刪先旱潸銑翰諫霰", "蕭肴豪篠巧皓嘯效號", "歌哿箇", "麻馬禡"],
            *["庚青蒸梗迥敬徑", "尤有宥", "侵寢沁", "覃鹽咸感琰豏勘豔陷"],
            *["屋沃", "覺藥", "質陌錫職緝", "物月曷黠屑葉", "合洽"],
        ],
        1,
    )
    for name in names
}
SECOND = dict.fromkeys("灰賄隊泰", 5) | dict.fromkeys("元阮願", 7) | dict.fromkeys("佳卦", 10)


def rows(name: str) -> dict[str, list[str]]:
    """Read a table."""
    lines = (DATA / f"{name}.tsv").read_text(encoding="utf-8").splitlines()
    return {line.split("\t")[0]: line.split("\t")[1:] for line in lines}


CHARACTERS, HALVES, TUNES = rows("characters"), rows("halves"), rows("tunes")


def variants(character: str) -> set[str]:
    """Return a character with the forms that its row names."""
    cells = CHARACTERS.get(character, [])
    return {character, *(cells[4] if len(cells) > 4 else "")}


def readings(character: str) -> list[tuple[str, int]]:
    """Return the tones, as 平, 仄 or 入, and the parts in which a character can be read."""
    found = []
    for group in re.findall(r"\D", CHARACTERS[character][0]):
        kind = "平" if group in LEVEL else "入" if group in ENTERING else "仄"
        second = group in SECOND and variants(character) & set(HALVES[group][0])
        found.append((kind, SECOND[group] if second else PARTS[group]))
    return found


def faults(name: str, text: str, rhyme: int | None, first: str) -> list[str]:
    """Judge a punctuated piece by a tune's row; return the rules that it breaks."""
    pattern = re.findall(r"(=?)([PZx]+)(?:(\d+)([平仄入]))?([，。、])", TUNES[name][3])
    lines = re.findall(r"([^，。、\n]+)([，。、])", text)
    broken = []
    if [(len(line), mark) for line, mark in lines] != [(len(row[1]), row[4]) for row in pattern]:
        return ["shape"]
    feet: dict[str, list[set[int]]] = defaultdict(list)
    used, ends, before = "", [], ""
    for (line, _), (repeats, tones, number, kind, _) in zip(lines, pattern, strict=True):
        for place, (character, tone) in enumerate(zip(line, tones, strict=True)):
            sides = {"平" if each == "平" else "仄" for each, _ in readings(character)}
            if tone != "x" and {"P": "平", "Z": "仄"}[tone] not in sides:
                broken.append(f"tone of {character} in {line} at {place + 1}")
        if number:
            able = {"平": "平", "仄": "仄入", "入": "入"}[kind]
            feet[number].append({part for each, part in readings(line[-1]) if each in able})
        if repeats:
            broken += ["repetition"] * (before[-len(line) :] != line)
        else:
            used += line
            ends += [line[-1]] if number else []
        before += line
    for number, parts in feet.items():
        if not set.intersection(*parts):
            broken.append(f"rhyme {number}")
    for place, character in enumerate(used):
        again = used.find(character, place + 2)
        if again >= 0:
            broken.append(f"{character} twice")
    broken += ["a rhyme twice"] * (len(set(ends)) < len(ends))
    broken += ["wished rhyme"] * (rhyme is not None and rhyme not in set.intersection(*feet["1"]))
    return broken + ["wished beginning"] * (not text.startswith(first))


def main() -> None:
    """Compose and judge; exit with status 1 if a piece breaks a rule."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument(
        "--each", type=int, default=6, help="pieces to a shape; half of them with wishes"
    )
    parser.add_argument("--particles", type=int, default=4)
    parser.add_argument("--only", default="", help="tunes, separated by spaces")
    asked = parser.parse_args()
    chosen, rng, judged, bad = Composer(checkpoint.load(asked.model)), random.Random(1), 0, 0
    for name in asked.only.split() or TUNES:
        level = re.search(r"1([平仄入])", TUNES[name][3])
        assert level, "every tune rhymes"
        part = rng.choice([*range(15, 20)] if level[1] == "入" else [1, 2, 3, 4, 6, 7, 8, 11, 12])
        opening = rng.choice("春秋江山" if TUNES[name][3][0] != "Z" else "夜月細舊")
        numeral = "一二三四五六七八九十"
        digits = numeral[part - 1] if part <= 10 else "十" + numeral[part - 11]
        for rhyme, first in ((None, ""), (part, opening)):
            start = first if len(re.findall(r"[PZx]+", TUNES[name][3])[0]) > 1 else ""
            options = Composing(form=name, rhyme=f"第{digits}部" if rhyme else None, start=start)
            inclusion = chosen.prepare(read_request(chosen.vocabulary, options))
            sampling, seeds = Sampling(0.9, asked.particles, 0.95), range(asked.each // 2)
            for poem in chosen.write_many(inclusion, sampling, seeds):
                judged += 1
                if found := faults(name, str(poem), rhyme, start):
                    bad += 1
                    print(name, found, poem, sep="\n")
    print(f"{judged} pieces to {len(TUNES)} shapes, {bad} break a rule")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
