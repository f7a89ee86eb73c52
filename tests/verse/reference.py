"""The rule table read by brute force: every opening is written out and every line matched as a regular expression.

It shares nothing with the package, so that the two can be held to each other.
"""

import re

# P level, Z oblique, x free; five characters, or a prefix and five.
OK = {"a": ["xZPPZ"], "B": ["PPxZP", "ZPPZP"], "c": ["xPPZZ", "PPZPZ"], "D": ["xZZPP"]}
SOFT = {"a": ["xZZPZ"], "B": [], "c": ["xPZZZ"], "D": []}
WITH_NEXT_B_POS3_P = {"a": ["xZZPZ", "xZxZZ"], "B": [], "c": [], "D": []}
PREFIX = {"a": "xP", "B": "xZ", "c": "xZ", "D": "xP"}
BASE = {"a": "ZZPPZ", "B": "PPZZP", "c": "PPPZZ", "D": "ZZZPP"}
STARTS = ["aBcD", "DBcD", "cDaB", "BDaB"]
CYCLE = "aBcD"


def types(start: str, count: int) -> str:
    """The types of `count` lines after one of `STARTS`."""
    return (start + CYCLE[CYCLE.index(start[3]) + 1 :] + CYCLE * count)[:count]


def passes(lines: list[str], level: str) -> bool:
    """Whether lines of P and Z fit some opening at a level."""
    return any(fits(lines, types(start, len(lines)), level) for start in STARTS)


def fits(lines: list[str], kinds: str, level: str) -> bool:
    """Whether each line fits its type."""
    width = len(lines[0])
    for number, (line, kind) in enumerate(zip(lines, kinds, strict=True)):
        patterns = OK[kind] + (SOFT[kind] if level == "customary" else [])
        following = lines[number + 1] if number + 1 < len(lines) else ""
        if following and kinds[number + 1] == "B" and following[width - 3] == "P":
            patterns = patterns + WITH_NEXT_B_POS3_P[kind]
        prefix = PREFIX[kind] if width == 7 else ""
        if not any(
            re.fullmatch((prefix + pattern).replace("x", "."), line) for pattern in patterns
        ):
            return False
    return True
