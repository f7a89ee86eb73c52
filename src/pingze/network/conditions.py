"""Encode a poem's conditions (dynasty, form, poet, title and theme) as the tokens before it.

A model that knows conditions reads a poem as

    [dynasty] [form] [poet] [title's characters] [<about> theme's characters] <bos> text <eos>,

each of them optional, and predicts the tokens after `<bos>`. A dynasty, a form or tune, and a poet are special
tokens, as `<唐>`, `<七絕>`, `<詞:浣溪沙>` and `<李白>`; title and theme are in the characters of verse. Among the
special tokens the poets of a dynasty follow it, so that a poet implies the dynasty.
"""

from typing import NamedTuple

import numpy as np

from pingze.network.batches import Ids
from pingze.network.vocabulary import Vocabulary
from pingze.verse.characters import only_han
from pingze.verse.dynasties import DYNASTIES
from pingze.verse.forms import FORMS

LONGEST_TITLE = 20
"""The model reads so many characters of a title; of a hundred Tang titles 98 have no more."""

LONGEST_THEME = 8
"""The model reads so many characters of a theme: those in training have no more (`training.themes`)."""

ABOUT = "about"
"""The token before a theme's characters, without its brackets."""


def tune_token(tune: str) -> str:
    """Name the token of a tune 詞牌, without its brackets."""
    return f"詞:{tune}"


class Prefix(NamedTuple):
    """The tokens of each condition; an absent one has none."""

    dynasty: Ids
    form: Ids
    poet: Ids
    title: Ids
    about: Ids


GIVEN = ("form", "poet", "title")
"""The conditions that the corpus has for a poem, which training drops at random."""


class Conditions:
    """The conditions that a vocabulary has tokens for."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.names = {token[1:-1]: vocabulary.ids[token] for token in vocabulary.condition_tokens}

    def __bool__(self) -> bool:
        return bool(self.names)

    @property
    def poets(self) -> list[str]:
        """The poets whose manner the model knows."""
        others = (*FORMS, *DYNASTIES.values(), ABOUT)
        return [name for name in self.names if name not in others and not name.startswith(tune_token(""))]

    def dynasty_of(self, poet: str | None) -> str:
        """Find a poet's dynasty, as 唐; the first of all for an unknown poet."""
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
        """Encode conditions, without those that have no token and without the marks of a title and a theme.

        The dynasty is by default the poet's.
        """
        return Prefix(
            self._token(dynasty or self.dynasty_of(poet)),
            self._token(form),
            self._token(poet),
            self.vocabulary.encode(only_han(title or "")[:LONGEST_TITLE]),
            self.theme(self.vocabulary.encode(only_han(about or ""))),
        )

    def theme(self, characters: Ids) -> Ids:
        """Encode a theme; one without characters, or of a model that knows no themes, has no tokens."""
        token = self._token(ABOUT)
        return np.concatenate([token, characters]) if len(token) and len(characters) else characters[:0]

    def _token(self, name: str | None) -> Ids:
        return np.array([self.names[name]] if name in self.names else [], np.int64)
