r"""Measure the quality of composed poems, and of real ones beside them.

No figure says that a poem is good; each says how far composed poems are from real ones. Composed poems are written to
the titles of the real ones, where the model knows titles.

A judge that counts, and knows no language model, decides which title a poem was written to. Characters of titles go
with characters of their poems: 雪 with 梅, 漁 with 舟. From a corpus's counts, b is likelier in a poem whose title has
a than in any poem by

    A[a, b] = ln((n(a, b) + k p(b)) / ((n(a) + k) p(b))),    k = PRIOR,

where n(a) is the number of poems whose title has a, n(a, b) of those that also have b, and p(b) the share of all
poems that have b. A title's score for a poem is the mean of A over its own characters, summed over the poem's (naive
Bayes with a Dirichlet prior).
"""

import warnings
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from statistics import fmean

import numpy as np

from pingze.arrays import Array, Int
from pingze.composing.composer import compose, composer
from pingze.composing.constraints.lexicon import DOUBLED_OFTEN
from pingze.composing.request.input_characters import ConversionWarning
from pingze.composing.steering.antithesis import antithesis_table
from pingze.composing.steering.taste import contradicts
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
"""The characters in a row that count as a copy."""
PRIOR = 100.0
"""The weight of the expectation p(b) in each estimate, in poems."""
CANDIDATES = 20
"""The titles among which a poem's own is to be found."""
STOCK = ("不知", "何處", "惆悵", "萬里", "春風", "今日", "無人", "江南", "人間", "月明", "長安")
"""The pairs that composed poems used most too often, in 105 poems of an earlier model."""

Lines = Sequence[str]


@dataclass(frozen=True)
class Quality:
    """The figures of poems of a form; shares are from 0 to 1."""

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
    """Share of poems whose own title the judge finds among 20, its characters masked; None without 20 titles."""
    contradictory: float
    """Share of poems with words of two seasons, or of day and night."""
    false_doublings: float
    """Doubled characters that verse does not double, a poem."""
    stock: float
    """Overused pairs of characters, as 不知, a poem."""
    antithesis: float | None
    """Mean score of opposite characters in the couplets that need antithesis 對仗; None where none do."""


class TitleJudge:
    """The judge of titles. pairs: title and text of each poem that it counts."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        known = list(pairs)
        titles, texts = (only_han("".join(side)) for side in zip(*known, strict=True))
        self.rows, self.columns = (
            {c: n for n, c in enumerate(dict.fromkeys(each))} for each in (titles, texts)
        )
        in_titles, in_texts = np.zeros(len(self.rows)), np.zeros(len(self.columns))
        together = np.zeros((len(in_titles), len(in_texts)), np.float32)
        for pair in known:
            a, b = self._ids(*pair)
            in_titles[a] += 1
            in_texts[b] += 1
            together[np.ix_(a, b)] += 1
        share = in_texts / len(known)
        self.association: Array = np.log((together + PRIOR * share) / ((in_titles[:, None] + PRIOR) * share))

    def score(self, title: str, text: str) -> float:
        """Score how well a title suits a poem; 0 where nothing is known of either."""
        a, b = self._ids(title, text)
        return float(self.association[np.ix_(a, b)].sum() / len(a)) if len(a) else 0.0

    def identified(self, poems: Sequence[tuple[str, str]]) -> float:
        """Measure how often a poem's own title scores highest of `CANDIDATES`, its characters masked in the poem.

        poems: titles and texts, at least `CANDIDATES` of different titles; the other titles are the next ones in order.
        """
        found = 0
        for at, (title, text) in enumerate(poems):
            masked = "".join(c for c in text if c not in title)
            others = [poems[(at + n) % len(poems)][0] for n in range(1, CANDIDATES)]
            found += self.score(title, masked) > max(self.score(other, masked) for other in others)
        return found / len(poems)

    def _ids(self, title: str, text: str) -> tuple[Int[Array, "a"], Int[Array, "b"]]:
        """Number the known characters of a title and of a text, each character once."""
        a, b = (
            np.array([numbers[c] for c in dict.fromkeys(each) if c in numbers], int)
            for each, numbers in ((title, self.rows), (text, self.columns))
        )
        return a, b


class Reference:
    """The lines of some poems, and the doublings and titles of the Tang ones, with which poems are compared."""

    def __init__(self, poems: Sequence[CorpusPoem]) -> None:
        self.lines = SuffixArray.of_texts(poem.text for poem in poems)
        self.tang = [poem for poem in poems if poem.dynasty == "tang"]
        counts = doubled(poem.lines for poem in self.tang)
        self.doubled = {character for character, count in counts.items() if count >= DOUBLED_OFTEN}

    @cached_property
    def judge(self) -> TitleJudge:
        """The judge of titles; fewer poems than it needs are measured without it."""
        return TitleJudge((poem.title, poem.text) for poem in self.tang)


def compare(
    models: Iterable[str | Path],
    count: int,
    store: Store,
    progress: Callable[[str], None] = lambda line: None,
) -> Iterator[Quality]:
    """Measure for each form `count` poems of each model, seeds from 1, and as many real ones of the test split.

    Of a form with fewer real poems all are taken. The models compose with the default options. `progress` is called
    with a line for each step.

    Raises InputError when `count` is below 1, CheckpointError on a model that cannot be read.
    """
    if count < 1:
        raise InputError("at_least", field="poems", has=count, wanted=1)
    progress("indexing the train split, with which poems are compared")
    reference = Reference(list(store.poems(split="train")))
    names = list(dict.fromkeys(map(str, models)))
    for form in map(FORMS.__getitem__, MEASURED):
        real = real_poems(form, count, store)
        titles = [poem.title for poem in real]
        for name in names:
            poems: list[Lines] = []
            for seed, title in enumerate(titles, 1):
                progress(f"{name} composes {form.name}: {seed} of {len(titles)}")
                own = only_han(title)[:LONGEST_TITLE] if composer(name).conditions else None
                with warnings.catch_warnings(action="ignore", category=ConversionWarning):
                    poems.append(compose(form=form.name, title=own, seed=seed, model=name)[0].lines)
            yield measure(form, name, poems, reference, titles)
        yield measure(form, REAL, [poem.lines for poem in real], reference, titles)


def real_poems(form: Form, count: int, store: Store) -> list[CorpusPoem]:
    """Take Tang poems of the test split that have a form's shape, at equal distances in the corpus's order."""
    shape = [form.width] * (form.lines or 0)
    poems = store.poems(dynasty="tang", split="test")
    found = [poem for poem in poems if [*map(len, poem.lines)] == shape]
    return found[:: max(1, len(found) // count)][:count]


def measure(
    form: Form, source: str, poems: Sequence[Lines], reference: Reference, titles: Sequence[str] = ()
) -> Quality:
    """Measure some poems, at least one, and their titles if there are any."""
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
        kept=fmean(verdict.ok for verdict in verdicts),
        tones=fmean(faults(verdict) <= set(RHYME_RULES) for verdict in verdicts),
        rhyme=fmean(not faults(verdict) & set(RHYME_RULES) for verdict in verdicts),
        distinct_1=distinct(poems, 1),
        distinct_2=distinct(poems, 2),
        distinct_3=distinct(poems, 3),
        repetition=fmean(text.index(c) < at for text in texts for at, c in enumerate(text)),
        overlap=fmean(overlaps),
        longest_overlap=max(overlaps),
        copies=fmean(length >= COPIED for each in shared for length in each),
        titled=reference.judge.identified(titled) if len({t for t, _ in titled}) >= CANDIDATES else None,
        contradictory=fmean(contradicts(lines) for lines in poems),
        false_doublings=fmean(false_doublings(lines, reference.doubled) for lines in poems),
        stock=fmean(stock(lines) for lines in poems),
        antithesis=fmean(scores) if scores else None,
    )


def faults(verdict: Verdict) -> set[str]:
    """List the names of the rules that a poem breaks."""
    return {violation.rule for violation in verdict.violations}


def distinct(poems: Iterable[Lines], size: int) -> float:
    """Divide the different substrings of `size` characters within lines by all of them (Li et al. 2016)."""
    parts = [line[at : at + size] for lines in poems for line in lines for at in range(len(line) - size + 1)]
    return len(set(parts)) / len(parts)


def doubled(poems: Iterable[Lines]) -> Counter[str]:
    """Count how often each character appears twice in a row within a line."""
    return Counter(one for lines in poems for line in lines for one, other in pairwise(line) if one == other)


def false_doublings(lines: Lines, known: Collection[str]) -> int:
    """Count the doubled characters of a poem that verse does not double."""
    return sum(count for character, count in doubled([lines]).items() if character not in known)


def stock(lines: Lines) -> int:
    """Count the overused pairs of a poem."""
    return sum(line.count(pair) for line in lines for pair in STOCK)
