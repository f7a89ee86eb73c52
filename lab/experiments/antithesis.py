"""Learn which characters poets set opposite each other 對仗, and measure what was learned.

    OPENBLAS_NUM_THREADS=1 python -m lab.experiments.antithesis [--trial]

Writes network/weights/antithesis.safetensors, and the figures `antithesis.*` to
lab/figures.json. `--trial` learns a table for each of several settings, measures them on
dev and writes nothing: the settings below were chosen in this way. `--weigh N` composes N poems at
each of several weights with the shipped table: the default of `options.Composing.antithesis` was
chosen in this way.

The table is learned from poems of the train split that the checker accepts as 律 or 排, from those
of their couplets that need antithesis. C[a, b] counts how often b is opposite a, in either line.
Adam maximizes Σ C[a, b] ln p(b | a) over the vectors and biases of
`pingze.composing.terms.antithesis`. It uses the whole sum, so that only the first vectors are
random, from a fixed seed.

It is measured on real couplets of the test split. Each is compared with the couplet that has the
second line's characters in another order, and with one whose second line is from another poem, with
the same form, place in the poem, and tones where a form fixes them.
"""

import argparse
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32
from safetensors.numpy import save

import pingze.network.weights
from lab.experiments.compose_quality import mean_error, per_hanzi
from lab.figures import record
from pingze.arrays import Array
from pingze.composing.composer import load_composer
from pingze.composing.options import Composing, Sampling
from pingze.composing.read_request import read_request
from pingze.composing.terms.antithesis import Antithesis, antithesis_table
from pingze.corpus import Store
from pingze.errors import CheckpointError
from pingze.files import written
from pingze.verse.checking import check
from pingze.verse.forms import FORMS
from pingze.verse.standard import PINGSHUI

SHIPPED = Path(pingze.network.weights.__path__[0]) / "antithesis.safetensors"
COMMAND = "python -m lab.experiments.antithesis"
SOURCE = "couplets 2 and 3 of 律 and the inner ones of 排, train split of npm chinese-poetry 2.0.1 (MIT); counts only"
WEIGHTS = (0.0, 0.25, 0.5, 1.0, 1.5, 2.0)
FIXED = {5: (1, 3, 4), 7: (1, 3, 5, 6)}
"""The positions in a line, from 0, whose tone a form fixes, by the line's length."""


class Settings(NamedTuple):
    """The settings with which the table is learned."""

    characters: int = 5000
    """How many of the most frequent characters have a vector."""
    size: int = 32
    """How many numbers a vector has."""
    contrasts: int = 8
    """How many of these numbers have the sign -1."""
    steps: int = 60
    rate: float = 0.1
    decay: float = 0.01
    """The weight of the squared vectors, which are subtracted from the mean log-likelihood."""
    dynasties: tuple[str, ...] = ("tang", "song")


class Couplet(NamedTuple):
    """Two lines that need antithesis."""

    form: str
    place: int
    """The couplet's place in the poem, from 0."""
    first: str
    second: str


class Table(NamedTuple):
    """What is learned; `pingze.composing.terms.antithesis` explains it."""

    vectors: Float32[Array, "K R"]
    signs: Float32[Array, "R"]
    bias: Float32[Array, "K"]
    log_z: Float32[Array, "K"]


# -- couplets ---------------------------------------------------------------------------------------------------


def couplets(store: Store, dynasty: str, split: str) -> list[Couplet]:
    """Collect the couplets that need antithesis from poems that pass the checker."""
    found = []
    for poem in store.poems(dynasty=dynasty, split=split):
        lines = poem.lines
        width = {5: "五", 7: "七"}.get(len(lines[0]), "")
        name = width + ("律" if len(lines) == 8 else "排")
        form = FORMS.get(name)
        if form is None or not form.takes(len(lines)):
            continue
        if any(len(line) != form.width for line in lines) or not check(poem.text, form=name).ok:
            continue
        for place in form.antithetical(len(lines)):
            first = lines[2 * place]
            second = lines[2 * place + 1]
            found.append(Couplet(form=name, place=place, first=first, second=second))
    return found


def count(found: Iterable[Couplet], kinds: int) -> tuple[str, Float32[Array, "K K"]]:
    """Return the most frequent characters, and how often any two are opposite."""
    pairs: Counter[tuple[str, str]] = Counter()
    for couplet in found:
        pairs.update(zip(couplet.first, couplet.second, strict=True))
    single: Counter[str] = Counter()
    for pair, times in pairs.items():
        single.update(dict.fromkeys(pair, times))
    characters = "".join(sorted(single, key=lambda c: (-single[c], c))[:kinds])
    row = {character: at for at, character in enumerate(characters)}
    counts = np.zeros((len(row), len(row)), np.float32)
    for (a, b), times in pairs.items():
        if a in row and b in row:
            counts[row[a], row[b]] += times
            counts[row[b], row[a]] += times
    return characters, counts


# -- learning ---------------------------------------------------------------------------------------------------


def learn(counts: Float32[Array, "K K"], settings: Settings) -> Table:
    """Learn the table that maximizes the likelihood of the counts minus the decay term."""
    K = len(counts)
    C = counts
    # 1) The parameters: vectors u from a fixed seed, signs d, biases c.
    rng = np.random.default_rng(0)
    u = (0.1 * rng.standard_normal((K, settings.size))).astype(np.float32)
    c = np.zeros(K, np.float32)
    d = np.ones(settings.size, np.float32)
    d[: settings.contrasts] = -1
    of_row = C.sum(axis=1, keepdims=True)
    total = C.sum()
    share = (C.sum(axis=0) + 1) / (total + K)
    m_u = np.zeros_like(u)
    v_u = np.zeros_like(u)
    m_c = np.zeros_like(c)
    v_c = np.zeros_like(c)
    for step in range(1, settings.steps + 1):
        # 2) The gradient of -Σ C ln p / total with respect to the scores, times K to bring each row
        # to the order of 1.
        error = (np.exp(log_p(u, d, c, share)[0]) * of_row - C) * np.float32(K / total)
        du = d * (error @ u + error.T @ u) + settings.decay * u
        dc = error.sum(axis=0)
        # 3) A step of Adam, in place.
        rate = settings.rate * 0.5 * (1 + np.cos(np.pi * step / settings.steps))
        for x, dx, m, v in ((u, du, m_u, v_u), (c, dc, m_c, v_c)):
            m += 0.1 * (dx - m)
            v += 0.01 * (dx**2 - v)
            x -= rate * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.99**step)) + 1e-8)
    return Table(vectors=u, signs=d, bias=c, log_z=log_p(u, d, c, share)[1])


def log_p(
    u: Float32[Array, "K R"],
    d: Float32[Array, "R"],
    c: Float32[Array, "K"],
    share: Float32[Array, "K"],
) -> tuple[Float32[Array, "K K"], Float32[Array, "K"]]:
    """Return ln p(b | a) for every pair, and ln Z_a."""
    scores = (u * d) @ u.T + c + np.log(share)
    largest = scores.max(axis=1, keepdims=True)
    log_z = largest + np.log(np.exp(scores - largest).sum(axis=1, keepdims=True))
    return scores - log_z, log_z[:, 0]


def ship(characters: str, table: Table) -> None:
    """Write the table in half precision."""
    tensors = {
        name: np.ascontiguousarray(tensor, np.float16) for name, tensor in table._asdict().items()
    }
    with written(SHIPPED, CheckpointError) as partial:
        partial.write_bytes(save(tensors, {"characters": characters, "source": SOURCE}))


# -- measuring --------------------------------------------------------------------------------------------------


def measure(table: Antithesis, real: Sequence[Couplet]) -> dict[str, float]:
    """Measure how well scores tell real couplets from shuffled and from mismatched ones."""
    rng = np.random.default_rng(0)
    alike: dict[tuple[object, ...], list[Couplet]] = {}
    for couplet in real:
        alike.setdefault(key(couplet), []).append(couplet)
    kept = [couplet for couplet in real if len(alike[key(couplet)]) > 1]
    scores = np.array([table.score(c.first, c.second) for c in kept])
    shuffled = np.array([table.score(c.first, shuffle(c.second, rng)) for c in kept])
    mismatched = np.array([table.score(c.first, another(c, alike[key(c)], rng)) for c in kept])
    return {
        "couplets": len(kept),
        "score": float(scores.mean()),
        "score_shuffled": float(shuffled.mean()),
        "score_mismatched": float(mismatched.mean()),
        "auc_shuffled": auc(scores, shuffled),
        "auc_mismatched": auc(scores, mismatched),
        "accuracy_shuffled": float((scores > shuffled).mean()),
        "accuracy_mismatched": float((scores > mismatched).mean()),
    }


def key(couplet: Couplet) -> tuple[object, ...]:
    """Return what a mismatched second line must have in common with the real one."""
    tones = tuple(PINGSHUI.usable_tone(couplet.second[at]) for at in FIXED[len(couplet.second)])
    return couplet.form, couplet.place, tones


def shuffle(line: str, rng: np.random.Generator) -> str:
    """Return a line with its characters in another order; unchanged if they are all the same."""
    while len(set(line)) > 1:
        other = "".join(rng.permutation(list(line)))
        if other != line:
            return other
    return line


def another(couplet: Couplet, among: Sequence[Couplet], rng: np.random.Generator) -> str:
    """Return the second line of another couplet, drawn at random."""
    others = [other.second for other in among if other is not couplet]
    return str(rng.choice(others))


def auc(real: Array, false: Array) -> float:
    """Return the probability that a random real score exceeds a random false one.

    Equal scores count half.
    """
    ordered = np.sort(false)
    below = np.searchsorted(ordered, real, "left") + np.searchsorted(ordered, real, "right")
    return float(below.mean() / 2 / len(false))


def trial(train: dict[str, list[Couplet]], dev: Sequence[Couplet]) -> None:
    """Learn with each of several settings, and print the figures on dev."""
    for settings in (
        Settings(),
        Settings(dynasties=("tang",)),
        Settings(contrasts=0),
        Settings(size=16, contrasts=4),
        Settings(size=48, contrasts=12),
        Settings(characters=3000),
        Settings(characters=5000),
        Settings(decay=0),
        Settings(decay=0.01),
        Settings(decay=0.1),
        Settings(decay=0.01, steps=120),
    ):
        learned_from: list[Couplet] = []
        for name in settings.dynasties:
            learned_from += train[name]
        characters, counts = count(learned_from, settings.characters)
        learned = learn(counts, settings)
        table = Antithesis.of_vectors(
            characters, learned.vectors, learned.signs, learned.bias, learned.log_z
        )
        figures = measure(table, dev)
        print(settings, {name: round(value, 4) for name, value in figures.items()}, flush=True)


# -- composing --------------------------------------------------------------------------------------------------


def weigh(poems: int) -> None:
    """Print the score of composed poems and their ln p, by form and weight."""
    chosen = load_composer()
    for form in (FORMS["五律"], FORMS["七律"]):
        for weight in WEIGHTS:
            options = Composing(form=form.name, antithesis=weight, taste=0)
            inclusion = chosen.prepare(read_request(chosen.vocabulary, options))
            sampling = Sampling(temperature=0.8, particles=32)
            lines = [chosen.write(inclusion, sampling, seed).lines for seed in range(poems)]
            scores = []
            for text in lines:
                score = antithesis_table().of_poem(form, text)
                if score is not None:
                    scores.append(score)
            mean, error = mean_error(scores)
            log_p_mean, log_p_error = mean_error(per_hanzi(chosen, form, lines))
            print(
                f"{form.name}, weight {weight}: score {mean:.2f} ± {error:.2f}, "
                f"ln p per hanzi {log_p_mean:.2f} ± {log_p_error:.2f}",
                flush=True,
            )


def main() -> None:
    """Learn the table, ship it, measure it, and record the figures."""
    parser = argparse.ArgumentParser(description="Learn and measure antithesis.")
    parser.add_argument(
        "--trial", action="store_true", help="compare settings on dev and write nothing"
    )
    parser.add_argument(
        "--weigh",
        type=int,
        metavar="POEMS",
        help="compose this many poems at each of several weights",
    )
    arguments = parser.parse_args()
    if arguments.weigh:
        weigh(arguments.weigh)
        return
    settings = Settings()
    with Store.open() as store:
        train = {dynasty: couplets(store, dynasty, "train") for dynasty in settings.dynasties}
        if arguments.trial:
            trial(train, couplets(store, "tang", "dev"))
            return
        test = couplets(store, "tang", "test")
    learned_from: list[Couplet] = []
    for found in train.values():
        learned_from += found
    characters, counts = count(learned_from, settings.characters)
    ship(characters, learn(counts, settings))
    figures = measure(antithesis_table(), test)
    record(COMMAND, {f"antithesis.test.{name}": value for name, value in figures.items()})


if __name__ == "__main__":
    main()
