"""What a composer may rhyme on."""

import numpy as np

from pingze.composing.constraints.masks import Constraints
from pingze.composing.request.options import Composing
from pingze.composing.request.request import read_request
from pingze.verse.rhyme_groups import GROUPS
from tests.composing.verse import POOL, composer


def rhymes(characters: str, group: str) -> set[str]:
    lexicon = composer(characters).lexicon()
    row = lexicon.rhymes[[*GROUPS].index(group)]
    return {lexicon.vocabulary.tokens[id_] for id_ in np.flatnonzero(row)}


def test_only_what_poets_rhyme_on_is_composed_on() -> None:
    assert rhymes("堤詩時", "支") == {"詩", "時"}
    assert rhymes("堤詩時", "齊") == {"堤"}
    assert composer("堤詩時").lexicon().can_rhyme[[*GROUPS].index("支")].sum() >= 3


def test_of_several_forms_of_a_word_the_usual_one_rhymes() -> None:
    assert rhymes("游遊流", "尤") == {"遊", "流"}
    assert rhymes("游流", "尤") == {"游", "流"}


def test_a_first_line_borrows_only_where_poets_do() -> None:
    chosen = composer(POOL + "聲情青僧明")
    ids = chosen.vocabulary.ids
    constraints = Constraints(
        chosen.lexicon(), read_request(chosen.vocabulary, Composing(form="五絕", rhyme="庚"))
    )
    assert constraints.rhyming.rhymes[1, 0, ids["青"]]
    assert not constraints.rhyming.rhymes[1, 0, ids["僧"]]
    assert constraints.rhyming.can_rhyme[1, 0, ids["僧"]]


def test_a_word_that_was_given_as_a_rhyme_is_not_drawn_in_another_form() -> None:
    chosen = composer(POOL + "游遊流秋")
    request = read_request(chosen.vocabulary, Composing(form="五絕", pattern="＿＿＿＿＿ ＿＿＿＿游"))
    constraints = Constraints(chosen.lexicon(), request)
    assert constraints.fixed is not None
    plan = constraints.plan(constraints.fixed)
    assert plan is not None
    assert not constraints.start([plan]).unused[0, chosen.vocabulary.ids["遊"]]


def test_what_is_fixed_is_read_by_its_word() -> None:
    lexicon = composer("將軍人山月").lexicon()
    asked = Composing(form="五絕", pattern="＿＿＿＿＿ 將軍＿＿＿ ＿＿＿＿＿ ＿＿＿＿＿")
    read, id_ = lexicon.reading(read_request(lexicon.vocabulary, asked)), lexicon.vocabulary.ids["將"]
    assert lexicon.can_be_level[id_]
    assert lexicon.can_be_oblique[id_]
    assert read.can_be_level[id_]
    assert not read.can_be_oblique[id_]


def test_no_word_is_composed_that_verse_reads_in_other_tones() -> None:
    chosen = composer()
    constraints = Constraints(
        chosen.lexicon(), read_request(chosen.vocabulary, Composing(form="五絕", start="中"))
    )
    assert constraints.fixed is not None
    plan = constraints.plan(constraints.fixed)
    assert plan is not None
    histories = constraints.start([plan])
    constraints.advance(histories, 0, np.array([chosen.vocabulary.ids["中"]]))
    allowed = constraints.allowed(histories, 1)[0]
    assert allowed.any()
    assert not allowed[chosen.vocabulary.ids["酒"]]
