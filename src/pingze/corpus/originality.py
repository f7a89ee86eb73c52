"""What each line of a poem shares with the corpus."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pingze.corpus import Hit, Store


@dataclass(frozen=True)
class Shared:
    """What a line shares with the lines of Tang and Song poems; a line that shares nothing has neither hit."""

    line: int
    """Its number in the poem, from 1."""
    text: str
    run: str
    """Its longest substring that stands in a line of the corpus, the first of several."""
    run_in: Hit | None
    """The first line of the corpus that holds it."""
    same: int
    """How many characters the nearest line has in the same places."""
    nearest: Hit | None
    """The line of the same length with the most characters in the same places, the corpus's first of several."""

    def __str__(self) -> str:
        rows = [
            f"{self.text}  shares {self.run}{_in(self.run_in)}"
            if self.run_in
            else f"{self.text}  shares nothing"
        ]
        if self.nearest:
            rows.append(
                f"{self.nearest.line}  is nearest, {self.same} of {len(self.text)}{_in(self.nearest)}"
            )
        return "\n".join(rows)


def of_lines(
    lines: Sequence[str], store: Store, *, progress: Callable[[], object] = lambda: None
) -> list[Shared]:
    """Find what each line shares with the corpus, some 40 ms a line; `progress` is called after each.

    Raises CorpusError where the store is damaged.
    """
    corpus = store.suffix_array()
    found = []
    for number, text in enumerate(lines, start=1):
        shared, (nearest, same) = corpus.longest(text), corpus.nearest(text)
        shared_with = store.search(shared, limit=1)[0] if shared else None
        found.append(
            Shared(number, text, shared, shared_with, same, store.home(nearest) if nearest else None)
        )
        progress()
    return found


def _in(hit: Hit) -> str:
    return f"  {hit.author}《{hit.title}》"
