"""Whether poems composed in a poet's manner are told to be that poet's, by a classifier that knows real poems.

Run: python -m experiments.poets [--model NAME|FILE|RUN] [--poems 20] [--trial]

The classifier is multinomial naive Bayes over the characters and the pairs of characters within lines (McCallum &
Nigam 1998), with the same prior for every poet, so that a poet with many poems is not named for that. It learns from
the Tang train split the `POETS` poets with most poems there, of any form. `--trial` compares its settings on dev.

It is measured on the real poems of these poets in the test split; then on poems composed in the manner of each, a
quarter in each form, by how much more often than chance, 1 in `POETS`, it names the poet that was asked for. Beside
that stand poems that the same model composed in nobody's manner: for them no poet is asked for, and the figure says how
evenly the classifier names poets. A model that was not trained with poets is told to be so after the real poems.

Writes the figures `poets.*` to experiments/figures.json.
"""

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float

import pingze
from experiments.figures import record
from pingze.arrays import Array
from pingze.corpus import Store
from pingze.errors import InputError
from pingze.network import checkpoint

COMMAND = "python -m experiments.poets"
POETS = 16
SMOOTHING, PAIRS = 0.1, True
"""The best on dev; see LOG.md."""
FORMS = ("五絕", "七絕", "五律", "七律")
NOBODY = ("佚名", "無名氏", "不詳")
"""Names that stand for many poets."""

Lines = Sequence[str]


@dataclass(frozen=True)
class Classifier:
    """Naive Bayes: ln p of each feature for each poet."""

    poets: tuple[str, ...]
    rows: Mapping[str, int]
    log_p: Float[Array, "F P"]

    @classmethod
    def of(cls, poems: Mapping[str, Sequence[Lines]], smoothing: float, pairs: bool) -> "Classifier":
        """Learn from poets' poems; `smoothing` is added to every count."""
        counts = {
            poet: Counter(f for lines in own for f in features(lines, pairs)) for poet, own in poems.items()
        }
        rows = {feature: row for row, feature in enumerate(sorted(set().union(*counts.values())))}
        table = np.full((len(rows), len(poems)), smoothing)
        for column, own in enumerate(counts.values()):
            for feature, times in own.items():
                table[rows[feature], column] += times
        # Characters and pairs are two distributions, each of which sums to one.
        single = np.array([len(feature) == 1 for feature in rows])
        for kind in (single, ~single):
            table[kind] /= table[kind].sum(axis=0)
        return cls(tuple(poems), rows, np.log(table))

    def name(self, lines: Lines) -> str:
        """The likeliest poet; features that no poet has count for none."""
        known = [self.rows[feature] for feature in features(lines, True) if feature in self.rows]
        return self.poets[int(self.log_p[known].sum(axis=0).argmax())]


def features(lines: Lines, pairs: bool) -> Iterator[str]:
    """The characters of a poem, and the pairs within its lines."""
    for line in lines:
        yield from line
        if pairs:
            yield from (a + b for a, b in pairwise(line))


def poems_by_poet(store: Store, split: str, poets: Iterable[str]) -> dict[str, list[Lines]]:
    """The Tang poems of some poets."""
    found: dict[str, list[Lines]] = {poet: [] for poet in poets}
    for poem in store.poems(dynasty="tang", split=split):
        if poem.author in found:
            found[poem.author].append(poem.lines)
    return found


def most_prolific(store: Store, count: int) -> list[str]:
    """The poets with most poems in the train split."""
    poems = Counter(poem.author for poem in store.poems(dynasty="tang", split="train"))
    return [poet for poet, _ in poems.most_common() if poet not in NOBODY][:count]


def accuracy(classifier: Classifier, poems: Mapping[str, Iterable[Lines]]) -> float:
    """The mean over poets of the share of their poems that are told to be theirs: 1 in `POETS` by chance."""
    shares = [np.mean([classifier.name(lines) == poet for lines in own]) for poet, own in poems.items()]
    return float(np.mean(shares))


def composed(model: str, poets: Iterable[str], count: int) -> dict[str, list[Lines]]:
    """`count` poems in the manner of each poet, a quarter of them in each form, no seed used twice."""
    found: dict[str, list[Lines]] = {}
    for number, poet in enumerate(poets):
        found[poet] = [
            poem.lines
            for form in FORMS
            for poem in pingze.compose(
                form=form, poet=poet, seed=1 + number * count, count=-(-count // len(FORMS)), model=model
            )
        ]
    return found


def evenness(classifier: Classifier, poems: Iterable[Lines]) -> float:
    """How often the poet that is named most is named, as a multiple of chance: 1 if all are named equally often."""
    named = Counter(map(classifier.name, poems))
    return max(named.values()) * len(classifier.poets) / named.total()


def main() -> None:
    """Learn, measure, record."""
    parser = argparse.ArgumentParser(description="Who wrote it? Real poems and composed ones.")
    parser.add_argument(
        "--model", default=checkpoint.DEFAULT, help="a shipped model, a checkpoint, or a run's folder"
    )
    parser.add_argument("--poems", type=int, default=20, help="so many in the manner of each poet")
    parser.add_argument("--trial", action="store_true", help="compare settings on dev and compose nothing")
    arguments = parser.parse_args()
    with Store.open() as store:
        poets = most_prolific(store, POETS)
        train, dev, test = (poems_by_poet(store, split, poets) for split in ("train", "dev", "test"))
    if arguments.trial:
        for pairs in (False, True):
            for smoothing in (0.03, 0.1, 0.3, 1.0, 3.0):
                value = accuracy(Classifier.of(train, smoothing, pairs), dev)
                print(f"pairs {pairs}, smoothing {smoothing}: {value:.3f}", flush=True)
        return
    classifier = Classifier.of(train, SMOOTHING, PAIRS)
    print(" ".join(f"{poet} {len(train[poet])}/{len(test[poet])}" for poet in poets))
    record(COMMAND, {"poets.test.accuracy": accuracy(classifier, test)})
    free = [
        poem.lines
        for form in FORMS
        for poem in pingze.compose(form=form, seed=1, count=arguments.poems, model=arguments.model)
    ]
    print(f"composed in nobody's manner: the poet named most, {evenness(classifier, free):.2f} times chance")
    try:
        manner = accuracy(classifier, composed(arguments.model, poets, arguments.poems))
    except InputError as error:
        print(f"not measured: {error}")
        return
    record(
        f"{COMMAND} --model {arguments.model} --poems {arguments.poems}",
        {"poets.composed.accuracy": manner, "poets.composed.times_chance": manner * POETS},
    )


if __name__ == "__main__":
    main()
