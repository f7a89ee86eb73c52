"""`pingze export` as a person meets it."""

import json
from pathlib import Path

import pytest

from tests.cli.calling import Call


def test_a_folder_and_a_graph(call: Call, tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    figures.write_text(json.dumps({"split": "dev", "perplexity": 50.5}), encoding="utf-8")
    to, onnx = tmp_path / "shared", tmp_path / "step.onnx"
    files = ("--to", str(to), "--onnx", str(onnx), "--figures", str(figures))
    status, out, err = call("export", "--model", "report", *files)
    assert (status, out) == (0, "")
    written = [to / name for name in ("model.safetensors", "config.json", "vocab.txt", "README.md")]
    assert err.splitlines() == [f"wrote {path}" for path in (*written, onnx)]
    assert call("generate", "日", "--seed", "1", "--model", str(to))[0] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("", "nothing to write: give --to FOLDER, --onnx FILE, or both"),
        ("--to x --figures nowhere.json", "nowhere.json cannot be read: No such file or directory"),
        ("--to x --figures pyproject.toml", "pyproject.toml holds no figures"),
    ],
)
def test_what_cannot_be_is_one_line(call: Call, arguments: str, said: str) -> None:
    status, out, err = call("export", *arguments.split())
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert said in err
