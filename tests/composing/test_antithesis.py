"""The table of antithesis: its formula, its place in composing, and that poets' pairs score above strangers'."""

import numpy as np
import pytest

from pingze.composing.steering.antithesis import Antithesis, antithesis_notes, antithesis_table
from pingze.network.vocabulary import Vocabulary
from pingze.verse import check
from pingze.verse.forms import find_form


def invented() -> tuple[Antithesis, dict[str, np.ndarray]]:
    rng = np.random.default_rng(0)
    shapes = {"vectors": (4, 3), "signs": (3,), "bias": (4,), "log_z": (4,)}
    parts = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    return Antithesis.of_vectors("天地山水", **parts), parts


def test_one_thing_said_twice_and_a_weak_couplet_are_noted() -> None:
    """In the second couplet's place: an antithesis, synonyms, and a line set against one that it does not match."""

    def notes(*couplet: str) -> list[dict[str, object]]:
        lines = ["獨坐寒窗下", "無人問姓名", *couplet, "青山横北郭", "白水遶東城", "閑眠不可見", "何處有琴聲"]
        return [note.cause for note in antithesis_notes(check("，".join(lines), form="五律"))]

    assert notes("明月松間照", "清泉石上流") == []
    assert notes("遠路孤舟去", "長途獨船還") == []  # 去 and 還 are no synonyms, and one pair is no fault
    assert [note["has"] for note in notes("遠路舟歸晚", "長途船還明")] == [["舟船 (3.3)", "歸還 (3.4)"]]
    assert notes("不知何處去", "白髮似霜鬢") == [{"code": "weak_antithesis", "line": 3, "other_line": 4}]
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
    ("form", "lines", "needed"), [("五絕", 4, []), ("七律", 8, [1, 2]), ("五排", 12, [1, 2, 3, 4]), ("五古", 8, [])]
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
