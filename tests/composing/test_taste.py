"""Taste: what it adds to a text's weight, against sums by hand and full enumeration; and which text it chooses."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from pingze.composing.composer import Composer
from pingze.composing.options import Composing, Sampling
from pingze.composing.request import Request, read_request
from pingze.composing.smc import finish
from pingze.composing.terms import Token, taste
from pingze.composing.terms.taste import Taste
from pingze.verse.forms import Layout, find_form
from tests.composing import test_smc as particles
from tests.composing import verse

CHOSEN = verse.composer(verse.POOL, conditions=("<五絕>", "<about>", "<李白>"), reward=True)


@pytest.fixture(autouse=True)
def worn(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """Pairs of the small vocabulary that count as worn."""
    pairs = {"春山": 2.0, "水雨": 1.5, "東風": 3.0, "海龘": 1.0}
    monkeypatch.setattr("pingze.composing.terms.taste.worn", lambda: pairs)
    taste.worn_pairs.cache_clear()
    return pairs


def by_hand(chosen: Composer, request: Request, lines: list[str], worn: dict[str, float]) -> float:
    """The sum over a text's tokens, marks included; the state after the last mark counts no more."""
    words = set((request.title or "") + (request.about or ""))
    prefix = chosen.prefix(request)
    likely = taste.LIKELY * chosen.score(lines, prefix)[1][:-1].sum()
    named = (
        sum(word in "".join(lines) for word in words) * taste.NAMED * min(1, 4 / max(1, len(words)))
    )
    free = [
        one + other for line in lines for one, other in pairwise(line) if not words & {one, other}
    ]
    pairs = taste.WORN * sum(worn.get(pair, 0) for pair in free)
    reward, state = 0.0, chosen.network.start(1, prefix)
    for id_ in chosen.token_ids(lines)[:-2]:
        state = chosen.network.step(state, id_[None])
        reward += 0 if chosen.reward is None else taste.REWARD * float(state.h[0] @ chosen.reward)
    return request.taste * float(likely + named - pairs + reward)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"title": "春山"},
        {"about": "海"},
        {"title": "春山水月夜雪", "poet": "李白", "taste": 0.5},
    ],
)
@pytest.mark.parametrize("reward", [False, True])
def test_every_text_has_the_sum_of_its_tokens(
    given: dict[str, str], reward: bool, worn: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Composing(form="五絕", particles=6, temperature=1.5, repeat=reward, **given)  # type: ignore[arg-type]
    monkeypatch.setattr(CHOSEN, "reward", CHOSEN.reward if reward else None)
    inclusion = CHOSEN.prepare(read_request(CHOSEN.vocabulary, asked))
    writing = CHOSEN.begin(inclusion, asked, [(3, 0)])
    (chosen,) = finish(writing)
    assert chosen.score == writing.scores.max()
    for ids, score in zip(writing.texts, writing.scores, strict=True):
        lines = Layout([5] * 4).cut(CHOSEN.vocabulary.decode(ids))
        score += taste.CONTRADICTION * taste.contradicts(lines)
        assert score == pytest.approx(
            by_hand(CHOSEN, inclusion.constraints.request, lines, worn), rel=1e-4
        )


def test_a_worn_pair_weighs_half_in_ci(worn: dict[str, float]) -> None:
    token = Token(np.array([[CHOSEN.vocabulary.ids[one] for one in "春山"]]), 1, np.zeros(1), None)
    terms = [
        Taste(CHOSEN.vocabulary, Request(find_form(name), 4, taste=1.0))
        for name in ("七絕", "浣溪沙")
    ]
    assert [term.after_token(token) for term in terms] == [
        -taste.WORN * worn["春山"],
        -taste.WORN * worn["春山"] / 2,
    ]


def test_a_text_of_two_seasons_or_of_day_and_night_comes_after_all_others() -> None:
    term = Taste(CHOSEN.vocabulary, Request(find_form("五絕"), 4))
    for lines in ("春風吹我衣，黃葉滿階飛", "落日滿江湖，明月照前途"):
        assert term.of_text(lines.split("，")) == -taste.CONTRADICTION
    for lines in ("春風吹我衣，桃花滿路飛", "春風吹落日", "年年春，風吹黃葉"):
        assert term.of_text(lines.split("，")) == 0
    for of_kind in taste.times().values():  # no word tells two times
        assert {*Counter(word for words in of_kind.values() for word in words).values()} == {1}


def test_the_target_is_multiplied_by_what_taste_adds(worn: dict[str, float]) -> None:
    chosen = verse.composer(particles.CHARACTERS, seed=4, scale=1.0, reward=True)
    request = replace(read_request(chosen.vocabulary, Composing(**particles.OPTIONS)), taste=0.7)
    plain, cut = particles.target(chosen, request), Layout([5] * 4).cut
    added = {poem: by_hand(chosen, request, cut(poem), worn) for poem in plain}
    expected = particles.shares(
        {poem: np.log(share) + added[poem] for poem, share in plain.items()}
    )
    found = particles.expected_shares(
        chosen, request, 128, 8, terms=[Taste(chosen.vocabulary, request, chosen.reward)]
    )
    assert particles.total_variation(found, expected) < 0.15
    assert particles.total_variation(Counter(plain), expected) > 0.2


def test_without_taste_a_text_is_drawn_by_weight() -> None:
    writing = CHOSEN.begin(verse.prepared(CHOSEN, taste=0), Sampling(1.0, 4), [(1, 0)])
    assert not writing.terms
    finish(writing)
    assert not writing.scores.any()
