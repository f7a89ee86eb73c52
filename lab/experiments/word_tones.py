"""Count the words that the checker tells where their tone is wrong, by dictionaries that made no table.

    pip install pypinyin-dict==0.9.0 ToJyutping==3.2.0 jieba==0.42.1 opencc==1.4.2
    python -m lab.experiments.word_tones

A word has two characters, one of them with two tones in 平水韻 that today's readings tell apart. It
is fixed if 漢典's pinyin (in pypinyin-dict) and the Cantonese reading give this character the same
tone. jieba counts how frequent it is. The common words are split in two by a seed, of which only the
first half was looked at; the rarer words were never looked at.
"""

import random
from importlib import import_module

from pingze.files import table
from pingze.verse.standard import PINGSHUI
from tools.character_table import converted, package
from tools.dictionaries import EITHER, side, tells_tones

COMMON = 50
RARER = 20
SEED = 5

Word = tuple[str, int, str]
"""A word, the index of the character of two tones, and its tone."""


def main() -> None:
    """Print the shares."""
    frequencies = {}
    dictionary = package("jieba") / "dict.txt"
    for row in dictionary.read_text(encoding="utf-8").splitlines():
        cells = row.split(" ")
        frequencies[cells[0]] = int(cells[1])
    common = []
    rarer = []
    for simplified, word in fixed_words():
        times = frequencies.get(simplified, 0)
        if times >= COMMON:
            common.append(word)
        elif times >= RARER:
            rarer.append(word)
    common.sort()
    random.Random(SEED).shuffle(common)
    half = len(common) // 2
    lists = {"looked at": common[:half], "kept aside": common[half:], "rarer": rarer}
    for name, words in lists.items():
        others = [word for word in words if word[0][word[1]] not in EITHER]
        print(
            f"{name}: {share_told(words):.1%} of {len(words)}, "
            f"without {''.join(sorted(EITHER))} {share_told(others):.1%} of {len(others)}"
        )


def fixed_words() -> list[tuple[str, Word]]:
    """List the words that both dictionaries fix, each with its Simplified form."""
    from ToJyutping import get_jyutping_list

    readings: dict[str, list[list[str]]] = {}
    for part in range(8):
        module = import_module(f"pypinyin_dict.phrase_pinyin_data.zdic_cibs_{part}")
        readings |= module.phrases_dict
    simplified = [word for word in readings if len(word) == len(readings[word]) == 2]
    two_tones = {one for one in table("characters") if tells_tones(one) or one in EITHER}
    words = []
    for form, word in zip(simplified, converted(simplified, "s2t"), strict=True):
        if not two_tones & set(word):
            continue
        spoken = get_jyutping_list(word)
        for at, character in enumerate(word):
            tone = side(character, readings[form][at][0])
            if character in two_tones and tone and tone == cantonese_side(spoken[at][1] or ""):
                words.append((form, (word, at, tone)))
    return words


def cantonese_side(syllable: str) -> str:
    """Return the tone in verse of a Cantonese syllable such as zung3; an entering tone ends in p, t or k."""
    if not syllable:
        return ""
    is_level = syllable[-1] in "14" and syllable[-2] not in "ptk"
    return "平" if is_level else "仄"


def share_told(words: list[Word]) -> float:
    """Return the share of words in which only the right tone is usual."""
    told = 0
    for word, at, tone in words:
        told += PINGSHUI.words.tones_in(word, range(1))[at] == {tone}
    return told / len(words)


if __name__ == "__main__":
    main()
