"""Keep a table of the lines that may be quoted in a 集句.

A 集句 is a poem put together from lines of other poems. A 詩 may be quoted if it has an even
number of lines, and if all lines have 5 characters or all have 7. The table is made on first use.
It is in the folder of the store's index, so that it is removed when the store is rebuilt.
"""

from difflib import get_close_matches
from pathlib import Path

import numpy as np

from pingze.arrays import Array, Int
from pingze.corpus.poem import OWN
from pingze.corpus.store import Store
from pingze.errors import CorpusError, InputError
from pingze.files import written
from pingze.verse import DYNASTIES
from pingze.verse.character_table import to_traditional

_POEMS = "poem WHERE tune = '' AND form GLOB '{}[絕律言]' AND title NOT GLOB '*集[句杜古唐陶李]*'"
"""The poems whose lines may be quoted.

A 集句, whose title contains 集句, 集杜, 集古, …, is left out: its lines are those of other poets.
"""


def quotable(store: Store, width: int) -> Array:
    """Return the table of the quotable lines of `width` (5 or 7) characters.

    The table is sorted by these characters, and mapped into memory. Its columns are `codes` (the
    characters as the index encodes them), `place` (where the line begins in the index's text),
    `group` (the group of the line's poem), `run` (a number that equal lines share), `second`
    (whether the line is the second of its couplet) and `by_group` (the row numbers, sorted by
    `group`).

    Raises CorpusError if the table cannot be written or is damaged.
    """
    ((database, folder),) = store.select("file, folder FROM pragma_database_list, suffix_array")
    path = Path(database).with_name(folder) / f"quotable{width}.npy"
    if not path.exists():
        with written(path, CorpusError) as partial, partial.open("wb") as target:
            np.save(target, _table(store, width))
    try:
        return np.load(path, mmap_mode="r")
    except (OSError, ValueError, EOFError) as error:
        raise CorpusError("corpus_damaged", path=str(path), reason=str(error)) from error


def _table(store: Store, width: int) -> Array:
    """Make the table that `quotable` describes."""
    index = store.index
    # 1) Find the group of each poem of `_POEMS`, or -1 for any other poem. Whether a poem has whole
    # couplets is asked in step 2, where its lines are counted.
    groups = np.full(len(index.texts), -1, np.int32)
    width_in_form = "七" if width == 7 else "五"
    poems_of_width = _POEMS.format(width_in_form)
    for id_, group in store.select(f"id, group_id FROM {poems_of_width}"):
        groups[id_] = group
    # 2) Find where the lines of these poems begin, the poem of each line, and the line's number in
    # its poem, from 0. The lines are in the corpus's order, so searchsorted finds the first line of
    # each line's poem.
    starts = index.lines_of(width)
    poems = index.texts_at(starts)
    first_of_poem = np.searchsorted(poems, poems)
    number = np.arange(len(starts)) - first_of_poem
    line_counts = np.bincount(poems, minlength=len(groups))  # of each poem
    may_be_quoted = (groups >= 0) & (line_counts % 2 == 0)
    kept = may_be_quoted[poems]
    starts = starts[kept]
    poems = poems[kept]
    number = number[kept]
    # 3) Sort the lines. The order of the index has all places sorted by the characters that begin
    # there, so it is enough to select the places of these lines from it. `row` is the index of each
    # sorted line in `starts`.
    is_start = np.zeros(len(index.text), bool)
    is_start[starts] = True
    places = index.order[is_start[index.order]]
    row = np.searchsorted(starts, places)
    # 4) Fill in the columns. Equal lines are adjacent, so the number of the run grows where a line
    # differs from the line before it in any character.
    table = np.empty(
        len(places),
        [
            ("codes", np.uint16, (width,)),
            ("place", np.int32),
            ("group", np.int32),
            ("run", np.int32),
            ("second", bool),
            ("by_group", np.int32),
        ],
    )
    table["place"] = places
    table["group"] = groups[poems[row]]
    table["second"] = number[row] % 2 == 1
    codes = table["codes"]  # a view, (lines, width)
    for depth in range(width):
        codes[:, depth] = index.text[places + depth]
    differs = (codes[1:] != codes[:-1]).any(axis=1)
    table["run"][:1] = 0  # a slice, since the table may be empty
    table["run"][1:] = np.cumsum(differs)
    table["by_group"] = np.argsort(table["group"], kind="stable")
    return table


def poems_of(store: Store, names: str) -> Int[Array, "n"]:
    """List the ids of the poems of the named poets and dynasties.

    Raises InputError if a name has no poem.
    """
    # the key of each dynasty, by that key and by its Chinese name
    dynasties = {OWN: OWN}
    for key, chinese in DYNASTIES.items():
        dynasties[key] = key
        dynasties[chinese] = key
    ids = []
    for given in names.split():
        name = to_traditional(given)
        if name in dynasties:
            rows = store.select("id FROM poem WHERE dynasty = ?", (dynasties[name],))
        else:
            rows = store.select("id FROM poem WHERE one_form(author) = one_form(?)", (name,))
        ids_of_name = [id_ for (id_,) in rows]
        if not ids_of_name:
            authors = [author for (author,) in store.select("DISTINCT author FROM poem")]
            choices = get_close_matches(name, authors, cutoff=0.3)
            if not choices:  # no name is similar, so any names serve as examples
                choices = authors[:3]
            raise InputError("choice", field="poets", has=name, choices=choices)
        ids.append(ids_of_name)
    return np.concatenate(ids)
