"""What people ask for, and each thing that cannot be."""

from typing import Any

import pytest

from pingze.composing.request.input_characters import ConversionWarning
from pingze.composing.request.options import Composing
from pingze.composing.request.request import read_request
from pingze.errors import InputError
from pingze.network.vocabulary import Vocabulary
from pingze.verse.forms import opening_name
from pingze.verse.rhyme_groups import GROUPS, LEVEL
from tests.composing.verse import composer, prepared

VOCABULARY = composer().vocabulary


@pytest.mark.parametrize(
    ("options", "fixed"),
    [
        ({"start": "春，月人山 水日。"}, "11春 12月 13人 14山 15水 21日"),
        ({"acrostic": "春秋"}, "11春 21秋"),
        ({"acrostic": "春秋", "acrostic_at": "middle"}, "13春 23秋"),
        ({"acrostic": "春秋", "acrostic_at": "end"}, "15春 25秋"),
        ({"start": "春", "acrostic": "春"}, "11春"),
        ({"pattern": "＿月_□＿ ＿＿＿＿風"}, "12月 25風"),
        ({"pattern": "？月?*.，＊．□_風。"}, "12月 25風"),
    ],
)
def test_an_opening_an_acrostic_and_a_pattern_fix_characters(options: dict[str, Any], fixed: str) -> None:
    request = read_request(VOCABULARY, Composing(form="五絕", **options))
    assert " ".join(f"{fix.line}{fix.position}{fix.character}" for fix in request.fixed) == fixed


@pytest.mark.parametrize(
    ("name", "openings"), [("平起", "cD BD"), ("首句入韻", "DB BD"), ("仄起首句不入韻", "aB"), (None, "aB DB cD BD")]
)
def test_a_template_is_named_whole_or_in_part(name: str | None, openings: str) -> None:
    request = read_request(VOCABULARY, Composing(form="五絕", template=name))
    assert set(request.openings) == set(openings.split())
    assert all((name or "") in opening_name(5, opening[0]) for opening in openings.split())


def test_values_have_several_names_and_a_length_where_the_form_has_none() -> None:
    request = read_request(VOCABULARY, Composing(form="七绝", rhyme="阳", template="首句入韵"))
    assert (request.form.name, request.rhyme, request.template) == ("七絕", "陽", "首句入韻")
    assert read_request(VOCABULARY, Composing(form="五絕", rhyme=" 上平一东韻 ")).rhyme == "東"
    for name, group in GROUPS.items():  # 肴, 豔 and others are Simplified for something else
        for written in (name, group.label[2:], group.label):
            form = "五絕" if group.side == LEVEL else "五古"
            assert read_request(VOCABULARY, Composing(form=form, rhyme=written)).rhyme == name
    assert read_request(VOCABULARY, Composing(form="五排")).lines == 10
    assert read_request(VOCABULARY, Composing(form="五排", lines=16)).lines == 16


def test_spaces_and_marks_separate_words_and_what_is_fixed_need_not_be_included_again() -> None:
    for include, words in (("雨酒", ("雨酒",)), ("春風，風 月、春　風", ("春風", "月")), ("", ())):
        assert read_request(VOCABULARY, Composing(form="五絕", include=include)).include == words
    with pytest.warns(ConversionWarning, match="longer than a line of 5"):
        request = read_request(VOCABULARY, Composing(form="五絕", include="春秋人山雲花"))
    assert request.include == tuple("春秋人山雲花")
    chosen = composer()
    assert prepared(chosen, start="春月", include="春 月 山").words == [(chosen.vocabulary.ids["山"],)]
    # 肴 was read as 餚, which a model did not know, and refused with the advice to write 肴.
    knowing = Vocabulary.of_texts(["肴雁"], 100, ())
    assert read_request(knowing, Composing(form="五絕", include="肴", title="肴")).include == ("肴",)


@pytest.mark.parametrize(
    ("exclude", "unwanted"),
    [("春 月，", "春月，"), ("涌", "涌湧"), ("白发", "白发發髮"), ("后", "后後"), ("风", "风風")],
)
def test_what_is_not_wanted_is_excluded_in_all_its_forms(exclude: str, unwanted: str) -> None:
    request = read_request(VOCABULARY, Composing(form="五絕", exclude=exclude))
    assert sorted(request.exclude) == sorted(unwanted)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"form": "宋詞"}, "form '宋詞' is unknown"),
        ({"lines": 6}, "a 五絕 has 4 lines"),
        ({"form": "五排", "lines": 8}, "a 五排 has an even number of lines from 10, not 8"),
        ({"form": "五古", "lines": 7}, "a 五古 has an even number of lines from 2, not 7"),
        ({"template": "上起"}, "template '上起' is unknown; choose one of 仄起"),
        ({"form": "五古", "template": "平起"}, "a 五古 has no templates: leave template out"),
        ({"rhyme": "龘"}, "rhyme '龘' is unknown; choose one of 東, 冬"),
        ({"rhyme": "送"}, "rhyme 去聲一送 is oblique"),
        ({"start": "春" * 21}, "start has 21 characters; give 20 at most"),
        ({"acrostic": "春夏秋冬東"}, "does not know the character '夏'"),
        ({"include": "雁酒"}, "does not know the character '雁'"),
        ({"acrostic": "春秋人山雲"}, "acrostic has 5 characters; give 4 at most"),
        ({"pattern": "＿＿＿"}, "block 1, ＿＿＿, has 3 characters; a line has 5"),
        ({"pattern": "＿＿＿＿＿ " * 5}, "pattern has 5 lines; give 4 at most"),
        (
            {"include": " ".join("春秋人山雲花江來歸書樓家月日水雨夜海雪柳鳥")},
            "include has 21 characters; a 五絕 of 4 lines takes 20 at most",
        ),
    ],
)
def test_bad_values_are_named(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError) as error:
        read_request(VOCABULARY, Composing(**{"form": "五絕"} | options))
    assert message in str(error.value)
