"""Leaning: characters of other poems weigh more or less, and those that no model knows weigh nothing."""

import numpy as np

from pingze import compose
from pingze.composing.composer import composer
from pingze.composing.request.request import read_poet
from pingze.composing.steering.leaning import NATS, Leaning, likeness


def test_characters_weigh_more_less_or_as_before_and_a_poet_is_found_however_written() -> None:
    vocabulary = composer("tang").vocabulary
    added = Leaning(likeness(vocabulary, "春𠀀", "秋")).before_draw(np.zeros((1, 20), int), 0)
    assert [added[vocabulary.ids[one]] for one in "春夏秋"] == [NATS, 0, -NATS]
    assert (added != 0).sum() == 2
    assert {read_poet(name, vocabulary) for name in ("黃庭堅", "黄庭堅", "黄庭坚")} == {"黄庭堅"}


def test_a_poem_unlike_another_shares_fewer_characters_with_it() -> None:
    used = "".join(compose(seed=1, form="五絕", title="秋夜")[0].lines)

    def shared(**way: str) -> int:
        poems = compose(seed=2, form="五絕", title="秋夜", count=6, **way)
        return sum(one in used for poem in poems for one in "".join(poem.lines))

    assert shared(unlike=used) < shared() < shared(like=used)
