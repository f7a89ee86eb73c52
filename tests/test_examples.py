"""The notebooks of examples/ hold what they print and draw when they run from their first cell to their last."""

import functools
import importlib
import json
import re
import sys
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
    w = minimal.start(9, np.random.default_rng(0), np.float64)
    ids = np.random.default_rng(1).integers(9, size=(6, 3))
    _, cache = minimal.forward(w, ids)
    d = minimal.backward(w, cache)

    start = np.zeros((3, minimal.H))
    parameters = formulas.Parameters(w["W_x"], w["W_h"], w["b"])
    (hidden, _, _), caches = formulas.sequence_forward(w["M"][ids[:-1]], start, start, parameters)
    p = np.exp(hidden @ w["U"].T + w["a"])
    p /= p.sum(axis=2, keepdims=True)
    p -= np.eye(9)[ids[1:]]
    expected = formulas.sequence_backward(p / 15 @ w["U"], start, start, caches)[3]
    gradients = {"W_x": d["W_x"], "W_h": d["W_h"], "b": d["b"]}
    assert_close(gradients, dict(zip(gradients, expected, strict=True)), 1e-12)


def test_minimal_py_checks_its_gradients(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    minimal = importlib.import_module("examples.minimal")
    assert minimal.check_gradients()
    assert capsys.readouterr().out.count("by hand and by central differences") == 6
    right = minimal.backward

    def wrong(w: dict[str, np.ndarray], cache: object) -> dict[str, np.ndarray]:
        d: dict[str, np.ndarray] = right(w, cache)
        d["W_h"] *= 1.01
        return d

    monkeypatch.setattr(minimal, "backward", wrong)
    assert not minimal.check_gradients()


@pytest.mark.parametrize("text", ["天地山水風，月花雪日夜。江海春秋東，西人心雲雨。" * 2])
@pytest.mark.parametrize("marks", ["，。", ",."])
def test_minimal_py_cuts_four_lines_whatever_the_marks(text: str, marks: str) -> None:
    cut = importlib.import_module("examples.minimal").cut
    given = text.replace("，", marks[0]).replace("。", marks[1])
    assert cut(f" {given}\n", 5) == text[:24]
    assert cut(given, 7) is None


def test_minimal_py_reads_the_first_poem_of_a_file_with_a_byte_order_mark(tmp_path: Path) -> None:
    minimal = importlib.import_module("examples.minimal")
    poems = invented.texts(30)
    path = tmp_path / "poems.txt"
    path.write_text("\n".join(poems), encoding="utf-8-sig")
    assert minimal.read_texts(path) == poems


def test_minimal_py_reads_the_corpus_only_where_pingze_is_installed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    minimal = importlib.import_module("examples.minimal")
    monkeypatch.setitem(sys.modules, "pingze.corpus", None)
    with pytest.raises(SystemExit):
        minimal.read_texts()
    assert "`pip install .`, or name a file" in capsys.readouterr().err


def test_minimal_py_reads_lines_of_seven() -> None:
    minimal = importlib.import_module("examples.minimal")
    rng = np.random.default_rng(0)
    poems = []
    for _ in range(30):
        lines = ["".join(rng.choice(list("天地山水風月花雪日夜"), 7)) for _ in range(4)]
        poems.append("{}，{}。{}，{}。".format(*lines))
    assert minimal.choose_poems(poems) == sorted(set(poems))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nowhere.txt", "nowhere.txt cannot be read: "),
        ("prose.txt", "0 poems are of use; wanted are 20 or more"),
        ("picture.txt", "picture.txt is no text in UTF-8"),
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
    (tmp_path / "picture.txt").write_bytes(b"\x89PNG")
    with pytest.raises(SystemExit) as stopped:
        importlib.import_module("examples.minimal").main(name)
    assert stopped.value.code == 2
    assert re.fullmatch(f"minimal.py: .*{said}.*\n", capsys.readouterr().err)


def train_minimal(
    monkeypatch: pytest.MonkeyPatch, folder: Path, poems: list[str], steps: int
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Train the network of minimal.py, made smaller, on some poems."""
    minimal = importlib.import_module("examples.minimal")
    small = functools.partial(minimal.start, E=16, H=32)
    monkeypatch.setattr(minimal, "start", small)
    path = folder / "poems.txt"
    path.write_text("\n".join(poems), encoding="utf-8")
    trained: tuple[dict[str, np.ndarray], list[str]] = minimal.main(path, steps=steps)
    return trained


def test_minimal_py_learns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    minimal = importlib.import_module("examples.minimal")
    trained, characters = train_minimal(monkeypatch, tmp_path, invented.texts(80), steps=60)
    poem = minimal.generate(trained, characters, np.random.default_rng(0), 24, "日")
    assert poem[0] == "日"
    data = minimal.encode(invented.texts(8, seed=1), characters)
    assert minimal.loss_of(trained, data) < 0.95 * np.log(len(characters))
    assert "8 poems are held out" in capsys.readouterr().out


@pytest.mark.slow
def test_minimal_py_stops_where_the_held_out_loss_turns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    train_minimal(monkeypatch, tmp_path, invented.texts(40), steps=3000)
    printed = capsys.readouterr().out
    assert "The held-out loss has turned" in printed
    assert "step 3000" not in printed
