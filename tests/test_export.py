"""An exported folder, read back whole or refused; an exported step, which composes without pingze."""

import json
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from lab.figures import FIGURES, of_shipped_models
from lab.figures import SHIPPED as SHIPPED_FIGURES
from pingze import compose
from pingze.composing.composer import load_composer
from pingze.errors import CheckpointError, InputError
from pingze.export import card, write_folder, write_onnx
from pingze.network import checkpoint
from pingze.network.step_graph import onnxruntime
from pingze.network.vocabulary import BOS
from tests import invented

DOCUMENT = Path(__file__).parents[1] / "docs" / "checkpoint.md"
MADE = invented.model(conditions=["<七絕>", "<about>", "<唐>", "<張甲>"], held=True, tied=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_folder(tmp_path / "shared", MADE)
    return tmp_path / "shared"


def test_it_is_read_back_and_says_what_other_readers_need(folder: Path) -> None:
    loaded = checkpoint.load(folder)
    assert (loaded.configuration, loaded.vocabulary) == (MADE.configuration, MADE.vocabulary)
    for name, tensor in MADE.tensors.items():
        np.testing.assert_array_equal(loaded.tensors[name], tensor)
    names = ["README.md", "config.json", "model.safetensors", "vocab.txt"]
    assert sorted(path.name for path in folder.iterdir()) == names
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    tokens = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
    assert len(tokens) == config["vocabulary_size"]
    assert (tokens[config["bos_token_id"]], tokens[config["eos_token_id"]]) == ("<bos>", "<eos>")
    assert (config["hidden_size"], config["held"]) == (12, True)


def test_the_reward_goes_with_its_model(tmp_path: Path) -> None:
    reward = np.linspace(-1, 1, MADE.configuration.hidden_size, dtype=np.float32)
    write_folder(tmp_path, replace(MADE, stored={**MADE.stored, checkpoint.REWARD: reward}))
    np.testing.assert_array_equal(checkpoint.load(tmp_path).reward, reward)
    write_folder(tmp_path, MADE)
    assert checkpoint.load(tmp_path).reward is None


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("config.json", '"hidden_size": 12', '"hidden_size": 13'),
        ("config.json", "{", ""),
        ("vocab.txt", "<唐>", "<宋>"),
        ("vocab.txt", "天\n", ""),
    ],
)
def test_a_changed_file_is_refused(folder: Path, name: str, old: str, new: str) -> None:
    path = folder / name
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(
        CheckpointError, match=f"{name} is not that of the model.safetensors beside it"
    ):
        checkpoint.load(folder)


def test_a_persons_card_stays_and_other_peoples_folders_are_refused(folder: Path) -> None:
    (folder / "README.md").write_text("mine", encoding="utf-8")
    (folder / ".gitattributes").touch()
    assert folder / "README.md" not in write_folder(folder, MADE)
    assert (folder / "README.md").read_text(encoding="utf-8") == "mine"
    (folder / "thesis.doc").touch()
    with pytest.raises(InputError, match=r"holds thesis\.doc, which is no part of an export"):
        write_folder(folder, MADE)
    with pytest.raises(InputError, match="is no folder to write to: Not a directory"):
        write_folder(folder / "thesis.doc", MADE)


def test_the_card_says_what_the_model_knows() -> None:
    text = card(MADE)
    assert "dynasty (唐), form (七絕), poet (1 of them), title, theme" in text
    assert "`[dynasty][form][poet][title][<about> theme]<bos>` poem `<eos>`" in text
    assert "license: other" in text
    assert "None yet: `pingze evaluate --json`" in text
    assert "reads before a poem | nothing" in card(invented.model())
    measured = card(MADE, {"model": "runs/mine", "split": "dev", "hanzi_perplexity": 130.5})
    assert "| hanzi perplexity | 130.5 | `pingze evaluate --model FOLDER --split dev` |" in measured


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (117.22770690917969, "117.2"),
        (0.0015819212, "0.001582"),
        (8423773, "8,423,773"),
        (12345.678, "12,346"),
    ],
)
def test_a_card_rounds_figures_to_four_digits(value: float, shown: str) -> None:
    assert f"| perplexity | {shown} |" in card(MADE, {"perplexity": value})


def test_the_cards_of_the_shipped_models_have_their_figures_and_commands() -> None:
    figures = json.loads(FIGURES.read_text(encoding="utf-8"))
    assert json.loads(SHIPPED_FIGURES.read_text(encoding="utf-8")) == of_shipped_models(figures)
    for name in checkpoint.SHIPPED:
        text = card(checkpoint.load(name))
        assert "license: mit" in text
        assert (
            len(
                re.findall(
                    r"^\| .* \| [\d,.]+ \| `python .*` ?, \d{4}-\d\d-\d\d \|$", text, re.MULTILINE
                )
            )
            >= 5
        )


@pytest.mark.parametrize("name", ["report", "tang"])
def test_the_documented_operands_of_a_step_are_those_of_the_file(tmp_path: Path, name: str) -> None:
    model = checkpoint.load(name)
    write_onnx(tmp_path / "step.onnx", model)
    run = onnxruntime.InferenceSession(
        str(tmp_path / "step.onnx"), providers=["CPUExecutionProvider"]
    )
    sizes = model.configuration
    numbers = {"V": sizes.vocabulary_size, "E": sizes.embedding_size, "H": sizes.hidden_size}
    types = {"int64": "tensor(int64)", "float32": "tensor(float)"}
    documented: dict[str, list[tuple[str, str, list[int | str]]]] = {"reads": [], "returns": []}
    row = re.compile(r"^\| (reads|returns) \| `(\w+)` \| (\w+) \| \(([^)]*)\) \|", re.MULTILINE)
    for side, operand, type_, shape in row.findall(DOCUMENT.read_text(encoding="utf-8")):
        if operand != "p" or sizes.held:
            dimensions = [numbers.get(size, size) for size in shape.split(", ")]
            documented[side].append((operand, types[type_], dimensions))
    assert [(o.name, o.type, o.shape) for o in run.get_inputs()] == documented["reads"]
    assert [(o.name, o.type, o.shape) for o in run.get_outputs()] == documented["returns"]
    assert run.get_modelmeta().custom_metadata_map.keys() == {
        "configuration",
        "vocabulary",
        "format",
    }


def test_a_poem_has_the_probability_that_the_composer_gives_it(tmp_path: Path) -> None:
    """The shipped model's step, run by a program that has nothing but the file: conditions, `<bos>`, text, `<eos>`."""
    poem = compose(form="五絕", title="山居", seed=3, particles=2)[0]
    write_onnx(tmp_path / "step.onnx", checkpoint.load("tang"))
    run = onnxruntime.InferenceSession(
        str(tmp_path / "step.onnx"), providers=["CPUExecutionProvider"]
    )
    meta = run.get_modelmeta().custom_metadata_map
    ids = {token: id_ for id_, token in enumerate(json.loads(meta["vocabulary"]))}
    sizes = json.loads(meta["configuration"])
    prefix = [ids[token] for token in ("<唐>", "<五絕>", "山", "居")]
    h = c = np.zeros((1, sizes["hidden_size"]), np.float32)

    def step(id_: int, h: np.ndarray, c: np.ndarray, p: np.ndarray) -> list[np.ndarray]:
        return run.run(None, {"ids": np.array([id_]), "h0": h, "c0": c, "p": p})

    nothing = np.zeros((1, sizes["embedding_size"]), np.float32)
    p = np.mean([step(id_, h, c, nothing)[1] for id_ in prefix], axis=0)
    total, tokens = 0.0, [*prefix, BOS, *load_composer().token_ids(poem.lines)]
    for place, (before, after) in enumerate(pairwise(tokens)):
        logits, _, h, c = step(before, h, c, p)
        if place >= len(prefix):
            total += float(logits[0, after] - np.logaddexp.reduce(logits[0].astype(np.float64)))
    assert total == pytest.approx(poem.log_probability, abs=1e-3)
