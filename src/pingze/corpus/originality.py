"""Compare the lines of a poem with the corpus."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pingze.corpus.store import Hit, Store


@dataclass(frozen=True)
class Shared:
    """The nearest and the longest match of a line in the corpus; a line that shares nothing has neither hit."""

    line: int
    """Its number in the poem, from 1."""
    text: str
    run: str
    """The longest part of it that a line of the corpus holds, the first of several."""
    run_in: Hit | None
    """The first line of the corpus that holds it."""
    same: int
    """How many characters the nearest line has in the same places."""
    nearest: Hit | None
    """The line of the same length with the most characters in the same places, the corpus's first of several."""


def of_lines(lines: Sequence[str], store: Store) -> Iterator[Shared]:
    """Compare each line with the corpus. Raises CorpusError where the store is damaged."""
    for number, text in enumerate(lines, start=1):
        run, (place, same) = store.index.longest(text), store.index.nearest(text)
        run_in = store.search(run, limit=1)[0] if run else None
        yield Shared(number, text, run, run_in, same, store.line_at(place) if same else None)
