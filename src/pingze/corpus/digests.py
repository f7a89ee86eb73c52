"""Notice damage to a store: a SHA-256 of its database and of each array of its index."""

import json
from contextlib import suppress
from pathlib import Path

from pingze.errors import CorpusError
from pingze.files import sha256_of, written

DIGESTS = "digests.json"
"""The file with the digest of each array of an index by name, and of the database under ""."""
CHECKED = "checked.json"
"""The file of an index's folder that says which parts were last found to fit their digests."""


def write_digests(database: Path, folder: Path) -> None:
    """Write the digests of a store's parts to the folder of its index."""
    digests = {path.name: sha256_of(path) for path in sorted(folder.glob("*.npy"))}
    digests[""] = sha256_of(database)
    (folder / DIGESTS).write_text(json.dumps(digests), encoding="ascii")


def check_digests(database: Path, folder: Path) -> None:
    """Compare each part of a store with its digest, unless no part has changed since the last time.

    Raises ValueError if a part is damaged, and OSError if a part cannot be read.
    """
    if not (folder / DIGESTS).exists():  # an earlier version built the store without digests
        return
    # 1) Each part must be a file: opening a pipe would wait for a writer. What another reader is
    # writing (see step 3) is no part, and may be gone by the time it is looked at.
    for path in folder.iterdir():
        if path.suffix != ".partial" and not path.is_file():
            raise ValueError(f"{path.name} is no file")
    # 2) Parts of the same size and time as when they were last checked are not read again. Arrays
    #    that were added since the build, such as the lines that can be quoted, have no digest.
    digests = json.loads((folder / DIGESTS).read_text(encoding="ascii"))
    paths = {name: folder / name for name in digests if name}
    paths[""] = database
    states = []
    for path in paths.values():
        state = path.stat()
        states.append([path.name, state.st_size, state.st_mtime_ns])
    checked = folder / CHECKED
    if checked.exists() and checked.read_text(encoding="utf-8") == json.dumps(states):
        return
    # 3) Compare, and write down that this was done. If that cannot be written (a store may be
    # read-only), the parts are compared each time.
    for name, digest in digests.items():
        if sha256_of(paths[name]) != digest:
            raise ValueError("it does not fit its digest")
    with suppress(CorpusError), written(checked, CorpusError) as partial:
        partial.write_text(json.dumps(states), encoding="utf-8")
