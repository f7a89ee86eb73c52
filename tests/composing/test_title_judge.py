"""The judge of titles against its formula written out, and on poems that keep to their titles or do not."""

import math

import pytest

from pingze.composing.steering.titles import CANDIDATES, PRIOR, TitleJudge

TITLES = [chr(0x4E00 + n) for n in range(CANDIDATES)]
TEXTS = [chr(0x5200 + n) * 2 for n in range(CANDIDATES)]


def test_scores_by_their_formula() -> None:
    judge = TitleJudge([("雪夜", "梅花，梅山。"), ("雪", "梅山"), ("江", "舟山"), ("雪江", "舟")])

    def association(together: int, of_title: int, of_text: int) -> float:
        share = of_text / 4
        return math.log((together + PRIOR * share) / ((of_title + PRIOR) * share))

    expected = association(2, 3, 2) + association(1, 3, 2)  # 雪 with 梅 and with 舟
    assert judge.score("《雪》", "梅舟，梅") == pytest.approx(expected)
    other = association(0, 2, 2) + association(2, 2, 2)  # 江 with 梅 and with 舟
    assert judge.score("雪江", "梅舟") == pytest.approx((expected + other) / 2)
    assert judge.score("龘", "梅") == judge.score("雪", "龘") == judge.score("", "梅") == 0


def test_own_titles_are_found_and_exchanged_ones_are_not() -> None:
    judge = TitleJudge(list(zip(TITLES, TEXTS, strict=True)) * 9)
    assert judge.identified(list(zip(TITLES, TEXTS, strict=True))) == 1
    assert judge.identified(list(zip(TITLES, TEXTS[1:] + TEXTS[:1], strict=True))) == 0


def test_a_title_s_own_characters_do_not_tell_it() -> None:
    judge = TitleJudge([(title, title) for title in TITLES] * 9)
    assert judge.identified([(title, title) for title in TITLES]) == 0
