import hashlib

import pytest

from pingze.corpus.poem import CorpusPoem, digest, lines
from tests.corpus.invented import line, poem, text


@pytest.mark.parametrize(
    ("count", "width", "name"),
    [
        *[(4, 5, "五絕"), (8, 5, "五律"), (4, 7, "七絕"), (8, 7, "七律")],
        *[(10, 5, "五言"), (6, 5, "五言"), (5, 5, "五言"), (12, 7, "七言"), (1, 7, "七言")],
        *[(4, 4, ""), (4, 6, ""), (8, 3, ""), (0, 5, "")],
    ],
)
def test_the_shape_names_the_form(count: int, width: int, name: str) -> None:
    assert poem(range(count), width).form == name
    assert CorpusPoem("tang", "", "", text([1, 2, 3]) + line(4, 7)).form == ""
    assert CorpusPoem("tang", "", "", text([1, 2, 3, 4]), "憶江南").form == ""


def test_lines_are_between_marks_and_the_digest_is_of_the_han_characters_alone() -> None:
    assert lines("甲乙，丙。丁？！戊；己：庚、辛") == ["甲乙", "丙", "丁", "戊", "己", "庚", "辛"]
    assert lines("，。") == []
    expected = hashlib.blake2b("甲乙丙𠀀".encode(), digest_size=8).digest()
    assert digest("甲乙，丙𠀀。") == digest("甲，乙丙𠀀？") == int.from_bytes(expected, "big")
