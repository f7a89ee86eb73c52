"""What people ask for, what cannot be, and the one schema of options, which Python and the command line share."""

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from inspect import Parameter, signature
from typing import Any, get_type_hints

import numpy as np
import pytest

from pingze import collect, compose, couplet, revise
from pingze.cli.composing import compose as command
from pingze.composing.options import (
    Collecting,
    Composing,
    Coupling,
    Options,
    Sampling,
    check_bounds,
)
from pingze.composing.read_request import read_request
from pingze.composing.sheet import Sheet
from pingze.composing.typed_text import ConversionWarning
from pingze.errors import InputError
from pingze.network.vocabulary import Vocabulary
from pingze.verse.forms import opening_name
from pingze.verse.rhyme_groups import GROUPS, LEVEL
from tests.composing.verse import POOL, composer, prepared

VOCABULARY = composer().vocabulary


def test_every_option_that_can_be_given_up_has_a_name_in_chinese() -> None:
    asked = Composing(
        form="五絕",
        level="strict",
        template="平起首句不入韻",
        rhyme="真",
        exclude="山",
        exclude_words="春風 秋月",
        original=4,
        repeat=False,
    )
    options = read_request(VOCABULARY, asked).options
    assert len(options) == 7
    for clash, _ in options.values():
        assert not re.search("[a-z]", clash.in_language("zh").constraint)


@pytest.mark.parametrize(
    ("options", "fixed"),
    [
        ({"start": "春，月人山 水日。"}, "11春 12月 13人 14山 15水 21日"),
        ({"acrostic": "春秋"}, "11春 21秋"),
        ({"acrostic": "春秋", "acrostic_at": "middle"}, "13春 23秋"),
        ({"acrostic": "春＿秋_"}, "11春 31秋"),
        ({"acrostic": "春秋", "acrostic_at": "end"}, "15春 25秋"),
        ({"start": "春", "acrostic": "春"}, "11春"),
        ({"pattern": "＿月_□＿ ＿＿＿＿風"}, "12月 25風"),
        ({"pattern": "？月?*.，＊．□_風。"}, "12月 25風"),
    ],
)
def test_an_opening_an_acrostic_and_a_pattern_fix_characters(
    options: dict[str, Any], fixed: str
) -> None:
    request = read_request(VOCABULARY, Composing(form="五絕", **options))
    assert " ".join(f"{fix.line}{fix.position}{fix.character}" for fix in request.fixed) == fixed


@pytest.mark.parametrize(
    ("name", "openings"),
    [("平起", "cD BD"), ("首句入韻", "DB BD"), ("仄起首句不入韻", "aB"), (None, "aB DB cD BD")],
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
    assert prepared(chosen, start="春月", include="春 月 山").inclusions[0].words == [
        (chosen.vocabulary.ids["山"],)
    ]
    # 肴 was read as 餚, which a model did not know, and refused with the advice to write 肴.
    knowing = Vocabulary.of_texts(["肴雁"], 100, ())
    assert read_request(knowing, Composing(form="五絕", include="肴", title="肴")).include == (
        "肴",
    )


@pytest.mark.parametrize(
    ("exclude", "unwanted"),
    [("春 月，", "春月"), ("涌", "涌湧"), ("白发", "白发發髮"), ("后", "后後"), ("风", "风風")],
)
def test_what_is_not_wanted_is_excluded_in_all_its_forms(exclude: str, unwanted: str) -> None:
    assert sorted(
        read_request(VOCABULARY, Composing(form="五絕", exclude=exclude)).exclude
    ) == sorted(unwanted)


@pytest.mark.parametrize("option", ["exclude", "exclude_words"])
def test_what_is_not_wanted_must_be_chinese(option: str) -> None:
    with pytest.raises(InputError, match=f"{option}: .* the character 'x'"):
        read_request(VOCABULARY, Composing(form="五絕", **{option: "山x"}))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"form": "宋詞"}, "form '宋詞' is unknown"),
        ({"lines": 6}, "a 五絕 has 4 lines"),
        ({"form": "五排", "lines": 8}, "a 五排 has an even number of lines from 10, not 8"),
        ({"template": "上起"}, "template '上起' is unknown; choose one of 仄起"),
        ({"form": "五古", "template": "平起"}, "a 五古 has no templates: leave template out"),
        ({"rhyme": "龘"}, "rhyme '龘' is unknown; choose one of 東, 冬"),
        ({"rhyme": "送"}, "rhyme 去聲一送 is oblique"),
        ({"acrostic": "春a"}, "does not know the character 'a'"),
        ({"acrostic": "春秋人山雲"}, "acrostic has 5 characters; give 4 at most"),
        ({"pattern": "＿＿＿"}, "line 1, ＿＿＿, has 3 characters; a line has 5"),
        (
            {"include": " ".join(POOL[:21])},
            "include has 21 characters; a 五絕 of 4 lines takes 20 at most",
        ),
    ],
)
def test_bad_values_are_named(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError) as error:
        read_request(VOCABULARY, Composing(**{"form": "五絕"} | options))
    assert message in str(error.value)


def test_python_and_the_command_line_take_its_fields_types_defaults_and_sentences() -> None:
    expected = {each.name: each.default for each in fields(Composing)}
    assert {
        name: p.default for name, p in signature(compose).parameters.items() if name != "model"
    } == expected
    own = ("keep", "exclude_at", "model", "reference", "explain", "as_json")
    assert {
        name: p.default for name, p in signature(command).parameters.items() if name not in own
    } == expected
    assert {"start": str, "count": int} | get_type_hints(Options) == get_type_hints(Composing)
    documented = " ".join(str(Sheet.__doc__).split())  # long sentences stand on two lines
    for each in fields(Sheet):
        if each.name != "start":
            assert f" {each.name}: {each.metadata['description']} " in documented


@pytest.mark.parametrize(
    ("function", "schema", "without"),
    [
        (compose, Composing, set()),
        (collect, Collecting, {"original"}),
        (revise, Composing, {"start", "form", "lines"}),
        (couplet, Coupling, set()),
    ],
)
def test_help_shows_the_options_of_each_function(
    function: Callable[..., object], schema: type, without: set[str]
) -> None:
    shown = signature(function).parameters
    assert {each.name for each in fields(schema)} - without <= set(shown)
    assert not without & set(shown)
    assert all(each.kind != Parameter.VAR_KEYWORD for each in shown.values())


def test_a_long_poem_is_drawn_among_fewer_texts_and_bounds_hold_for_numbers_of_numpy_too() -> None:
    for particles, of_lengths in (
        (64, [64, 64, 62, 28, 8]),
        (256, [256, 256, 248, 113, 8]),
        (4, [4] * 5),
    ):
        assert [
            Sampling(0.6, particles).particles_for(n) for n in (32, 64, 65, 96, 10**6)
        ] == of_lengths
    for number in (np.int64(0), np.float32(0), 0):
        with pytest.raises(InputError, match=r"particles is 0(\.0)?; it must be at least 1"):
            check_bounds("particles", number, {"minimum": 1, "maximum": 9})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"temperature": float("inf")},
            "temperature is inf; it must be at least 0 and at most 100",
        ),
        ({"top_p": 0.0}, "top_p is 0.0; it must be above 0 and at most 1"),
        ({"seed": 10**5000}, "seed is 10^5000; it must be at least 0 and at most 9007199254740991"),
        ({"include": "春" * 101}, "include has 101 characters; give 100 at most"),
        (
            {"exclude": "\udc00"},
            "exclude holds half a character (a lone surrogate); if you typed it whole, set PYTHONUTF8=1",
        ),
    ],
)
def test_out_of_bounds(values: dict[str, object], message: str) -> None:
    with pytest.raises(InputError) as error:
        Composing(**values)  # type: ignore[arg-type]
    assert str(error.value) == message
    assert error.value.field == next(iter(values))


def test_wrong_types() -> None:
    """In a process of its own: here beartype would refuse them first."""
    values = [
        ('compose(form="五絕", include=5)', "include must be text, not int"),
        ('compose(form="五絕", temperature="hot")', "temperature must be a number, not str"),
        ('compose(form="五絕", repeat=1)', "repeat must be True or False, not int"),
        ("compose(5)", "start must be text, not int"),
        ('revise("春", [1])', "poem must be a Poem, as compose and read_poem give, not str"),
        ("revise(poem, 2)", "targets must be a list of lines and places, as [2, (3, 5)], not int"),
        (
            "revise(poem, [(1, 2, 3)])",
            "targets must be lines and places, as [2, (3, 5)], not tuple",
        ),
    ]
    script = f"""
import numpy
from pingze import InputError, compose, revise
poem, *_ = compose(form="五絕", seed=numpy.int64(3), temperature=numpy.float32(0.5), top_p=1, model="report")
for call, expected in {values!r}:
    try:
        eval(call)
    except InputError as error:
        assert str(error) == expected, call
    else:
        raise AssertionError(call)
"""
    subprocess.run([sys.executable, "-c", script], check=True)
