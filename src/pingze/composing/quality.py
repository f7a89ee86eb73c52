"""The quality of poems in numbers: models and the corpus come in, and for each form a row of figures goes out.

No figure says that a poem is good; each says how far composed poems are from real ones, which stand beside them.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pingze.composing.antithesis import antithesis_table
from pingze.composing.composer import compose
from pingze.corpus import Store
from pingze.errors import InputError
from pingze.prosody import Verdict, check
from pingze.prosody.forms import FORMS, Form
from pingze.suffix_array import SuffixArray

MEASURED = ("五絕", "七絕", "五律", "七律")
REAL = "real"
"""The source of Tang poems of the test split."""
_RHYME = {"出韻", "鄰韻", "重韻"}

Lines = Sequence[str]


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
    """Characters of the longest run that a poem shares with a line of the train split; mean."""
    longest_overlap: int
    """The longest of these."""
    antithesis: float | None
    """Mean score of opposite characters in the couplets that need antithesis 對仗; None where none do."""


def compare(models: Iterable[str | Path], count: int, store: Store) -> Iterator[Quality]:
    """For each form `count` poems of each model, seeds from 1, and as many real ones of the test split.

    Of a form with fewer real poems all are taken. The models compose with all options as they are by default.
    Raises InputError when `count` is below 1, CheckpointError on a model that cannot be read.
    """
    if count < 1:
        raise InputError(f"poems is {count}; it must be at least 1")
    train = SuffixArray.of_lines(line for poem in store.poems(split="train") for line in poem.lines)
    names = list(dict.fromkeys(map(str, models)))
    for form in map(FORMS.__getitem__, MEASURED):
        for name in names:
            poems = compose(form=form.name, seed=1, count=count, model=name)
            yield measure(form, name, [poem.lines for poem in poems], train)
        yield measure(form, REAL, real_poems(form, count, store), train)


def real_poems(form: Form, count: int, store: Store) -> list[Lines]:
    """Tang poems of the test split that have a form's shape, taken at equal distances in the corpus's order."""
    lines = (poem.lines for poem in store.poems(dynasty="tang", split="test"))
    found: list[Lines] = [each for each in lines if _has_shape(each, form)]
    return found[:: max(1, len(found) // count)][:count]


def measure(form: Form, source: str, poems: Sequence[Lines], train: SuffixArray) -> Quality:
    """The figures of some poems, of which there must be one."""
    verdicts = [check("，".join(lines), form=form.name) for lines in poems]
    texts = ["".join(lines) for lines in poems]
    overlaps = [max(len(train.longest(line)) for line in lines) for lines in poems]
    scores = [score for lines in poems if (score := antithesis_table().of_poem(form, lines)) is not None]
    return Quality(
        form=form.name,
        source=source,
        poems=len(poems),
        kept=_mean(verdict.ok for verdict in verdicts),
        tones=_mean(faults(verdict) <= _RHYME for verdict in verdicts),
        rhyme=_mean(not faults(verdict) & _RHYME for verdict in verdicts),
        distinct_1=distinct(poems, 1),
        distinct_2=distinct(poems, 2),
        distinct_3=distinct(poems, 3),
        repetition=_mean(text.index(c) < at for text in texts for at, c in enumerate(text)),
        overlap=_mean(overlaps),
        longest_overlap=max(overlaps),
        antithesis=_mean(scores) if scores else None,
    )


def faults(verdict: Verdict) -> set[str]:
    """The names of the rules that a poem breaks."""
    return {violation.rule for violation in verdict.violations}


def distinct(poems: Iterable[Lines], size: int) -> float:
    """Different runs of some characters within lines, by all such runs (Li et al. 2016)."""
    runs = [line[at : at + size] for lines in poems for line in lines for at in range(len(line) - size + 1)]
    return len(set(runs)) / len(runs)


def _has_shape(lines: Lines, form: Form) -> bool:
    return len(lines) == form.lines and all(len(line) == form.width for line in lines)


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / len(found)
