"""What a poem is written under: its dynasty, form, poet, title and theme, as the tokens that stand before it.

A model that knows conditions reads a poem as

    [dynasty] [form] [poet] [title's characters] [<about> theme's characters] <bos> text <eos>,

each of them present or not, and predicts what follows `<bos>`. A dynasty, a form or tune, and a poet are special
tokens, as `<唐>`, `<七絕>`, `<詞:浣溪沙>` and `<李白>`; title and theme are written in the characters of verse. Among
the special tokens the poets of a dynasty follow it, so that a poet tells the dynasty.
"""

from typing import NamedTuple

import numpy as np

from pingze.network.batches import Ids
from pingze.network.vocabulary import Vocabulary
from pingze.verse.characters import only_han
from pingze.verse.dynasties import DYNASTIES
from pingze.verse.forms import FORMS

LONGEST_TITLE = 20
"""Characters of a title that are read; of a hundred Tang titles 98 have no more."""

LONGEST_THEME = 8
"""Characters of a theme that are read: those in training have no more (`training.themes`)."""

ABOUT = "about"
"""The token before a theme's characters, without its brackets."""


def tune_token(tune: str) -> str:
    """The token of a tune 詞牌, without its brackets."""
    return f"詞:{tune}"


class Prefix(NamedTuple):
    """The tokens of a poem's conditions; an absent one has none."""

    dynasty: Ids
    form: Ids
    poet: Ids
    title: Ids
    about: Ids


GIVEN = ("form", "poet", "title")
"""The conditions that stand with a poem in the corpus, and that are dropped at random in training."""


class Conditions:
    """The conditions that a vocabulary has tokens for."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.names = {token[1:-1]: vocabulary.ids[token] for token in vocabulary.condition_tokens}

    def __bool__(self) -> bool:
        return bool(self.names)

    @property
    def poets(self) -> list[str]:
        """The poets whose manner is known."""
        others = (*FORMS, *DYNASTIES.values(), ABOUT)
        return [name for name in self.names if name not in others and not name.startswith(tune_token(""))]

    def dynasty_of(self, poet: str | None) -> str:
        """The dynasty, as 唐, of a poet; the first of all where he is not known."""
        first, *_ = dynasties = list(DYNASTIES.values())
        place = self.names.get(poet or "", 0)
        before = [name for name in dynasties if self.names.get(name, place) < place]
        return max(before, key=self.names.__getitem__, default=first)

    def prefix(
        self,
        form: str | None,
        poet: str | None,
        title: str | None,
        dynasty: str | None = None,
        about: str | None = None,
    ) -> Prefix:
        """The tokens of conditions; what has no token is left out, and so are the marks of a title and a theme.

        Where no dynasty is given, it is the poet's.
        """
        return Prefix(
            self._token(dynasty or self.dynasty_of(poet)),
            self._token(form),
            self._token(poet),
            self.vocabulary.encode(only_han(title or "")[:LONGEST_TITLE]),
            self.theme(self.vocabulary.encode(only_han(about or ""))),
        )

    def theme(self, characters: Ids) -> Ids:
        """The tokens of a theme, or none where it has no characters or the model knows no themes."""
        token = self._token(ABOUT)
        return np.concatenate([token, characters]) if len(token) and len(characters) else characters[:0]

    def _token(self, name: str | None) -> Ids:
        return np.array([self.names[name]] if name in self.names else [], np.int64)
