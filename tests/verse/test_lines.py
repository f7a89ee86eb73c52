"""Lines of handbooks and poets, one that keeps each rule and one that breaks it, in poems that else have no fault."""

from pathlib import Path

import pytest

from pingze.verse import Verdict, check
from pingze.verse.forms import OPENINGS, line_types
from pingze.verse.patterns import PREFIXES
from pingze.verse.rhyme import practised, rhyme_characters
from pingze.verse.tones import groups, usable_tone
from tests.verse import reference

TABLE = Path(__file__).with_name("lines.tsv").read_text(encoding="utf-8").splitlines()
ROWS = [row.split("\t") for row in TABLE[1:]]
STRICT = ("三仄尾", "小拗")
assert 2 * len(ROWS) >= 120


def around(kind: str, text: str, level: str) -> Verdict:
    """Check a poem of 平 and 仄 with a line, or a couplet whose lines are parted by /, in the place of its type."""
    given = text.split("/")
    width = len(given[0])
    opening = next(each for each in OPENINGS if each[1] == kind or (kind in "ac" and each[0] == kind))
    types = line_types(opening, 4)
    at = types.index(kind)
    foot = given[-1][-1] if kind in "BD" or len(given) == 2 else "東"
    names = sorted(groups(foot))
    group = next(name for name in names if any(practised(c, name) for c in rhyme_characters(name)))
    feet = iter(c for c in rhyme_characters(group) if usable_tone(c) == "平" and c not in text)
    lines = []
    for each in types:
        tones = (PREFIXES[each] * (width == 7) + reference.BASE[each]).replace("x", "P")
        line = tones.replace("P", "平").replace("Z", "仄")
        lines.append(line[:-1] + next(feet) if each.isupper() else line)
    lines[at : at + len(given)] = given
    return check("，".join(lines), form="五絕" if width == 5 else "七絕", level=level)


def broken(verdict: Verdict) -> list[object]:
    return [fault.rule for fault in verdict.violations] + [doubt.cause["rule"] for doubt in verdict.doubts]


@pytest.mark.parametrize(("rule", "kind", "accepted", "source", "rejected", "other"), ROWS)
def test_each_line_has_its_fault(rule: str, kind: str, accepted: str, source: str, rejected: str, other: str) -> None:
    level = "strict" if rule in STRICT else "customary"
    assert broken(around(kind, accepted, level)) == [], source
    assert broken(around(kind, rejected, level)) == [rule], other
