"""Look up a character's readings in Mandarin, and the rime of each, by which 中華新韻 and 中華通韻 group characters.

`data/mandarin.tsv` lists the characters of each syllable, and `data/mandarin_words.tsv` the tones of characters in
words (`python -m scripts.count mandarin`).
"""

import re
import unicodedata
from functools import cache
from itertools import compress

from pingze.verse.rhyme_groups import Standard
from pingze.verse.tables import table

_RIMES = """ï=zhi,chi,shi,ri,zi,ci,si ü=ju,qu,xu,yu,ü ie=ie,ye,ue,üe,ê en=en,in,un,ün eng=eng,ing ei=ei,ui ou=ou,iu
    ang ong an ai ao er a o e i u"""
ENDINGS = {
    end: rime for rime, _, ends in (row.partition("=") for row in _RIMES.split()) for end in (ends or rime).split(",")
}
"""The rime of each ending of a syllable; the longest ending counts. ï is the vowel of 知 and 資."""
_LEVEL, _OBLIQUE = "\u0304\u0301", "\u030c\u0300"  # the marks of tones 1 and 2, and of 3 and 4


@cache
def readings() -> dict[str, list[str]]:
    """Map each character to its syllables, such as zhǎng and cháng for 長."""
    found: dict[str, list[str]] = {}
    for syllable, characters in table("mandarin").items():
        for character in characters:
            found.setdefault(character, []).append(syllable)
    return found


@cache
def group_names(syllable: str, standard: Standard) -> str:
    """Return the name of a syllable's group, or of both halves of its group if the syllable has the neutral tone."""
    marks = unicodedata.normalize("NFD", syllable)
    letters = unicodedata.normalize("NFC", re.sub(f"[{_LEVEL}{_OBLIQUE}]", "", marks))
    rime = next((ENDINGS[end] for size in (3, 2, 1) if (end := letters[-size:]) in ENDINGS), "")
    has = [bool(set(tones) & set(marks)) for tones in (_LEVEL, _OBLIQUE)]
    return "".join(compress(standard.rimes.get(rime, ""), has if any(has) else (True, True)))
