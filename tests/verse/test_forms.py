from itertools import product

import pytest

from pingze.errors import InputError
from pingze.verse.forms import FORMS, OPENINGS, find_form, opening_name
from pingze.verse.patterns import RESCUED, STRICTNESSES, accepted
from tests.verse import reference


def test_the_forms() -> None:
    assert sorted(FORMS) == sorted(a + b for a in "五七" for b in "絕律排古")
    for form in FORMS.values():
        assert len(form.openings) == (4 if form.regulated else 0)
        assert set(form.openings) <= set(OPENINGS)
    assert [count for count in range(20) if FORMS["五排"].takes(count)] == [10, 12, 14, 16, 18]
    assert [count for count in range(20) if FORMS["七律"].takes(count)] == [8]
    assert FORMS["七古"].takes(5)


def test_names_of_forms_and_templates() -> None:
    given = ["五绝", " 五言絕句 ", "七律诗", "五言排律", "七言古诗"]
    assert [find_form(name).name for name in given] == ["五絕", "五絕", "七律", "五排", "七古"]
    with pytest.raises(InputError, match="form '詞' is unknown; choose one of 五絕"):
        find_form("詞")
    assert [opening_name(5, kind) for kind in "aDcB"] == [
        *("仄起首句不入韻", "仄起首句入韻", "平起首句不入韻", "平起首句入韻")
    ]
    assert [opening_name(7, kind)[0] for kind in "aDcB"] == [*"平平仄仄"]


@pytest.mark.parametrize("level", STRICTNESSES)
@pytest.mark.parametrize("width", [5, 7])
def test_couplets_may_be_written_as_the_rule_table_says(width: int, level: str) -> None:
    """Every pair of lines, against the brute force: alone, and as the rescue that replaces it."""
    for start in ("aB", "cD"):
        kinds = [tuple(start), *([tuple(RESCUED[kind] for kind in start)] if start == "aB" else [])]
        written = {pair for kind in kinds for pair in product(*(instances(each, width, level) for each in kind))}
        every = [f"{bits:0{2 * width}b}".translate({48: "P", 49: "Z"}) for bits in range(4**width)]
        expected = {
            (text[:width], text[width:]) for text in every if reference.fits([text[:width], text[width:]], start, level)
        }
        assert written == expected


def instances(kind: str, width: int, level: str) -> set[str]:
    """All the lines of P and Z in a type."""
    tones = (["PZ" if tone == "x" else tone for tone in each.tones] for each in accepted(kind, width, level))
    return {"".join(line) for places in tones for line in product(*places)}
