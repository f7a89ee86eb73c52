"""Find the mood 情 that a title or theme shows: it congratulates, or it mourns."""

import re

from pingze.composing.options import MOODS

JOYFUL, CALM, SAD = MOODS
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
