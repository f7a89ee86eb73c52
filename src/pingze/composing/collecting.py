"""Define a poem put together from lines of the corpus 集句."""

from dataclasses import dataclass

from pingze.composing.poem import Poem
from pingze.corpus.store import Hit


@dataclass(frozen=True)
class Collected(Poem):
    """A poem whose lines are quoted from the corpus."""

    sources: tuple[Hit, ...] = ()
    """For each line, where it stands in the corpus: its poet, title, dynasty and number."""

    __hash__ = Poem.__hash__
