"""The ten exercises have answers, and each runs."""

import re
import warnings

import pytest

from tests.report.derivation.documents import DOCS, document


def test_every_exercise_has_an_answer_and_no_other() -> None:
    asked = re.findall(r"^(\d+)\. \*\*", (DOCS / "exercises.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert asked == [str(number) for number in range(1, 11)]
    assert len(document("exercises").ANSWERS) == 10


@pytest.mark.parametrize("number", range(1, 11))
def test_the_answer_checks_itself(number: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert document("exercises").ANSWERS[number - 1]()
