"""What a poem is written under: its form, poet and title come in, the tokens that stand before it go out.

A model that knows conditions reads a poem as

    [form] [poet] [title's characters] <bos> text <eos>,

each of the three present or not, and predicts what follows `<bos>`. A form and a poet are a special token each, as
`<七絕>` and `<李白>`; a title is written in the characters of verse.
"""

from typing import NamedTuple

import numpy as np

from pingze.batches import Ids
from pingze.characters import only_han
from pingze.prosody.forms import FORMS
from pingze.vocabulary import Vocabulary

LONGEST_TITLE = 20
"""Characters of a title that are read; of a hundred Tang titles 98 have no more."""


class Prefix(NamedTuple):
    """The tokens of a poem's conditions; an absent one has none."""

    form: Ids
    poet: Ids
    title: Ids


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
        return [name for name in self.names if name not in FORMS]

    def prefix(self, form: str | None, poet: str | None, title: str | None) -> Prefix:
        """The tokens of conditions; a form or poet without a token is left out, and so are a title's marks."""
        characters = only_han(title or "")[:LONGEST_TITLE]
        return Prefix(self._token(form), self._token(poet), self.vocabulary.encode(characters))

    def _token(self, name: str | None) -> Ids:
        return np.array([self.names[name]] if name in self.names else [], np.int64)
