"""Count lapses of composed poems that no rule forbids and real poems seldom have."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from functools import cache
from itertools import pairwise

from pingze.verse.tables import table

_PACKAGE = "pingze.composing.steering"

STOCK = ("不知", "何處", "惆悵", "萬里", "春風", "今日", "無人", "江南", "人間", "月明", "長安")
"""The pairs that composed poems used most too often, in 105 poems of an earlier model."""
DOUBLED_OFTEN = 40
"""The fewest times that verse doubles a character which may be doubled."""

Lines = Sequence[str]


@cache
def times() -> dict[str, dict[str, list[str]]]:
    """Words that name a season, and an hour: kind -> time -> words.

    Each is plain enough by itself: 春 alone is not, since it also means years and youth.
    """
    found: dict[str, dict[str, list[str]]] = {}
    for time, cells in table("times", _PACKAGE).items():
        kind, words = cells.split("\t")
        found.setdefault(kind, {})[time] = words.split()
    return found


@cache
def doublings() -> dict[str, tuple[int, int]]:
    """The characters that verse doubles, how often, and how often so at a line's end."""
    rows = ((character, cells.split("\t")) for character, cells in table("doublings", _PACKAGE).items())
    return {character: (int(times), int(at_end)) for character, (times, at_end) in rows}


@cache
def worn() -> dict[str, float]:
    """The worn pairs, which poems use too often, by the logarithm of how much too often."""
    return {pair: float(excess) for pair, excess in table("worn", _PACKAGE).items()}


def contradicts(lines: Lines) -> bool:
    """Check whether a poem has words of two seasons, or of day and night."""
    return any(
        sum(any(word in line for line in lines for word in words) for words in of_kind.values()) > 1
        for of_kind in times().values()
    )


def doubled(poems: Iterable[Lines]) -> Counter[str]:
    """Count how often each character appears twice in a row within a line."""
    return Counter(one for lines in poems for line in lines for one, other in pairwise(line) if one == other)


def false_doublings(lines: Lines, known: Collection[str]) -> int:
    """Count the doubled characters of a poem that verse does not double."""
    return sum(count for character, count in doubled([lines]).items() if character not in known)


def stock(lines: Lines) -> int:
    """Count the overused pairs of a poem."""
    return sum(line.count(pair) for line in lines for pair in STOCK)
