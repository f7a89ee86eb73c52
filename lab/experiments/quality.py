r"""Measure the quality of composed poems, and of real poems for comparison.

    python -m lab.experiments.quality [--model tang] [--poems 50] [--json]

No figure says that a poem is good. The figures show how composed poems differ from real ones. A
model that knows titles composes poems for the titles of the real poems.

A judge (`TitleJudge`) decides for which title a poem was written. It counts characters and needs no
language model: certain characters of titles occur together with certain characters of poems, as 雪
with 梅 and 漁 with 舟. The association of a character a in a title with a character b in a poem is
estimated from the counts of a corpus:

    A[a, b] = ln((n(a, b) + k p(b)) / ((n(a) + k) p(b))),    k = PRIOR,

where n(a) is the number of poems whose title contains a, n(a, b) is the number of those poems that
also contain b, and p(b) is the share of all poems that contain b. The score of a title for a poem
is the mean of A over the title's characters, summed over the poem's characters (naive Bayes with a
Dirichlet prior).
"""

import argparse
import json
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import groupby, pairwise, zip_longest
from operator import itemgetter
from statistics import fmean

import numpy as np

from pingze.arrays import Array, Int
from pingze.cli import guarded
from pingze.cli.progress import status
from pingze.composing.composer import load_composer
from pingze.composing.desk import compose
from pingze.composing.lexicon import DOUBLED_OFTEN
from pingze.composing.terms.antithesis import antithesis_table
from pingze.composing.terms.taste import contradicts
from pingze.composing.typed_text import ConversionWarning
from pingze.corpus import CorpusPoem, Store
from pingze.corpus.suffix_array import SuffixArray
from pingze.errors import InputError
from pingze.network import DEFAULT
from pingze.network.checkpoint import Model
from pingze.network.conditions import LONGEST_TITLE
from pingze.verse.characters import only_han
from pingze.verse.checking import check
from pingze.verse.forms import FORMS, Form
from pingze.verse.verdict import RHYME_RULES, Verdict

MEASURED = ("五絕", "七絕", "五律", "七律")
BASELINE = "report"
"""The model with whose poems the poems of every other model are compared."""
REAL = "real"  # the source of Tang poems of the test split
COPIED = 5
"""A line is a copy if it shares so many characters in a row with a training line."""
PRIOR = 100.0  # the weight of the prior p(b) in each estimate, in poems
CANDIDATES = 20  # the number of titles among which the judge must find a poem's own title
STOCK = ("不知", "何處", "惆悵", "萬里", "春風", "今日", "無人", "江南", "人間", "月明", "長安")
"""The character pairs that were overused most in 105 poems composed by an earlier model."""
Lines = Sequence[str]
Figures = dict[str, str | int | float | None]
"""The figures that describe the poems of one form from one source, by name."""


class TitleJudge:
    """A judge of titles. It counts the characters of `pairs`.

    Each pair has the title and the text of one poem.
    """

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        known = list(pairs)
        self.rows = numbered("".join(title for title, _ in known))
        self.columns = numbered("".join(text for _, text in known))
        # n(a), the number of poems with b, and n(a, b)
        in_titles = np.zeros(len(self.rows))
        in_texts = np.zeros(len(self.columns))
        together = np.zeros((len(in_titles), len(in_texts)), np.float32)
        for title, text in known:
            a = numbers_of(title, self.rows)
            b = numbers_of(text, self.columns)
            in_titles[a] += 1
            in_texts[b] += 1
            together[np.ix_(a, b)] += 1
        share = in_texts / len(known)
        self.association: Array = np.log(
            (together + PRIOR * share) / ((in_titles[:, None] + PRIOR) * share)
        )

    def score(self, title: str, text: str) -> float:
        """Score how well a title suits a poem.

        Return 0 if no character of the title, or none of the poem, is known.
        """
        a = numbers_of(title, self.rows)
        b = numbers_of(text, self.columns)
        if not len(a):
            return 0.0
        return float(self.association[np.ix_(a, b)].sum() / len(a))

    def identified(self, poems: Sequence[tuple[str, str]]) -> float:
        """Return the share of poems whose own title scores higher than other titles.

        After the last poem of `poems` comes the first. Before a poem is scored, it loses the
        characters that are also in its own title.
        """
        found = 0
        for at, (title, text) in enumerate(poems):
            masked = "".join(c for c in text if c not in title)
            others = [poems[(at + n) % len(poems)][0] for n in range(1, CANDIDATES)]
            best_other = max(self.score(other, masked) for other in others)
            found += self.score(title, masked) > best_other
        return found / len(poems)


def numbered(text: str) -> dict[str, int]:
    """Number the different Han characters of a text, in the order of their first use."""
    return {c: number for number, c in enumerate(dict.fromkeys(only_han(text)))}


def numbers_of(text: str, number: dict[str, int]) -> Int[Array, "N"]:
    """Return the numbers of the different characters of a text that have one."""
    return np.array([number[c] for c in dict.fromkeys(text) if c in number], int)


class Reference:
    """The real poems: all lines, the Tang poems, and the characters often doubled."""

    def __init__(self, poems: Sequence[CorpusPoem]) -> None:
        self.lines = SuffixArray.of_texts(poem.text for poem in poems)
        self.tang = [poem for poem in poems if poem.dynasty == "tang"]
        counts = doubled(poem.lines for poem in self.tang)
        self.doubled = {character for character, count in counts.items() if count >= DOUBLED_OFTEN}

    @cached_property
    def judge(self) -> TitleJudge:
        """The judge of titles.

        It is built on first use: it is not needed for fewer than `CANDIDATES` titles.
        """
        return TitleJudge((poem.title, poem.text) for poem in self.tang)


def compare(
    models: Iterable[Model],
    count: int,
    store: Store,
    progress: Callable[[str], None] = lambda line: None,
) -> Iterator[Figures]:
    """Measure `count` composed and real poems of each form, by model.

    If a form has fewer than `count` real poems, all of them are measured, and each model composes
    the same number of poems. The models use the default options and seeds from 1. `progress` is
    called with a line of text for each step. Raises InputError if `count` is below 1,
    CheckpointError if a model cannot be read.
    """
    if count < 1:
        raise InputError("at_least", field="poems", has=count, wanted=1)
    progress("indexing the train split, with which poems are compared")
    reference = Reference(list(store.poems(split="train")))
    names = list(dict.fromkeys(str(model) for model in models))
    for form_name in MEASURED:
        form = FORMS[form_name]
        real = real_poems(form, count, store)
        titles = [poem.title for poem in real]
        # the models' poems, each with the seed and the title of a real one
        for name in names:
            poems: list[Lines] = []
            for seed, title in enumerate(titles, 1):
                progress(f"{name} composes {form.name}: {seed} of {len(titles)}")
                own = only_han(title)[:LONGEST_TITLE] if load_composer(name).conditions else None
                with warnings.catch_warnings(action="ignore", category=ConversionWarning):
                    poems.append(compose(form=form.name, title=own, seed=seed, model=name)[0].lines)
            yield measure(form, name, poems, reference, titles)
        yield measure(form, REAL, [poem.lines for poem in real], reference, titles)


def real_poems(form: Form, count: int, store: Store) -> list[CorpusPoem]:
    """Select at most `count` Tang poems of a form's shape in test, evenly spaced."""
    poems = store.poems(dynasty="tang", split="test")
    found = [poem for poem in poems if has_shape(poem.lines, form)]
    return found[:: max(1, len(found) // count)][:count]


def has_shape(lines: Lines, form: Form) -> bool:
    """Return whether lines have the number and length of a form."""
    return len(lines) == form.lines and all(len(line) == form.width for line in lines)


def measure(
    form: Form,
    source: str,
    poems: Sequence[Lines],
    reference: Reference,
    titles: Sequence[str] = (),
) -> Figures:
    """Compute the figures that describe poems of one form; every share is within [0, 1].

    `source` is the name of the model that composed the poems, or `REAL`. `reference` has the lines
    of the train split. There must be at least one poem. If the poems were written for titles,
    `titles` has these titles.
    """
    # 1) The checker's verdict on each poem, and the rules that it breaks.
    verdicts = [check("，".join(lines), form=form.name) for lines in poems]
    broken = [broken_rules(verdict) for verdict in verdicts]
    # 2) What each line shares with the train split.
    shared = []
    overlaps = []
    for lines in poems:
        lengths = [len(reference.lines.longest(line)) for line in lines]
        shared += lengths
        overlaps.append(max(lengths))
    # 3) The poems with a title, by whose titles the judge judges.
    texts = ["".join(lines) for lines in poems]
    titled = [(title, text) for title, text in zip(titles, texts, strict=False) if only_han(title)]
    identified = None
    if len({title for title, _ in titled}) >= CANDIDATES:
        identified = reference.judge.identified(titled)
    # 4) The characters that a poem repeats or doubles.
    repeated: list[bool] = []
    for text in texts:
        repeated += [text.index(c) < place for place, c in enumerate(text)]
    false_doublings = 0
    for character, times in doubled(poems).items():
        if character not in reference.doubled:
            false_doublings += times
    # 5) The scores of the couplets that need antithesis.
    scores = []
    for lines in poems:
        score = antithesis_table().of_poem(form, lines)
        if score is not None:
            scores.append(score)
    return {
        "form": form.name,
        "source": source,
        "poems": len(poems),
        # Shares of poems at the customary level: without faults, without any except of rhyme,
        # without any of rhyme.
        "kept": fmean(verdict.ok for verdict in verdicts),
        "tones": fmean(rules <= set(RHYME_RULES) for rules in broken),
        "rhyme": fmean(not rules & set(RHYME_RULES) for rules in broken),
        # Shares of different characters, and of different sequences of two and three characters
        # within a line.
        "distinct_1": distinct(poems, 1),
        "distinct_2": distinct(poems, 2),
        "distinct_3": distinct(poems, 3),
        # Share of characters that appeared earlier in the same poem.
        "repetition": fmean(repeated),
        # The longest substring that a poem shares with a line of the train split: mean length, and
        # the longest of all.
        "overlap": fmean(overlaps),
        "longest_overlap": max(overlaps),
        # Share of lines that have `COPIED` consecutive characters in common with a line of the
        # train split.
        "copies": fmean(length >= COPIED for length in shared),
        # Share of poems whose title the judge picks out of `CANDIDATES`; None if there are fewer
        # titles.
        "titled": identified,
        # Share of poems whose words, with the title, name seasons or hours that differ.
        "contradictory": fmean(
            contradicts(lines, title) for lines, title in zip_longest(poems, titles, fillvalue="")
        ),
        # Mean numbers per poem of doubled characters that verse does not double, and of overused
        # character pairs.
        "false_doublings": false_doublings / len(poems),
        "stock": fmean(stock(lines) for lines in poems),
        # Mean score of opposite characters in the couplets that need antithesis 對仗; None if no
        # couplet does.
        "antithesis": fmean(scores) if scores else None,
    }


def broken_rules(verdict: Verdict) -> set[str]:
    """Return the rules that a poem breaks."""
    return {violation.rule for violation in verdict.violations}


def distinct(poems: Iterable[Lines], size: int) -> float:
    """Return the share of distinct substrings of `size` characters (Li et al. 2016)."""
    parts: list[str] = []
    for lines in poems:
        for line in lines:
            parts += [line[start : start + size] for start in range(len(line) - size + 1)]
    return len(set(parts)) / len(parts)


def doubled(poems: Iterable[Lines]) -> Counter[str]:
    """Count how often each character appears twice in a row within a line."""
    counts: Counter[str] = Counter()
    for lines in poems:
        for line in lines:
            counts.update(one for one, other in pairwise(line) if one == other)
    return counts


def stock(lines: Lines) -> int:
    """Count how often a poem uses the overused character pairs in `STOCK`."""
    text = "\n".join(lines)
    return sum(text.count(pair) for pair in STOCK)


def table(form: str, rows: Sequence[Figures]) -> str:
    """Lay out the figures of one form, with a column for each source."""
    # A form has two characters but is four columns wide.
    cells = [[form.ljust(18)]]
    for row in rows:
        cells[0].append(str(row["source"]))
    for name in rows[0]:
        if name in ("form", "source"):
            continue
        line = [name.replace("_", " ").ljust(20)]
        for row in rows:
            value = row[name]
            if value is None:
                line.append("")
            elif isinstance(value, float):
                line.append(f"{value:.3f}")
            else:
                line.append(str(value))
        cells.append(line)
    widths = [0]
    widths += [max(8, len(str(row["source"]))) for row in rows]
    lines = []
    for line in cells:
        padded = [cell.rjust(width) for cell, width in zip(line, widths, strict=True)]
        lines.append("  ".join(padded))
    return "\n".join(lines)


def main() -> None:
    """Compare poems of a model with those of the model `report` and with real ones."""
    parser = argparse.ArgumentParser(prog="python -m lab.experiments.quality")
    parser.add_argument("--model", default=DEFAULT, help="the model that composes")
    parser.add_argument("--poems", type=int, default=50, help="how many poems of each form")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    asked = parser.parse_args()
    with Store.open() as store, status() as tell:
        rows = list(compare([asked.model, BASELINE], asked.poems, store, tell))
    if asked.json:
        print(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for form, group in groupby(rows, key=itemgetter("form")):
        print("\n" + table(form, list(group)))


if __name__ == "__main__":
    sys.exit(guarded(main))
