"""What people ask for, and each thing that cannot be."""

import pytest

from pingze.composing.request.input_characters import ConversionWarning
from pingze.composing.request.options import Composing
from pingze.composing.request.request import read_request
from pingze.errors import InputError
from pingze.network.vocabulary import Vocabulary
from pingze.verse.forms import opening_name
from tests.composing.verse import composer

VOCABULARY = composer().vocabulary


def places(**options: object) -> list[tuple[int, int, str]]:
    request = read_request(VOCABULARY, Composing(**{"form": "五絕"} | options))
    return [(fix.line, fix.position, fix.character) for fix in request.fixed]


def test_an_opening_runs_over_lines() -> None:
    assert places(start="春，月人山 水日。")[4:] == [(1, 5, "水"), (2, 1, "日")]


@pytest.mark.parametrize(("at", "position"), [("head", 1), ("middle", 3), ("end", 5)])
def test_an_acrostic_stands_at_the_head_middle_or_end(at: str, position: int) -> None:
    assert places(acrostic="春秋", acrostic_at=at) == [(1, position, "春"), (2, position, "秋")]
    assert places(start="春", acrostic="春") == [(1, 1, "春")]


def test_a_pattern_fixes_what_is_not_free() -> None:
    assert places(pattern="＿月_□＿ ＿＿＿＿風") == [(1, 2, "月"), (2, 5, "風")]
    assert places(pattern="？月?*.，＊．□_風。") == [(1, 2, "月"), (2, 5, "風")]


@pytest.mark.parametrize("name", ["東", "一東", "上平一東", "上平一东", " 東韻 "])
def test_a_rhyme_group_has_several_names(name: str) -> None:
    assert read_request(VOCABULARY, Composing(form="五絕", rhyme=name)).rhyme == "東"


@pytest.mark.parametrize(
    ("name", "openings"),
    [
        ("平起", {"cD", "BD"}),
        ("首句入韻", {"DB", "BD"}),
        ("仄起首句不入韻", {"aB"}),
        (None, {"aB", "DB", "cD", "BD"}),
    ],
)
def test_a_template_is_named_whole_or_in_part(name: str | None, openings: set[str]) -> None:
    request = read_request(VOCABULARY, Composing(form="五絕", template=name))
    assert set(request.openings) == openings
    assert all((name or "") in opening_name(5, opening[0]) for opening in openings)


def test_simplified_values_are_accepted_and_a_length_where_the_form_has_none() -> None:
    request = read_request(VOCABULARY, Composing(form="七绝", rhyme="阳", template="首句入韵"))
    assert (request.form.name, request.rhyme, request.template) == ("七絕", "陽", "首句入韻")
    assert read_request(VOCABULARY, Composing(form="五排")).lines == 10
    assert read_request(VOCABULARY, Composing(form="五排", lines=16)).lines == 16


def test_what_is_fixed_need_not_be_included_again() -> None:
    chosen = composer()
    request = read_request(chosen.vocabulary, Composing(start="春月", form="五絕", include="春 月 山"))
    assert chosen.prepare(request).words == [(chosen.vocabulary.ids["山"],)]


@pytest.mark.parametrize(
    ("include", "words"),
    [
        ("雁酒", None),
        ("雨酒", ("雨酒",)),
        ("雨 酒　雨", ("雨", "酒")),
        ("春風，風 月、春", ("春風", "月")),
        ("", ()),
    ],
)
def test_spaces_and_marks_separate_words(include: str, words: tuple[str, ...] | None) -> None:
    if words is None:
        with pytest.raises(InputError, match="雁"):
            read_request(VOCABULARY, Composing(form="五絕", include=include))
    else:
        assert read_request(VOCABULARY, Composing(form="五絕", include=include)).include == words


@pytest.mark.parametrize(
    ("exclude", "unwanted"),
    [
        ("春 月，", "春月，"),
        ("涌", "涌湧"),
        ("发", "发發髮"),
        ("白发", "白发發髮"),
        ("后", "后後"),
        ("风", "风風"),
    ],
)
def test_what_is_not_wanted_is_excluded_in_all_its_forms(exclude: str, unwanted: str) -> None:
    request = read_request(VOCABULARY, Composing(form="五絕", exclude=exclude))
    assert sorted(request.exclude) == sorted(unwanted)


def test_what_is_longer_than_a_line_is_taken_one_by_one() -> None:
    with pytest.warns(ConversionWarning, match="longer than a line of 5"):
        assert read_request(VOCABULARY, Composing(form="五絕", include="春秋人山雲花")).include == tuple(
            "春秋人山雲花"
        )


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
        ({"start": "龘"}, "does not know the character '龘'"),
        ({"acrostic": "春夏秋冬東"}, "does not know the character '夏'"),
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


def test_a_character_that_the_model_knows_is_not_read_as_one_that_it_does_not() -> None:
    """肴 was read as 餚, and refused with the advice to write 肴."""
    vocabulary = Vocabulary.of_texts(["肴雁"], 100, ())
    assert read_request(vocabulary, Composing(form="五絕", include="肴", title="肴")).include == ("肴",)
