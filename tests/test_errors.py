"""Errors as values: they go to other processes and come back."""

import pickle

import pytest

from pingze.errors import Clash, InfeasibleError, InputError, MissingExtraError, PingzeError


@pytest.mark.parametrize(
    "error",
    [
        InfeasibleError("五絕", [Clash("rhyme 東", "rhyme")]),
        InputError("too_long", field="title", has=30, most=20),
        MissingExtraError("training", "train"),
        *(kind("stopped") for kind in PingzeError.__subclasses__() if kind.__init__ is PingzeError.__init__),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_pickled_error_comes_back_whole(error: PingzeError) -> None:
    back = pickle.loads(pickle.dumps(error))
    assert (type(back), str(back), vars(back)) == (type(error), str(error), vars(error))
    assert back.cause == error.cause


def test_a_refusal_is_said_in_chinese_with_its_clashes() -> None:
    clash = Clash("start's 平", "start", 1, 4, "平", "仄", "line 1, character 4 must be 仄")
    assert InfeasibleError("五絕", [clash, Clash("rhyme 東", "rhyme", has="東")]).text("zh") == (
        "「起首」在第 1 句第 4 字的「平」（該處須仄聲）、押東韻：須捨去，方能成詩。"
    )
