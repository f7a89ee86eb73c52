r"""Multiply each character's weight by a fixed factor, from the poem's mood 情 or from the options `like` and `unlike`.

While a text of a mood is drawn, the weight of each character c is multiplied by exp m(c), where

    m(c) = ln (n + PRIOR) / (e + PRIOR)

Here n is the number of times that poems of this mood use c, and e is the number expected from the
frequency of c in poems of the other two moods. PRIOR keeps m(c) near 0 for a rare character. Only
poems of the train split are counted, and only if the title shows a mood: such titles congratulate,
speak of leisure, or mourn (tools/moods.py).
"""

import re
from functools import lru_cache

import numpy as np

from pingze.arrays import Array, Float32, Int
from pingze.composing.request.options import MOODS
from pingze.composing.steering import Term
from pingze.files import table
from pingze.network.vocabulary import Vocabulary

JOYFUL, CALM, SAD = MOODS
PRIOR = 3
NATS = 1.5  # added to ln p of characters to prefer, and taken from ln p of characters to use less
TITLES = {
    JOYFUL: re.compile(
        r"^[恭敬奉]?賀(?![知監蘭州方])|^喜|^壽(?![安寧陽春昌光星山聖])|^[祝慶][壽生賀賢]|(^.?|[爲上獻].{0,5})壽$|[爲上獻祝]壽"
        r"|生日|生辰|生朝|誕辰|誕日|(?<!離)婚(?!別)|登第|及第|登科"
    ),
    SAD: re.compile(r"[哭輓悼葬]|^弔|^挽|挽[詩歌詞辭章]"),
}
"""For each mood, the pattern that matches titles and themes of this mood."""


def mood_of(*texts: str | None) -> str | None:
    """Return the mood of titles and themes; None if they have no mood or two moods."""
    found = [
        mood for mood, title in TITLES.items() if any(title.search(text) for text in texts if text)
    ]
    return found[0] if len(found) == 1 else None


@lru_cache(maxsize=4)
def leanings(vocabulary: Vocabulary) -> dict[str, Float32[Array, "V"]]:
    """Return, for each mood, m(c) of every token c: the nats added to ln p of c. m(c) is 0 for a token without data."""
    cells = table("moods", "pingze.composing.steering")
    rows = [
        cells[token].split("\t") if token in cells else [0.0] * len(MOODS)
        for token in vocabulary.tokens
    ]
    return dict(zip(MOODS, np.array(rows, np.float64).astype(np.float32).T, strict=True))


def likeness(vocabulary: Vocabulary, like: str, unlike: str) -> Float32[Array, "V"]:
    """Return `NATS` for characters only in `like`, -`NATS` for characters only in `unlike`, and 0 for all others."""
    leaning = np.zeros(len(vocabulary), np.float32)
    for characters, nats in ((like, NATS), (unlike, -NATS)):
        for each in {*characters} & vocabulary.ids.keys():
            leaning[vocabulary.ids[each]] += nats
    return leaning


class Leaning(Term):
    """A term that adds a fixed number of nats to ln p of each character."""

    def __init__(self, leaning: Float32[Array, "V"]) -> None:
        self.leaning = leaning

    def before_draw(self, texts: Int[Array, "N P"], place: int) -> Float32[Array, "V"]:
        """Return the number of nats for each character, the same for all texts and positions."""
        return self.leaning
