"""Read the poems of a run, build their vocabulary, encode the poems, and draw themes from them."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np

from pingze.arrays import Array, Float
from pingze.corpus import CorpusPoem, Store
from pingze.corpus.poem import OWN
from pingze.errors import InputError
from pingze.network.batches import Ids, encode_sequence
from pingze.network.conditions import ABOUT, GIVEN, Conditions, Prefix, tune_token
from pingze.network.vocabulary import Vocabulary
from pingze.training.presets import CI, SOURCES, Preset, TrainingConfiguration
from pingze.verse import DYNASTIES
from pingze.verse.characters import only_han
from pingze.verse.checking import check
from pingze.verse.forms import FORMS

Text = str | CorpusPoem  # a poem, either as its text alone or with its poet and title
TUNE_PIECES = 30  # minimum number of 詞 to a tune for the tune to get a token
# names that the corpus uses for unknown poets
_NAMELESS = ("", "不詳", "無名氏", "佚名", "郊廟朝會歌辭")
LARGEST = 4
"""Maximum number of words in a theme."""


class Texts(NamedTuple):
    """The poems of a run.

    Each epoch reads `train` and some poems from each source in `others`, such as song.
    """

    train: Sequence[Text]
    dev: Sequence[Text]
    others: Mapping[str, Sequence[CorpusPoem]] = {}


class Example(NamedTuple):
    """A poem's tokens: its conditions, and its text between `<bos>` and `<eos>`."""

    prefix: Prefix
    text: Ids


def read(store: Store, configuration: TrainingConfiguration) -> Texts:
    """Read the poems that a configuration requires.

    Raises InputError if train, dev or a source has no poems.
    """
    corpus = configuration.corpus
    train, dev = (read_split(store, corpus, split) for split in ("train", "dev"))
    if not train or not dev:
        has_own = OWN in store.dynasties()
        if (corpus == OWN) == has_own:
            raise InputError("train_few", has=len(train))
        raise InputError("train_corpus_is_own" if has_own else "train_corpus_is_tang", has=corpus)
    others = {}
    for source in configuration.shares:
        parts = [store.poems(dynasty=name, split="train") for name in SOURCES.get(source, ())]
        others[source] = list(store.ci(split="train") if source == CI else chain(*parts))
        if not others[source]:
            raise InputError("train_source", field="mixture", has=source)
    return Texts(train, dev, others)


def digest(texts: Texts) -> str:
    """Compute a SHA-256 digest of the texts, so that a resumed run can check that they have not changed."""
    sha = hashlib.sha256()
    for part in (texts.train, texts.dev, *texts.others.values()):
        sha.update(f"{len(part)}\n".encode())
        for text in part:
            sha.update(repr(text).encode())
    return sha.hexdigest()


def read_split(store: Store, corpus: str, split: str) -> Sequence[Text]:
    """Read a split of a corpus: the report's sample, all Tang poems, or the user's own poems."""
    return (
        store.report_draw(split)
        if corpus == "report"
        else list(store.poems(dynasty=corpus, split=split))
    )


def corpus_for(store: Store, special_tokens: Sequence[str]) -> str:
    """Choose the corpus for an evaluation: own if it is stored, tang if the model has conditions, otherwise report."""
    return OWN if OWN in store.dynasties() else "tang" if special_tokens else "report"


def condition_tokens(texts: Texts, training: TrainingConfiguration) -> tuple[str, ...]:
    """List the condition tokens: forms, tunes, then each dynasty and its poets.

    Empty if poems have no conditions.
    """
    if not any(isinstance(text, CorpusPoem) for text in texts.train):
        return ()
    tunes = Counter(poem.tune for poem in texts.others.get(CI, ()))
    names = [*FORMS, *([ABOUT] if training.theme_share else [])]
    names += [tune_token(tune) for tune, count in tunes.most_common() if count >= TUNE_PIECES]
    names += [DYNASTIES["tang"]] if training.corpus == "tang" else []

    def add_poets(poems: Iterable[Text], least: int) -> None:
        counts = Counter(poem.author for poem in poems if isinstance(poem, CorpusPoem))
        known = {*_NAMELESS, *names}
        names.extend(
            name for name, count in counts.most_common() if count >= least and name not in known
        )

    add_poets(texts.train, training.poet_poems)
    others = list(chain(*texts.others.values()))
    for key, dynasty in DYNASTIES.items():
        if key != "tang" and (poems := [poem for poem in others if poem.dynasty == key]):
            names.append(dynasty)
            add_poets(poems, training.later_poet_poems)
    return tuple(f"<{name}>" for name in names)


def make_vocabulary(texts: Texts, preset: Preset, start: Vocabulary | None = None) -> Vocabulary:
    """Build a preset's vocabulary: condition tokens, then the most frequent characters that training reads.

    If the corpus is the user's own, the vocabulary keeps all tokens of `start`, the vocabulary of
    the model whose weights are copied, and the user's poems add what is new in them.

    Raises InputError if training reads fewer characters than the preset requires, unless the corpus
    is the user's own.
    """
    size, training, train = preset.model.vocabulary_size, preset.training, texts.train
    written = [_text(text)[: training.length] for text in train]
    titles = [only_han(text.title) for text in train if isinstance(text, CorpusPoem)]
    vocabulary = Vocabulary.of_texts([*written, *titles], size, condition_tokens(texts, training))
    if training.corpus == OWN:
        return vocabulary if start is None else start.extended(vocabulary)
    if len(vocabulary) < size:
        raise InputError(
            "train_vocabulary", field="vocabulary_size", has=size, wanted=len(vocabulary)
        )
    return vocabulary


def examples(texts: Iterable[Text], vocabulary: Vocabulary, length: int) -> list[Example]:
    """Encode poems with all their known conditions, and cut their texts to `length` predicted tokens."""
    conditions, found = Conditions(vocabulary), []
    for text in texts:
        prefix = conditions.prefix(None, None, None)
        if isinstance(text, CorpusPoem) and conditions:
            form = tune_token(text.tune) if text.tune else check(text.text).form
            title = text.title.removeprefix(text.tune)
            prefix = conditions.prefix(form, text.author, title, DYNASTIES.get(text.dynasty))
        found.append(Example(prefix, encode_sequence(_text(text), vocabulary, length)))
    return found


def sequence(example: Example, kept: Iterable[str] = Prefix._fields) -> Ids:
    """Concatenate the tokens of the named conditions and of the text."""
    return np.concatenate([*(getattr(example.prefix, name) for name in kept), example.text])


def draw(example: Example, share: float, rng: np.random.Generator) -> Ids:
    """Concatenate a poem's tokens. Form, poet and title are each left out with probability `share`."""
    kept = [name for name in GIVEN if rng.random() >= share]
    return sequence(example, ["dynasty", *kept, "about"])


def _text(text: Text) -> str:
    return text.text.replace("\n", "") if isinstance(text, CorpusPoem) else text


class Themes:
    """A sampler that draws themes from the words of training poems, so that a model learns to follow a user's theme.

    A theme has one to four words. Each word is a character or two adjacent characters of a line.
    Rare characters are preferred by inverse document frequency (Spärck Jones 1972), so that 不 and
    人 are seldom drawn.
    """

    def __init__(self, texts: Iterable[Ids], vocabulary: Vocabulary) -> None:
        found = [np.unique(text) for text in texts]
        containing = np.bincount(np.concatenate(found), minlength=len(vocabulary))
        self._han = vocabulary.is_han
        self.rarity: Float[Array, V] = np.log((1 + len(found)) / (1 + containing)) * self._han
        """Inverse document frequency ln((1 + N) / (1 + n)) of a Han character in n of N texts; 0 for other tokens."""

    def draw(self, text: Ids, rng: np.random.Generator) -> Ids:
        """Draw a theme from an encoded text, with its words in random order.

        Empty if the text has no Han character.
        """
        weights = self.rarity[text]
        if not (total := weights.sum()):
            return text[:0]
        words = min(int(rng.integers(1, LARGEST + 1)), int((weights > 0).sum()))
        theme = []
        for place in rng.choice(len(text), words, replace=False, p=weights / total):
            # half the time, the word includes the following character, if both are in the same line
            paired = rng.random() < 0.5 and place + 1 < len(text) and self._han[text[place + 1]]
            theme.append(text[place : place + 1 + paired])
        return np.concatenate(theme)
