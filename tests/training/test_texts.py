"""Poems to tokens: which poets earn one, what is cut, what is dropped."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingze.corpus import CorpusPoem, Store
from pingze.network.conditions import Conditions
from pingze.network.vocabulary import UNK, Vocabulary
from pingze.training import texts as texts_module
from pingze.training.presets import Preset, preset
from pingze.training.run import Run
from pingze.training.texts import (
    Texts,
    Themes,
    condition_tokens,
    draw,
    examples,
    make_vocabulary,
    read,
    sequence,
)
from pingze.verse.characters import MARKS
from tests import invented

FORMS = ("<五絕>", "<五律>", "<五排>", "<五古>", "<七絕>", "<七律>", "<七排>", "<七古>")


def poems(
    count: int, author: str = "張甲", dynasty: str = "tang", seed: int = 0
) -> list[CorpusPoem]:
    """Quatrains that rhyme, so that the checker finds their form."""
    rhymed = [
        text[:10] + "東" + text[11:22] + "風" + text[23:] for text in invented.texts(count, seed)
    ]
    return [CorpusPoem(dynasty, "春江 二首", author, text) for text in rhymed]


POEMS = [*poems(3), *poems(5, "李乙", seed=1), *poems(6, "不詳", seed=2), *poems(1, "王丙", seed=3)]


def small(*settings: str) -> Preset:
    base = ["embedding_size=8", "hidden_size=12", "batch_size=4", "epochs=4", "warmup_steps=2"]
    return preset(
        "tang", [*base, "vocabulary_size=40", "poet_poems=3", "later_poet_poems=41", *settings]
    )


def test_forms_and_prolific_poets_have_tokens_the_nameless_none() -> None:
    song = [
        *poems(41, "陳丁", "song", seed=9),
        *poems(41, "李乙", "song"),
        *poems(40, "孫戊", "song"),
    ]
    tang = (*FORMS, "<about>", "<唐>", "<李乙>", "<張甲>")
    assert condition_tokens(Texts(POEMS, []), small().training) == tang
    assert condition_tokens(Texts(POEMS, [], {"song": song}), small().training) == (
        *tang,
        "<宋>",
        "<陳丁>",
    )
    assert condition_tokens(Texts(["天地山水"], []), small().training) == ()


def test_a_tune_with_thirty_pieces_and_each_dynasty_have_tokens() -> None:
    pieces = [
        CorpusPoem(dynasty, f"{tune}·春日", "無名氏", "天地山水，\n花木。", tune)
        for tune, count in (("浣溪沙", 29), ("憶江南", 30))
        for dynasty in ["ming"] + ["song"] * (count - 1)
    ]
    texts = Texts(POEMS, [], {"ci": pieces})
    tokens = (*FORMS, "<about>", "<詞:憶江南>", "<唐>", "<李乙>", "<張甲>", "<宋>", "<明>")
    assert condition_tokens(texts, small().training) == tokens
    vocabulary = make_vocabulary(texts, small())
    (example,) = examples(pieces[-1:], vocabulary, length=20)
    written = [vocabulary.tokens[id_] for id_ in example.text]
    assert len(written) == 10
    assert "\n" not in written
    assert vocabulary.decode(example.prefix.form) == "<詞:憶江南>"
    assert vocabulary.decode(example.prefix.dynasty) == "<宋>"
    assert len(example.prefix.title) == 2
    assert "詞:憶江南" not in Conditions(vocabulary).poets


def test_a_poem_s_tokens() -> None:
    vocabulary = make_vocabulary(Texts(POEMS, []), small())
    assert len(vocabulary) == 40
    (example,) = examples(POEMS[:1], vocabulary, length=4)
    dynasty, form, *tokens = [vocabulary.tokens[id_] for id_ in sequence(example)]
    assert (dynasty, form in FORMS) == ("<唐>", True)
    assert tokens == ["<張甲>", "春", "江", "二", "首", "<bos>", *POEMS[0].text[:4]]
    assert sequence(example, ()).tolist() == example.text.tolist()
    assert sequence(example, ("poet",)).tolist() == [vocabulary.ids["<張甲>"], *example.text]


KNOWN = Vocabulary.of_texts(["鶴松天地"], 99, ("<七絕>", "<唐>", "<張甲>", "<清>", "<趙己>"))
OWN_TEXTS = Texts(poems(3, "李乙", "own"), [])


def test_ones_own_poems_add_to_the_tokens_of_the_model_to_start_from() -> None:
    chosen = preset("own", ["poet_poems=3"])
    alone, kept = make_vocabulary(OWN_TEXTS, chosen), make_vocabulary(OWN_TEXTS, chosen, KNOWN)
    assert set(kept.tokens) == {*alone.tokens, *KNOWN.tokens}
    assert {"鶴", "松", "<張甲>"} <= set(kept.tokens) - set(alone.tokens)
    assert "<李乙>" not in KNOWN


def test_conditions_precede_the_characters_of_a_vocabulary_that_was_added_to() -> None:
    kept = make_vocabulary(OWN_TEXTS, preset("own", ["poet_poems=3"]), KNOWN)
    count = 4 + len(kept.condition_tokens)
    assert kept.tokens[4:count] == kept.condition_tokens
    assert all(len(token) == 1 for token in kept.tokens[count:])


def test_a_new_poet_does_not_join_the_last_dynasty() -> None:
    kept = Conditions(make_vocabulary(OWN_TEXTS, preset("own", ["poet_poems=3"]), KNOWN))
    assert "李乙" in kept.poets
    assert kept.dynasty_of("李乙") == kept.dynasty_of(None) == "唐"
    assert kept.dynasty_of("趙己") == "清"


def test_the_maximum_is_that_of_the_tokens_from_ones_own_poems() -> None:
    chosen = preset("own", ["poet_poems=3", "vocabulary_size=12"])
    kept = make_vocabulary(OWN_TEXTS, chosen, KNOWN)
    assert set(kept.tokens) == {*KNOWN.tokens, *make_vocabulary(OWN_TEXTS, chosen).tokens}


def test_adding_again_changes_nothing() -> None:
    chosen = preset("own", ["poet_poems=3"])
    kept = make_vocabulary(OWN_TEXTS, chosen, KNOWN)
    assert make_vocabulary(OWN_TEXTS, chosen, kept) == kept


def test_tang_poems_have_the_vocabulary_of_their_preset_whatever_they_start_from() -> None:
    texts = Texts(POEMS, [])
    assert make_vocabulary(texts, small(), KNOWN) == make_vocabulary(texts, small())


def test_the_form_is_the_one_that_the_checker_finds() -> None:
    texts = [
        "木木東東木，東東木木東。東東東木木，木木木東東。",
        "木目月竹玉，玉竹月目木。" * 2,
        "東東東東東，東東東東東東東。",
    ]
    vocabulary = Vocabulary.of_texts(["東木"], 30, FORMS)
    rows = examples([CorpusPoem("tang", "", "", text) for text in texts], vocabulary, 20)
    assert [vocabulary.decode(row.prefix.form) for row in rows] == ["<五絕>", "<五古>", ""]


def test_each_condition_is_dropped_as_often_as_asked() -> None:
    (example,) = examples(POEMS[:1], make_vocabulary(Texts(POEMS, []), small()), length=9)
    rng = np.random.default_rng(0)
    drawn = [draw(example, 0.4, rng).tolist() for _ in range(2000)]
    for name in ("dynasty", "form", "poet", "title"):
        first = getattr(example.prefix, name)[0]
        share = np.mean([first in ids[: ids.index(1)] for ids in drawn])
        assert share == pytest.approx(1 if name == "dynasty" else 0.6, abs=0.04)
    assert len({tuple(ids) for ids in drawn}) == 8
    assert all(ids[ids.index(1) :] == example.text.tolist() for ids in drawn)
    assert draw(example, 0, rng).tolist() == sequence(example).tolist()


def test_each_epoch_reads_all_tang_poems_and_some_of_each_source_with_themes(
    tmp_path: Path,
) -> None:
    song = poems(40, "陳丁", "song", seed=9)
    run = Run(
        tmp_path,
        small("theme_share=0.3", "mixture=song:1.2"),
        Texts(POEMS, POEMS[:4], {"song": song}),
    )
    epochs = [[tuple(example.text) for example in run._order(epoch)] for epoch in range(3)]
    of_song, of_tang = ({tuple(e.text) for e in run._encode(part)} for part in (song, POEMS))
    assert [len(epoch) for epoch in epochs] == [15 + 18] * 3
    assert all(of_tang <= set(epoch) for epoch in epochs)
    read = [set(epoch) - of_tang for epoch in epochs]
    assert len(read[0] | read[1]) == 36
    assert set.union(*read) == of_song
    assert epochs[0][:15] != epochs[1][:15]
    about = run.vocabulary.ids["<about>"]
    drawn = [ids.tolist() for number in range(250) for ids in run._batch(number)]
    themed = [(ids[ids.index(about) + 1 :], ids[ids.index(1) :]) for ids in drawn if about in ids]
    assert len(themed) / len(drawn) == pytest.approx(0.3, abs=0.05)
    assert all(
        theme[0] != 1 and set(theme[: theme.index(1)]) <= set(text) for theme, text in themed
    )


CHARACTERS = "天地山水風月花雪"
VOCABULARY = Vocabulary.of_texts([CHARACTERS + MARKS], 40)


def themes(*texts: str) -> Themes:
    return Themes([VOCABULARY.encode(text) for text in texts], VOCABULARY)


def drawn(made: Themes, text: str, seed: int) -> str:
    return VOCABULARY.decode(made.draw(VOCABULARY.encode(text), np.random.default_rng(seed)))


@given(st.text(CHARACTERS + "，。", max_size=20), st.integers(0, 99))
def test_a_theme_is_of_the_text_without_its_marks(text: str, seed: int) -> None:
    theme = drawn(themes("天地山水", "風月"), text, seed)
    assert set(theme) <= set(text) - set("，。")
    assert len(theme) <= 2 * texts_module.LARGEST
    assert bool(theme) == bool(set(text) - set("，。"))


def test_pairs_are_neighbours_of_one_line() -> None:
    made = themes("天水", "天水")
    assert {drawn(made, "地天，天山", seed) for seed in range(99)} >= {"地", "地天", "山", "山地"}
    assert not any("山天" in drawn(made, "地天，天山", seed) for seed in range(99))


def test_rare_characters_are_drawn_more_often_in_proportion() -> None:
    """天 in each of eight texts, 雪 in one: weights ln 9/9 = 0 and ln 9/2."""
    made = themes(*["天"] * 7, "天雪")
    assert made.rarity[VOCABULARY.ids["天"]] == 0
    assert np.isclose(made.rarity[VOCABULARY.ids["雪"]], np.log(9 / 2))
    assert {drawn(made, "天雪", seed) for seed in range(50)} == {"雪"}
    assert {drawn(made, "花天", seed) for seed in range(50)} == {"花", "花天"}


@pytest.mark.slow
@pytest.mark.corpus
def test_the_tang_preset_on_the_real_corpus(corpus: Store) -> None:
    chosen = preset("tang")
    texts = read(corpus, chosen.training)
    vocabulary = make_vocabulary(texts, chosen)
    assert len(vocabulary) == chosen.model.vocabulary_size
    assert {*FORMS, "<李白>", "<杜甫>", "<寒山>", "<唐>", "<宋>", "<蘇軾>"} <= set(
        vocabulary.condition_tokens
    )
    rows = examples(texts.dev, vocabulary, chosen.training.length)
    targets = np.concatenate([row.text[1:] for row in rows])
    assert (targets == UNK).mean() < 0.002
    assert np.mean([len(row.prefix.form) for row in rows]) > 0.9
    assert {poem.dynasty for poem in texts.others["song"]} == {"song"}
    assert not {poem.text for poem in texts.train} & {poem.text for poem in texts.dev}
