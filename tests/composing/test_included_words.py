"""Words to include keep their tones and their place within a foot."""

import numpy as np

from pingze.composing.constraints.inclusion import Inclusion
from pingze.composing.request.options import Composing
from pingze.composing.request.request import read_request
from tests.composing.verse import POOL, composer

CHOSEN = composer(f"{POOL}相思", seed=6)


def inclusion(**options: str) -> Inclusion:
    return CHOSEN.prepare(read_request(CHOSEN.vocabulary, Composing(form="五絕", **options)))


def test_words_to_include_stay_whole_and_in_their_own_tones() -> None:
    compiled = inclusion(include="相思")
    for plan in compiled.draw(200, np.random.default_rng(0)).plans:
        (at,) = [n for n in range(20) if plan.fixed[n : n + 2] == compiled.words[0]]
        assert at % 5 in (0, 2, 3)
        assert compiled.constraints.tones_at(plan, at) <= {"平", ""}
        assert compiled.constraints.tones_at(plan, at + 1) <= {"平", ""}


def test_where_only_a_pause_has_room_a_word_is_parted() -> None:
    compiled = inclusion(include="相思", pattern="春＿＿風月 ＿山＿夜＿ ＿雲＿水＿ ＿雨＿花＿")
    (plan,) = compiled.draw(1, np.random.default_rng(0)).plans
    assert CHOSEN.vocabulary.decode(plan.fixed[:5]) == "春相思風月"
