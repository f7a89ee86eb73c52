"""The notebooks of examples/ hold what they print and draw when they run from their first cell to their last."""

import importlib
import json
import re
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest

from pingze.lstm import formulas
from tests import invented
from tests.comparing import assert_close
from tools import run_notebooks

NOTEBOOKS = sorted(run_notebooks.FOLDER.glob("*.ipynb"))


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_holds_what_running_it_gives(path: Path) -> None:
    committed = json.loads(path.read_text(encoding="utf-8"))
    assert run_notebooks.run(deepcopy(committed)) == committed
    assert any(cell.get("outputs") for cell in committed["cells"])


def test_minimal_py_has_the_gradients_of_the_formulas() -> None:
    minimal = importlib.import_module("examples.minimal")
    w = {
        name: value.astype(np.float64)
        for name, value in minimal.start(9, np.random.default_rng(0)).items()
    }
    ids = np.random.default_rng(1).integers(9, size=(6, 3))
    _, d = minimal.loss_and_gradients(w, ids)

    start = np.zeros((3, minimal.H))
    parameters = formulas.Parameters(w["W_x"], w["W_h"], w["b"])
    (hidden, _, _), caches = formulas.sequence_forward(w["M"][ids[:-1]], start, start, parameters)
    p = np.exp(hidden @ w["U"].T + w["a"])
    p /= p.sum(axis=2, keepdims=True)
    p -= np.eye(9)[ids[1:]]
    expected = formulas.sequence_backward(p / 15 @ w["U"], start, start, caches)[3]
    gradients = {"W_x": d["W_x"], "W_h": d["W_h"], "b": d["b"]}
    assert_close(gradients, dict(zip(gradients, expected, strict=True)), 1e-6)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nowhere.txt", "nowhere.txt cannot be read: "),
        ("prose.txt", "no poem is in lines of five"),
        (None, "there is no corpus at .*: run `pingze corpus fetch`, or name a file"),
    ],
)
def test_minimal_py_says_in_one_line_that_it_has_no_poems(
    name: str | None,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prose.txt").write_text("no verse", encoding="utf-8")
    with pytest.raises(SystemExit) as stopped:
        importlib.import_module("examples.minimal").main(name)
    assert stopped.value.code == 2
    assert re.fullmatch(f"minimal.py: .*{said}.*\n", capsys.readouterr().err)


@pytest.mark.slow
def test_minimal_py_learns(tmp_path: Path) -> None:
    minimal = importlib.import_module("examples.minimal")
    poems = tmp_path / "poems.txt"
    poems.write_text("\n".join(invented.texts(80)), encoding="utf-8")
    trained, characters = minimal.main(poems, steps=40)
    assert minimal.generate(trained, characters, np.random.default_rng(0), "日")[0] == "日"
    data = np.array(
        [[characters.index(c) for c in f"\n{text}\n"] for text in invented.texts(8, seed=1)]
    ).T
    assert minimal.loss_and_gradients(trained, data)[0] < 0.8 * np.log(len(characters))
