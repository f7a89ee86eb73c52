"""Originality as a constraint, against a search of every line of an invented corpus."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pingze.composing.composer import Composer, lexicon_of
from pingze.composing.conflict import find_clashes
from pingze.composing.constraints.masks import Constraints
from pingze.composing.lexicon import FREE
from pingze.composing.options import Composing, Sampling
from pingze.composing.originality import Originality
from pingze.composing.read_request import read_request
from pingze.composing.words import Starts
from pingze.corpus.suffix_array import SuffixArray
from pingze.errors import InfeasibleError, UnfinishedError
from pingze.network.vocabulary import Vocabulary
from pingze.verse.checking import check
from pingze.verse.forms import Layout
from tests.composing.verse import POOL, composer

LETTERS = "天地山水"
VOCABULARY = Vocabulary.of_texts([LETTERS + "月"], size=20)
WIDTH = 5
IDS = [VOCABULARY.ids[c] for c in LETTERS + "月"]


def copies(line: str, corpus: list[str], longest: int) -> bool:
    """Whether a line shares a substring of more than `longest` characters with one of the corpus."""
    parts = (line[at : at + longest + 1] for at in range(len(line) - longest))
    return any(part in other for part in parts for other in corpus)


def shown(ids: list[int]) -> str:
    """Characters, with a sign that no corpus has for those that are free."""
    return "".join("\0" if id_ == FREE else VOCABULARY.tokens[id_] for id_ in ids)


corpora = st.lists(st.text(LETTERS + "龍", min_size=1, max_size=9), min_size=1, max_size=9)


@given(
    corpora,
    st.integers(2, 5),
    st.lists(st.sampled_from([FREE, *IDS]), min_size=10, max_size=10),
    st.data(),
)
@settings(max_examples=300)
def test_what_would_copy_is_left_out(
    corpus: list[str], longest: int, fixed: list[int], data: st.DataObject
) -> None:
    """Exactly those are left out that complete a substring of characters that are written or fixed."""
    originality = Originality(
        SuffixArray.of_texts(corpus), VOCABULARY, Layout([WIDTH, WIDTH]), longest
    )
    place = data.draw(st.integers(0, 9))
    fixed[place] = FREE
    text = [data.draw(st.sampled_from(IDS)) if id_ == FREE else id_ for id_ in fixed[:place]]
    (copied,) = originality.completing_copies(np.array([text + fixed[place:]]), place)
    start = place // WIDTH * WIDTH
    for id_ in IDS:
        known = shown([*text[start:place], id_, *fixed[place + 1 : start + WIDTH]])
        around = [
            known[at : at + longest + 1]
            for at in range(max(0, place - start - longest), place - start + 1)
        ]
        assert copied[id_] == any(
            len(part) > longest and part in other for part in around for other in corpus
        )


@given(
    corpora, st.integers(2, 5), st.lists(st.sampled_from([FREE, *IDS]), min_size=10, max_size=10)
)
def test_fixed_characters_that_copy_are_seen(
    corpus: list[str], longest: int, fixed: list[int]
) -> None:
    originality = Originality(
        SuffixArray.of_texts(corpus), VOCABULARY, Layout([WIDTH, WIDTH]), longest
    )
    lines = [shown(fixed[:WIDTH]), shown(fixed[WIDTH:])]
    assert originality.contains_copy(fixed, originality.layout.line) == any(
        copies(line, corpus, longest) for line in lines
    )


@pytest.fixture(scope="module")
def copyist() -> Composer:
    return composer(POOL + "明", seed=4, scale=2.0)


@pytest.fixture(scope="module")
def liked(copyist: Composer) -> list[str]:
    """A corpus of lines that the model itself likes, so that it would copy them."""
    starts = copyist.prepare(read_request(copyist.vocabulary, Composing(form="五絕")))
    return [
        line for seed in range(40) for line in copyist.write(starts, Sampling(0.8, 2), seed).lines
    ]


def prepared(chosen: Composer, corpus: list[str], **options: object) -> Starts:
    """What `Composer.prepare` gives, with an invented corpus."""
    request = read_request(chosen.vocabulary, Composing(form="五絕", **options))
    originality = None
    if request.original:
        index = SuffixArray.of_texts(corpus)
        layout = Layout([5] * 4)
        originality = Originality(index, chosen.vocabulary, layout, request.original)
    starts = Starts(Constraints(lexicon_of(chosen.vocabulary), request, ban=originality))
    if not starts.is_possible:
        raise InfeasibleError(
            "五絕", find_clashes(lexicon_of(chosen.vocabulary), request, originality)
        )
    return starts


@pytest.mark.parametrize(
    "options", [{}, {"pattern": "＿＿明＿＿ ＿月＿風＿ 天＿＿＿＿"}, {"include": "雲 酒"}]
)
def test_no_composed_line_copies(
    copyist: Composer, liked: list[str], options: dict[str, str]
) -> None:
    copying = prepared(copyist, liked, **options)
    before = [copyist.write(copying, Sampling(0.8, 8), seed) for seed in range(10)]
    assert any(copies(line, liked, 2) for poem in before for line in poem.lines)
    for longest in (2, 3, 4):
        original = prepared(copyist, liked, original=longest, **options)
        for seed in range(10):
            poem = copyist.write(original, Sampling(0.8, 8), seed)
            assert not any(copies(line, liked, longest) for line in poem.lines)
            assert check(str(poem)).ok


def test_a_fixed_run_of_the_corpus_is_refused_and_particles_that_all_die_are_told() -> None:
    with pytest.raises(InfeasibleError) as error:
        prepared(composer(), ["雲水月日酒"], original=2, pattern="＿水月日＿")
    assert list(map(str, error.value.clashes)) == ["pattern's 日 at line 1, character 4"]
    starts = prepared(composer(), ["水月" + c for c in POOL], original=2, start="水月")
    said = r"none of 4 particles could go on at line 1, character 3, with original 2"
    with pytest.raises(UnfinishedError, match=said):
        composer().write(starts, Sampling(0.8, 4), 0)
