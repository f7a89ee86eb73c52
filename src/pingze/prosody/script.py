"""Simplified and variant characters: text as typed comes in, the forms that Tang texts are printed in go out."""

from functools import cache, lru_cache

from pingze.prosody.table import entry, simplified

IN_USE = 30
"""A character that Tang verse has this often is a Traditional character in use, whatever else it may stand for.

So 后 里 云 余 几 stay as they are, and 愿 or 听, which the Tang corpus has a few times, become 願 and 聽.
"""


def to_traditional(text: str) -> str:
    """The text with each Simplified character that has exactly one Traditional counterpart converted.

    What stays: a character that is itself in use (`IN_USE`), and one that stands for several (发: 發 or 髮), unless
    only one of them is in use or they are variants of each other (为: 爲).
    """
    return "".join(map(_convert, text))


def traditional_candidates(character: str) -> tuple[str, ...]:
    """The Traditional characters that a Simplified one may stand for, the most used in Tang verse first."""
    return tuple(simplified().get(character, ()))


def variants(character: str) -> tuple[str, ...]:
    """Other written forms of a character, the most used in Tang verse first, as 溪 for 谿."""
    found = entry(character)
    return tuple(found.variants) if found else ()


@cache
def simplified_forms() -> dict[str, str]:
    """For each Traditional character the Simplified one that stands for it; characters that are both are not named."""
    return {other: character for character, others in simplified().items() for other in others}


@lru_cache(1 << 13)
def _convert(character: str) -> str:
    candidates = traditional_candidates(character)
    if not candidates or in_use(character):
        return character
    used = [candidate for candidate in candidates if in_use(candidate)] or list(candidates)
    forms = {used[0], *variants(used[0])}
    return used[0] if forms.issuperset(used) else character


def in_use(character: str) -> bool:
    """Whether Tang verse has a character, exactly as it is written, at least `IN_USE` times."""
    found = entry(character)
    return found is not None and found.count >= IN_USE
