"""Groups of versions, splits and the report's draw, against brute force."""

from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingze.corpus.poem import CorpusPoem, digest
from pingze.corpus.split import DRAWN, SPLITS, groups, split, split_of
from tests.corpus.invented import poem


def _by_brute_force(poems: list[CorpusPoem]) -> list[int]:
    """Spread each poem's smallest label over its neighbours until nothing changes."""
    lines = [{line for line in poem.lines if len(line) >= 5} for poem in poems]
    labels, before = list(range(len(poems))), list[int]()
    while labels != before:
        before = list(labels)
        for one, other in combinations(range(len(poems)), 2):
            if len(lines[one] & lines[other]) >= 2:
                labels[one] = labels[other] = min(labels[one], labels[other])
    return labels


def test_twenty_thousand_versions_of_one_poem_are_one_group_at_once() -> None:
    """Counting the lines that every two share would take 200 million counts."""
    poems = [poem([1, 2, 3, 4, n]) for n in range(5, 20_005)]
    assert groups(poems) == [0] * len(poems)
    assert groups(poems, measured=1) == [0] + [None] * (len(poems) - 1)
    assert groups([poem([*range(5000), n]) for n in range(5000, 5003)]) == [0] * 3


_POEMS = st.builds(poem, st.lists(st.integers(0, 14), max_size=5), st.sampled_from([4, 5, 7]))


@given(st.lists(_POEMS, max_size=14))
def test_groups_are_those_of_brute_force(poems: list[CorpusPoem]) -> None:
    assert groups(poems) == _by_brute_force(poems)


@given(st.lists(_POEMS, max_size=14), st.integers(0, 14))
def test_later_poems_near_one_before_them_are_dropped(
    poems: list[CorpusPoem], measured: int
) -> None:
    lines = [{line for line in poem.lines if len(line) >= 5} for poem in poems]
    expected: list[int | None] = list(_by_brute_force(poems[:measured]))
    for place in range(len(expected), len(poems)):
        kept = [other for other in range(place) if expected[other] is not None]
        expected.append(
            None if any(len(lines[other] & lines[place]) >= 2 for other in kept) else place
        )
    assert groups(poems, measured) == expected


@st.composite
def _grouped(draw: st.DrawFn) -> tuple[list[CorpusPoem], list[int]]:
    numbers = draw(st.lists(st.integers(0, 9999), max_size=60))
    dynasties = [draw(st.sampled_from(["tang", "song"])) for _ in numbers]
    poems = [
        poem([n, n, n, n], dynasty=dynasty) for n, dynasty in zip(numbers, dynasties, strict=True)
    ]
    groups = [draw(st.integers(0, place)) for place in range(len(poems))]
    return poems, [groups[group] for group in groups]


def _drawn(splits: list[str], ranks: list[int | None], name: str) -> list[int]:
    chosen = [
        place for place, rank in enumerate(ranks) if rank is not None and splits[place] == name
    ]
    return sorted(chosen, key=lambda place: ranks[place] or 0)


def test_the_shares_are_those_of_the_design() -> None:
    whole = 2**64
    assert (split_of(0), split_of(whole - 1)) == ("train", "test")
    assert (split_of(int(0.8699 * whole)), split_of(int(0.8701 * whole))) == ("train", "dev")
    assert (split_of(int(0.9349 * whole)), split_of(int(0.9351 * whole))) == ("dev", "test")
    poems = [poem([n]) for n in range(20_000)]
    counts = Counter(split(poems, list(range(len(poems))))[1])
    assert [counts[name] / len(poems) for name in SPLITS] == pytest.approx(
        [0.87, 0.065, 0.065], abs=0.01
    )


@given(_grouped())
def test_a_group_is_in_one_split_and_gives_the_draw_one_tang_poem(
    grouped: tuple[list[CorpusPoem], list[int]],
) -> None:
    poems, groups = grouped
    digests, splits, ranks = split(poems, groups)
    assert digests == [digest(poem.text) for poem in poems]
    for group in set(groups):
        members = [place for place, other in enumerate(groups) if other == group]
        assert {splits[place] for place in members} == {
            split_of(min(digests[place] for place in members))
        }
    for name in SPLITS:
        drawn = _drawn(splits, ranks, name)
        assert [ranks[place] for place in drawn] == list(range(len(drawn)))
        assert [digests[place] for place in drawn] == sorted(digests[place] for place in drawn)
        assert all(poems[place].dynasty == "tang" for place in drawn)
        assert len({groups[place] for place in drawn}) == len(drawn)
    assert not _drawn(splits, ranks, "test")


def test_a_group_whose_smallest_digest_is_a_song_poem_gives_none() -> None:
    small, large, _ = sorted(
        (poem([n, n, n, n]) for n in range(3)), key=lambda poem: digest(poem.text)
    )
    assert split_of(digest(large.text)) == "train"
    song = CorpusPoem("song", small.title, small.author, small.text)
    assert split([large, song], [0, 0])[2] == [None, None]
    assert split([large, small], [0, 0])[2] == [None, 0]
    assert split([small, song], [0, 0])[2] == [0, None], (
        "of equal digests the first, and Tang comes first"
    )


def test_no_more_are_drawn_than_the_report_has(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, count in {"train": 5, "dev": 2}.items():
        monkeypatch.setitem(DRAWN, name, count)
    digests, splits, ranks = split([poem([n]) for n in range(200)], list(range(200)))
    assert [len(_drawn(splits, ranks, name)) for name in SPLITS] == [5, 2, 0]
    train = sorted(d for d, name in zip(digests, splits, strict=True) if name == "train")
    assert [digests[place] for place in _drawn(splits, ranks, "train")] == train[:5]
