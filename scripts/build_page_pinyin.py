"""Build the page's table of pronunciations: src/pingze/serve/page/pinyin.json.

    pip install 'pingze[page]'
    python -m scripts.build_page_pinyin

The table maps each syllable of modern Mandarin to the characters that usually have this reading, according to pypinyin
(MIT licence). It covers the characters of every shipped model's vocabulary.
"""

import json
from collections import defaultdict
from pathlib import Path

from pypinyin.constants import PINYIN_DICT

from pingze.network import checkpoint

TABLE = Path(__file__).parents[1] / "src" / "pingze" / "serve" / "page" / "pinyin.json"


def main() -> None:
    """Write the table, and print how many characters it covers."""
    models = [checkpoint.load(name).vocabulary.tokens for name in checkpoint.SHIPPED]
    characters = sorted({token for tokens in models for token in tokens if len(token) == 1})
    read: dict[str, str] = defaultdict(str)
    for character in characters:
        if readings := PINYIN_DICT.get(ord(character)):
            read[readings.split(",")[0]] += character
    TABLE.write_text(
        json.dumps(dict(sorted(read.items())), ensure_ascii=False, indent=0) + "\n", encoding="utf-8"
    )
    known = sum(map(len, read.values()))
    print(f"{TABLE}: {known} of {len(characters)} characters, {TABLE.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
