"""Compare the lines of a poem with the corpus."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pingze.corpus.store import Hit, Store


@dataclass(frozen=True)
class Shared:
    """The longest and the nearest match of a line in the corpus; each hit is None if there is no match."""

    line: int
    """The line's number in the poem, from 1."""
    text: str
    run: str
    """The longest part of the line that the corpus contains; the first of several of equal length."""
    run_in: Hit | None
    """The first line of the corpus that contains this part."""
    same: int
    """The number of positions at which the nearest line has the same character."""
    nearest: Hit | None
    """The corpus line of the same length that agrees at the most positions; the first of several."""


def of_lines(lines: Sequence[str], store: Store) -> Iterator[Shared]:
    """Compare each line with the corpus. Raises CorpusError if the store is damaged."""
    for number, text in enumerate(lines, start=1):
        run, (place, same) = store.index.longest(text), store.index.nearest(text)
        run_in = store.search(run, limit=1)[0] if run else None
        yield Shared(number, text, run, run_in, same, store.line_at(place) if same else None)
