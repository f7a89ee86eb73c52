"""Invented verse for the tests: lines of random characters, so that no poem of the corpus stands here."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pingze.network import checkpoint
from pingze.network.configuration import ModelConfiguration
from pingze.network.vocabulary import Vocabulary
from pingze.verse.characters import MARKS
from pingze.verse.tunes import Tune

CI_RHYMES = [
    "東動屋",
    "陽養覺",
    "支紙質",
    "魚語月",
    "寒旱合",
    "豪早屋",
    "歌我覺",
    "麻馬質",
    "庚梗月",
    "尤有合",
]
"""A level, an oblique and an entering character of ten parts of 詞林正韻 for the rhymes of a tune in turn."""

CHARACTERS = "天地山水風月花雪日夜江海春秋東西人心雲雨"


def texts(count: int, seed: int = 0, lines: int = 4, length: int = 5) -> list[str]:
    """Poems of `lines` lines, in which some characters are likelier after others."""
    rng = np.random.default_rng(seed)
    poems = []
    for _ in range(count):
        at = int(rng.integers(len(CHARACTERS)))
        poem = ""
        for line in range(lines):
            for _ in range(length):
                at = (at + int(rng.integers(1, 4))) % len(CHARACTERS)
                poem += CHARACTERS[at]
            poem += "，。"[line % 2]
        poems.append(poem)
    return poems


def model(
    seed: int = 0,
    hidden_size: int = 12,
    *,
    layers: int = 2,
    tied: bool = False,
    held: bool = False,
    activation: str = "tanh",
    conditions: Sequence[str] = (),
    characters: str = CHARACTERS,
    embedding_size: int = 8,
    scale: float = 1.0,
) -> checkpoint.Checkpoint:
    """A random small model over some characters and all marks."""
    vocabulary = Vocabulary.of_texts([characters + MARKS], 5000, conditions)
    kind = {
        "tied": tied,
        "held": held,
        "activation": activation,
        "special_tokens": tuple(conditions),
    }
    configuration = ModelConfiguration(len(vocabulary), embedding_size, hidden_size, layers, **kind)
    rng, shapes = np.random.default_rng(seed), checkpoint.shapes(configuration)
    tensors = {
        name: (scale * rng.standard_normal(s)).astype(np.float32) for name, s in shapes.items()
    }
    return checkpoint.Checkpoint("invented", configuration, vocabulary, tensors)


def saved(path: Path, made: checkpoint.Checkpoint) -> Path:
    """Write a model to a file, and return the file."""
    checkpoint.save(path, made)
    return path


def ci(tune: Tune) -> str:
    """A text, without marks, that keeps a tune's pattern."""
    text = [{"P": "平", "Z": "仄", "x": "平"}[tone] for tone in tune.tones("strict")]
    for line, end in zip(tune.lines, tune.ends, strict=True):
        if line.rhyme is not None:
            text[end - 1] = CI_RHYMES[line.rhyme % 10]["平仄入".index(line.kind)]
    for place, source in tune.echoes.items():
        if place + 1 in tune.ends:
            text[source] = text[place]
    for place, source in tune.echoes.items():
        text[place] = text[source]
    return "".join(text)
