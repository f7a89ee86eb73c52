"""The rules, each with poems that keep and break it."""

import tomllib
from importlib.resources import files
from typing import Any

import pytest

from pingze.messages import catalogue
from pingze.verse import check
from pingze.verse.verdict import SHAPE_RULES

RULES = tomllib.loads(files("pingze.verse").joinpath("data", "rules.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", RULES)
def test_accepted_examples_keep_every_rule_and_rejected_ones_break_this_one(name: str) -> None:
    rule: dict[str, Any] = {"strictness": "customary", **RULES[name]}
    assert rule["source"]
    for poem in rule["accepted"]:
        assert check(poem, level=rule["strictness"]).violations == ()
    for poem in rule["rejected"]:
        assert [violation.rule for violation in check(poem, level=rule["strictness"]).violations] == [name]
        if rule["strictness"] == "strict":  # custom allows it
            verdict = check(poem)
            assert verdict.ok
            assert any(note.startswith(f"{name}: ") for note in verdict.notes)


def test_every_rule_of_the_checker_is_defined() -> None:
    assert " ".join(RULES) == "失對 失黏 孤平 三平調 三仄尾 特拗 大拗 小拗 仄腳 出韻 鄰韻 重韻 失律 疊句"
    assert {*RULES, *SHAPE_RULES} <= catalogue().keys()
