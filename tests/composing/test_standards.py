"""Poems composed by the standards of Mandarin, judged by the checker."""

import pytest

from pingze.composing.options import Composing
from pingze.composing.read_request import read_request
from pingze.errors import InputError
from pingze.verse.checking import check
from tests.composing.verse import POOL, composer, prepared

ENTERING = "白國菊一竹足石"
"""Characters of entering tones that Mandarin reads level."""


@pytest.mark.parametrize("standard", ["xinyun", "tongyun"])
def test_a_hundred_poems_keep_their_standard(standard: str) -> None:
    chosen = composer(POOL + ENTERING + "波多歌河")
    otherwise = 0
    for form in ("五絕", "七絕"):
        inclusion = prepared(chosen, form=form, standard=standard, repeat=True, taste=0)
        poems = [chosen.write(inclusion, Composing(particles=1), seed) for seed in range(3, 53)]
        assert len({str(poem) for poem in poems}) > 40
        for poem in poems:
            verdict = check(str(poem), form=form, standard=standard)
            assert verdict.ok, (poem.lines, verdict.violations)
            assert verdict.rhyme == poem.rhyme
            assert not verdict.doubts
            otherwise += not check(str(poem), form=form).ok
    # the rhyme book reads entering tones as oblique, and separates what Mandarin joins
    assert otherwise > 50


@pytest.mark.parametrize("level", ["customary-孤平", "strict-本句自救-對句相救"])
def test_poems_keep_a_level_with_changes(level: str) -> None:
    chosen = composer()
    inclusion, sampling = (
        prepared(chosen, level=level, repeat=True, taste=0),
        Composing(particles=1),
    )
    poems = [str(chosen.write(inclusion, sampling, seed)) for seed in range(5, 45)]
    assert all(check(poem, form="五絕", level=level).ok for poem in poems)
    customary, strict = (
        [check(p, form="五絕", level=other).ok for p in poems] for other in ("customary", "strict")
    )
    assert all(customary) != ("孤平" in level and level[0] == "c")
    assert all(strict) != (level[0] == "c")


def test_a_rhyme_belongs_to_the_standard() -> None:
    chosen = composer()
    assert read_request(chosen.vocabulary, Composing(rhyme="十一庚", standard="xinyun")).groups == (
        "庚",
    )
    with pytest.raises(InputError, match="啊"):
        read_request(chosen.vocabulary, Composing(rhyme="東", standard="tongyun"))
