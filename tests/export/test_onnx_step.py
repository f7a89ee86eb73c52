"""The exported graph in ONNX Runtime beside `lstm.formulas`, and a whole poem beside the composer."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from pingze import compose
from pingze.composing.composer import Composer
from pingze.errors import MissingExtraError
from pingze.export import write_onnx
from pingze.lstm.formulas import ACTIVATIONS, Parameters, held_bias, step_forward
from pingze.network import checkpoint
from pingze.network.numpy_network import NumpyNetwork
from pingze.network.onnx_runtime import onnxruntime
from pingze.network.products import in_float32
from pingze.network.softmax import log_softmax
from pingze.network.vocabulary import BOS
from tests import invented
from tests.comparing import assert_close


def session(path: Path, made: checkpoint.Checkpoint) -> onnxruntime.InferenceSession:
    write_onnx(path, made)
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize(("layers", "tied"), [(1, False), (3, True)])
def test_a_step_is_that_of_the_formulas(
    tmp_path: Path, activation: str, held: bool, layers: int, tied: bool
) -> None:
    made = invented.model(layers=layers, tied=tied, held=held, activation=activation)
    t, rng = made.tensors, np.random.default_rng(1)
    ids = rng.integers(len(made.vocabulary), size=7)
    h, c = rng.standard_normal((2, layers, 7, 12)).astype(np.float32)
    p = rng.standard_normal((7, 8)).astype(np.float32)
    given = {"ids": ids, "h": h, "c": c} | ({"p": p} if held else {})
    found = session(tmp_path / "step.onnx", made).run(None, given)

    x, hs, cs = t["embedding.weight"][ids], [], []
    for depth in range(layers):
        parameters = Parameters(*(t[f"lstm.{depth}.{name}"] for name in Parameters._fields))
        if held and not depth:
            parameters = parameters._replace(bias=held_bias(p, t["lstm.0.weight_ph"], parameters.bias))
        (x, c_next), _ = step_forward(x, h[depth], c[depth], parameters, activation)
        hs, cs = [*hs, x], [*cs, c_next]
    features = x @ t["projection.weight"].T if tied else x
    logits = features @ t["embedding.weight" if tied else "output.weight"].T + t["output.bias"]
    expected = {"logits": logits, "h": np.stack(hs), "c": np.stack(cs), "x": t["embedding.weight"][ids]}
    assert_close(dict(zip(expected, found, strict=True)), expected, 5e-6)


def test_a_poem_has_the_probability_that_the_composer_gives_it(tmp_path: Path) -> None:
    """The shipped model, read as one who has nothing but the file reads it: prefix, `<bos>`, text, `<eos>`."""
    poem = compose(form="五絕", title="山居", seed=3, particles=2)[0]
    writer = Composer(loaded := checkpoint.load("tang"))
    writer.network = NumpyNetwork(loaded, in_float32)
    run = session(tmp_path / "step.onnx", loaded)
    meta = run.get_modelmeta().custom_metadata_map
    ids = {token: id_ for id_, token in enumerate(json.loads(meta["vocabulary"]))}
    sizes = json.loads(meta["configuration"])
    prefix = [ids[token] for token in ("<唐>", "<五絕>", "山", "居")]
    h = c = np.zeros((sizes["layers"], 1, sizes["hidden_size"]), np.float32)

    def step(id_: int, h: np.ndarray, c: np.ndarray, p: np.ndarray) -> list[np.ndarray]:
        return run.run(None, {"ids": np.array([id_]), "h": h, "c": c, "p": p})

    nothing = np.zeros((1, sizes["embedding_size"]), np.float32)
    p = np.mean([step(id_, h, c, nothing)[3] for id_ in prefix], axis=0)
    total, tokens = 0.0, [*prefix, BOS, *writer.token_ids(poem.lines)]
    for place, (before, after) in enumerate(pairwise(tokens)):
        logits, h, c, _ = step(before, h, c, p)
        if place >= len(prefix):
            total += float(log_softmax(logits)[0, after])
    assert total == pytest.approx(writer.log_probability(poem.lines, tokens[: len(prefix)]), abs=1e-3)


def test_without_onnx_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pingze.export.onnx_step.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pingze\[export\]"):
        write_onnx(tmp_path / "step.onnx", invented.model())
