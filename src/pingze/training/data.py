"""The corpus, as a run needs it: poems come in; the vocabulary and, for each poem, its tokens go out."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from pingze.batches import Ids, encode_sequence
from pingze.characters import only_han
from pingze.conditions import Conditions, Prefix
from pingze.corpus import Poem, Store
from pingze.errors import InputError
from pingze.prosody import check
from pingze.prosody.forms import FORMS
from pingze.training.configuration import Preset, TrainingConfiguration
from pingze.vocabulary import Vocabulary

Text = str | Poem
"""A text alone, or a poem with its poet and title."""

_NAMELESS = ("不詳", "無名氏", "佚名")
"""What the corpus writes for a poet that no one knows."""


class Texts(NamedTuple):
    """The poems of a run."""

    train: Sequence[Text]
    dev: Sequence[Text]
    pretraining: Sequence[Text] = ()


class Example(NamedTuple):
    """A poem's tokens: those before it, and `<bos>` text `<eos>`."""

    prefix: Prefix
    text: Ids


def read(store: Store, configuration: TrainingConfiguration) -> Texts:
    """The poems that a configuration asks for."""
    train, dev = (read_split(store, configuration.corpus, split) for split in ("train", "dev"))
    pretraining = list(store.poems(dynasty="song", split="train")) if configuration.pretraining_epochs else []
    return Texts(train, dev, pretraining)


def read_split(store: Store, corpus: str, split: str) -> Sequence[Text]:
    """The poems of a split, of the report's draw or of all that Tang poets wrote."""
    return store.report_draw(split) if corpus == "report" else list(store.poems(dynasty="tang", split=split))


def condition_tokens(train: Sequence[Text], least: int) -> tuple[str, ...]:
    """For poems, a token for each form and for each poet with at least `least` of them, the most prolific first."""
    counts = Counter(text.author for text in train if isinstance(text, Poem))
    poets = [name for name, count in counts.most_common() if count >= least and name not in _NAMELESS]
    return tuple(f"<{name}>" for name in (*FORMS, *poets)) if counts else ()


def make_vocabulary(train: Sequence[Text], preset: Preset) -> Vocabulary:
    """The preset's vocabulary: condition tokens, then the most frequent characters of the cut texts and the titles.

    Raises InputError where the texts have fewer.
    """
    size, training = preset.model.vocabulary_size, preset.training
    special = condition_tokens(train, training.poet_poems)
    written = [text[: training.length] for text in map(_text, train)]
    titles = [only_han(text.title) for text in train if isinstance(text, Poem)]
    vocabulary = Vocabulary.of_texts([*written, *titles], size, special)
    if len(vocabulary) < size:
        raise InputError(
            f"vocabulary_size is {size}, but the texts have only {len(vocabulary)} tokens; "
            f"set vocabulary_size={len(vocabulary)}"
        )
    return vocabulary


def examples(texts: Iterable[Text], vocabulary: Vocabulary, length: int) -> list[Example]:
    """Each poem's tokens, its text cut to `length` predicted ones, under all its conditions that are known."""
    conditions = Conditions(vocabulary)
    return [
        Example(_prefix(text, conditions), encode_sequence(_text(text), vocabulary, length)) for text in texts
    ]


def sequence(example: Example, kept: Iterable[str] = Prefix._fields) -> Ids:
    """One row of tokens, with the conditions named."""
    return np.concatenate([*(getattr(example.prefix, name) for name in kept), example.text])


def draw(example: Example, share: float, rng: np.random.Generator) -> Ids:
    """One row of tokens from which each condition is dropped with probability `share`."""
    return sequence(example, [name for name in Prefix._fields if rng.random() >= share])


def _text(text: Text) -> str:
    return text.text if isinstance(text, Poem) else text


def _prefix(text: Text, conditions: Conditions) -> Prefix:
    if isinstance(text, Poem) and conditions:
        return conditions.prefix(check(text.text).form, text.author, text.title)
    return conditions.prefix(None, None, None)
