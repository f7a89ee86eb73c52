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


LINE = re.compile(r"!?([PZxpz]+)(\d*)(?:=(\d+)@(\d+)(~?))?([.,;])\??\|?")
MARKS = {".": "。", ",": "，", ";": "、"}
SIDES = {"P": "平", "Z": "仄"}
USUAL = (
    "浣溪沙 菩薩蠻 滿江紅 蝶戀花 鷓鴣天 念奴嬌 賀新郎 水調歌頭 臨江仙 西江月 沁園春 虞美人 清平樂 點絳脣 "
    "減字木蘭花 滿庭芳 踏莎行 水龍吟 浪淘沙 如夢令 南鄉子 卜算子 憶江南 採桑子 漁家傲 摸魚兒 長相思 調笑令 一剪梅"
)
"""Twenty-nine tunes."""


def is_in(tone: str, character: str) -> bool:
    """Return whether a character can be read in a tone, P or Z."""
    return any((kind == "平") == (tone == "P") for kind, _ in readings(character))


def faults(name: str, text: str, rhyme: int | None, first: str) -> tuple[list[str], int]:
    """Judge a punctuated piece by a tune's row.

    Return the rules that it breaks, and the number of places with another tone than the book.
    """
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
        own = line  # the characters that repeat no others
        if of:
            repeated = written[int(of) - 1][-int(size) :]
            own = line[: -int(size)]
            if line[-int(size) :] != (repeated[::-1] if reverse else repeated):
                broken.append("repetition")
        for place, (character, tone) in enumerate(zip(line, tones, strict=True)):
            if tone == "x" or is_in(tone.upper(), character):
                continue
            if tone.islower():
                unlike += 1
            else:
                broken.append(f"tone of {character} in {line} at {place + 1}")
        if mark == ".":
            able = {"P": "平", "Z": "仄入"}[tones[-1]]
            number = number or "1"
            feet[number].append({part for each, part in readings(line[-1]) if each in able})
            ends += [line[-1]] if own == line else []
        used += own
    for number, parts in feet.items():
        if not set.intersection(*parts):
            broken.append(f"rhyme {number}")
    for place, character in enumerate(used):
        again = used.find(character, place + 2)
        if again >= 0:
            broken.append(f"{character} twice")
    broken += ["a rhyme twice"] * (len(set(ends)) < len(ends))
    broken += ["wished rhyme"] * (rhyme is not None and rhyme not in set.intersection(*feet["1"]))
    broken += ["wished beginning"] * (not text.startswith(first))
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
    for name in asked.only.split():
        tones = LINE.findall(TUNES[name][3])
        first_rhyme = next(row[0] for row in tones if row[5] == "." and row[1] in ("", "1"))
        part = rng.choice([1, 2, 3, 4, 6, 7, 8, 11, 12])
        opening = rng.choice("春秋江山" if tones[0][0][0] != "Z" else "夜月細舊")
        digits = "一二三四五六七八九十"[part - 1] if part <= 10 else "十" + "一二"[part - 11]
        assert first_rhyme, "every tune rhymes"
        for rhyme, first in ((None, ""), (part, opening)):
            start = first if len(tones[0][0]) > 1 else ""
            options = Composing(form=name, rhyme=f"第{digits}部" if rhyme else None, start=start)
            inclusion = chosen.prepare(read_request(chosen.vocabulary, options))
            sampling = Sampling(0.9, asked.particles, 0.95)
            for seed in range(asked.each // 2):
                poem = chosen.write(inclusion, sampling, seed)
                judged += 1
                found, places = faults(name, str(poem), rhyme, start)
                unlike += places
                strict += not found and not places
                if found:
                    bad += 1
                    print(name, found, poem, sep="\n")
    print(f"{judged} pieces to {len(asked.only.split())} tunes: {bad} break a rule,")
    print(f"{strict} have every tone of the book, {unlike} places are free by custom")
    values = {"tunes.composed.faulty": bad / judged, "tunes.composed.by_the_book": strict / judged}
    record(f"python -m lab.experiments.judge_ci --model {asked.model} --each {asked.each}", values)
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
