"""Put poems together from lines of the corpus 集句."""

from dataclasses import dataclass
from pathlib import Path
from typing import Unpack, cast

from pingze.composing.composer import compose_as
from pingze.composing.poem import Poem
from pingze.composing.request.options import Collecting, Options
from pingze.corpus.store import Hit


@dataclass(frozen=True)
class Collected(Poem):
    """A poem whose lines are quoted from the corpus."""

    sources: tuple[Hit, ...] = ()
    """For each line, where it stands in the corpus: its poet, title, dynasty and number."""

    __hash__ = Poem.__hash__


def collect(*, poets: str = "", model: str | Path | None = None, **options: Unpack[Options]) -> list[Collected]:
    """Put together poems of real lines 集句, each from another poem of the corpus, that keep every constraint.

    A line keeps its place: it is the first or the second of its couplet, as in its own poem. The model chooses which
    lines follow one another.

    Args:
        poets: Poets or dynasties whose lines to quote, separated by spaces, as '杜甫 李白' or 唐; all by default.
        model: A shipped model's name, a checkpoint, or the folder of a run or an export.
        options: The options of `compose` except `original`, such as `form`, `title`, `rhyme` and `seed`.

    Raises what `compose` raises, and CorpusError if there is no corpus: `pingze corpus fetch` brings it.
    """
    return cast(list[Collected], compose_as(Collecting(poets=poets, **options), model))
