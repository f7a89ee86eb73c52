"""Words whose reading decides a tone, each put where the tone is wrong."""

from collections.abc import Iterator

import pytest

from pingze.verse import Verdict, check
from pingze.verse.patterns import word_starts
from pingze.verse.tones import sides
from tests.verse import reference
from tests.verse.writing import LEVELS, OBLIQUES, write

LISTS = {
    (0, "平"): """將軍 正月 相思 相逢 更闌 長安 長江 中原 重陽 空山 應是 當時 分明 騎馬 尚書 憑欄 王孫 吹簫 調和 燕山
        彈琴 荷花 行人 縫衣 興亡 從容 扁舟""",
    (1, "平"): "三更 五更 九重 不勝 艱難 人間 思量 商量 衣冠 經過 相傳 繁華 收藏 不禁 庶幾 呼號 可汗 布衣 廉頗",
    (0, "仄"): "更上 長老 中酒 勝地 爲誰 教坊 燕子 華山 荷鋤 幾時 喪亂 號令 衣錦 將相",
    (1, "仄"): """丞相 宰相 大將 名將 秋思 生長 響應 名勝 患難 名分 千騎 縣令 度量 弱冠 鼓吹 萬乘 列傳 左傳 曲調 寶藏
        相稱 金彈 團扇 負荷 德行 宮禁 勉強 樓觀 詩興 唱和 上疏 政治 方便""",
}
"""Words by the place of the character that they decide, from 0, and its tone."""
WORDS = [(word, at, tone) for (at, tone), words in LISTS.items() for word in words.split()]


def poems(word: str, at: int, tone: str) -> Iterator[str]:
    """Poems without a fault but for a word that has one tone where only the other fits."""
    singles = {"平": LEVELS[-1], "仄": OBLIQUES[-1]}
    for opening in reference.STARTS:
        types = reference.types(opening, 4)
        tones = [(reference.PREFIX[kind] + reference.BASE[kind]).replace("x", "P") for kind in types]
        written = write(tones, rhymed_first=opening[0].isupper())
        lines = [line.replace("雲", "池") for line in written]  # 雲長 and 雲正 are pairs of their own
        for number, line in enumerate(lines):
            for start in sorted(word_starts(2, 7) - ({5} if tones[number][-1] == "P" else set())):
                before, after = [*lines[:number], line[:start]], [line[start + 2 :], *lines[number + 1 :]]
                pairs = [word[:at] + singles[each] + word[at + 1 :] for each in ("仄平"[tone == "仄"], tone)]
                texts = ("，".join([*before[:-1], before[-1] + pair + after[0], *after[1:]]) for pair in (*pairs, word))
                good, bad, asked = texts
                found = check(good, form="七絕")
                if found.ok and not found.doubts and not check(bad, form="七絕").ok:
                    yield asked


def told(verdict: Verdict) -> bool:
    return bool(verdict.violations or verdict.doubts)


def test_a_word_in_the_wrong_tone_is_told() -> None:
    assert len(WORDS) == 93
    assert all(len(sides(word[at])) == 2 for word, at, _ in WORDS)
    silent = [word for word, at, tone in WORDS if not told(check(next(poems(word, at, tone)), form="七絕"))]
    assert len(WORDS) - len(silent) >= 88, silent


@pytest.mark.parametrize("word", ["將軍", "人間", "患難", "丞相"])
def test_a_doubt_names_the_word_and_the_rule(word: str) -> None:
    at, tone = next((at, tone) for each, at, tone in WORDS if each == word)
    verdict = check(next(poems(word, at, tone)), form="七絕")
    assert verdict.ok
    (doubt,) = verdict.doubts
    assert doubt.cause["word"] == word
    assert doubt.cause["has"] == word[at]
    assert doubt.cause["wanted"] != tone
    assert verdict.as_json()["doubts"] == verdict.doubts
