"""Encode a poem's conditions (dynasty, form, poet, title, theme) as tokens that precede the poem.

A model that knows conditions reads a poem as

    [dynasty] [form] [poet] [title's characters] [<about> theme's characters] <bos> text <eos>,

and predicts the tokens after `<bos>`. Every condition is optional. Every dynasty, form, tune and
poet has a special token, such as `<唐>`, `<七絕>`, `<詞:浣溪沙>` and `<李白>`. Titles and themes
are ordinary characters. In the vocabulary, each dynasty is followed by its poets, so that a poet's
dynasty can be found.
"""

from typing import NamedTuple

import numpy as np

from pingze.network.batches import Ids
from pingze.network.vocabulary import Vocabulary
from pingze.verse import DYNASTIES
from pingze.verse.characters import only_han
from pingze.verse.forms import FORMS, Form, tune_form
from pingze.verse.tunes import tunes

LONGEST_TITLE = 20
"""The model reads at most this many characters of a title, enough for 98 % of Tang titles."""
LONGEST_THEME = 8
"""Maximum number of characters of a theme; no theme in training (`training.texts`) is longer."""
ABOUT = "about"  # name, without brackets, of the token before the characters of a theme


def tune_token(tune: str) -> str:
    """Return the token of a tune (詞牌), without the angle brackets."""
    return f"詞:{tune}"


class Prefix(NamedTuple):
    """The ids of each condition's tokens; an absent condition has no ids."""

    dynasty: Ids
    form: Ids
    poet: Ids
    title: Ids
    about: Ids

    @property
    def ids(self) -> list[int]:
        """The ids of all conditions, in the order of the fields."""
        return np.concatenate(self).tolist()


GIVEN = ("form", "poet", "title")
"""The conditions that are known for poems of the corpus. Training omits each of them at random."""


class Conditions:
    """The conditions for which a vocabulary has tokens."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.names = {token[1:-1]: vocabulary.ids[token] for token in vocabulary.condition_tokens}
        """The id of each condition's token, by the token's name without brackets."""

    def __bool__(self) -> bool:
        return bool(self.names)

    @property
    def poets(self) -> list[str]:
        """The poets whose manner the model has learned."""
        # Tokens do not say what they name, so a poet is a name that names nothing else.
        not_poets = {ABOUT}.union(FORMS, DYNASTIES.values())
        poets = []
        for name in self.names:
            is_tune = name.startswith(tune_token(""))
            if name not in not_poets and not is_tune:
                poets.append(name)
        return poets

    @property
    def tunes(self) -> list[str]:
        """The names of the tunes that the model has read, each in its usual shape."""
        book = tunes()
        return [name for name in book.of_tune if self.form_token(tune_form(book[name]))]

    def form_token(self, form: Form) -> str | None:
        """Return the name of a form's token, or None if the form has no token.

        A tune may have several names. Its token is that of the first name that has a token.
        """
        tokens = [form.name]
        if form.tune:
            tokens = [tune_token(name) for name in form.tune.names]
        for token in tokens:
            if token in self.names:
                return token
        return None

    def dynasty_of(self, poet: str | None) -> str:
        """Return a poet's dynasty, such as 宋; the first of `DYNASTIES` if the poet is unknown."""
        dynasties = list(DYNASTIES.values())
        ids = self.names
        if poet not in ids:
            return dynasties[0]
        # In the vocabulary each dynasty is followed by its poets, so a poet's dynasty is the one
        # with the largest id below the poet's id.
        before_poet = [name for name in dynasties if name in ids and ids[name] < ids[poet]]
        return max(before_poet, key=lambda name: ids[name], default=dynasties[0])

    def prefix(
        self,
        form: str | None = None,
        poet: str | None = None,
        title: str | None = None,
        dynasty: str | None = None,
        about: str | None = None,
    ) -> Prefix:
        """Encode the conditions for which the vocabulary has tokens.

        A condition without a token gets no ids. Only the Han characters of a title or theme are
        encoded, and only the first `LONGEST_TITLE` of a title. By default the dynasty is the
        dynasty of the poet.
        """
        return Prefix(
            dynasty=self._token(dynasty or self.dynasty_of(poet)),
            form=self._token(form),
            poet=self._token(poet),
            title=self.vocabulary.encode(only_han(title or "")[:LONGEST_TITLE]),
            about=self.theme(self.vocabulary.encode(only_han(about or ""))),
        )

    def theme(self, characters: Ids) -> Ids:
        """Put `<about>` before a theme's ids.

        Return no ids if the theme is empty or the model knows no themes.
        """
        token = self._token(ABOUT)
        if len(token) == 0 or len(characters) == 0:
            return characters[:0]
        return np.concatenate([token, characters])

    def _token(self, name: str | None) -> Ids:
        """Return an array with the id of a condition's token, or an empty array if it has none."""
        ids = []
        if name in self.names:
            ids.append(self.names[name])
        return np.array(ids, np.int64)
