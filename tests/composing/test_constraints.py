"""With random models: either a refusal that a solver confirms, or a poem that independent checks accept."""

import gc
import random
import re
import tracemalloc

import numpy as np
import pytest

from pingze.composing.composer import Composer, load_composer
from pingze.composing.conflict import find_clashes
from pingze.composing.constraints.masks import Constraints
from pingze.composing.lexicon import DOUBLED_OFTEN, doublings
from pingze.composing.options import Composing, Sampling
from pingze.composing.read_request import read_request
from pingze.composing.request import Request
from pingze.composing.words import Starts
from pingze.errors import InfeasibleError, InputError
from pingze.verse.checking import check
from pingze.verse.patterns import word_starts
from pingze.verse.standard import PINGSHUI
from tests.composing import verse
from tests.composing.verse import POOL, composer, for_seeds, placements, prepared, solvable, word

pytestmark = pytest.mark.filterwarnings("ignore::pingze.composing.typed_text.ConversionWarning")


def is_possible(chosen: Composer, request: Request) -> bool:
    return Starts(Constraints(chosen.lexicon(request), request)).is_possible


def keeps(lines: list[str], request: Request) -> None:
    """Assert that lines keep a request, from its fields alone and by the checker."""
    text = "".join(lines)
    width = request.form.width
    assert [len(line) for line in lines] == [width] * request.lines
    for fix in request.fixed:
        assert lines[fix.line - 1][fix.position - 1] == fix.character
    assert all(any(word in line for line in lines) for word in request.include)
    words = [word(character) for character in text]
    assert not {word(character) for character in request.exclude} & set(words)
    verdict = check("，".join(lines), form=request.form.name, level=request.strictness)
    assert verdict.ok, verdict
    if request.template:
        assert request.template in str(verdict.template)
    if request.rhyme:
        assert all(
            request.rhyme in (PINGSHUI.rhymes(line[-1]) or {request.rhyme}) for line in lines[1::2]
        )
    if not request.repeat:
        fixed = {(f.line - 1) * width + f.position - 1 for f in request.fixed}
        for word_ in request.include:
            fixed |= {at for found in re.finditer(word_, text) for at in range(*found.span())}
        for place in set(range(len(text))) - fixed:
            again = {other for other in range(len(text)) if words[other] == words[place]} - {place}
            beside = {other for other in again if other in neighbours(place, width)}
            doubling = {other for other in again if fixed & again & set(neighbours(other, width))}
            assert len(beside) == min(1, len(again))
            assert again <= beside | fixed | doubling


def neighbours(place: int, width: int) -> list[int]:
    """The places before and after one in its line."""
    return [other for other in (place - 1, place + 1) if other // width == place // width]


def random_request(seed: int) -> tuple[str, Request]:
    """A vocabulary and a request, from few or many characters and with few or many constraints."""
    rng = random.Random(seed)
    characters = "".join(
        sorted(rng.sample(POOL + verse.FORMS, rng.choice([22, 26, 32, len(POOL)])))
    )
    given = [*POOL, "咖"]  # read as they are written; the composer does not know them all
    pattern = [["＿"] * 5 for _ in range(4)]
    for _ in range(rng.choice([0, 0, 1, 3, 8])):
        pattern[rng.randrange(4)][rng.randrange(5)] = rng.choice(given)
    request = read_request(
        composer(characters).vocabulary,
        Composing(
            start="".join(rng.sample(given, rng.choice([0, 0, 1, 6]))),
            form="五絕",
            level=rng.choice(["customary", "strict"]),
            template=rng.choice([None, None, "平起", "首句入韻"]),
            rhyme=rng.choice([None, None, "東", "先"]),
            acrostic="".join(rng.sample(given, rng.choice([0, 0, 2, 4]))) or None,
            acrostic_at=rng.choice(["head", "middle", "end"]),
            pattern=" ".join(map("".join, pattern)),
            include=" ".join(
                "".join(rng.sample(given, n)) for n in rng.choice([[], [], [1], [2], [1, 2]])
            ),
            exclude="".join(rng.sample(given, rng.choice([0, 0, 2]))),
            repeat=rng.random() < 0.3,
        ),
    )
    return characters, request


@for_seeds(quick=6, slow=20)
def test_a_poem_that_keeps_everything_or_a_refusal_that_search_confirms(seed: int) -> None:
    characters, request = random_request(seed)
    chosen = composer(characters, seed=seed)
    try:
        starts = chosen.prepare(request)
    except InfeasibleError:
        own = chosen.lexicon(request)
        rare = own.read_otherwise(own.reading(request), request.asked)
        assert (rare and request.strictness == "strict") or not solvable(characters, request)
        return
    assert solvable(characters, request)
    for poem_seed in range(2):
        keeps(chosen.write(starts, Sampling(1.0, 4), poem_seed).lines, request)


@pytest.mark.parametrize("form", ["五絕", "七絕", "五律", "七律", "五排", "五古", "七古"])
@pytest.mark.parametrize("level", ["customary", "strict"])
def test_every_form_on_a_vocabulary_that_barely_suffices(form: str, level: str) -> None:
    chosen = composer(seed=1)
    starts = prepared(chosen, form=form, level=level, repeat=form[1] != "絕")
    keeps(chosen.write(starts, Sampling(1.0, 3), 0).lines, starts.constraints.request)


@for_seeds(quick=10, slow=60)
def test_what_is_named_given_up_composes_and_no_less_would_do(seed: int) -> None:
    characters, request = random_request(seed)
    chosen = composer(characters, seed=seed)
    if is_possible(chosen, request):
        return
    # 1. Of what the refusal names nothing could have been kept.
    given_up = find_clashes(chosen.lexicon(request), request)
    places = {(clash.field, clash.line, clash.position, clash.has) for clash in given_up}
    for clash in given_up:
        for position in clash.positions:
            places.add((clash.field, clash.line, position, str(clash.has)[position - 1]))
    kept = [p for p in request.parts if (p.field, p.line, p.position, p.has) not in places]
    named = sum(len(clash.positions) or 1 for clash in given_up)
    assert len(kept) + named == len(request.parts)
    for part in request.parts:
        if part not in kept:
            assert not is_possible(chosen, request.keeping([*kept, part]))
    # 2. What is left composes.
    smaller = request.keeping(kept)
    if not is_possible(chosen, smaller):
        assert not smaller.parts  # such characters make no 五絕, whatever is given up
        with pytest.raises(InfeasibleError, match="the model knows too few characters"):
            chosen.prepare(smaller)
        return
    # `prepare` refuses rare readings at the strict level
    starts = Starts(Constraints(chosen.lexicon(smaller), smaller))
    poem = chosen.write(starts, Sampling(1.0, 2), seed)
    assert check(str(poem), form="五絕", level=smaller.strictness).ok
    assert all(poem.lines[fix.line - 1][fix.position - 1] == fix.character for fix in smaller.fixed)
    assert all(any(word in line for line in poem.lines) for word in smaller.include)


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"pattern": "＿秋＿雨＿"}, []),
        ({"template": "平起", "pattern": "白日＿山＿"}, ["template 平起"]),
        ({"start": "春", "acrostic": "秋"}, ["acrostic's 秋 (line 1, character 1 must be 春)"]),
        (
            {"acrostic": "日月柳天", "acrostic_at": "end", "rhyme": "東"},
            [
                "acrostic's 月 (line 2, character 5 must be level; 月 is oblique)",
                "acrostic's 天 (line 4, character 5 must rhyme in 東; 天 rhymes in 先)",
            ],
        ),
        ({"include": "東 風", "exclude": "風"}, ["including 風"]),
    ],
)
def test_few_and_late_parts_are_named(options: dict[str, str], names: list[str]) -> None:
    chosen = composer()
    request = read_request(chosen.vocabulary, Composing(form="五絕", **options))
    assert list(map(str, find_clashes(chosen.lexicon(request), request) if names else [])) == names
    assert is_possible(chosen, request) == (not names)


def test_every_character_of_a_poem_may_be_asked_for() -> None:
    """Twenty words for twenty places: the poem exists, so it is found."""
    characters = "白日依山盡黃河入海流欲窮千里目更上一層樓"
    chosen = composer(characters + POOL)
    lines = chosen.write(prepared(chosen, include=" ".join(characters)), Sampling(1.0, 2), 0).lines
    assert sorted("".join(lines)) == sorted(characters)
    assert check("，".join(lines), form="五絕").ok


def test_included_words_rhyme_beside_a_choice() -> None:
    """The model knows no rhyme of the group itself."""
    chosen = composer()
    options = {"rhyme": "陽", "include": "光 香", "pattern": "[山人]＿＿＿＿"}
    lines = chosen.write(prepared(chosen, **options), Sampling(1.0, 4), 0).lines
    assert {lines[1][-1], lines[3][-1]} == {"光", "香"}
    assert check("，".join(lines), form="五絕").ok


def test_words_with_too_many_ways_to_stand_are_refused_before_any_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Fourteen words, of which two and two end in one rhyme."""
    words = [first + verse.RHYMES[n // 2] for n, first in enumerate(verse.OBLIQUES[:14])]
    monkeypatch.setattr("pingze.composing.words.Count._completions", None)
    with pytest.raises(
        InputError, match="include has 14 words, which can be placed in too many ways"
    ):
        prepared(composer(), form="七古", include=" ".join(words))


@pytest.mark.slow
def test_placing_words_takes_little_memory_and_gives_it_back_at_once() -> None:
    words = "傅床朮 簡峻 二 踞湮業 羽 櫃 學 范旒 未廷 萋 鯢 僮帖矩 濡 沱 挈翼 幹揀粥"
    chosen = load_composer("tang")
    prepared(chosen, form="七律", include=words)  # what is loaded once
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        prepared(chosen, form="七律", include=words).draw(64, np.random.default_rng(0))
        left, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.enable()
    assert 1e7 < most < 6e7
    assert left < 5e6


@pytest.mark.parametrize("whole", [False, True])
def test_each_placement_of_words_makes_up_for_how_it_was_drawn(whole: bool) -> None:
    """The mean weight is the number of placements that can be completed."""
    chosen = composer()
    options = {"pattern": "春秋＿＿＿ ＿＿＿＿＿ 人＿＿＿＿ ＿＿＿＿＿", "template": "首句不入韻"}
    request = read_request(chosen.vocabulary, Composing(form="五絕", include="山月 風", **options))
    start = Starts(Constraints(chosen.lexicon(request), request), whole=whole).draw(
        1500, np.random.default_rng(0)
    )
    possible = set()
    for placed in placements(request):
        pattern = "".join(placed.get(place, "＿") for place in range(20))
        if whole and pattern.index("山月") % 5 not in word_starts(2, 5):
            continue
        options["pattern"] = " ".join(pattern[row : row + 5] for row in range(0, 20, 5))
        if is_possible(chosen, read_request(chosen.vocabulary, Composing(form="五絕", **options))):
            possible.add(pattern)
    assert len(possible) > 30
    assert len(np.unique(start.partial_texts.fixed, axis=0)) > 0.8 * len(possible)
    assert np.exp(start.log_weights).mean() == pytest.approx(len(possible), rel=0.1)


def test_a_character_stands_twice_only_side_by_side_as_in_verse() -> None:
    """Verse has 年年 and 人人, no 樓樓 and 雪雪, and 悠悠 at a line's end, but not 年年."""
    chosen = composer(POOL + "悠紛", seed=3, scale=3.0)
    starts = prepared(chosen)
    lines = [
        line for seed in range(40) for line in chosen.write(starts, Sampling(1.5, 1), seed).lines
    ]
    doubled = {(line[p], p == 3) for line in lines for p in range(4) if line[p] == line[p + 1]}
    assert doubled
    assert {character for character, _ in doubled} <= set(doublings())
    assert all(
        doublings()[character][1] >= DOUBLED_OFTEN for character, at_end in doubled if at_end
    )
    assert not any(line[p] == line[p + 1] == line[p + 2] for line in lines for p in range(3))


def test_words_to_include_keep_their_tones_and_stay_whole_where_there_is_room() -> None:
    chosen, rng = composer(f"{POOL}相思", seed=6), np.random.default_rng(0)
    starts = prepared(chosen, include="相思")
    begun = starts.draw(200, rng).partial_texts
    for row, fixed in enumerate(begun.fixed.tolist()):
        (at,) = [n for n in range(20) if tuple(fixed[n : n + 2]) == starts.inclusions[0].words[0]]
        assert at % 5 in (0, 2, 3)
        of_row = begun.take(np.array([row]))
        assert all(starts.constraints.tones_at(of_row, at + n) <= {"平", ""} for n in range(2))
    full = prepared(chosen, include="相思", pattern="春＿＿風月 ＿山＿夜＿ ＿雲＿水＿ ＿雨＿花＿")
    assert chosen.vocabulary.decode(full.draw(1, rng).partial_texts.fixed[0, :5]) == "春相思風月"
