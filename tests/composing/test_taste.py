"""Taste: what it adds to a text's weight, against sums by hand and full enumeration; and which text it chooses."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from pingze.composing.composer import Composer
from pingze.composing.options import Composing, Sampling
from pingze.composing.read_request import read_request
from pingze.composing.request import Request
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
    populations = CHOSEN.begin(inclusion, asked, [(3, 0)])
    ((chosen,),) = finish(populations)
    assert chosen.score == populations.scores.max()
    for ids, score in zip(populations.texts, populations.scores, strict=True):
        lines = Layout([5] * 4).cut(CHOSEN.vocabulary.decode(ids))
        request = inclusion.constraints.request
        title = f"{request.title or ''} {request.about or ''}"
        score += taste.CONTRADICTION * taste.contradicts(lines, title)
        assert score == pytest.approx(by_hand(CHOSEN, request, lines, worn), rel=1e-4)


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


@pytest.mark.parametrize(
    ("title", "nats"), [("春", 4.0), ("春山水月", 4.0), ("春山水月夜雪東風", 2.0)]
)
def test_a_character_of_the_title_is_worth_four_nats_and_at_most_sixteen_in_all(
    title: str, nats: float
) -> None:
    token = Token(np.array([[CHOSEN.vocabulary.ids["春"]]]), 0, np.zeros(1), None)
    term = Taste(CHOSEN.vocabulary, Request(find_form("五絕"), 4, title=title, taste=1.0))
    assert term.after_token(token) == [nats]


def test_a_text_of_two_seasons_or_of_day_and_night_comes_after_all_others() -> None:
    term = Taste(CHOSEN.vocabulary, Request(find_form("五絕"), 4))
    for lines in ("春風吹我衣，黃葉滿階飛", "落日滿江湖，明月照前途"):
        assert term.of_text(lines.split("，")) == -taste.CONTRADICTION
    for lines in ("春風吹我衣，桃花滿路飛", "春風吹落日", "年年春，風吹黃葉"):
        assert term.of_text(lines.split("，")) == 0


@pytest.mark.parametrize(
    ("given", "lines"),
    [
        ({"title": "春夜聞笛"}, "一螢穿竹去，江水入簾聲"),
        ({"title": "春夜聞笛"}, "牆陰鳴暗蛩，江水入簾聲"),
        ({"title": "春夜聞笛"}, "衣上有秋霜，江水入簾聲"),
        ({"title": "春夜聞笛"}, "江樓看落日，一笛入簾聲"),
        ({"title": "早行"}, "出門天欲曉，前渡有人家，日晚逢樵客"),
        ({"title": "早行"}, "江上孤帆去，前村晚泊時"),
        ({"title": "早行"}, "馬疲歸途晚，人語隔山村"),
        ({"title": "曉望"}, "山中看落日，江上見歸帆"),
        ({"title": "晚望"}, "村中聞雞聲，江上見日高"),
        ({"title": "秋日"}, "門外楊花滿，江邊客未歸"),
        ({"title": "冬日"}, "門外梨花滿，江邊客未歸"),
        ({"about": "春"}, "門外砧聲滿，江邊客未歸"),
        ({"title": "獨坐", "about": "夜"}, "夕陽江上滿，孤客未能歸"),
    ],
)
def test_a_text_against_the_time_of_its_title_or_theme_comes_after_all_others(
    given: dict[str, str], lines: str
) -> None:
    alone = Taste(CHOSEN.vocabulary, Request(find_form("五絕"), 4))
    assert alone.of_text(lines.split("，")) == 0
    titled = Taste(CHOSEN.vocabulary, Request(find_form("五絕"), 4, **given))  # type: ignore[arg-type]
    assert titled.of_text(lines.split("，")) == -taste.CONTRADICTION


@pytest.mark.parametrize(
    ("title", "lines"),
    [
        ("春夜聞笛", "明月照江樓，桃花滿渡頭"),
        ("早行", "殘月照江樓，雞聲滿渡頭"),
        ("夜宿山寺", "曙色滿江樓，鐘聲動渡頭"),  # a night ends at dawn
        ("晚泊", "夕陽滿江樓，漁歌動渡頭"),
        ("晚泊", "明月照江樓，漁歌動渡頭"),
        ("夏夜", "螢火滿江樓，涼風動渡頭"),
        ("冬日", "東風動江樓，梅花滿渡頭"),  # it blows before spring
        ("春晚", "曉日滿江樓，桃花動渡頭"),  # late in spring, not in the day
        ("江夏", "桃花滿江樓，春水動渡頭"),  # a place
        ("春秋", "桃花滿江樓"),  # names two seasons, and so none
        ("春秋", "黃葉滿江樓"),
        ("登樓", "黃葉滿江樓，夕陽動渡頭"),
    ],
)
def test_a_text_in_the_time_of_its_title_is_not_penalised(title: str, lines: str) -> None:
    assert not taste.contradicts(lines.split("，"), title)


def test_a_word_has_one_row_of_times() -> None:
    counted = Counter(word for row in taste.times() for word in row.words)
    assert set(counted.values()) == {1}


def test_each_row_of_times_is_of_one_kind() -> None:
    for row in taste.times():
        assert sum(row.times <= kind for kind in taste.KINDS) == 1


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
    populations = CHOSEN.begin(verse.prepared(CHOSEN, taste=0), Sampling(1.0, 4), [(1, 0)])
    assert not populations.terms
    finish(populations)
    assert not populations.scores.any()
