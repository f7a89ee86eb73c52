"""Compile which positions of a form rhyme, and which characters rhyme there.

A foot is a position that rhymes. In 詩 there are two kinds of feet: the foot of line 1, which may
borrow rhymes from neighboring groups, and all other feet. In 詞 each rhyme of the tune has one kind
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
from pingze.verse.patterns import STRICT, enforced
from pingze.verse.rhyme_groups import LEVEL, OBLIQUE
from pingze.verse.tunes import Tune

ALL = slice(None)


class RhymePlaces:
    """The feet of a request's form, and the tables of their rhymes.

    `line_types` has the types of all lines for each template. For a form without templates, its
    only entry is ().
    """

    at: Bool[Array, "P T"]
    """Whether a position rhymes."""
    kind: Int[Array, "P"]
    """The kind of the foot at a position; without meaning if the position does not rhyme."""
    rhymes: Bool[Array, "2 F G V"]
    """`Lexicon.rhymes` for each kind of foot and each row.

    Rows that belong to another rhyme are False.
    """
    concerned: Bool[Array, "F G"]
    """Whether a row belongs to the rhyme of a kind of foot; True if the form has only one rhyme."""
    within: Int[Array, "F F"]
    """At [f, k], 1 if a rhyme at a foot of kind k leaves one fewer for feet of kind f, else 0."""
    tones: list[int]
    """The tone of each kind of foot, one of `WANTS`."""
    drawing: Int[Array, "D P T"]
    """Row d has 1 at the positions that are feet of kind d.

    The last row has 1 at the positions that do not rhyme.
    """

    def __init__(
        self, lexicon: Lexicon, request: Request, line_types: Sequence[Sequence[str]]
    ) -> None:
        self.of_row = np.array([rhyme for rhyme, _ in request.rows])
        self.first_rows = np.flatnonzero(np.diff(self.of_row, prepend=-1))
        if request.form.tune:
            self._read_tune(lexicon, request, request.form.tune)
        else:
            self._read_verse(lexicon, request, line_types)
        kinds = np.arange(len(self.tones))[:, None, None]  # F, 1, 1
        is_foot_of_kind = self.at & (self.kind[:, None] == kinds)  # F, P, T
        self.drawing = np.append(is_foot_of_kind, ~self.at[None], axis=0).astype(int)

    def _read_verse(
        self, lexicon: Lexicon, request: Request, line_types: Sequence[Sequence[str]]
    ) -> None:
        """Read the feet of 詩: kind 0 are those of even lines, kind 1 is that of line 1."""
        form = request.form
        standard = request.standard
        # 1. The rhymes of both kinds, for composed and for given characters. Line 1 may borrow its
        #    rhyme from a neighbouring group 鄰韻: of all neighbours if it is given, else only of
        #    those from which poets often borrow.
        rhymes = lexicon.rhymes[:, [standard.order[name] for name in request.groups]]
        first_rhymes = rhymes.copy()
        if "鄰韻" not in enforced(request.strictness) and form.regulated:
            # A composed rhyme that could also be read as oblique would leave open whether line 1
            # rhymes.
            surely_level = ~lexicon.fits[Lexicon.GIVEN, WANTS_OBLIQUE]
            for row, name in enumerate(request.groups):
                lenders = [standard.order[lender] for lender in standard.lenders(name)]
                borrowed = lexicon.rhymes[Lexicon.COMPOSED, lenders].any(axis=0)
                first_rhymes[Lexicon.COMPOSED, row] |= borrowed & surely_level
                neighbours = [standard.order[neighbour] for neighbour in standard.neighbours[name]]
                accepted_rhymes = lexicon.rhymes[Lexicon.GIVEN, neighbours].any(axis=0)
                first_rhymes[Lexicon.GIVEN, row] = accepted_rhymes
        self.rhymes = np.stack([rhymes, first_rhymes], axis=1)
        self.concerned = np.ones((2, len(request.groups)), bool)  # 詩 has a single rhyme
        # Even lines take rhymes that line 1 could use too. Line 1 may borrow its rhyme, and then
        # takes none from the even lines.
        self.within = np.array([[1, 0], [1, 1]])
        self.tones = [WANTS_LEVEL if form.regulated else WANTS_ANY] * 2
        # 2. Their places: the ends of all even lines, and of line 1 under the templates in which
        #    its type rhymes, B or D: those types are written in capitals.
        P = request.lines * form.width
        couplet_size = 2 * form.width
        self.at = np.zeros((P, len(line_types)), bool)
        self.at[couplet_size - 1 :: couplet_size] = True
        line_1_rhymes = [bool(types) and types[0].isupper() for types in line_types]
        self.at[form.width - 1] = line_1_rhymes  # under each template
        self.kind = np.zeros(P, int)
        self.kind[: form.width] = 1

    def _read_tune(self, lexicon: Lexicon, request: Request, tune: Tune) -> None:
        """Read the feet of a 詞.

        Feet are of one kind if they have the same rhyme, the same class of it (平仄入), and both
        must rhyme or both need not.
        """
        # 1. The kinds of feet. At the customary strictness a character that is given by a person
        #    need not rhyme at an optional foot.
        is_customary = not request.strictness.startswith(STRICT)
        kind_of_line = []
        for line in tune.lines:
            is_optional = line.optional and is_customary
            kind_of_line.append((line.rhyme, line.kind, is_optional))
        rhyming_kinds = {kind for kind in kind_of_line if kind[0] is not None}
        kinds = sorted(rhyming_kinds)
        self.concerned = np.array([self.of_row == rhyme for rhyme, _, _ in kinds])
        # 2. The rhymes of each kind in each part of 詞林正韻. At the customary strictness, given
        #    characters may also rhyme in a part that poets often mix with this part.
        parts = request.standard.parts
        row_of_class = {name: row for row, name in enumerate(group_names(request.standard))}
        shape = (2, len(kinds), len(request.groups), lexicon.rhymes.shape[2])
        self.rhymes = np.zeros(shape, bool)
        for f, (_, rhyme_class, optional) in enumerate(kinds):
            for g, part in enumerate(request.groups):
                # Only a part that belongs to another rhyme can lack the class; `concerned` clears
                # it below, so any of its rows will do.
                class_here = parts.class_in(part, rhyme_class) or parts.class_in(part, OBLIQUE)
                row = row_of_class[part + class_here]
                self.rhymes[:, f, g] = lexicon.rhymes[:, row]
                mixed_parts = parts.mixed(part) if is_customary else ()
                for mixed_part in mixed_parts:
                    class_there = parts.class_in(mixed_part, rhyme_class)
                    if class_there:
                        row = row_of_class[mixed_part + class_there]
                        self.rhymes[Lexicon.GIVEN, f, g] |= lexicon.rhymes[Lexicon.GIVEN, row]
                # at an optional foot, every given character will do
                self.rhymes[Lexicon.GIVEN, f, g] |= optional
        self.rhymes &= self.concerned[..., None]
        self.tones = []
        for _, rhyme_class, _ in kinds:
            self.tones.append(WANTS_LEVEL if rhyme_class == LEVEL else WANTS_OBLIQUE)
        self.within = np.equal.outer(self.tones, self.tones).astype(int)
        # 3. Their places. A character that a foot repeats must rhyme too, as 路 in 路迷, 迷路.
        self.at = np.zeros((tune.size, 1), bool)
        self.kind = np.zeros(tune.size, int)
        for kind, end in zip(kind_of_line, tune.ends, strict=True):
            if kind not in rhyming_kinds:
                continue
            foot = end - 1
            source = tune.echoes.get(foot, foot)
            for place in (foot, source):
                if not self.at[place]:  # a place keeps the kind of the first line that needs it
                    self.at[place] = True
                    self.kind[place] = kinds.index(kind)

    def fitting(
        self, place: int, ids: Int[Array, "*n"] | int | slice = ALL, *, generous: bool = False
    ) -> Bool[Array, "*n G"]:
        """Return a mask of the rows (a rhyme and its group) that allow characters at a foot.

        A row of the foot's own rhyme allows the group's usual rhyme characters or, if `generous`,
        all that the checker accepts. A row of another rhyme allows every character.
        """
        kind = self.kind[place]
        by_character = self.rhymes[int(generous), kind].T
        return np.logical_or(by_character[ids], ~self.concerned[kind])

    def jointly_possible(self, alive: Bool[Array, "... G"]) -> Bool[Array, "... G"]:
        """Keep the possible rows of the templates under which every rhyme has a possible row."""
        has_row = np.logical_or.reduceat(alive, self.first_rows, axis=-1)  # for each rhyme
        possible = has_row.all(axis=-1, keepdims=True)
        return np.logical_and(alive, possible)
