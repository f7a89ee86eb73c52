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
# Names that the corpus uses for unknown poets.
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
    train = read_split(store, corpus, "train")
    dev = read_split(store, corpus, "dev")
    if not train or not dev:
        # A store holds either the user's own poems or the public corpus. If the configuration asks
        # for the other, the error says so.
        has_own = OWN in store.dynasties()
        if has_own and corpus != OWN:
            raise InputError("train_corpus_is_own", has=corpus)
        if corpus == OWN and not has_own:
            raise InputError("train_corpus_is_tang", has=corpus)
        raise InputError("train_few", has=len(train))
    others = {}
    for source in configuration.shares:
        poems: list[CorpusPoem] = []
        if source == CI:
            poems.extend(store.ci(split="train"))
        for dynasty in SOURCES.get(source, ()):
            poems.extend(store.poems(dynasty=dynasty, split="train"))
        if not poems:
            raise InputError("train_source", field="mixture", has=source)
        others[source] = poems
    return Texts(train=train, dev=dev, others=others)


def digest(texts: Texts) -> str:
    """Compute a SHA-256 digest of the texts, for a resumed run to check that they are the same."""
    sha = hashlib.sha256()
    for part in (texts.train, texts.dev, *texts.others.values()):
        # the number of texts, so that a text cannot move to another part unnoticed
        sha.update(f"{len(part)}\n".encode())
        for text in part:
            sha.update(repr(text).encode())
    return sha.hexdigest()


def read_split(store: Store, corpus: str, split: str) -> Sequence[Text]:
    """Read a split of a corpus: the report's sample, all Tang poems, or the user's own poems."""
    if corpus == "report":
        return store.report_draw(split)
    return list(store.poems(dynasty=corpus, split=split))


def corpus_for(store: Store, special_tokens: Sequence[str]) -> str:
    """Choose the corpus for an evaluation.

    The corpus is own if the store holds the user's own poems, tang if the model has conditions,
    otherwise report.
    """
    if OWN in store.dynasties():
        return OWN
    if special_tokens:
        return "tang"
    return "report"


def condition_tokens(texts: Texts, training: TrainingConfiguration) -> tuple[str, ...]:
    """List the condition tokens: forms, tunes, then each dynasty and its poets.

    The list is empty if the training texts are texts alone, without poet and title.
    """
    train_poems = [text for text in texts.train if isinstance(text, CorpusPoem)]
    if not train_poems:
        return ()
    # 1) forms, themes and tunes
    names: list[str] = list(FORMS)
    if training.theme_share:
        names.append(ABOUT)
    tunes = Counter(poem.tune for poem in texts.others.get(CI, ()))
    for tune, count in tunes.most_common():
        if count >= TUNE_PIECES:
            names.append(tune_token(tune))
    # 2) Tang, if that is the corpus, and the poets of the training poems. A user's own poems have
    # no dynasty.
    if training.corpus == "tang":
        names.append(DYNASTIES["tang"])
    names.extend(_frequent_poets(train_poems, training.poet_poems, names))
    # 3) the other dynasties and their poets
    others = list(chain(*texts.others.values()))
    for key, dynasty in DYNASTIES.items():
        poems = [poem for poem in others if poem.dynasty == key]
        # `others` has some 詞 of Tang, but step 2 has listed Tang already
        if poems and key != "tang":
            names.append(dynasty)
            names.extend(_frequent_poets(poems, training.later_poet_poems, names))
    return tuple(f"<{name}>" for name in names)


def _frequent_poets(poems: Iterable[CorpusPoem], least: int, names: Sequence[str]) -> list[str]:
    """List the poets with at least `least` poems, the most frequent first.

    `names` are left out, because they already name other tokens.
    """
    excluded = {*_NAMELESS, *names}
    poets = []
    for poet, count in Counter(poem.author for poem in poems).most_common():
        if count >= least and poet not in excluded:
            poets.append(poet)
    return poets


def make_vocabulary(texts: Texts, preset: Preset, start: Vocabulary | None = None) -> Vocabulary:
    """Build a preset's vocabulary: condition tokens, then the characters most frequent in training.

    If the corpus is the user's own, the vocabulary keeps all tokens of `start`, the vocabulary of
    the model whose weights are copied, and the user's poems add what is new in them.

    Raises InputError if training reads fewer characters than the preset requires, unless the corpus
    is the user's own.
    """
    size = preset.model.vocabulary_size
    training = preset.training
    # Only characters that training reads are counted: a long text is cut, and a title is read.
    counted = [_text(text)[: training.length] for text in texts.train]
    counted.extend(only_han(text.title) for text in texts.train if isinstance(text, CorpusPoem))
    vocabulary = Vocabulary.of_texts(counted, size, condition_tokens(texts, training))
    if training.corpus == OWN and start is not None:
        return start.extended(vocabulary)
    if training.corpus != OWN and len(vocabulary) < size:
        # the error offers the size that the texts do reach
        raise InputError(
            "train_vocabulary", field="vocabulary_size", has=size, wanted=len(vocabulary)
        )
    return vocabulary


def examples(texts: Iterable[Text], vocabulary: Vocabulary, length: int) -> list[Example]:
    """Encode poems with all known conditions, and cut texts to `length` predicted tokens."""
    conditions = Conditions(vocabulary)
    encoded = []
    for text in texts:
        if isinstance(text, CorpusPoem) and conditions:
            # the tune of a 詞 takes the place of a form; the form of a 詩 follows from its tones
            form = tune_token(text.tune) if text.tune else check(text.text).form
            prefix = conditions.prefix(
                form=form,
                poet=text.author,
                title=text.title.removeprefix(text.tune),  # the title of a 詞 begins with its tune
                dynasty=DYNASTIES.get(text.dynasty),
            )
        else:
            prefix = conditions.prefix()
        ids = encode_sequence(_text(text), vocabulary, length)
        encoded.append(Example(prefix=prefix, text=ids))
    return encoded


def sequence(example: Example, kept: Iterable[str] = Prefix._fields) -> Ids:
    """Concatenate the tokens of the named conditions and of the text."""
    parts = [getattr(example.prefix, name) for name in kept]
    parts.append(example.text)
    return np.concatenate(parts)


def draw(example: Example, share: float, rng: np.random.Generator) -> Ids:
    """Concatenate a poem's tokens, without form, poet and title with probability `share` each."""
    kept = [name for name in GIVEN if rng.random() >= share]
    return sequence(example, ["dynasty", *kept, "about"])


def _text(text: Text) -> str:
    """Return a poem's text without the newlines between the stanzas of a 詞."""
    if isinstance(text, CorpusPoem):
        return text.text.replace("\n", "")
    return text


class Themes:
    """A sampler of themes from the words of training poems.

    A model that reads such a theme before its poem learns to follow a user's theme.

    A theme has one to four words. Each word is a character or two adjacent characters of a line.
    Rare characters are preferred by inverse document frequency (Spärck Jones 1972), so that 不 and
    人 are seldom drawn.
    """

    def __init__(self, texts: Iterable[Ids], vocabulary: Vocabulary) -> None:
        distinct_ids = [np.unique(text) for text in texts]  # a text counts a character only once
        text_counts = np.bincount(np.concatenate(distinct_ids), minlength=len(vocabulary))
        self._han = vocabulary.is_han
        of_all_tokens = np.log((1 + len(distinct_ids)) / (1 + text_counts))
        self.rarity: Float[Array, V] = of_all_tokens * self._han
        """Inverse document frequency: ln((1 + N) / (1 + n)) if a Han character is in n of N texts.

        It is 0 for all other tokens.
        """

    def draw(self, text: Ids, rng: np.random.Generator) -> Ids:
        """Draw a theme from an encoded text, with its words in random order.

        The theme is empty if the text has no Han character.
        """
        weights = self.rarity[text]
        total = weights.sum()
        if total == 0:
            return text[:0]
        # Draw different places at which words begin, at most as many as places have a weight.
        word_count = int(rng.integers(1, LARGEST + 1))
        word_count = min(word_count, int((weights > 0).sum()))
        starts = rng.choice(len(text), word_count, replace=False, p=weights / total)
        words = []
        for start in starts:
            end = start + 1
            # half the time, the word includes the following character, if both are in the same line
            if rng.random() < 0.5 and end < len(text) and self._han[text[end]]:
                end += 1
            words.append(text[start:end])
        return np.concatenate(words)
