"""The sampler against full enumeration on a tiny vocabulary: closer with more particles."""

import itertools
from collections import Counter
from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest

from pingze.arrays import Array
from pingze.composing.composer import POPULATION, Composer, lexicon_of
from pingze.composing.options import Composing, Sampling
from pingze.composing.proposal import OUTSIDE, choose, effective_sizes, resample
from pingze.composing.read_request import read_request
from pingze.composing.request import Request
from pingze.composing.smc import Populations, finish
from pingze.composing.terms import Term
from pingze.composing.terms.antithesis import Antithesis, Opposites
from pingze.verse.characters import MARKS, mark_after
from pingze.verse.checking import check
from pingze.verse.forms import Form
from tests.composing.verse import composer, prepared

TEMPERATURE = 0.9
PATTERN = "春水連山遠 江雲＿日風 客行芳草綠 夢落月山＿"
CHARACTERS = "春水連山遠江雲客行芳草綠夢落東風中空同紅宮日月"
OPTIONS = {"form": "五絕", "pattern": PATTERN, "rhyme": "東", "template": "首句不入韻"}


def target(
    chosen: Composer, request: Request, top_p: float = 1.0, antithesis: Antithesis | None = None
) -> dict[str, float]:
    """Every poem that keeps the request, found with the checker, and its share of the tempered probability."""
    fixed = {(fix.line - 1) * 5 + fix.position - 1: fix.character for fix in request.fixed}
    free = [place for place in range(request.lines * 5) if place not in fixed]
    known = [token for token in chosen.vocabulary.tokens if len(token) == 1 and token not in MARKS]
    weights = {}
    for filling in itertools.product(known, repeat=len(free)):
        filled = fixed | dict(zip(free, filling, strict=True))
        poem = "".join(filled[place] for place in range(len(filled)))
        lines = [poem[start : start + 5] for start in range(0, len(poem), 5)]
        if _keeps(chosen, poem, free, lines, request.form):
            weights[poem] = _tempered(chosen, lines, top_p)
            if antithesis:
                couplets = zip(lines[2:-2:2], lines[3:-2:2], strict=True)
                weights[poem] += request.antithesis * sum(
                    5 * antithesis.score(*pair) for pair in couplets
                )
    return shares(weights)


def shares(log_weights: dict[str, float]) -> dict[str, float]:
    total = np.logaddexp.reduce(list(log_weights.values()))
    return {poem: float(np.exp(weight - total)) for poem, weight in log_weights.items()}


def _keeps(chosen: Composer, poem: str, free: list[int], lines: list[str], form: Form) -> bool:
    for place in free:
        again = [p for p, c in enumerate(poem) if c == poem[place] and p != place]
        if any(abs(p - place) != 1 or p // 5 != place // 5 for p in again):
            return False
        at_end = int(max(place, *again, -1) % 5 == 4)
        if (
            again
            and not lexicon_of(chosen.vocabulary).doubles[
                at_end, chosen.vocabulary.ids[poem[place]]
            ]
        ):
            return False
    verdict = check("，".join(lines), form=form.name)
    return verdict.ok and verdict.rhyme == "東" and all(c not in "看過" for c in poem)


def _tempered(chosen: Composer, lines: list[str], top_p: float) -> float:
    state, total = chosen.network.start(), 0.0
    for number, line in enumerate(lines):
        for character in line + mark_after(number):
            id_ = chosen.vocabulary.ids[character]
            p = np.exp(state.logits[0].astype(np.float64) / TEMPERATURE)
            p /= p.sum()
            if character not in "，。":
                ranked = sorted(p, reverse=True)
                least = next(
                    ranked[n] for n in range(len(p)) if sum(ranked[: n + 1]) >= top_p - 1e-9
                )
                p = np.where(p >= least, p, p * 1e-6)
            total += float(np.log(p[id_] / p.sum()))
            state = chosen.network.step(state, np.array([id_]))
    return total


def expected_shares(
    chosen: Composer,
    request: Request,
    particles: int,
    runs: int,
    top_p: float = 1.0,
    terms: Sequence[Term] = (),
) -> Counter[str]:
    """How likely each poem is to be drawn: its weight in a population, averaged over populations."""
    inclusion, sampling = chosen.prepare(request), Sampling(TEMPERATURE, particles, top_p)
    starts = [inclusion.draw(particles, np.random.default_rng(seed)) for seed in range(runs)]
    populations = Populations(
        chosen.network, inclusion.constraints, starts, sampling=sampling, terms=terms
    )
    finish(populations)
    return counted(
        chosen,
        populations,
        np.concatenate([normalized(each) / runs for each in populations.log_weights]),
    )


def counted(chosen: Composer, populations: Populations, weights: Array) -> Counter[str]:
    """The sum of the weights of each text."""
    found: Counter[str] = Counter()
    for ids, weight in zip(populations.texts, weights, strict=True):
        found[chosen.vocabulary.decode(ids)] += float(weight)
    return found


def normalized(log_weights: Array) -> Array:
    weights = np.exp(log_weights - log_weights.max())
    return weights / weights.sum()


def total_variation(found: Counter[str], expected: dict[str, float]) -> float:
    assert found.keys() <= expected.keys()
    return 0.5 * sum(abs(share - found[poem]) for poem, share in expected.items())


@cache
def tiny() -> tuple[Composer, Request, dict[str, float]]:
    """A composer of few characters, a request that leaves a few dozen poems, and their target."""
    chosen = composer(CHARACTERS, seed=4, scale=1.0)
    request = read_request(chosen.vocabulary, Composing(**OPTIONS))
    return chosen, request, target(chosen, request)


def test_total_variation_falls_with_the_number_of_particles_and_the_nucleus_is_the_target_s_too() -> (
    None
):
    chosen, request, expected = tiny()
    nucleus = target(chosen, request, top_p=0.7)
    assert len(expected) > 20
    one, few, many = (
        total_variation(expected_shares(chosen, request, particles, runs), expected)
        for particles, runs in ((1, 128), (8, 32), (128, 4))
    )
    assert one > few > many
    assert one > 2 * many
    assert many < 0.15
    assert total_variation(expected_shares(chosen, request, 128, 4, top_p=0.7), nucleus) < 0.15
    assert total_variation(Counter(expected), nucleus) > 0.15


@pytest.mark.slow
def test_antithesis_is_weighed_in_the_couplets_that_need_it() -> None:
    """Free places stand in the second couplet, which needs it, and in the last, which does not."""
    chosen = composer(CHARACTERS + "人歸老雪海夜秋", seed=4, scale=1.0)
    pattern = (
        "春水連江遠 江雲月日風 客行＿草綠 夢落＿山空 春水連江遠 江雲月日中 人歸＿雪夜 夢水月雲同"
    )
    request = read_request(
        chosen.vocabulary, Composing(form="五律", pattern=pattern, antithesis=1.5)
    )
    rows = (
        np.random.default_rng(0).standard_normal((2, len(chosen.vocabulary), 2)).astype(np.float32)
    )
    table = Antithesis(chosen.vocabulary.tokens, *rows)
    expected = target(chosen, request, antithesis=table)
    assert len(expected) > 100
    terms = [Opposites(table, chosen.prepare(request).constraints)]
    assert total_variation(expected_shares(chosen, request, 128, 8, terms=terms), expected) < 0.15
    assert total_variation(Counter(target(chosen, request)), expected) > 0.4


def test_an_included_character_is_placed_by_probability() -> None:
    """With include, a poem's share is its share among the poems that have the character."""
    chosen, _, expected = tiny()
    having = {poem: np.log(share) for poem, share in expected.items() if "空" in poem}
    including = read_request(chosen.vocabulary, Composing(include="空", **OPTIONS))
    assert total_variation(expected_shares(chosen, including, 128, 4), shares(having)) < 0.15


def test_what_populations_weigh_makes_up_for_how_few_texts_each_has() -> None:
    """Each of two texts: alone they are far from the target, and many of them together are near."""
    chosen, request, expected = tiny()
    inclusion = chosen.prepare(request)
    starts = [inclusion.draw(2, np.random.default_rng(seed)) for seed in range(512)]
    populations = Populations(
        chosen.network, inclusion.constraints, starts, sampling=Sampling(TEMPERATURE, 2)
    )
    finish(populations)
    alone = np.concatenate([normalized(each) / len(starts) for each in populations.log_weights])
    found = [
        counted(chosen, populations, weights)
        for weights in (normalized(populations.log_weights.ravel()), alone)
    ]
    assert total_variation(found[0], expected) < 0.15
    assert total_variation(found[1], expected) > 2 * total_variation(found[0], expected)


@pytest.mark.parametrize("taste", [0.0, 1.0])
def test_populations_are_the_same_on_any_number_of_processors(
    taste: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen, sampling = composer(seed=6), Sampling(0.8, 2 * POPULATION + 1)
    inclusion, found = prepared(chosen, taste=taste), []
    for processors in (1, 2, 5):
        monkeypatch.setattr("pingze.composing.smc.threads", lambda count=processors: count)
        found.append([chosen.write(inclusion, sampling, seed) for seed in (5, 6)])
    assert found[0] == found[1] == found[2]


def test_equal_texts_are_read_once() -> None:
    chosen = composer(seed=3)
    inclusion = prepared(chosen, form="五絕", acrostic="春江花月")
    populations = chosen.begin(inclusion, Sampling(0.3, 32), [(0, 0)])
    while not populations.finished:
        populations.step()
        assert len(np.unique(populations.rows)) == len(np.unique(populations.texts, axis=0))


def test_resampling_takes_each_row_in_proportion_to_its_weight() -> None:
    weights = np.array([0.5, 0.25, 0.2, 0.05])
    for seed in range(50):
        counts = np.bincount(resample(np.log(weights), np.random.default_rng(seed)), minlength=4)
        assert (np.abs(counts - 4 * weights) < 1).all()
    with np.errstate(divide="ignore"):
        rows = np.log([[1, 1, 1, 1], [1, 0, 0, 0], [2, 2, 0, 0]])
    assert effective_sizes(rows) == pytest.approx([4, 1, 2])


def test_the_coldest_and_the_hottest_still_keep_everything() -> None:
    chosen = composer(seed=2, scale=5.0)
    for temperature in (0.0, 1e-9, 100.0):
        assert check(str(chosen.write(prepared(chosen), Sampling(temperature, 4), 0))).ok


# The least sharpness has a nucleus of most characters; exp(300) is beyond float32, exp(1000) beyond
# float64.
@pytest.mark.parametrize(
    ("sharpness", "strength"), [(0.1, 0), (1, 1), (3, 0), (3, 1), (3, 30), (3, 300)]
)
@pytest.mark.parametrize("top_p", [0.5, 0.85, 0.99, 1.0])
def test_the_share_that_is_allowed_by_nucleus_and_lean(
    top_p: float, sharpness: float, strength: float
) -> None:
    rng = np.random.default_rng(1)
    logits = (rng.standard_normal((8, 3000)) * sharpness).astype(np.float32)
    logits[3] *= 5
    rows = np.array([0, 1, 1, 2, 3, 3, 5, 7, 6, 4])
    shape = (len(rows), logits.shape[1])
    lean = (rng.standard_normal(shape) * strength).astype(np.float32)
    allowed = rng.random(shape) < 0.1
    log_p = logits[rows].astype(np.float64)
    log_p -= np.logaddexp.reduce(log_p, axis=1, keepdims=True)
    drawn_from = allowed.copy()
    for row, may in zip(log_p, drawn_from, strict=True):
        ranked = np.argsort(-row)
        outside = ranked[
            int((np.exp(row[ranked]).cumsum() < top_p).sum()) + 1 if top_p < 1 else len(row) :
        ]
        row[outside] += np.log(OUTSIDE)
        may[outside] &= may.sum() == may[outside].sum()
    expected = np.logaddexp.reduce(np.where(drawn_from, log_p + lean, -np.inf), axis=1)
    expected -= np.logaddexp.reduce(log_p, axis=1)
    random = rng.random((2, len(rows)))
    log_share, ids = choose(logits.copy(), rows, allowed, top_p, random, lean if strength else None)
    np.testing.assert_allclose(log_share, expected, rtol=1e-3, atol=0.01)
    assert drawn_from[np.arange(len(ids)), ids].all()
