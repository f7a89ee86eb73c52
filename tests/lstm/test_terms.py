"""The numbers of gradient terms mean the same wherever they stand: what `formulas.step_backward` gives them."""

import re
from pathlib import Path

import pytest

import pingze

PACKAGE = Path(pingze.__path__[0])
DERIVATION = Path(__file__).parents[2] / "docs" / "lstm-derivation.md"
TERMS = {"do": 1, "dc": 2, "df": 3, "di": 4, "dc_tilde": 5, "dc_prev": 6}
FUSED = {"i": (4, 7), "f": (3, 8), "c_tilde": (5, 9), "o": (1, 10)}
"""What a gate's gradient by its pre-activation is made of, where both terms are one line."""
COPIES: dict[str, dict[str, tuple[int, ...]]] = {
    "lstm/kernels.py": {
        r"^ *dc\[k\] = ": (2,),
        r"_sigmoid_gradient\(dc, c_tilde, i,": FUSED["i"],
        r"_sigmoid_gradient\(dc, c_prev\[b\], f,": FUSED["f"],
        r"_tanh_gradient\(dc, i, c_tilde,": FUSED["c_tilde"],
        r"\* phi_c\[k\] \* o\[k\]": FUSED["o"],
        r"_scale\(dc, f, dc_next": (6,),
    },
    "lstm/layer.py": {
        r"product\(dnet, W_ih\)": (11,),
        r"times_W_hh\(dnet": (12,),
        r"product\(dnet\.T, x\)": (13,),
        r"product\(dnet\.T, h_prev\)": (14,),
        r"dbiases\[running\] \+= dnet": (15,),
    },
}


def numbers(line: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\((\d+)\)", line.partition("#")[2]))


def reference() -> dict[str, int]:
    """The number of each gradient in `formulas.step_backward`, by its name there."""
    text = (PACKAGE / "lstm" / "formulas.py").read_text(encoding="utf-8")
    body = text.split("def step_backward", 1)[1].split("\ndef ", 1)[0]
    found = re.findall(r"^    (\w+) = .*# \((\d+)\)", body, re.MULTILINE)
    return {name: int(number) for name, number in found}


def test_the_reference_numbers_every_term() -> None:
    found = reference()
    assert sorted(found.values()) == list(range(1, len(found) + 1))
    assert {name: found[name] for name in TERMS} == TERMS
    assert [found[f"dnet_{gate}"] for gate in "ifco"] == [7, 8, 9, 10]


@pytest.mark.parametrize("file", COPIES)
def test_copies_number_the_same_terms(file: str) -> None:
    text = (PACKAGE / file).read_text(encoding="utf-8")
    for pattern, terms in COPIES[file].items():
        (line,) = (line for line in text.splitlines() if re.search(pattern, line))
        assert numbers(line) == terms, line


def test_the_derivation_numbers_the_same_terms() -> None:
    letters = {r"d\mathbf{o}": "do", r"d\mathbf{f}": "df", r"d\mathbf{i}": "di"}
    rows = re.findall(r"^\| \((\d+)\) \| \$`(.*?) =", DERIVATION.read_text(encoding="utf-8"), re.MULTILINE)
    found = {letters[left]: int(number) for number, left in rows if left in letters}
    assert found == {name: reference()[name] for name in letters.values()}
