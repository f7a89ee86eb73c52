import pytest

from pingze.messages import catalogue
from pingze.verse import check
from pingze.verse.rules import SHAPE_RULES, Rule, rules


@pytest.mark.parametrize("rule", rules().values(), ids=lambda rule: rule.name)
def test_accepted_examples_keep_every_rule_and_rejected_ones_break_this_one(rule: Rule) -> None:
    for poem in rule.accepted:
        assert check(poem, level=rule.strictness).violations == ()
    for poem in rule.rejected:
        assert [violation.rule for violation in check(poem, level=rule.strictness).violations] == [rule.name]
        if rule.strictness == "strict":  # custom allows it
            verdict = check(poem)
            assert verdict.ok
            assert any(note.startswith(f"{rule.name}: ") for note in verdict.notes)


def test_every_rule_of_the_checker_is_defined() -> None:
    assert " ".join(rules()) == "失對 失黏 孤平 三平調 三仄尾 特拗 大拗 小拗 仄腳 出韻 鄰韻 重韻 失律 疊句"
    assert {*rules(), *SHAPE_RULES} <= catalogue().keys()
