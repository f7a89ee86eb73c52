"""Compile which positions of a form rhyme, and which characters rhyme there.

A foot is a position that rhymes. In 詩 there are two kinds of feet: the foot of line 1, which may
borrow rhymes from neighbouring groups, and all other feet. In 詞 each rhyme of the tune has one kind
of foot, or two (level and oblique feet) if level lines rhyme with oblique lines. A poem uses one
group for each of its rhymes. Each row of the tables stands for a rhyme and a group that it may use.
A foot depends only on the rows of its own rhyme. A poem stays possible while every rhyme has a
possible row.

Axes: F kinds of feet, D = F + 1, G rows, T templates, V characters, P positions in the text.
"""

from collections.abc import Sequence

import numpy as np

from pingze.arrays import Array, Bool, Int
from pingze.composing.lexicon import WANTS_ANY, WANTS_LEVEL, WANTS_OBLIQUE, Lexicon, group_names
from pingze.composing.request import Request
from pingze.verse.patterns import enforced
from pingze.verse.rhyme_groups import LEVEL, OBLIQUE
from pingze.verse.tunes import Tune


class RhymePlaces:
    """The feet of a request's form, and the tables of their rhymes.

    `kinds` has the types of all lines for each template. For a form without templates, its only
    entry is ().
    """

    at: Bool[Array, "P T"]
    """Whether a position rhymes."""
    kind: Int[Array, "P"]
    """The kind of the foot at a position; without meaning if the position does not rhyme."""
    rhymes: Bool[Array, "2 F G V"]
    """`Lexicon.rhymes` for each kind of foot and each row.

    Rows that belong to another rhyme are False.
    """
    within: Int[Array, "F F"]
    """At [f, k], 1 if a rhyme at a foot of kind k leaves one fewer for feet of kind f, else 0."""
    of_row: Int[Array, "G"]
    """The rhyme of each row."""
    first_rows: Int[Array, "rhymes"]
    """The first row of each rhyme."""
    concerned: Bool[Array, "F G"]
    """Whether a row belongs to the rhyme of a kind of foot."""
    tones: list[int]
    """The tone of each kind of foot, one of `WANTS`."""
    drawing: Int[Array, "D P T"]
    """Row d has 1 at the positions that are feet of kind d.

    The last row has 1 at the positions that do not rhyme.
    """

    def __init__(self, lexicon: Lexicon, request: Request, kinds: Sequence[Sequence[str]]) -> None:
        self.of_row = np.array([rhyme for rhyme, _ in request.rows])
        self.first_rows = np.flatnonzero(np.diff(self.of_row, prepend=-1))
        if request.form.tune:
            self._read_tune(lexicon, request, request.form.tune)
        else:
            self._read_verse(lexicon, request, kinds)
        of_kind = self.at & (self.kind[:, None] == np.arange(len(self.tones))[:, None, None])
        self.drawing = np.append(of_kind, ~self.at[None], axis=0).astype(int)

    def _read_verse(
        self, lexicon: Lexicon, request: Request, kinds: Sequence[Sequence[str]]
    ) -> None:
        form = request.form
        # 1) the rhymes of the feet
        rows = [request.standard.order[name] for name in request.groups]
        rhymes = lexicon.rhymes[:, rows]
        first_rhymes = rhymes
        if form.regulated and "鄰韻" not in enforced(request.strictness):
            first_rhymes = _with_borrowed(rhymes, lexicon, request)
        self.rhymes = np.stack([rhymes, first_rhymes], axis=1)
        self.concerned = np.ones((2, len(rows)), bool)
        self.within = np.array([[1, 0], [1, 1]])
        tone = WANTS_LEVEL if form.regulated else WANTS_ANY
        self.tones = [tone, tone]
        # 2) the feet: the ends of the lower lines and, under some templates, of line 1
        line, position = np.divmod(np.arange(request.lines * form.width)[:, None], form.width)
        first_rhymed = np.array([bool(types) and types[0].isupper() for types in kinds])
        rhymed_lines = (line % 2 == 1) | ((line == 0) & first_rhymed)
        self.at = (position == form.width - 1) & rhymed_lines
        self.kind = (line[:, 0] == 0).astype(int)

    def _read_tune(self, lexicon: Lexicon, request: Request, tune: Tune) -> None:
        kinds = sorted({(line.rhyme, line.kind) for line in tune.lines if line.rhyme is not None})
        # 1) the rhymes of each kind of foot
        parts = request.standard.parts
        row_of = {name: row for row, name in enumerate(group_names(request.standard))}
        rows = []
        for _, kind in kinds:
            rows_of_kind = []
            for part in request.groups:
                part_class = parts.class_in(part, kind) or parts.class_in(part, OBLIQUE)
                rows_of_kind.append(row_of[part + part_class])
            rows.append(rows_of_kind)
        self.concerned = np.array([self.of_row == rhyme for rhyme, _ in kinds])
        self.rhymes = lexicon.rhymes[:, rows] & self.concerned[..., None]
        self.tones = [WANTS_LEVEL if kind == LEVEL else WANTS_OBLIQUE for _, kind in kinds]
        self.within = np.equal.outer(self.tones, self.tones).astype(int)
        # 2) the feet: the ends of the lines that rhyme
        self.at = np.zeros((tune.size, 1), bool)
        self.kind = np.zeros(tune.size, int)
        for line, end in zip(tune.lines, sorted(tune.ends), strict=True):
            if line.rhyme is not None:
                self.at[end - 1] = True
                self.kind[end - 1] = kinds.index((line.rhyme, line.kind))

    def fitting(self, place: int, *, generous: bool = False) -> Bool[Array, "G V"]:
        """Return a mask of the characters that each row (a rhyme and its group) allows at a foot.

        A row of the foot's own rhyme allows the group's usual rhyme characters or, if `generous`,
        all that the checker accepts. A row of another rhyme allows every character.
        """
        kind = self.kind[place]
        return np.logical_or(self.rhymes[int(generous), kind], ~self.concerned[kind][:, None])

    def settle(self, alive: Bool[Array, "... G"]) -> Bool[Array, "... G"]:
        """Rule out all rows of a template under which some rhyme has no possible row left."""
        is_possible = np.logical_or.reduceat(alive, self.first_rows, axis=-1)
        return np.logical_and(alive, is_possible.all(axis=-1, keepdims=True))


def _with_borrowed(
    rhymes: Bool[Array, "2 G V"], lexicon: Lexicon, request: Request
) -> Bool[Array, "2 G V"]:
    """Add to each group's rhymes those that line 1 may borrow from neighbouring groups."""
    standard = request.standard
    is_oblique = lexicon.fits[Lexicon.GIVEN, WANTS_OBLIQUE]
    usable = []
    possible = []
    for row, name in enumerate(request.groups):
        lenders = [standard.order[other] for other in standard.lenders(name)]
        borrowed = lexicon.rhymes[Lexicon.COMPOSED, lenders].any(axis=0)
        # A borrowed rhyme that could also be read as oblique is left out, because it would leave
        # open whether the first line rhymes.
        usable.append(rhymes[Lexicon.COMPOSED, row] | (borrowed & ~is_oblique))
        neighbours = [standard.order[other] for other in standard.neighbours[name]]
        possible.append(lexicon.rhymes[Lexicon.GIVEN, neighbours].any(axis=0))
    return np.array([usable, possible])
