"""What a composer may rhyme on."""

import numpy as np

from pingze.composing.composer import Composer, lexicon_of
from pingze.composing.constraints.feasibility import PartialTexts
from pingze.composing.constraints.masks import Constraints
from pingze.composing.lexicon import FREE, Lexicon
from pingze.composing.options import Composing
from pingze.composing.read_request import read_request
from pingze.verse.rhyme_groups import GROUPS
from tests.composing.verse import POOL, composer, prepared


def rhymes(characters: str, group: str) -> set[str]:
    lexicon = lexicon_of(composer(characters).vocabulary)
    row = lexicon.rhymes[Lexicon.COMPOSED, list(GROUPS).index(group)]
    return {lexicon.vocabulary.tokens[id_] for id_ in np.flatnonzero(row)}


def test_only_what_poets_rhyme_on_is_composed_on_in_its_usual_form() -> None:
    assert rhymes("堤詩時", "支") == {"詩", "時"}
    assert rhymes("堤詩時", "齊") == {"堤"}
    assert (
        lexicon_of(composer("堤詩時").vocabulary)
        .rhymes[Lexicon.GIVEN, list(GROUPS).index("支")]
        .sum()
        >= 3
    )
    assert rhymes("游遊流", "尤") == {"遊", "流"}
    assert rhymes("游流", "尤") == {"游", "流"}


def test_no_character_is_composed_that_would_be_read_as_another_that_the_model_knows() -> None:
    assert rhymes("涼凉", "陽") == {"涼"}
    lexicon = lexicon_of(composer("溆漵挲").vocabulary)  # 挲 would be read as 挱
    fits = lexicon.fits[Lexicon.COMPOSED, 0, [lexicon.vocabulary.ids[one] for one in "溆漵挲"]]
    assert fits.tolist() == [False, True, True]


def test_a_first_line_borrows_only_where_poets_do() -> None:
    chosen = composer(POOL + "聲情青僧明")
    rhyming, ids = prepared(chosen, rhyme="庚").constraints.rhyming, chosen.vocabulary.ids
    assert [bool(rhyming.rhymes[Lexicon.COMPOSED, 1, 0, ids[one]]) for one in "青僧"] == [
        True,
        False,
    ]
    assert rhyming.rhymes[Lexicon.GIVEN, 1, 0, ids["僧"]]


def begun(chosen: Composer, **options: str) -> tuple[Constraints, PartialTexts]:
    """A request's constraints, and the history of one text before its first character."""
    constraints = prepared(chosen, **options).constraints
    assert constraints.fixed is not None
    partial_texts = constraints.begin(constraints.fixed)
    assert partial_texts is not None
    return constraints, partial_texts


def test_a_word_that_was_given_as_a_rhyme_is_not_drawn_in_another_form() -> None:
    for known in ("游遊流秋", "遊流秋"):  # the model reads what it does not know in another form
        chosen = composer(POOL + known)
        constraints, partial_texts = begun(chosen, pattern="＿＿＿＿＿ ＿＿＿＿游")
        assert not partial_texts.unused[0, chosen.vocabulary.ids["遊"]]
    assert constraints.lexicon.reads[[-2, FREE]].tolist() == [chosen.vocabulary.ids["遊"], FREE]


def test_what_is_fixed_is_read_by_its_word() -> None:
    lexicon = lexicon_of(composer("將軍人山月").vocabulary)
    asked = Composing(form="五絕", pattern="＿＿＿＿＿ 將軍＿＿＿ ＿＿＿＿＿ ＿＿＿＿＿")
    read, id_ = (
        lexicon.reading(read_request(lexicon.vocabulary, asked)),
        lexicon.vocabulary.ids["將"],
    )
    assert lexicon.fits[Lexicon.GIVEN, :, id_].tolist() == [True, True, True]
    assert read.fits[Lexicon.GIVEN, :, id_].tolist() == [True, True, False]


def test_no_word_is_composed_that_verse_reads_in_other_tones() -> None:
    chosen = composer()
    constraints, partial_texts = begun(chosen, start="中")
    constraints.advance(partial_texts, 0, np.array([chosen.vocabulary.ids["中"]]))
    (allowed,), _ = constraints.allowed(partial_texts, 1)
    assert allowed.any()
    assert not allowed[chosen.vocabulary.ids["酒"]]
