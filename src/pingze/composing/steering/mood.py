r"""The mood 情 of a poem: joyful, calm or sad.

While a text is drawn, each character c is exp m(c) times as likely as it was, where

    m(c) = ln (n + PRIOR) / (e + PRIOR)

and n is how often verse of the mood has c, e how often it would have c if it were like verse of the other two moods.
PRIOR keeps the m of a rare character near 0. The poems are those of the train split whose title tells their mood: it
congratulates, speaks of leisure, or mourns (scripts/count_moods.py).
"""

import re
from functools import cache
from importlib.resources import files

import numpy as np

from pingze.arrays import Array, Float32
from pingze.network.vocabulary import Vocabulary

JOYFUL, CALM, SAD = MOODS = ("joyful", "calm", "sad")
PRIOR = 3

TITLES = {
    JOYFUL: re.compile(
        r"^[恭敬奉]?賀(?![知監蘭州方])|^喜|^壽(?![安寧陽春昌光星山聖])|^[祝慶][壽生賀賢]|(^.?|[爲上獻].{0,5})壽$|[爲上獻祝]壽"
        r"|生日|生辰|生朝|誕辰|誕日|(?<!離)婚(?!別)|登第|及第|登科"
    ),
    SAD: re.compile(r"[哭輓悼葬]|^弔|^挽|挽[詩歌詞辭章]"),
}
"""The titles and themes that tell a mood."""


def mood_of(*texts: str | None) -> str | None:
    """The mood that titles and themes tell; None where they tell none, or two."""
    told = [mood for mood, title in TITLES.items() if any(title.search(text) for text in texts if text)]
    return told[0] if len(told) == 1 else None


@cache
def _table() -> dict[str, list[float]]:
    """The m of each character in each of `MOODS`."""
    text = (files("pingze.composing.steering") / "data" / "moods.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines())
    return {character: [float(m) for m in each] for character, *each in rows}


def leanings(vocabulary: Vocabulary) -> dict[str, Float32[Array, "V"]]:
    """Give for each mood what is added to the logarithm of each token's weight; 0 where the table has no token."""
    none = [0.0] * len(MOODS)
    rows = np.array([_table().get(token, none) for token in vocabulary.tokens], np.float32)
    return dict(zip(MOODS, rows.T, strict=True))
