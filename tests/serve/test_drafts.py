"""In which order drafts go on: small requests first, clients by turns, the larger ones by age."""

from hypothesis import given
from hypothesis import strategies as st

from pingze.deadline import Deadline
from pingze.serve.drafts import LITTLE, STEP_ROWS, Draft, Pace, Ticket, in_turn, parted, size_of
from tests.composing.verse import composer

CHOSEN = composer(seed=6)


def drafts(client: str, size: int, rows: int = 8, count: int = 1) -> list[Draft]:
    ticket = Ticket(client, size)
    return [Draft(CHOSEN, lambda: None, rows, Deadline(1), 10, ticket) for _ in range(count)]  # type: ignore[arg-type,return-value]


def test_small_requests_go_first_and_clients_by_turns() -> None:
    large = drafts("a", 5 * LITTLE)
    many = [each for _ in range(3) for each in drafts("a", 100)]
    one = drafts("b", 100)
    assert in_turn([*large, *many, *one]) == [many[0], *one, *many[1:], *large]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 10**6), st.integers(1, 300)), min_size=1))
def test_the_first_are_of_the_smallest_size_class_and_the_others_the_oldest(
    requests: list[tuple[str, int, int]],
) -> None:
    all_ = [each for client, size, rows in requests for each in drafts(client, size, rows)]
    first, others = parted(in_turn(all_))
    assert first
    assert not set(first) & set(others)
    least = min(draft.ticket.size_class for draft in all_)
    assert {draft.ticket.size_class for draft in first} == {least}
    larger = [draft for draft in all_ if draft.ticket.size_class > least]
    assert others[:1] == larger[:1]  # tickets are numbered as they were given
    for part in (first, others):
        assert len(part) <= 1 or sum(draft.rows for draft in part) <= STEP_ROWS


def test_the_size_class_of_a_request_rises_with_its_size() -> None:
    assert [Ticket("", LITTLE * size // 2).size_class for size in (0, 1, 2, 7, 8, 31, 32)] == [
        0,
        0,
        1,
        1,
        2,
        2,
        3,
    ]


def test_pace_is_that_of_late_and_of_large_steps() -> None:
    pace = Pace()
    assert pace.seconds(100) == 0
    pace.measure(1, 1.0)
    assert pace.seconds(100) == 0
    pace.measure(100, 1.0)
    assert pace.seconds(100) == 1.0
    for _ in range(200):
        pace.measure(100, 2.0)
    assert 1.9 < pace.seconds(100) <= 2.0
    assert size_of(drafts("a", 0, rows=3, count=2)) == 60
