"""`pingze evaluate` on a corpus of invented poems."""

import json
import math
from pathlib import Path

import pytest

from tests import invented
from tests.cli.calling import Call
from tests.composing import verse
from tests.training import command


@pytest.fixture
def model(tmp_path: Path, home: Path) -> str:
    command.build_corpus(tmp_path / "poems")
    return str(invented.saved(tmp_path / "model.safetensors", verse.checkpoint_of("平仄東同")))


def test_evaluate_measures_the_dev_split(call: Call, model: str) -> None:
    status, out, err = call("evaluate", "--model", model, "--json")
    row = json.loads(out)
    assert (status, row["split"], row["model"]) == (0, "dev", model)
    assert row["perplexity"] == pytest.approx(math.exp(row["nats_per_token"]))
    assert err.startswith("predicting ")


def test_evaluate_prints_a_line_for_each_figure(call: Call, model: str) -> None:
    lines = call("evaluate", "--model", model, "--split", "train")[1].splitlines()
    assert lines[1].split() == ["split", "train"]
