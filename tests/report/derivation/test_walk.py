"""The walk in docs, taken as a reader takes it."""

import re

import pytest

from tests.report.derivation.documents import document


def test_the_walk_ends_with_a_toy_that_remembers(capsys: pytest.CaptureFixture[str]) -> None:
    assert document("walk").walk() > 0.98
    told = capsys.readouterr().out
    for stage in "1234":
        assert f"\n{stage}. " in f"\n{told}"
    pairs = re.findall(r"by hand (\S+), by trying (\S+)", told)
    assert len(pairs) == 3
    for by_hand, by_trying in pairs:
        assert float(by_hand) == pytest.approx(float(by_trying), abs=2e-8)
