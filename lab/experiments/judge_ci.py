"""Compose 詞 to tunes and judge them by rules written a second time, which share no code with the checker.

    python -m lab.experiments.judge_ci --model ci --each 3

The judge reads the tables of facts in src/pingze/verse/data and nothing else of the package. It
requires of each piece the lengths of the tune's lines and their marks, its tones, a part of 詞林正韻
that all lines of a rhyme share in the class that each needs, the repeated words, no character twice
but where one is doubled or the tune repeats it, and what was wished: a rhyme, and the first
character. It prints how many of the pieces break a rule, and which; how many places have another
tone than the book, where custom allows it; and how many pieces have none.
"""

import argparse
import random
import re
import sys
from collections import defaultdict
from pathlib import Path

from lab.figures import record
from pingze.composing.composer import Composer
from pingze.composing.options import Composing, Sampling
from pingze.composing.read_request import read_request
from pingze.network import checkpoint

DATA = Path(__file__).parents[2] / "src" / "pingze" / "verse" / "data"
LEVEL = "東冬江支微魚虞齊佳灰真文元寒刪先蕭肴豪歌麻陽庚青蒸尤侵覃鹽咸"
ENTERING = "屋沃覺質物月曷黠屑藥陌錫職緝合葉洽"
GROUPS_OF_PART = {
    1: "東冬董腫送宋",
    2: "江陽講養絳漾",
    3: "支微齊紙尾薺寘未霽灰賄隊泰",
    4: "魚虞語麌御遇",
    5: "佳蟹卦",
    6: "真文軫吻震問元阮願",
    7: "寒刪先旱潸銑翰諫霰",
    8: "蕭肴豪篠巧皓嘯效號",
    9: "歌哿箇",
    10: "麻馬禡",
    11: "庚青蒸梗迥敬徑",
    12: "尤有宥",
    13: "侵寢沁",
    14: "覃鹽咸感琰豏勘豔陷",
    15: "屋沃",
    16: "覺藥",
    17: "質陌錫職緝",
    18: "物月曷黠屑葉",
    19: "合洽",
}
"""The groups of 平水韻 in each part of 詞林正韻; a divided group is in the part of its first half."""
SECOND_OF_PART = {5: "灰賄隊泰", 7: "元阮願", 10: "佳卦"}
"""The divided groups whose second half is in a part."""


def part_of_group(group: str, parts: dict[int, str]) -> int:
    """Return the part in which a group is."""
    for part, groups in parts.items():
        if group in groups:
            return part
    raise KeyError(group)


def rows(name: str) -> dict[str, list[str]]:
    """Read a table."""
    found = {}
    for line in (DATA / f"{name}.tsv").read_text(encoding="utf-8").splitlines():
        first, *cells = line.split("\t")
        found[first] = cells
    return found


CHARACTERS = rows("characters")
HALVES = rows("halves")
TUNES = rows("tunes")


def variants(character: str) -> set[str]:
    """Return a character with the forms that its row names."""
    found = {character}
    cells = CHARACTERS.get(character, [])
    if len(cells) > 4:
        found.update(cells[4])
    return found


def readings(character: str) -> list[tuple[str, int]]:
    """Return the tones, as 平, 仄 or 入, and the parts in which a character can be read."""
    found = []
    for group in re.findall(r"\D", CHARACTERS[character][0]):
        kind = "仄"
        if group in LEVEL:
            kind = "平"
        elif group in ENTERING:
            kind = "入"
        parts = GROUPS_OF_PART
        if group in HALVES and variants(character) & set(HALVES[group][0]):
            parts = SECOND_OF_PART
        found.append((kind, part_of_group(group, parts)))
    return found


LINE = re.compile(r"!?([PZxpz]+)(\d*)(?:=(\d+)@(\d+)(~?))?([.,;])\??\|?")
MARKS = {".": "。", ",": "，", ";": "、"}
USUAL = (
    "浣溪沙 菩薩蠻 滿江紅 蝶戀花 鷓鴣天 念奴嬌 賀新郎 水調歌頭 臨江仙 西江月 沁園春 虞美人 清平樂 點絳脣 "
    "減字木蘭花 滿庭芳 踏莎行 水龍吟 浪淘沙 如夢令 南鄉子 卜算子 憶江南 採桑子 漁家傲 摸魚兒 長相思 調笑令 一剪梅"
)
"""Twenty-nine tunes."""
WISHED_PARTS = {
    "一": 1,
    "二": 2,
    "三": 3,
    "四": 4,
    "六": 6,
    "七": 7,
    "八": 8,
    "十一": 11,
    "十二": 12,
}
"""The parts of which one is wished, by their numerals."""


def is_in(tone: str, character: str) -> bool:
    """Return whether a character can be read in a tone, P or Z."""
    return any((kind == "平") == (tone == "P") for kind, _ in readings(character))


def faults(name: str, text: str, rhyme: int | None, first: str) -> tuple[list[str], int]:
    """Judge a punctuated piece by a tune's row.

    Return the rules that it breaks, and the number of places with another tone than the book.
    """
    # 1) The shape.
    pattern = LINE.findall(TUNES[name][3])
    lines = re.findall(r"([^，。、\n]+)([，。、])", text)
    broken = []
    unlike = 0
    wanted_lines = [(len(row[0]), MARKS[row[5]]) for row in pattern]
    if [(len(line), mark) for line, mark in lines] != wanted_lines:
        return ["shape"], 0
    feet: dict[str, list[set[int]]] = defaultdict(list)
    used = ""
    ends = []
    written = [line for line, _ in lines]
    for line, (tones, number, size, of, reverse, mark) in zip(written, pattern, strict=True):
        # 2) What the line repeats of an earlier one.
        own = line  # the characters that repeat no others
        if of:
            repeated = written[int(of) - 1][-int(size) :]
            own = line[: -int(size)]
            if line[-int(size) :] != (repeated[::-1] if reverse else repeated):
                broken.append("repetition")
        # 3) The tones.
        for place, (character, tone) in enumerate(zip(line, tones, strict=True)):
            if tone == "x" or is_in(tone.upper(), character):
                continue
            if tone.islower():
                unlike += 1
            else:
                broken.append(f"tone of {character} in {line} at {place + 1}")
        # 4) The parts in which its last character rhymes.
        if mark == ".":
            able = {"P": "平", "Z": "仄入"}[tones[-1]]
            feet[number or "1"].append({part for kind, part in readings(line[-1]) if kind in able})
            if own == line:
                ends.append(line[-1])
        used += own
    # 5) The whole piece: its rhymes, no character twice, and the wishes.
    shared_parts = {}
    for number, parts in feet.items():
        shared = parts[0]
        for other in parts[1:]:
            shared = shared & other
        shared_parts[number] = shared
        if not shared:
            broken.append(f"rhyme {number}")
    for place, character in enumerate(used):
        again = used.find(character, place + 2)
        if again >= 0:
            broken.append(f"{character} twice")
    if len(set(ends)) < len(ends):
        broken.append("a rhyme twice")
    if rhyme is not None and rhyme not in shared_parts["1"]:
        broken.append("wished rhyme")
    if not text.startswith(first):
        broken.append("wished beginning")
    return broken, unlike


def main() -> None:
    """Compose and judge; exit with status 1 if a piece breaks a rule."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument(
        "--each", type=int, default=6, help="pieces to a tune; half of them with wishes"
    )
    parser.add_argument("--particles", type=int, default=4)
    parser.add_argument("--only", default=USUAL, help="tunes, separated by spaces")
    asked = parser.parse_args()
    chosen = Composer(checkpoint.load(asked.model))
    rng = random.Random(1)
    judged = bad = strict = unlike = 0
    sampling = Sampling(temperature=0.9, particles=asked.particles, top_p=0.95)
    for name in asked.only.split():
        # 1) Two requests: the tune alone, and with a rhyme and a first character.
        first_line = LINE.findall(TUNES[name][3])[0][0]
        numeral, part = rng.choice(list(WISHED_PARTS.items()))
        opening = rng.choice("夜月細舊" if first_line[0] == "Z" else "春秋江山")
        if len(first_line) == 1:
            opening = ""
        wished = Composing(form=name, rhyme=f"第{numeral}部", start=opening)
        for options, rhyme in ((Composing(form=name), None), (wished, part)):
            # 2) Compose and judge.
            inclusion = chosen.prepare(read_request(chosen.vocabulary, options))
            for seed in range(asked.each // 2):
                poem = chosen.write(inclusion, sampling, seed)
                judged += 1
                found, places = faults(name, str(poem), rhyme, options.start)
                unlike += places
                if found:
                    bad += 1
                    print(name, found, poem, sep="\n")
                elif not places:
                    strict += 1
    print(f"{judged} pieces to {len(asked.only.split())} tunes: {bad} break a rule,")
    print(f"{strict} have every tone of the book, {unlike} places are free by custom")
    values = {"tunes.composed.faulty": bad / judged, "tunes.composed.by_the_book": strict / judged}
    record(f"python -m lab.experiments.judge_ci --model {asked.model} --each {asked.each}", values)
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
