from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from pingze.corpus.deduplicate import groups
from pingze.corpus.poem import CorpusPoem
from tests.corpus.invented import poem


def test_two_lines_in_common_make_a_group_and_one_does_not() -> None:
    assert groups([poem([1, 2, 3, 4]), poem([4, 9, 1, 8])]) == [0, 0]
    assert groups([poem([1, 2, 3, 4]), poem([7, 9, 1, 8])]) == [0, 1]


def test_a_line_that_stands_twice_counts_once() -> None:
    assert groups([poem([1, 2, 1, 3]), poem([1, 4, 1, 5])]) == [0, 1]


def test_short_lines_say_nothing() -> None:
    assert groups([poem([1, 2, 3, 4], width=4)] * 2) == [0, 1]
    assert groups([poem([1, 2, 3, 4], width=5)] * 2) == [0, 0]


def test_a_chain_of_pairs_is_one_group_over_both_dynasties() -> None:
    chain = [poem([1, 2, 3, 4]), poem([9, 9, 9, 9]), poem([3, 4, 5, 6], dynasty="song"), poem([5, 6, 7, 8])]
    assert groups(chain) == [0, 1, 0, 0]


def test_no_poems_make_no_groups() -> None:
    assert groups([]) == []


def _by_brute_force(poems: list[CorpusPoem]) -> list[int]:
    """Spread each poem's smallest label over its neighbours until nothing changes."""
    lines = [{line for line in poem.lines if len(line) >= 5} for poem in poems]
    labels = list(range(len(poems)))
    changed = True
    while changed:
        before = list(labels)
        for one, other in combinations(range(len(poems)), 2):
            if len(lines[one] & lines[other]) >= 2:
                labels[one] = labels[other] = min(labels[one], labels[other])
        changed = labels != before
    return labels


_POEMS = st.builds(poem, st.lists(st.integers(0, 14), max_size=5), st.sampled_from([4, 5, 7]))


@given(st.lists(_POEMS, max_size=14))
def test_groups_are_those_of_brute_force(poems: list[CorpusPoem]) -> None:
    assert groups(poems) == _by_brute_force(poems)
