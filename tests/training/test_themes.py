"""Themes are a poem's own words, rare ones the likelier."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pingze.network.vocabulary import Vocabulary
from pingze.training.texts import LARGEST, Themes
from pingze.verse.characters import MARKS

CHARACTERS = "天地山水風月花雪"
VOCABULARY = Vocabulary.of_texts([CHARACTERS + MARKS], 40)


def themes(*texts: str) -> Themes:
    return Themes([VOCABULARY.encode(text) for text in texts], VOCABULARY)


def drawn(made: Themes, text: str, seed: int) -> str:
    return VOCABULARY.decode(made.draw(VOCABULARY.encode(text), np.random.default_rng(seed)))


@given(st.text(CHARACTERS + "，。", max_size=20), st.integers(0, 99))
def test_a_theme_is_of_the_text_without_its_marks(text: str, seed: int) -> None:
    theme = drawn(themes("天地山水", "風月"), text, seed)
    assert set(theme) <= set(text) - set("，。")
    assert len(theme) <= 2 * LARGEST
    assert bool(theme) == bool(set(text) - set("，。"))


def test_pairs_are_neighbours_of_one_line() -> None:
    made = themes("天水", "天水")
    assert {drawn(made, "地天，天山", seed) for seed in range(99)} >= {"地", "地天", "山", "山地"}
    assert not any("山天" in drawn(made, "地天，天山", seed) for seed in range(99))


def test_rare_characters_are_drawn_more_often_in_proportion() -> None:
    """天 in each of eight texts, 雪 in one: weights ln 9/9 = 0 and ln 9/2."""
    made = themes(*["天"] * 7, "天雪")
    assert made.rarity[VOCABULARY.ids["天"]] == 0
    assert np.isclose(made.rarity[VOCABULARY.ids["雪"]], np.log(9 / 2))
    assert {drawn(made, "天雪", seed) for seed in range(50)} == {"雪"}
    assert {drawn(made, "花天", seed) for seed in range(50)} == {"花", "花天"}
