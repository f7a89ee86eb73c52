"""The shipped models: what they weigh, know and write, and what stock PyTorch makes of the report's."""

import importlib
import json
import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
import torch

from pingze.corpus import Store
from pingze.network import checkpoint
from pingze.network.batches import encode_sequence
from pingze.network.conditions import Conditions
from pingze.network.model import LanguageModel
from pingze.network.vocabulary import PAD
from pingze.training.evaluation import evaluate
from pingze.training.presets import LENGTHS
from pingze.training.texts import read_split
from pingze.verse.forms import FORMS
from tests import invented

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def report() -> checkpoint.Checkpoint:
    return checkpoint.load("report")


def stock_nats_per_token(model: checkpoint.Checkpoint, texts: list[str]) -> float:
    """The shipped weights in torch.nn.LSTM, on padded batches, under torch.nn.functional.cross_entropy."""
    tensors = {name: torch.from_numpy(tensor) for name, tensor in model.tensors.items()}
    lstm = torch.nn.LSTM(256, 512)
    parts = {"weight_ih_l0": "weight_ih", "weight_hh_l0": "weight_hh", "bias_ih_l0": "bias"}
    weights = {name: tensors[f"lstm.0.{part}"] for name, part in parts.items()}
    lstm.load_state_dict(weights | {"bias_hh_l0": torch.zeros(2048)})
    sequences = [torch.from_numpy(encode_sequence(text, model.vocabulary, 48)) for text in texts]
    total, count = 0.0, 0
    for start in range(0, len(sequences), 64):
        ids = torch.nn.utils.rnn.pad_sequence(sequences[start : start + 64])
        hidden, _ = lstm(torch.nn.functional.embedding(ids[:-1], tensors["embedding.weight"]))
        logits = torch.nn.functional.linear(
            hidden, tensors["output.weight"], tensors["output.bias"]
        )
        targets = ids[1:].flatten()
        loss = torch.nn.CrossEntropyLoss(ignore_index=PAD, reduction="sum")
        total += float(loss(logits.flatten(0, 1), targets))
        count += int((targets != PAD).sum())
    return total / count


def test_sizes_and_conditions_of_the_shipped_models(report: checkpoint.Checkpoint) -> None:
    for name, most in (("report", 13_000_000), ("tang", 30_000_000)):
        assert (files("pingze.network.weights") / f"{name}.safetensors").stat().st_size < most  # type: ignore[attr-defined]
    sizes = report.configuration
    assert (sizes.vocabulary_size, sizes.embedding_size, sizes.hidden_size, sizes.layers) == (
        5851,
        256,
        512,
        1,
    )
    conditions = Conditions(checkpoint.load(checkpoint.DEFAULT).vocabulary)
    assert {"李白", "杜甫", "白居易"} <= set(conditions.poets)
    assert set(FORMS) <= conditions.names.keys()


@torch.no_grad()
def test_stock_pytorch_agrees_on_invented_texts(report: checkpoint.Checkpoint) -> None:
    texts = [text + "囧" * (n % 3) for n, text in enumerate(invented.texts(70, lines=8))]
    ours = evaluate(LanguageModel.of(report), texts, report.vocabulary, 48)
    assert ours.nats_per_token == pytest.approx(stock_nats_per_token(report, texts), abs=1e-4)


@pytest.mark.slow
@pytest.mark.corpus
@torch.no_grad()
def test_recorded_figures_are_reached(
    report: checkpoint.Checkpoint, corpus: Store, corpus_home: Path
) -> None:
    figures = json.loads((ROOT / "lab" / "figures.json").read_text(encoding="utf-8"))
    command = [
        sys.executable,
        "-m",
        "pingze",
        "evaluate",
        "--model",
        "report",
        "--split",
        "dev",
        "--json",
    ]
    evaluated = json.loads(
        subprocess.check_output(command, env=os.environ | {"PINGZE_HOME": str(corpus_home)})
    )
    by_stock = stock_nats_per_token(report, corpus.report_draw("dev"))
    assert evaluated["nats_per_token"] == pytest.approx(by_stock, abs=1e-3)
    recorded = figures["report.dev.nats_per_48"]["value"]
    assert evaluated["nats_per_48_tokens"] == pytest.approx(recorded, abs=0.01)
    assert recorded <= 238
    model = checkpoint.load(checkpoint.DEFAULT)
    texts = read_split(corpus, "tang", "dev")
    reached = evaluate(LanguageModel.of(model), texts, model.vocabulary, LENGTHS["tang"])
    recorded = figures["model.dev.hanzi_perplexity_with_all"]["value"]
    assert reached.hanzi_perplexity == pytest.approx(recorded, rel=1e-3)


def test_the_samples_page_is_what_the_model_writes() -> None:
    samples = importlib.import_module("lab.experiments.samples")
    shown, written = (
        text.split("\n`") for text in (samples.PAGE.read_text(encoding="utf-8"), samples.page())
    )
    assert [part.splitlines()[0] for part in shown] == [part.splitlines()[0] for part in written]
    same = sum(one == other for one, other in zip(shown, written, strict=True))
    # A draw within rounding of an edge falls otherwise on another processor.
    assert same > len(samples.REPORT) / 2
