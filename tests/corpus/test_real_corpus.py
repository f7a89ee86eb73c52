"""全唐詩 and the Song poems, whole: fetched once into the user's cache, built in a folder of this run."""

import pytest

from pingze.corpus import Store

pytestmark = [pytest.mark.corpus, pytest.mark.slow]


def test_the_counts_are_those_of_the_docs(corpus: Store) -> None:
    statistics = corpus.statistics()
    dropped = {dynasty: sum(reasons.values()) for dynasty, reasons in statistics["dropped"].items()}
    assert statistics["poems"] == {"tang": 51_046, "song": 245_883, "qing": 6, "ci": 19_319}
    assert dropped["tang"] == 57_607 - 51_046
    assert (statistics["groups"], statistics["largest_group"]) == (308_637, 22)
    shapes = {form: statistics["forms"]["tang"][form] for form in ("五絕", "七絕", "五律", "七律")}
    assert shapes == {"五絕": 3_975, "七絕": 10_569, "五律": 14_501, "七律": 7_979}


def test_the_draw_is_as_long_as_the_reports(corpus: Store) -> None:
    train, dev = corpus.report_draw("train"), corpus.report_draw("dev")
    assert (len(train), len(dev)) == (16_384, 2_730)
    assert not set(train) & set(dev)
