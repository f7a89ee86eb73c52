"""`pingze find`, as a person types it."""

import json

from pingze.composing.finding import find
from tests.cli.calling import Call


def test_each_row_has_tones_rhymes_times_and_meaning(call: Call) -> None:
    status, out, err = call("find", "--tone", "平", "--rhyme", "先", "--meaning", "river")
    assert (status, err) == (0, "")
    assert out.splitlines()[0] == "川  平  先  2,503  stream; river; flow; boil"


def test_json_is_what_http_answers(call: Call) -> None:
    _, out, _ = call("find", "--meaning", "moon", "--count", "3", "--json")
    found = json.loads(out)
    expected = find(meaning="moon", count=3)
    assert [one["text"] for one in found["words"]] == [one.text for one in expected.words]
    assert found["words"][0]["used"] == expected.words[0].used


def test_nothing_found_ends_with_1_in_one_line(call: Call) -> None:
    status, out, err = call("find", "--meaning", "locomotive")
    assert (status, out) == (1, "")
    assert err == "nothing is so: ask for less, or for another word of the meaning\n"


def test_a_tone_that_is_not_is_refused_in_one_line(call: Call) -> None:
    status, _, err = call("find", "--tone", "上")
    assert status == 2
    assert err == "pingze: tone '上' is unknown; choose one of 平, 仄, 平平, 平仄, 仄平, 仄仄\n"
