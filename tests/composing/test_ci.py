"""詞 to tunes: composed, revised and mended by a random model, every rule is kept."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from pingze.composing.composer import Composer
from pingze.composing.desk import alternatives, compose, revise
from pingze.composing.explaining import explain
from pingze.composing.mending import mend
from pingze.composing.options import Sampling
from pingze.composing.read_request import read_request
from pingze.composing.reading import read_poem
from pingze.composing.sheet import Limit, Sheet
from pingze.errors import InfeasibleError, InputError
from pingze.verse.checking import check
from pingze.verse.forms import find_form
from pingze.verse.standard import PINGSHUI
from pingze.verse.tunes import LEADING, tunes
from tests import invented
from tests.composing import verse

MORE = "動洞孔董重送夢鳳暖短晚眼滿遍見斷屋目竹綠曲宿菊讀谷獨足玉陽香長光霜鄉涼鴦張"
POOL = "".join(dict.fromkeys(verse.POOL + MORE))
SHORT = ("十六字令", "憶江南", "如夢令", "調笑令", "相見歡", "西江月", "定風波", "長相思")


@pytest.fixture(scope="module")
def chosen() -> Composer:
    return verse.composer(POOL, conditions=tuple(f"<詞:{name}>" for name in SHORT))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model that knows the short tunes."""
    made = verse.checkpoint_of(POOL, conditions=tuple(f"<詞:{name}>" for name in SHORT))
    return invented.saved(tmp_path / "model.safetensors", made)


def keeps(name: str, lines: list[str]) -> bool:
    """Whether lines keep a tune's tones, repetitions and rhymes, read from the table again."""
    pattern, text = tunes()[name].lines, "".join(lines)
    assert list(map(len, lines)) == [len(line.tones) for line in pattern]
    for character, tone in zip(text, tunes()[name].tones("customary"), strict=True):
        if tone != "x" and {"P": "平", "Z": "仄"}[tone] not in PINGSHUI.tones(character):
            return False
    by_rhyme: dict[int, list[set[str]]] = {}
    for line, wanted in zip(lines, pattern, strict=True):
        if wanted.rhyme is not None:
            able = {
                part
                for part, kind in PINGSHUI.parts.rhymes(line[-1])
                if kind == PINGSHUI.parts.class_in(part, wanted.kind)
            }
            by_rhyme.setdefault(wanted.rhyme, []).append(able)
    repeated = all(text[place] == text[of] for place, of in tunes()[name].echoes.items())
    return repeated and all(set.intersection(*parts) for parts in by_rhyme.values())


@pytest.mark.parametrize("name", SHORT)
def test_every_composed_piece_keeps_its_pattern(name: str, chosen: Composer) -> None:
    starts = verse.prepared(chosen, form=name, repeat=True)
    for seed in range(6):
        poem = chosen.write(starts, Sampling(1.0, 4), seed)
        assert keeps(name, poem.lines)
        verdict = check(str(poem), form=name)
        assert verdict.ok
        pairs = list(zip(poem.lines, tunes()[name].lines, strict=True))
        feet = [line[-1] for line, wanted in pairs if wanted.rhyme is not None]
        # no character rhymes twice
        repeated = sum(bool(wanted.echo) and wanted.rhyme is not None for _, wanted in pairs)
        assert len(set(feet)) >= len(feet) - repeated


def test_no_character_is_repeated_except_where_the_tune_repeats(chosen: Composer) -> None:
    # of both tones, in the repeated line too
    starts = verse.prepared(chosen, form="如夢令", include="看")
    for seed in range(6):
        poem = chosen.write(starts, Sampling(1.0, 4), seed)
        text = "".join(poem.lines)
        assert poem.lines[4] == poem.lines[5]
        doubled = {one for one, other in pairwise(text) if one == other}
        assert {one for one, times in Counter(text).items() if times > 1} <= set(
            poem.lines[4]
        ) | doubled


def test_openings_acrostics_patterns_words_and_rhymes_are_kept(model: Path) -> None:
    options = {"acrostic": "山月", "include": "綠酒", "rhyme": "東、翰", "repeat": True}
    (poem,) = compose(form="相見歡", seed=1, particles=4, model=model, **options)  # type: ignore[arg-type]
    assert [line[0] for line in poem.lines[:2]] == ["山", "月"]
    assert "綠酒" in "".join(poem.lines)
    assert poem.rhyme == "第一部、第七部"
    (poem,) = compose(form="憶江南", pattern="＿＿月", start="山", seed=1, particles=4, model=model)
    assert (poem.lines[0][0], poem.lines[0][2]) == ("山", "月")
    assert str(poem) == "{}，{}。{}，{}。{}。".format(*poem.lines)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"start": "月"}, "line 1, character 1 must be level; 月 is oblique"),
        (
            {"acrostic": "年", "rhyme": "東"},
            "give up acrostic's 年 .*must rhyme in 第一部; 年 rhymes in 第七部",
        ),
        ({"rhyme": "屋"}, "rhyme 屋 is not one in which 十六字令 rhymes; choose one of 第一部"),
    ],
)
def test_an_impossible_wish_names_what_clashes(
    model: Path, options: dict[str, str], said: str
) -> None:
    with pytest.raises((InfeasibleError, InputError), match=said):
        compose(model=model, **{"form": "十六字令"} | options)  # type: ignore[arg-type]


def test_a_tune_that_the_model_has_not_read_is_composed_by_its_pattern(model: Path) -> None:
    with pytest.warns(UserWarning, match="has read no 詞 to the tune 浣溪沙"):
        (poem,) = compose(form="浣溪沙", seed=1, particles=4, model=model, repeat=True)
    assert keeps("浣溪沙", poem.lines)


def test_a_repeated_line_is_revised_with_what_it_repeats(model: Path) -> None:
    (poem,) = compose(form="如夢令", seed=1, particles=4, model=model)
    (changed,) = revise(poem, [5], seed=2, particles=4, model=model)
    assert changed.lines[4] == changed.lines[5] != poem.lines[4]
    assert changed.lines[:4] + changed.lines[6:] == poem.lines[:4] + poem.lines[6:]
    for found in alternatives(Sheet.of(poem), 5, 2, 2, model=model):
        lines = [
            line[:1] + found.text if n in (4, 5) else line for n, line in enumerate(poem.lines)
        ]
        assert keeps("如夢令", lines)
    assert len(explain(poem, model=model)) == 33


def test_a_line_repeats_no_character_that_is_excluded_where_it_stands_again(
    chosen: Composer,
) -> None:
    starts = verse.prepared(chosen, form="如夢令", repeat=True)
    written = {chosen.write(starts, Sampling(1.0, 4), seed).lines[5] for seed in range(6)}
    limits = [Limit(line=6, characters="".join(sorted(set("".join(written)))))]
    sheet = Sheet(form="如夢令", repeat=True, exclude_at=limits)
    starts = chosen.prepare(read_request(chosen.vocabulary, sheet))
    for seed in range(6):
        lines = chosen.write(starts, Sampling(1.0, 4), seed).lines
        assert lines[4] == lines[5]
        assert not set(limits[0].characters) & set(lines[5])


def test_a_draft_is_mended_with_the_fewest_changes(model: Path) -> None:
    (poem,) = compose(form="如夢令", seed=1, particles=4, model=model)
    lines = list(poem.lines)
    customary = tunes()["如夢令"].lines[2].customary
    place = next(n for n, tone in enumerate(customary) if tone == "Z")
    lines[2] = lines[2][:place] + "天" + lines[2][place + 1 :]
    lines[5] = "花" + lines[5][1:]
    (mended,) = mend("，".join(lines), form="如夢令", seed=1, particles=16, model=model)
    assert keeps("如夢令", mended.poem.lines)
    changes = [(each.line, each.position, each.rules) for each in mended.changes]
    assert changes == [(3, place + 1, ("失律",)), (6, 1, ("疊句",))]


def test_the_tokens_are_the_tunes(chosen: Composer) -> None:
    starts = verse.prepared(chosen, form="十六字令")
    prefix = chosen.prefix(starts.constraints.request)
    assert prefix == [chosen.vocabulary.ids["<詞:十六字令>"]]
    poem = chosen.write(starts, Sampling(1.0, 2), 0)
    assert poem.log_probability == pytest.approx(
        chosen.score(poem.lines, prefix, "十六字令")[1].sum(), rel=0.02
    )
    assert find_form("十六字令").marks(0) == "。。，。"


def test_a_rhyme_that_the_tune_repeats_is_not_mended(model: Path) -> None:
    (poem,) = compose(form="長相思", seed=1, particles=4, model=model, repeat=True)
    assert poem.lines[0][-1] == poem.lines[1][-1]
    (mended,) = mend(str(poem), form="長相思", seed=1, particles=4, model=model)
    assert (mended.poem.lines, mended.changes) == (poem.lines, ())


def test_a_rhyme_that_the_user_repeats_stays_when_another_place_is_mended(model: Path) -> None:
    (poem,) = compose(form="西江月", seed=1, particles=4, model=model, repeat=True)
    lines = list(poem.lines)
    lines[5] = lines[5][:-1] + lines[1][-1]
    assert check("，".join(lines), form="西江月").ok
    customary = tunes()["西江月"].lines[2].customary
    place = customary.index("Z")
    lines[2] = lines[2][:place] + "天" + lines[2][place + 1 :]
    (mended,) = mend("，".join(lines), form="西江月", seed=1, particles=4, model=model)
    assert [(each.line, each.position) for each in mended.changes] == [(3, place + 1)]


def test_a_poem_that_repeats_a_rhyme_can_be_revised(model: Path) -> None:
    (poem,) = compose(form="西江月", seed=1, particles=4, model=model, repeat=True)
    lines = list(poem.lines)
    lines[5] = lines[5][:-1] + lines[1][-1]
    (changed,) = revise(read_poem("，".join(lines), form="西江月"), [1], seed=1, model=model)
    assert changed.lines[1:] == lines[1:]


def test_the_user_s_own_division_is_kept(model: Path) -> None:
    (poem,) = compose(form="憶江南", seed=1, particles=4, model=model, repeat=True)
    text = "".join(poem.lines)
    moved = [text[:3], text[3:8], text[8:16], text[16:22], text[22:]]
    read = read_poem("，".join(moved), form="憶江南")
    (revised,) = revise(read, [3], seed=2, model=model)
    assert [len(line) for line in revised.lines] == [len(line) for line in moved]
    assert [revised.lines[n] for n in (0, 1, 3, 4)] == [moved[n] for n in (0, 1, 3, 4)]


@pytest.mark.parametrize("keep", ["", "a word of two lines of the tune"])
def test_a_draft_is_mended_in_the_user_s_own_lines(model: Path, keep: str) -> None:
    """Its first two lines, of three and of five characters, are joined."""
    (poem,) = compose(form="憶江南", seed=1, particles=4, model=model, repeat=True)
    joined = poem.lines[0] + poem.lines[1]
    draft = [joined, *poem.lines[2:4], poem.lines[4][:4] + "月"]  # which does not rhyme
    kept = [joined[2:4]] if keep else []
    (mended,) = mend("，".join(draft), form="憶江南", keep=kept, seed=1, particles=4, model=model)
    assert mended.poem.lines[:3] == draft[:3]
    assert [(each.line, each.position, each.old) for each in mended.changes] == [(4, 5, "月")]


def test_a_character_that_leads_is_one_that_often_leads(chosen: Composer) -> None:
    tune = tunes()["水龍吟"]
    assert tune.leads
    composer = verse.composer(POOL + "正看問更念想望對")
    inclusion = verse.prepared(composer, form="水龍吟", repeat=True)
    poem = composer.write(inclusion, Sampling(1.0, 4), 0)
    text = "".join(poem.lines)
    assert {text[place] for place in tune.leads} <= set(LEADING)
