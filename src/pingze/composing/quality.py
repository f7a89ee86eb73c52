"""The quality of poems in numbers, for composed ones and, beside them, for real ones.

No figure says that a poem is good; each says how far composed poems are from real ones. Composed poems are written to
the titles of the real ones, where the model knows titles.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pingze.composing.compose import compose
from pingze.composing.composer import composer
from pingze.composing.request.input_characters import ConversionWarning
from pingze.composing.steering.antithesis import antithesis_table
from pingze.composing.steering.lapses import (
    DOUBLED_OFTEN,
    Lines,
    contradicts,
    doubled,
    false_doublings,
    stock,
)
from pingze.composing.steering.titles import CANDIDATES, TitleJudge
from pingze.corpus import CorpusPoem, Store
from pingze.corpus.suffix_array import SuffixArray
from pingze.errors import InputError
from pingze.network.conditions import LONGEST_TITLE
from pingze.verse import Verdict, check
from pingze.verse.characters import only_han
from pingze.verse.forms import FORMS, Form
from pingze.verse.rules import RHYME_RULES

MEASURED = ("五絕", "七絕", "五律", "七律")
REAL = "real"
"""The source of Tang poems of the test split."""
COPIED = 5
"""So many characters in a row are a copy."""


@dataclass(frozen=True)
class Quality:
    """What poems of a form are like. Shares are from 0 to 1."""

    form: str
    source: str
    """The model that composed them, or `real`."""
    poems: int
    kept: float
    """Share of poems in which the checker finds no fault of form, tone or rhyme, customarily."""
    tones: float
    """Share without a fault of tone."""
    rhyme: float
    """Share without a fault of rhyme."""
    distinct_1: float
    """Different characters by characters, over all poems: only for equal numbers of poems to be compared."""
    distinct_2: float
    """The same for pairs within a line."""
    distinct_3: float
    """The same for threes."""
    repetition: float
    """Share of characters that stood in the poem before."""
    overlap: float
    """Characters of the longest substring that a poem shares with a line of the train split; mean."""
    longest_overlap: int
    """The longest of these."""
    copies: float
    """Share of lines that share five characters in a row with a line of the train split."""
    titled: float | None
    """Share of poems whose own title a judge finds among twenty, its characters masked; None without twenty titles."""
    contradictory: float
    """Share of poems with words of two seasons, or of day and night."""
    false_doublings: float
    """Doubled characters that verse does not double, a poem."""
    stock: float
    """Overused pairs of characters, as 不知, a poem."""
    antithesis: float | None
    """Mean score of opposite characters in the couplets that need antithesis 對仗; None where none do."""


class Reference:
    """What poems are measured against: the lines of some poems, and the doublings and titles of the Tang ones."""

    def __init__(self, poems: Sequence[CorpusPoem]) -> None:
        self.lines = SuffixArray.of_texts(poem.text for poem in poems)
        self.tang = [poem for poem in poems if poem.dynasty == "tang"]
        counts = doubled(poem.lines for poem in self.tang)
        self.doubled = {character for character, count in counts.items() if count >= DOUBLED_OFTEN}

    @cached_property
    def judge(self) -> TitleJudge:
        """Who knows titles; fewer poems than it needs are measured without."""
        return TitleJudge((poem.title, poem.text) for poem in self.tang)


def compare(
    models: Iterable[str | Path],
    count: int,
    store: Store,
    progress: Callable[[str], None] = lambda line: None,
) -> Iterator[Quality]:
    """For each form `count` poems of each model, seeds from 1, and as many real ones of the test split.

    Of a form with fewer real poems all are taken. The models compose with all options as they are by default.
    `progress` is called with a line for each step.

    Raises InputError when `count` is below 1, CheckpointError on a model that cannot be read.
    """
    if count < 1:
        raise InputError(f"poems is {count}; it must be at least 1")
    progress("indexing the train split, with which poems are compared")
    reference = Reference(list(store.poems(split="train")))
    names = list(dict.fromkeys(map(str, models)))
    for form in map(FORMS.__getitem__, MEASURED):
        real = real_poems(form, count, store)
        titles = [poem.title for poem in real]
        for name in names:
            poems = []
            for seed, title in enumerate(titles, 1):
                progress(f"{name} composes {form.name}: {seed} of {len(titles)}")
                poems.append(_composed(form, title, seed, name))
            yield measure(form, name, poems, reference, titles)
        yield measure(form, REAL, [poem.lines for poem in real], reference, titles)


def _composed(form: Form, title: str, seed: int, model: str) -> Lines:
    """A poem to a title, where the model knows titles."""
    known = composer(model).conditions
    title = only_han(title)[:LONGEST_TITLE]
    with warnings.catch_warnings(action="ignore", category=ConversionWarning):
        return compose(form=form.name, title=title if known else None, seed=seed, model=model)[0].lines


def real_poems(form: Form, count: int, store: Store) -> list[CorpusPoem]:
    """Tang poems of the test split that have a form's shape, taken at equal distances in the corpus's order."""
    found = [poem for poem in store.poems(dynasty="tang", split="test") if _has_shape(poem.lines, form)]
    return found[:: max(1, len(found) // count)][:count]


def measure(
    form: Form, source: str, poems: Sequence[Lines], reference: Reference, titles: Sequence[str] = ()
) -> Quality:
    """The figures of some poems, of which there must be one, and of their titles, where there are some."""
    verdicts = [check("，".join(lines), form=form.name) for lines in poems]
    texts = ["".join(lines) for lines in poems]
    shared = [[len(reference.lines.longest(line)) for line in lines] for lines in poems]
    overlaps = [max(each) for each in shared]
    titled = [(title, text) for title, text in zip(titles, texts, strict=False) if only_han(title)]
    scores = [score for lines in poems if (score := antithesis_table().of_poem(form, lines)) is not None]
    return Quality(
        form=form.name,
        source=source,
        poems=len(poems),
        kept=_mean(verdict.ok for verdict in verdicts),
        tones=_mean(faults(verdict) <= set(RHYME_RULES) for verdict in verdicts),
        rhyme=_mean(not faults(verdict) & set(RHYME_RULES) for verdict in verdicts),
        distinct_1=distinct(poems, 1),
        distinct_2=distinct(poems, 2),
        distinct_3=distinct(poems, 3),
        repetition=_mean(text.index(c) < at for text in texts for at, c in enumerate(text)),
        overlap=_mean(overlaps),
        longest_overlap=max(overlaps),
        copies=_mean(length >= COPIED for each in shared for length in each),
        titled=reference.judge.identified(titled) if len({t for t, _ in titled}) >= CANDIDATES else None,
        contradictory=_mean(contradicts(lines) for lines in poems),
        false_doublings=_mean(false_doublings(lines, reference.doubled) for lines in poems),
        stock=_mean(stock(lines) for lines in poems),
        antithesis=_mean(scores) if scores else None,
    )


def faults(verdict: Verdict) -> set[str]:
    """The names of the rules that a poem breaks."""
    return {violation.rule for violation in verdict.violations}


def distinct(poems: Iterable[Lines], size: int) -> float:
    """Different substrings of `size` characters within lines, by all of them (Li et al. 2016)."""
    parts = [line[at : at + size] for lines in poems for line in lines for at in range(len(line) - size + 1)]
    return len(set(parts)) / len(parts)


def _has_shape(lines: Lines, form: Form) -> bool:
    return len(lines) == form.lines and all(len(line) == form.width for line in lines)


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / len(found)
