"""Terms that weigh a text: mood and which titles tell one, characters of other poems, and antithesis."""

import math
import warnings

import numpy as np
import pytest

from pingze.composing.composer import load_composer
from pingze.composing.desk import alternatives, compose, revise
from pingze.composing.options import Composing
from pingze.composing.read_request import read_poet, read_request
from pingze.composing.sheet import Sheet
from pingze.composing.terms.antithesis import Antithesis, antithesis_notes, antithesis_table
from pingze.composing.terms.mood import NATS, PRIOR, Leaning, likeness
from pingze.composing.title_moods import CALM, JOYFUL, SAD, mood_of
from pingze.network.vocabulary import Vocabulary
from pingze.verse.checking import check
from pingze.verse.forms import find_form
from tools import moods


@pytest.mark.parametrize(
    ("mood", "titles"),
    [
        (
            JOYFUL,
            "壽 壽王侍郎 賀新婚 賀友人得子 新婚 結婚 癸未生日 皇子誕辰 恭賀新禧 送友人及第歸 喜晴 慶壽 爲王漕壽",
        ),
        (SAD, "輓 輓王侍郎 王令人蔡氏挽詞 哭李白 悼亡 送葬 弔屈原"),
        (
            None,
            "壽陽曲 壽安院 賀監宅 李賀宅 賀知章 慶元元年 祝融峰 新婚別 離婚 題挽舟圖 春曉 江雪 憶王壽翁 賀輓",
        ),
    ],
)
def test_what_titles_tell(mood: str | None, titles: str) -> None:
    found = {title: mood_of(title) for title in titles.split()}
    assert found == dict.fromkeys(found, mood)
    assert mood_of("賀新婚", "輓") is None
    assert mood_of(None, *found) == mood


def test_a_mood_that_is_asked_for_goes_before_the_one_that_is_told() -> None:
    vocabulary = load_composer().vocabulary
    with warnings.catch_warnings(action="error"):
        assert read_request(vocabulary, Composing(title="賀新婚", mood=CALM)).mood == CALM
        assert read_request(vocabulary, Composing(title="賀新婚", taste=0)).mood is None
        assert read_request(vocabulary, Composing(title="春曉")).mood is None
        assert read_request(vocabulary, Composing(mood=SAD, taste=0)).mood == SAD


def test_a_poem_keeps_its_mood_while_it_is_revised() -> None:
    (poem,) = compose(form="五絕", mood=SAD, seed=1, particles=8, model="report")
    assert poem.mood == poem.as_json()["mood"] == SAD
    assert revise(poem, [2], seed=1, particles=8, model="report")[0].mood == SAD
    assert revise(poem, [2], seed=1, particles=8, mood=CALM, model="report")[0].mood == CALM


def test_mood_does_not_change_the_score_of_an_alternative() -> None:
    (poem,) = compose(form="五絕", mood=SAD, seed=1, particles=8, model="report")
    sad = alternatives(Sheet.of(poem, repeat=True), 1, 3, 3, model="report")
    calm = alternatives(Sheet.of(poem, repeat=True, mood=CALM), 1, 3, 3, model="report")
    assert sad == calm


def test_counting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moods, "LEAST", 1.0)
    rows = moods.count({JOYFUL: ["春春花"], CALM: ["春山山"], SAD: ["淚淚淚", "春"]})
    assert rows["春"][0] == pytest.approx(math.log((2 + PRIOR) / (3 * (1 / 3 + 1 / 4) / 2 + PRIOR)))
    assert rows["淚"][2] == pytest.approx(math.log((3 + PRIOR) / PRIOR))
    assert next(iter(rows)) == "淚"
    said = "joyful: 100% of 1, calm: 50% of 2, sad: 100% of 1"
    assert moods.distinguished({JOYFUL: ["花"], CALM: ["山", "淚"], SAD: ["淚"]}, rows) == said


def test_characters_weigh_more_less_or_as_before_and_a_poet_is_found_however_written() -> None:
    vocabulary = load_composer("tang").vocabulary
    added = Leaning(likeness(vocabulary, "春𠀀", "秋")).before_draw(np.zeros((1, 20), int), 0)
    assert [added[vocabulary.ids[one]] for one in "春夏秋"] == [NATS, 0, -NATS]
    assert (added != 0).sum() == 2
    found = [
        read_poet(name, vocabulary)
        for name in ("黃庭堅", "黄庭堅", "黄庭坚", "高啓", "高啟", "高启")
    ]
    assert found == ["黄庭堅"] * 3 + ["高啓"] * 3


def test_a_poem_unlike_another_shares_fewer_characters_with_it() -> None:
    asked = {"form": "五絕", "title": "秋夜", "particles": 16}
    used = "".join(compose(seed=1, **asked)[0].lines)

    def shared(**way: str) -> int:
        return sum(
            one in used
            for poem in compose(seed=2, count=6, **asked, **way)
            for one in "".join(poem.lines)
        )

    assert shared(unlike=used) < shared() < shared(like=used)


def invented() -> tuple[Antithesis, dict[str, np.ndarray]]:
    rng = np.random.default_rng(0)
    shapes = {"vectors": (4, 3), "signs": (3,), "bias": (4,), "log_z": (4,)}
    parts = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    return Antithesis.of_vectors("天地山水", **parts), parts


def test_one_thing_said_twice_and_a_weak_couplet_are_noted() -> None:
    """In the second couplet's place: an antithesis, synonyms, and a line set against one that it does not match."""

    def notes(*couplet: str) -> list[dict[str, object]]:
        lines = [
            "獨坐寒窗下",
            "無人問姓名",
            *couplet,
            "青山横北郭",
            "白水遶東城",
            "閑眠不可見",
            "何處有琴聲",
        ]
        return [note.cause for note in antithesis_notes(check("，".join(lines), form="五律"))]

    assert notes("明月松間照", "清泉石上流") == []
    # 去 and 還 are no synonyms, and one pair is no fault
    assert notes("遠路孤舟去", "長途獨船還") == []
    assert [note["has"] for note in notes("遠路舟歸晚", "長途船還明")] == [
        ["舟船 (3.3)", "歸還 (3.4)"]
    ]
    assert notes("不知何處去", "白髮似霜鬢") == [
        {"code": "weak_antithesis", "line": 3, "other_line": 4}
    ]
    assert not list(antithesis_notes(check("明月松間照，清泉石上流。")))


def test_the_score_is_the_formula_and_strangers_score_nothing() -> None:
    table, parts = invented()
    u, d, c, log_z = parts.values()
    expected = (u[0] * d * u[3]).sum() + c[3] - log_z[0]
    assert table.score("天", "水") == pytest.approx(expected, rel=1e-5)
    assert table.score("天月", "水地") == pytest.approx(expected / 2, rel=1e-5)
    vocabulary = Vocabulary.of_texts(["水天月，"], size=20)
    scores = table.of(vocabulary).opposite(vocabulary.encode("天月"))
    assert scores[0, vocabulary.ids["水"]] == pytest.approx(expected)
    assert not scores[:, vocabulary.ids["月"]].any()
    assert not scores[1].any()


@pytest.mark.parametrize(
    ("form", "lines", "needed"),
    [("五絕", 4, []), ("七律", 8, [1, 2]), ("五排", 12, [1, 2, 3, 4]), ("五古", 8, [])],
)
def test_which_couplets_need_it(form: str, lines: int, needed: list[int]) -> None:
    assert list(find_form(form).antithetical(lines)) == needed
    table, _ = invented()
    text = ["天地山水天"] * lines
    score = table.of_poem(find_form(form), text)
    assert score == (pytest.approx(table.score(text[0], text[0])) if needed else None)


def test_pairs_that_poets_set_score_above_those_that_they_do_not() -> None:
    table = antithesis_table()
    assert all(table.score(a, b) > 1 for a, b in ("山水", "雲雨", "白青", "千萬", "來去"))
    assert all(table.score(a, b) < 0 for a, b in ("山不", "雲千", "白人", "千明", "來山"))
