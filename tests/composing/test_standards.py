"""Poems composed by the standards of Mandarin, judged by the checker."""

import numpy as np
import pytest

from pingze.composing.composer import seeds
from pingze.composing.request.options import Composing
from pingze.composing.request.request import read_request
from pingze.errors import InputError
from pingze.verse import check
from pingze.verse.rhyme_groups import STANDARDS
from tests.composing.verse import POOL, composer

ENTERING = "白國菊一竹足石"
"""Characters of entering tones that Mandarin reads level."""


@pytest.mark.parametrize("standard", ["xinyun", "tongyun"])
def test_a_hundred_poems_keep_their_standard(standard: str) -> None:
    chosen = composer(POOL + ENTERING + "波多歌河")
    otherwise = 0
    for form in ("五絕", "七絕"):
        asked = Composing(form=form, standard=standard, particles=1, repeat=True, taste=0, seed=3, count=50)
        inclusion = chosen.prepare(read_request(chosen.vocabulary, asked))
        poems = chosen.write_many(inclusion, asked.sampling, seeds(asked))
        assert len({str(poem) for poem in poems}) > 40
        for poem in poems:
            verdict = check(str(poem), form=form, standard=standard)
            assert verdict.ok, (poem.lines, verdict.violations)
            assert verdict.rhyme == poem.rhyme
            assert not verdict.doubts
            otherwise += not check(str(poem), form=form).ok
    assert (
        otherwise > 50
    )  # the rhyme book reads entering tones as oblique, and separates rimes that Mandarin joins


@pytest.mark.parametrize("level", ["customary-孤平", "strict+本句自救+對句相救"])
def test_poems_keep_a_level_with_changes(level: str) -> None:
    chosen = composer()
    asked = Composing(form="五絕", level=level, particles=1, repeat=True, taste=0, seed=5, count=40)
    inclusion = chosen.prepare(read_request(chosen.vocabulary, asked))
    poems = [str(poem) for poem in chosen.write_many(inclusion, asked.sampling, seeds(asked))]
    assert all(check(poem, form="五絕", level=level).ok for poem in poems)
    others = {
        other: sum(check(poem, form="五絕", level=other).ok for poem in poems)
        for other in ("customary", "strict")
    }
    assert (others["customary"] < 40) == ("孤平" in level and level[0] == "c")
    assert (others["strict"] < 40) == (level[0] == "c")


def test_an_entering_tone_is_level_by_mandarin_alone() -> None:
    chosen = composer(POOL + ENTERING)
    id_ = chosen.vocabulary.ids["國"]
    read = {name: chosen.lexicon(standard) for name, standard in STANDARDS.items()}
    assert [bool(lexicon.level[id_]) for lexicon in read.values()] == [False, True, True]
    assert [len(lexicon.standard.groups) for lexicon in read.values()] == [106, 32, 28]
    assert np.array_equal(read["pingshui"].forms, read["xinyun"].forms)


def test_a_rhyme_belongs_to_the_standard() -> None:
    chosen = composer()
    request = read_request(chosen.vocabulary, Composing(rhyme="十一庚", standard="xinyun"))
    assert request.groups == ("庚",)
    with pytest.raises(InputError, match="啊"):
        read_request(chosen.vocabulary, Composing(rhyme="東", standard="tongyun"))
