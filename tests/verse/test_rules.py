"""The forms and rules: poems and lines that keep and break each, and levels that enforce them or not."""

import tomllib
from importlib.resources import files
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from pingze.errors import InputError
from pingze.messages import catalogue
from pingze.verse.checking import check
from pingze.verse.forms import FORMS, OPENINGS, find_form, line_types, opening_name
from pingze.verse.patterns import (
    PREFIXES,
    RESCUED,
    RESCUES,
    STRICTNESSES,
    SWITCHES,
    accepted,
    enforced,
)
from pingze.verse.standard import PINGSHUI
from pingze.verse.verdict import SHAPE_RULES, Verdict, heading
from tests.verse import reference
from tests.verse.writing import write

RULES = tomllib.loads(
    files("pingze.verse").joinpath("data", "rules.toml").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", RULES)
def test_accepted_examples_keep_every_rule_and_rejected_ones_break_this_one(name: str) -> None:
    rule: dict[str, Any] = {"strictness": "customary", **RULES[name]}
    assert rule["source"]
    for poem in rule["accepted"]:
        assert check(poem, level=rule["strictness"]).violations == ()
    for poem in rule["rejected"]:
        assert [
            violation.rule for violation in check(poem, level=rule["strictness"]).violations
        ] == [name]
        if rule["strictness"] == "strict":  # custom allows it
            verdict = check(poem)
            assert verdict.ok
            assert any(note.startswith(f"{name}: ") for note in verdict.notes)


def test_every_rule_of_the_checker_is_defined() -> None:
    assert (
        " ".join(RULES)
        == "失對 失黏 孤平 三平調 三仄尾 特拗 大拗 小拗 仄腳 聯腳 重字 出韻 鄰韻 重韻 失律 疊句 疊韻"
    )
    assert {*RULES, *SHAPE_RULES} <= catalogue().keys()


BASE = ("ZZPPZ", "PPZZP", "PPPZZ", "ZZZPP")


def judged(changed: dict[int, str], level: str, prefix: bool) -> Verdict:
    """The verdict on four lines of five or seven characters, some of which differ from the template."""
    lines = [changed.get(number, line) for number, line in enumerate(BASE)]
    if prefix:
        lines = [
            ("PP" if base[:2] == "ZZ" else "ZZ") + line
            for base, line in zip(BASE, lines, strict=True)
        ]
    return check(
        "，".join(write(lines, rhymed_first=False)), form="七絕" if prefix else "五絕", level=level
    )


@pytest.mark.parametrize("prefix", [False, True], ids=["five", "seven"])
@pytest.mark.parametrize(
    ("changed", "loose", "strict", "fault"),
    [
        ({1: "ZPZZP"}, "customary-孤平", "customary", ("孤平", 2, 1)),
        ({1: "ZPZZP"}, "strict-孤平", "strict", ("孤平", 2, 1)),
        ({1: "ZPPZP"}, "strict", "customary-本句自救", ("孤平", 2, 1)),
        ({2: "PPZPZ"}, "strict", "customary-本句自救", ("失對", 3, 4)),
        ({2: "PPZPZ"}, "customary", "strict-本句自救", ("失對", 3, 4)),
        ({0: "ZZPZZ", 1: "PPPZP"}, "strict", "customary-對句相救", ("大拗", 1, 4)),
        ({0: "ZZZPZ", 1: "PPPZP"}, "strict", "strict-对句相救", ("小拗", 1, 3)),
        ({0: "ZZZPZ"}, "customary", "customary+小拗", ("小拗", 1, 3)),
        ({2: "PPZZZ"}, "strict-三仄尾", "customary+三仄尾", ("三仄尾", 3, 3)),
    ],
)
def test_switches(
    changed: dict[int, str], loose: str, strict: str, fault: tuple[str, int, int], prefix: bool
) -> None:
    assert judged(changed, loose, prefix).ok
    rule, line, position = fault
    found = [
        (each.rule, each.line, each.position) for each in judged(changed, strict, prefix).violations
    ]
    assert found == [(rule, line, position + 2 * prefix)]


def test_a_rule_that_is_not_enforced_is_noted() -> None:
    notes = [note.cause for note in judged({1: "ZPZZP"}, "customary-孤平", False).notes]
    assert {"code": "bent", "rule": "孤平", "line": 2, "position": 3} in notes
    assert heading(judged({}, "strict-孤平", False)).endswith("strict-孤平")


def test_the_levels_are_sets_of_rules_and_others_are_refused() -> None:
    assert enforced("customary") == {"孤平"}
    assert enforced("strict") == {"孤平", "小拗", "三仄尾", "鄰韻"}
    every = "".join(f"{'-' if rule in RESCUES else '+'}{rule}" for rule in SWITCHES)
    assert enforced(f"customary{every}") == set(SWITCHES)
    assert enforced("customary+本句自救+對句相救") == enforced("customary")
    assert enforced("strict-鄰韻+鄰韻") == enforced("strict")
    for level in ("loose", "", "strict+", "strict孤平", "strict+失對", "+孤平"):
        named = "strict" if level.isalpha() or not level else "customary-孤平"
        with pytest.raises(InputError, match=named):
            check("白日依山盡", level=level)


def test_a_line_whose_rescue_is_rejected_is_not_said_to_end_in_three_obliques() -> None:
    notes = judged({2: "PPZPZ"}, "customary-本句自救", False).notes
    assert not any(note.startswith("三仄尾") for note in notes)


TABLE = Path(__file__).with_name("lines.tsv").read_text(encoding="utf-8").splitlines()
ROWS = [row.split("\t") for row in TABLE[1:]]
assert 2 * len(ROWS) >= 120


def around(kind: str, text: str, level: str) -> Verdict:
    """Check a poem of 平 and 仄 with a line, or a couplet whose lines are parted by /, in the place of its type."""
    given = text.split("/")
    width = len(given[0])
    opening = next(
        each for each in OPENINGS if each[1] == kind or (kind in "ac" and each[0] == kind)
    )
    types = line_types(opening, 4)
    at = types.index(kind)
    foot = given[-1][-1] if kind in "BD" or len(given) == 2 else "東"
    group = next(
        name
        for name in sorted(PINGSHUI.rhymes(foot))
        if any(PINGSHUI.is_practised(c, name) for c in PINGSHUI.rhyme_characters(name))
    )
    feet = iter(
        c
        for c in PINGSHUI.rhyme_characters(group)
        if PINGSHUI.usable_tone(c) == "平" and c not in text
    )
    lines = []
    for each in types:
        tones = (PREFIXES[each] * (width == 7) + reference.BASE[each]).replace("x", "P")
        line = tones.replace("P", "平").replace("Z", "仄")
        lines.append(line[:-1] + next(feet) if each.isupper() else line)
    lines[at : at + len(given)] = given
    return check("，".join(lines), form="五絕" if width == 5 else "七絕", level=level)


def broken(verdict: Verdict) -> list[object]:
    return [fault.rule for fault in verdict.violations] + [
        doubt.cause["rule"] for doubt in verdict.doubts
    ]


@pytest.mark.parametrize(("rule", "kind", "accepted", "source", "rejected", "other"), ROWS)
def test_each_line_has_its_fault(
    rule: str, kind: str, accepted: str, source: str, rejected: str, other: str
) -> None:
    level = "strict" if rule in ("三仄尾", "小拗") else "customary"
    assert broken(around(kind, accepted, level)) == [], source
    assert broken(around(kind, rejected, level)) == [rule], other


def test_the_forms() -> None:
    assert sorted(FORMS) == sorted(a + b for a in "五七" for b in "絕律排古")
    for form in FORMS.values():
        assert len(form.openings) == (4 if form.regulated else 0)
        assert set(form.openings) <= set(OPENINGS)
    assert [count for count in range(20) if FORMS["五排"].takes(count)] == [10, 12, 14, 16, 18]
    assert [count for count in range(20) if FORMS["七律"].takes(count)] == [8]
    assert FORMS["七古"].takes(5)


def test_names_of_forms_and_templates() -> None:
    given = ["五绝", " 五言絕句 ", "七律诗", "五言排律", "七言古诗"]
    assert [find_form(name).name for name in given] == ["五絕", "五絕", "七律", "五排", "七古"]
    with pytest.raises(InputError, match="form '詞' is unknown; choose one of 五絕"):
        find_form("詞")
    names = ["仄起首句不入韻", "仄起首句入韻", "平起首句不入韻", "平起首句入韻"]
    assert [opening_name(5, kind) for kind in "aDcB"] == names
    assert [opening_name(7, kind)[0] for kind in "aDcB"] == list("平平仄仄")


@pytest.mark.parametrize("level", STRICTNESSES)
@pytest.mark.parametrize("width", [5, 7])
def test_couplets_may_be_written_as_the_rule_table_says(width: int, level: str) -> None:
    """Every pair of lines, against the brute force: alone, and as the rescue that replaces it."""
    for start in ("aB", "cD"):
        kinds = [tuple(start), *([tuple(RESCUED[kind] for kind in start)] if start == "aB" else [])]
        written = {
            pair
            for kind in kinds
            for pair in product(*(instances(each, width, level) for each in kind))
        }
        every = [f"{bits:0{2 * width}b}".translate({48: "P", 49: "Z"}) for bits in range(4**width)]
        pairs = ((text[:width], text[width:]) for text in every)
        assert written == {pair for pair in pairs if reference.fits(list(pair), start, level)}


def instances(kind: str, width: int, level: str) -> set[str]:
    """All the lines of P and Z in a type."""
    tones = (
        ["PZ" if tone == "x" else tone for tone in each.tones]
        for each in accepted(kind, width, level)
    )
    return {"".join(line) for places in tones for line in product(*places)}
