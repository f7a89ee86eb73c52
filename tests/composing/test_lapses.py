"""Lapses, counted in invented lines."""

import pytest

from pingze.composing.steering.lapses import contradicts, doubled, false_doublings, stock, times


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["春風吹我衣"], False),
        (["春風吹我衣", "桃花滿路飛"], False),
        (["春風吹我衣", "黃葉滿階飛"], True),
        (["落日滿江湖", "明月照前途"], True),
        (["春風吹落日"], False),
        (["年年春", "風吹黃葉"], False),
        ([], False),
    ],
)
def test_two_seasons_or_day_and_night_contradict(lines: list[str], expected: bool) -> None:
    assert contradicts(lines) is expected


def test_no_word_tells_two_times() -> None:
    for of_kind in times().values():
        words = [word for of_time in of_kind.values() for word in of_time]
        assert len(words) == len(set(words))


def test_doublings_are_neighbours_in_a_line() -> None:
    lines = ["山山水水明", "明月月"]
    assert doubled([lines, ["水水"]]) == {"山": 1, "水": 2, "月": 1}
    assert false_doublings(lines, {"山", "水"}) == 1


def test_stock_pairs_are_counted_each_time() -> None:
    assert stock(["不知何處去", "不知"]) == 3
