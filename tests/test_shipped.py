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

import pingze
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


@pytest.fixture(scope="module")
def evaluated(corpus_home: Path) -> dict[str, float]:
    """What `pingze evaluate --split dev --json` prints for the shipped model."""
    command = [sys.executable, "-m", "pingze", "evaluate", "--model", "report", "--split", "dev", "--json"]
    environment = os.environ | {"PINGZE_HOME": str(corpus_home)}
    done = subprocess.run(command, check=True, capture_output=True, encoding="utf-8", env=environment)
    return json.loads(done.stdout)


def stock_nats_per_token(model: checkpoint.Checkpoint, texts: list[str]) -> float:
    """The shipped weights in torch.nn.LSTM, on padded batches, under torch.nn.functional.cross_entropy."""
    tensors = {name: torch.from_numpy(tensor) for name, tensor in model.tensors.items()}
    lstm = torch.nn.LSTM(256, 512)
    lstm.load_state_dict(
        {
            "weight_ih_l0": tensors["lstm.0.weight_ih"],
            "weight_hh_l0": tensors["lstm.0.weight_hh"],
            "bias_ih_l0": tensors["lstm.0.bias"],
            "bias_hh_l0": torch.zeros(2048),
        }
    )
    sequences = [torch.from_numpy(encode_sequence(text, model.vocabulary, 48)) for text in texts]
    total, count = 0.0, 0
    for start in range(0, len(sequences), 64):
        ids = torch.nn.utils.rnn.pad_sequence(sequences[start : start + 64])
        hidden, _ = lstm(torch.nn.functional.embedding(ids[:-1], tensors["embedding.weight"]))
        logits = torch.nn.functional.linear(hidden, tensors["output.weight"], tensors["output.bias"])
        targets = ids[1:].flatten()
        total += float(
            torch.nn.functional.cross_entropy(
                logits.flatten(0, 1), targets, ignore_index=PAD, reduction="sum"
            )
        )
        count += int((targets != PAD).sum())
    return total / count


def test_size_and_configuration(report: checkpoint.Checkpoint) -> None:
    assert (files("pingze.network.weights") / "report.safetensors").stat().st_size < 13_000_000  # type: ignore[attr-defined]
    configuration = report.configuration
    assert (configuration.vocabulary_size, configuration.embedding_size) == (5851, 256)
    assert (configuration.hidden_size, configuration.layers) == (512, 1)


def test_the_default_model_knows_forms_poets_and_titles() -> None:
    assert (files("pingze.network.weights") / "tang.safetensors").stat().st_size < 30_000_000  # type: ignore[attr-defined]
    conditions = Conditions(checkpoint.load(checkpoint.DEFAULT).vocabulary)
    assert {"李白", "杜甫", "白居易"} <= set(conditions.poets)
    assert set(FORMS) <= conditions.names.keys()


@pytest.mark.parametrize(("option", "value"), [("title", "送友人歸江東"), ("poet", "李白")])
def test_a_title_and_a_poet_make_another_poem_of_the_same_form(option: str, value: str) -> None:
    free, asked = (pingze.compose(form="五律", seed=3, **options)[0] for options in ({}, {option: value}))
    assert asked.lines != free.lines
    assert getattr(asked, option) == value
    assert pingze.check(str(asked), form="五律").ok


@torch.no_grad()
def test_stock_pytorch_agrees_on_invented_texts(report: checkpoint.Checkpoint) -> None:
    texts = [text + "囧" * (n % 3) for n, text in enumerate(invented.texts(70, lines=8))]
    ours = evaluate(LanguageModel.of(report), texts, report.vocabulary, 48)
    assert ours.nats_per_token == pytest.approx(stock_nats_per_token(report, texts), abs=1e-4)


@pytest.mark.slow
@pytest.mark.corpus
@torch.no_grad()
def test_stock_pytorch_agrees_with_evaluate_on_dev(
    report: checkpoint.Checkpoint, corpus: Store, evaluated: dict
) -> None:
    assert evaluated["nats_per_token"] == pytest.approx(
        stock_nats_per_token(report, corpus.report_draw("dev")), abs=1e-3
    )


@pytest.mark.slow
@pytest.mark.corpus
def test_recorded_figure_is_what_evaluate_prints(evaluated: dict) -> None:
    figures = json.loads((ROOT / "experiments" / "figures.json").read_text(encoding="utf-8"))
    assert evaluated["nats_per_48_tokens"] == pytest.approx(
        figures["report.dev.nats_per_48"]["value"], abs=0.01
    )
    assert evaluated["nats_per_48_tokens"] <= 238


@pytest.mark.slow
@pytest.mark.corpus
@torch.no_grad()
def test_recorded_perplexity_of_the_default_model_is_what_it_reaches(corpus: Store) -> None:
    figures = json.loads((ROOT / "experiments" / "figures.json").read_text(encoding="utf-8"))
    model = checkpoint.load(checkpoint.DEFAULT)
    texts = read_split(corpus, "tang", "dev")
    reached = evaluate(LanguageModel.of(model), texts, model.vocabulary, LENGTHS["tang"])
    recorded = figures["model.dev.hanzi_perplexity_with_all"]["value"]
    assert reached.hanzi_perplexity == pytest.approx(recorded, rel=1e-3)


def test_the_samples_page_is_what_the_model_writes() -> None:
    samples = importlib.import_module("experiments.samples")
    shown, written = (
        text.split("\n`") for text in (samples.PAGE.read_text(encoding="utf-8"), samples.page())
    )
    assert [part.splitlines()[0] for part in shown] == [part.splitlines()[0] for part in written]
    same = sum(one == other for one, other in zip(shown, written, strict=True))
    assert (
        same > len(samples.REPORT) / 2
    )  # a draw within rounding of an edge falls otherwise on another processor
