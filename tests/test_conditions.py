"""What stands before a poem, token by token."""

import pytest

from pingze.conditions import LONGEST_TITLE, Conditions
from pingze.vocabulary import Vocabulary

TOKENS = ("<五絕>", "<七律>", "<張甲>", "<李乙>")
VOCABULARY = Vocabulary.of_texts(["天地山水風月"], 20, TOKENS)


def written(form: str | None, poet: str | None, title: str | None) -> list[str]:
    return [VOCABULARY.decode(part) for part in Conditions(VOCABULARY).prefix(form, poet, title)]


def test_a_vocabulary_has_its_condition_tokens_after_the_special_ones() -> None:
    assert VOCABULARY.tokens[4:8] == TOKENS == VOCABULARY.condition_tokens
    assert not any(VOCABULARY.is_han(id_) for id_ in range(8))
    assert VOCABULARY.hanzi() == [False, False, False, True, *[False] * 4, *[True] * 6]


@pytest.mark.parametrize(
    ("conditions", "tokens"),
    [
        (("五絕", "李乙", "山水"), ["<五絕>", "<李乙>", "山水"]),
        ((None, None, None), ["", "", ""]),
        (("七古", "王丙", "山龘"), ["", "", "山<unk>"]),
        ((None, None, "《山、水》 二首"), ["", "", "山水<unk><unk>"]),
    ],
)
def test_each_condition_has_its_tokens(conditions: tuple[str | None, ...], tokens: list[str]) -> None:
    assert written(*conditions) == tokens


def test_a_title_is_cut() -> None:
    assert written(None, None, "山" * 30)[2] == "山" * LONGEST_TITLE


def test_a_poet_is_a_name_and_a_form_is_none() -> None:
    assert Conditions(VOCABULARY).poets == ["張甲", "李乙"]


def test_a_vocabulary_without_them_knows_none() -> None:
    assert not Conditions(Vocabulary.of_texts(["天地"], 20))
