"""The corpus as a run needs it: the vocabulary, and each poem's tokens."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np

from pingze.corpus import CorpusPoem, Store
from pingze.corpus.poem import OWN
from pingze.errors import InputError
from pingze.network.batches import Ids, encode_sequence
from pingze.network.conditions import ABOUT, GIVEN, Conditions, Prefix, tune_token
from pingze.network.vocabulary import Vocabulary
from pingze.training.configuration import CI, SOURCES, Preset, TrainingConfiguration
from pingze.verse import check
from pingze.verse.characters import only_han
from pingze.verse.dynasties import DYNASTIES
from pingze.verse.forms import FORMS

Text = str | CorpusPoem
"""A text alone, or a poem with its poet and title."""

TUNE_PIECES = 30
"""How many pieces earn a tune a token."""
_NAMELESS = ("", "不詳", "無名氏", "佚名", "郊廟朝會歌辭")
"""What the corpus writes for a poet that no one knows."""


class Texts(NamedTuple):
    """The poems of a run."""

    train: Sequence[Text]
    dev: Sequence[Text]
    others: Mapping[str, Sequence[CorpusPoem]] = {}
    """Those of which each epoch reads a part beside `train`, by source."""


class Example(NamedTuple):
    """A poem's tokens: those before it, and `<bos>` text `<eos>`."""

    prefix: Prefix
    text: Ids


def read(store: Store, configuration: TrainingConfiguration) -> Texts:
    """The poems that a configuration asks for. Raises InputError where there are none to train on or to measure."""
    train, dev = (read_split(store, configuration.corpus, split) for split in ("train", "dev"))
    if not train or not dev:
        raise InputError(_nothing_to_read(store, configuration.corpus, len(train)))
    others = {source: read_source(store, source) for source in configuration.shares}
    for source, poems in others.items():
        if not poems:
            raise InputError(f"the corpus has no poems of {source}: run `pingze corpus fetch --more FOLDER`")
    return Texts(train, dev, others)


def read_source(store: Store, source: str) -> list[CorpusPoem]:
    """The train split of a source of `configuration.SOURCES`, or the 詞."""
    if source == CI:
        return list(store.ci(split="train"))
    return [poem for name in SOURCES[source] for poem in store.poems(dynasty=name, split="train")]


def read_split(store: Store, corpus: str, split: str) -> Sequence[Text]:
    """The poems of a split: of the report's draw, of all that Tang poets wrote, or of a person's own."""
    return store.report_draw(split) if corpus == "report" else list(store.poems(dynasty=corpus, split=split))


def _nothing_to_read(store: Store, corpus: str, train: int) -> str:
    here = OWN if OWN in store.dynasties() else "tang"
    if (corpus == OWN) != (here == OWN):
        other = "your own poems" if here == OWN else "Tang and Song poems"
        return f"corpus is {corpus}, but the one that was fetched is of {other}: train with --preset {here}"
    return f"the corpus has {train} poems to train on and none to measure: some fifty are the fewest"


def corpus_for(store: Store, special_tokens: Sequence[str]) -> str:
    """The corpus on which a model is measured: a person's own where that was fetched, else by what the model knows."""
    return OWN if OWN in store.dynasties() else "tang" if special_tokens else "report"


def condition_tokens(texts: Texts, training: TrainingConfiguration) -> tuple[str, ...]:
    """For poems, the forms' and tunes' tokens, then each dynasty's and those of its poets, the most prolific first."""
    if not any(isinstance(text, CorpusPoem) for text in texts.train):
        return ()
    tang = _poets(texts.train, training.poet_poems)
    tunes = Counter(poem.tune for poem in texts.others.get(CI, ()))
    names = [*FORMS, *([ABOUT] if training.theme_share else [])]
    names += [tune_token(tune) for tune, count in tunes.most_common() if count >= TUNE_PIECES]
    names += [*([DYNASTIES["tang"]] if training.corpus == "tang" else []), *tang]
    others = list(chain(*texts.others.values()))
    for key, dynasty in DYNASTIES.items():
        if key != "tang" and (poems := [poem for poem in others if poem.dynasty == key]):
            poets = _poets(poems, training.later_poet_poems)
            names += [dynasty, *(name for name in poets if name not in names)]
    return tuple(f"<{name}>" for name in names)


def _poets(texts: Sequence[Text], least: int) -> list[str]:
    counts = Counter(text.author for text in texts if isinstance(text, CorpusPoem))
    return [name for name, count in counts.most_common() if count >= least and name not in _NAMELESS]


def make_vocabulary(texts: Texts, preset: Preset) -> Vocabulary:
    """The preset's vocabulary: condition tokens, then the most frequent characters of the cut texts and the titles.

    The characters are those of `train`. Raises InputError where the texts have fewer, and are not a person's own.
    """
    size, training, train = preset.model.vocabulary_size, preset.training, texts.train
    special = condition_tokens(texts, training)
    written = [text[: training.length] for text in map(_text, train)]
    titles = [only_han(text.title) for text in train if isinstance(text, CorpusPoem)]
    vocabulary = Vocabulary.of_texts([*written, *titles], size, special)
    if len(vocabulary) < size and training.corpus != OWN:
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
    """One row of tokens from which each condition but the dynasty and the theme is dropped with probability `share`."""
    kept = [name for name in GIVEN if rng.random() >= share]
    return sequence(example, ["dynasty", *kept, "about"])


def _text(text: Text) -> str:
    return text.text.replace("\n", "") if isinstance(text, CorpusPoem) else text


def _prefix(text: Text, conditions: Conditions) -> Prefix:
    if isinstance(text, CorpusPoem) and conditions:
        form = tune_token(text.tune) if text.tune else check(text.text).form
        title = text.title.removeprefix(text.tune)
        return conditions.prefix(form, text.author, title, DYNASTIES.get(text.dynasty))
    return conditions.prefix(None, None, None)
