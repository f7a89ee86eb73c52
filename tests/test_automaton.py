"""With random logits, what an automaton allows spells poems that keep everything, whatever the tokens are."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from pingze import Automaton
from pingze.automaton import State
from pingze.composing.composer import load_composer
from pingze.composing.options import Composing
from pingze.composing.read_request import read_request
from pingze.composing.request import Fixed
from pingze.errors import InfeasibleError, InputError
from pingze.files import table
from pingze.verse.checking import check
from pingze.verse.forms import find_form
from pingze.verse.standard import PINGSHUI
from tests.composing.verse import POOL, solvable, word

MANY = [8, pytest.param(100, marks=pytest.mark.slow)]
LONG = ("春，", "天。", "，一", "江南。", "天上人間", "，\n", "hello", " ", "體。春")
END = 0


@cache
def tokens() -> Mapping[int, str | bytes]:
    """Characters, words, marks, all single bytes, and some halves of characters; the id 0 is the end's."""
    characters = [one for one in load_composer("tang").vocabulary.tokens if len(one) == 1][:2000]
    halves = sorted({one.encode()[:2] for one in characters})
    words = [one for one in table("words") if len(one) == 2][::4]
    every: list[str | bytes] = [*characters, *words, *LONG]
    every += [bytes([one]) for one in range(256)]
    every += halves
    return dict(enumerate(every, start=END + 1))


def written(automaton: Automaton, count: int, seed: int = 0) -> list[str]:
    """Write texts by random logits: any allowed token, until all have ended."""
    rng = np.random.default_rng(seed)
    state = automaton.start(count, seed=seed)
    texts = [b""] * count
    while not state.ended.all():
        allowed = automaton.allowed(state)
        logits = np.where(allowed, rng.gumbel(size=allowed.shape), -np.inf)
        ids = logits.argmax(axis=1)
        assert allowed.any(axis=1).all()
        for row, id_ in enumerate(ids.tolist()):
            texts[row] += automaton.bytes_of.get(id_, b"")
        state = automaton.advance(state, ids)
    return [text.decode() for text in texts]


def is_regular(lines: list[str], asked: Composing) -> bool:
    """Whether lines are what the request asks for by the solver, with every character given."""
    vocabulary = load_composer("tang").vocabulary
    request = read_request(vocabulary, asked)
    fixed = tuple(
        Fixed("start", line, position, character)
        for line, row in enumerate(lines, 1)
        for position, character in enumerate(row, 1)
    )
    return solvable(POOL, replace(request, fixed=request.fixed + fixed))


def lines_of(text: str) -> list[str]:
    rows = text.replace("，", "。").split("。")
    assert rows.pop() == ""
    return rows


@pytest.mark.parametrize("count", MANY)
@pytest.mark.parametrize("form", ["五絕", "七絕", "五律", "七律", "五排", "七排"])
def test_random_logits_write_regular_verse(form: str, count: int) -> None:
    for text in written(Automaton(tokens(), END, form=form), count):
        lines = lines_of(text)
        assert is_regular(lines, Composing(form=form)), text
        assert check(text, form=form).ok, text


@pytest.mark.parametrize("count", MANY)
@pytest.mark.parametrize("form", ["五古", "七古", "浣溪沙", "如夢令", "水調歌頭"])
def test_random_logits_write_old_style_verse_and_tunes(form: str, count: int) -> None:
    for text in written(Automaton(tokens(), END, form=form), count):
        verdict = check(text, form=form)
        assert verdict.ok, (text, verdict)


@pytest.mark.parametrize("count", MANY)
@pytest.mark.parametrize(
    "options",
    [
        {"form": "五絕", "acrostic": "春夏秋冬"},
        {"form": "七絕", "rhyme": "庚", "pattern": "＿＿明月＿＿＿", "include": "雁"},
        {"form": "五律", "template": "仄起首句入韻", "exclude": "山風"},
        {"form": "七絕", "level": "strict", "repeat": True},
        {"form": "五絕", "start": "咖啡"},
    ],
    ids=["acrostic", "pattern", "template", "strict", "unknown"],
)
def test_random_logits_keep_what_is_asked_for(options: dict[str, Any], count: int) -> None:
    asked = Composing(**options)
    for text in written(Automaton(tokens(), END, **options), count):
        lines = lines_of(text)
        assert check(text, form=asked.form, level=asked.level).ok, text
        assert is_regular(lines, asked), text
        assert all(one in text for one in asked.include.split())
        words = [word(character) for character in asked.exclude]
        assert not set(words) & {word(character) for character in text}
        assert asked.acrostic in (None, "".join(line[0] for line in lines))
        assert lines[0][2:4] == "明月" or not asked.pattern
        assert text.startswith(asked.start)


def test_excluded_words_are_not_spelled_by_any_tokens() -> None:
    pair = {1: "月", 2: "明", 3: "明月", 4: "，", 5: "。"}
    more = {number: one for number, one in enumerate(POOL, 10) if one not in "明月"}
    automaton = Automaton(pair | more, END, form="五絕", exclude_words="明月", repeat=True)
    for text in written(automaton, 50):
        assert "明月" not in text


def test_an_excluded_word_in_other_forms_is_no_token() -> None:
    known = {**tokens(), len(tokens()) + 1: "雲烟"}
    for excluded, is_allowed in (("", True), ("雲煙", False)):
        automaton = Automaton(known, END, form="五絕", exclude_words=excluded)
        assert automaton.allowed(automaton.start())[0, max(known)] == is_allowed


def test_tokens_of_several_characters_are_used() -> None:
    automaton = Automaton(tokens(), END, form="七絕")
    state = automaton.start()
    used = [tokens()[id_] for id_ in np.flatnonzero(automaton.allowed(state)[0])]
    sizes = {len(one) for one in used if isinstance(one, str)}
    assert sizes == {1, 2, 4}
    assert any(isinstance(one, bytes) for one in used)


def test_half_a_character_is_followed_by_its_other_half() -> None:
    automaton = Automaton(tokens(), END, form="五絕", start="春")
    (half,) = [id_ for id_, one in tokens().items() if one == "春".encode()[:2]]
    (rest,) = [id_ for id_, one in tokens().items() if one == "春".encode()[2:]]
    state = automaton.advance(automaton.start(), [half])
    assert np.flatnonzero(automaton.allowed(state)[0]).tolist() == [rest]
    state = automaton.advance(state, [rest])
    assert state.begun == (b"",)
    assert state.length.tolist() == [1]


def test_a_half_that_no_token_completes_is_not_allowed() -> None:
    half = {1: "春".encode()[:2], 2: "，", 3: "。"}
    automaton = Automaton(half | dict(enumerate(POOL, 10)), END, form="五絕")
    assert not automaton.allowed(automaton.start())[0, 1]


def test_the_end_follows_the_last_mark_alone() -> None:
    automaton = Automaton(tokens(), END, form="五絕")
    ids = {one: id_ for id_, one in tokens().items()}
    state = automaton.start()
    (text,) = written(automaton, 1, seed=3)
    for character in text:
        assert not automaton.allowed(state)[0, END]
        for byte in character.encode():
            state = automaton.advance(state, [ids[bytes([byte])]])
    assert np.flatnonzero(automaton.allowed(state)[0]).tolist() == [END]
    state = automaton.advance(state, [END])
    assert np.flatnonzero(automaton.allowed(state)[0]).tolist() == [END]


def test_texts_of_a_batch_do_not_affect_each_other() -> None:
    automaton = Automaton(tokens(), END, form="七絕")
    rng = np.random.default_rng(1)
    together = automaton.start(3)
    alone = [automaton.start() for _ in range(3)]
    for _ in range(20):
        allowed = automaton.allowed(together)
        assert (allowed == np.concatenate([automaton.allowed(one) for one in alone])).all()
        ids = [int(rng.choice(np.flatnonzero(row))) for row in allowed]
        together = automaton.advance(together, ids)
        alone = [automaton.advance(one, [id_]) for one, id_ in zip(alone, ids, strict=True)]


def test_a_state_stays_as_it_is_when_it_is_advanced() -> None:
    automaton = Automaton(tokens(), END, form="五絕")
    state = automaton.start(2)
    before = automaton.allowed(state)
    automaton.advance(state, [int(row.argmax()) for row in before])
    assert (automaton.allowed(state) == before).all()


def test_texts_can_be_copied_and_dropped() -> None:
    automaton = Automaton(tokens(), END, form="五絕")
    state = automaton.start(2)
    chosen = [int(id_) for id_ in np.flatnonzero(automaton.allowed(state)[0])[[0, 7]]]
    state = automaton.advance(state, chosen)
    copied = state.take([1, 1, 0])
    assert isinstance(copied, State)
    allowed = automaton.allowed(state)
    assert (automaton.allowed(copied) == allowed[[1, 1, 0]]).all()


def test_a_token_that_may_not_follow_is_refused() -> None:
    automaton = Automaton(tokens(), END, form="五絕")
    ids = {one: id_ for id_, one in tokens().items()}
    for wrong in ("，", "hello"):
        with pytest.raises(InputError, match=f"token {ids[wrong]} may not follow here"):
            automaton.advance(automaton.start(), [ids[wrong]])


def test_a_token_that_was_not_given_is_refused() -> None:
    automaton = Automaton(tokens(), END, form="五絕")
    with pytest.raises(InputError, match="may not follow here"):
        automaton.advance(automaton.start(), [automaton.size])


def test_tokens_that_cannot_spell_a_mark_are_refused() -> None:
    with pytest.raises(InputError, match="cannot spell ，"):
        Automaton(dict(enumerate(POOL, 1)), END, form="五絕")


def test_too_few_characters_are_refused_as_for_a_model() -> None:
    with pytest.raises(InfeasibleError):
        Automaton(dict(enumerate("春日人山水，。", 1)), END, form="五絕")


def test_a_long_token_leaves_enough_rhymes_of_the_group_that_was_begun() -> None:
    # 東 stands at the first foot. Of its part, five characters are left for four more feet, so that
    # a word of two of them takes one too many; other parts have plenty.
    part = "第一部"
    known = [one for one in load_composer("tang").vocabulary.tokens if len(one) == 1]
    others = [one for one in known if part not in dict(PINGSHUI.parts.rhymes(one))]
    spelled = [*others, *"東風空紅中同", "空紅", "風中", "，", "。", "、", "\n"]
    automaton = Automaton(dict(enumerate(spelled, 1)), END, form="相見歡", pattern="＿＿＿＿＿東")
    allowed = {spelled[id_ - 1] for id_ in np.flatnonzero(automaton.allowed(automaton.start())[0])}
    assert {"空", "風"} < allowed
    assert not {"空紅", "風中"} & allowed


def test_every_mark_of_a_tune_is_written() -> None:
    form = find_form("如夢令")
    for text in written(Automaton(tokens(), END, form="如夢令"), 5):
        assert "".join(one for one in text if not one.isalpha()) == form.marks(0)


def test_the_end_token_does_not_follow_half_a_poem() -> None:
    automaton = Automaton(tokens(), END, form="五絕")
    with pytest.raises(InputError):
        automaton.advance(automaton.start(), [END])
