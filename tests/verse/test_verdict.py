"""A verdict and a poem as a notebook shows them."""

import re

from pingze import Poem, check

TEXT = "月日風平月，平平月日東。平平平月日，月日日平天。"


def test_each_character_has_its_tone_and_faults_are_marked() -> None:
    verdict = check(TEXT, form="五絕")
    shown = verdict._repr_html_()
    assert shown.count("<ruby") == 20
    assert "<ruby>風<rt>○</rt></ruby>" in shown
    assert "<ruby>月<rt>●</rt></ruby>" in shown
    faulty = {(fault.line, fault.position) for fault in verdict.violations}
    assert len(re.findall("<ruby style=", shown)) == len(faulty) > 0
    assert "出韻" in shown
    assert f"{len(verdict.violations)} fault" in shown


def test_prose_is_shown_too_and_nothing_of_it_is_markup() -> None:
    shown = check("<script>alert(1)</script>")._repr_html_()
    assert "<script" not in shown
    assert "fits no form" in shown


def test_a_poem_is_shown_upright_with_its_marks() -> None:
    poem = Poem("五絕", None, "東", "<江>", None, 1, "tang", ["春水連山遠", "江雲落日風"], -20.0)
    shown = poem._repr_html_()
    assert "vertical-rl" in shown
    assert "春水連山遠，江雲落日風。" in shown
    assert "&lt;江&gt;" in shown
