"""One step of a model as an ONNX graph, which ONNX Runtime runs without pingze: on phones, in browsers.

The graph is `lstm.formulas.step_forward` written in ONNX's operators, layer above layer. B is any number of texts::

    ids (B), h (layers, B, H), c (layers, B, H), p (B, E)  ->  logits (B, V), h, c, x (B, E)

x is the embedding of `ids`, and p what a model holds beside every input (`lstm.formulas.held_bias`): the mean x of
the tokens that stand before `<bos>`, zeros where none do. A model that holds nothing has no p. The vocabulary and the
configuration stand in the file's metadata.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pingze.errors import CheckpointError, MissingExtraError
from pingze.files import written
from pingze.lstm.formulas import LEAK
from pingze.network.checkpoint import FORMAT, Checkpoint
from pingze.network.configuration import ModelConfiguration

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, ValueInfoProto

OPSET, IR_VERSION = 17, 9
"""What every ONNX Runtime since 1.14 reads."""
_PHI: dict[str, tuple[str, dict[str, Any]]] = {
    "tanh": ("Tanh", {}),
    "relu": ("Relu", {}),
    "leaky_relu": ("LeakyRelu", {"alpha": LEAK}),
}
"""ONNX's operator for each activation φ of a cell, and its attributes."""


def write_onnx(path: Path, checkpoint: Checkpoint) -> None:
    """Write a model's step to a file, whole or not at all.

    path: Where to.
    checkpoint: The model.

    Raises MissingExtraError without the package onnx, CheckpointError where the disk does not take the file.
    """
    if find_spec("onnx") is None:
        raise MissingExtraError("writing ONNX", "export")
    with written(path, CheckpointError) as partial:
        partial.write_bytes(graph_of(checkpoint).SerializeToString())


def graph_of(checkpoint: Checkpoint) -> "ModelProto":
    """The step as a checked ONNX model; its initializers have the checkpoint's names."""
    from onnx import checker, helper, numpy_helper

    configuration = checkpoint.configuration
    inputs, outputs = _values(configuration)
    initializers = [numpy_helper.from_array(tensor, name) for name, tensor in checkpoint.tensors.items()]
    graph = helper.make_graph(_nodes(configuration), "pingze step", inputs, outputs, initializers)
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="pingze"
    )
    helper.set_model_props(
        model,
        {
            "format": FORMAT,
            "configuration": json.dumps(asdict(configuration)),
            "vocabulary": json.dumps(checkpoint.vocabulary.tokens, ensure_ascii=False),
        },
    )
    checker.check_model(model)
    return model


def _values(configuration: ModelConfiguration) -> tuple[list["ValueInfoProto"], list["ValueInfoProto"]]:
    """The graph's inputs and outputs."""
    from onnx import TensorProto
    from onnx.helper import make_tensor_value_info

    def floats(name: str, *shape: str | int) -> "ValueInfoProto":
        return make_tensor_value_info(name, TensorProto.FLOAT, shape)

    state = (configuration.layers, "B", configuration.hidden_size)
    held = [floats("p", "B", configuration.embedding_size)] if configuration.held else []
    ids = make_tensor_value_info("ids", TensorProto.INT64, ["B"])
    return [ids, floats("h", *state), floats("c", *state), *held], [
        floats("logits", "B", configuration.vocabulary_size),
        floats("h_next", *state),
        floats("c_next", *state),
        floats("x", "B", configuration.embedding_size),
    ]


def _nodes(configuration: ModelConfiguration) -> list["NodeProto"]:
    """Embedding, layers, output."""
    from onnx.helper import make_node

    layers = range(configuration.layers)
    top = f"h{layers[-1]}"
    tied = configuration.tied
    output = "embedding.weight" if tied else "output.weight"
    return [
        make_node("Gather", ["embedding.weight", "ids"], ["x"]),
        *_split(configuration, "h"),
        *_split(configuration, "c"),
        *(node for depth in layers for node in _layer(configuration, depth)),
        *_stack(layers, "h"),
        *_stack(layers, "c"),
        *([_gemm([top, "projection.weight"], "features")] if tied else []),
        _gemm(["features" if tied else top, output, "output.bias"], "logits"),
    ]


def _layer(configuration: ModelConfiguration, depth: int) -> list["NodeProto"]:
    """One layer's step: x_t, h_{t-1} and c_{t-1} to h_t and c_t, in the letters of `lstm.formulas`."""
    from onnx.helper import make_node

    phi, leak = _PHI[configuration.activation]
    x, bias = f"h{depth - 1}" if depth else "x", f"lstm.{depth}.bias"
    held = []
    if configuration.held and not depth:
        held, bias = [_gemm(["p", "lstm.0.weight_ph", bias], "bias")], "bias"

    def at(*names: str) -> list[str]:
        """A layer's own values."""
        return [f"{name}{depth}" for name in names]

    return [
        *held,
        _gemm([x, f"lstm.{depth}.weight_ih", bias], *at("net_x")),
        _gemm([*at("h_prev"), f"lstm.{depth}.weight_hh", *at("net_x")], *at("net")),
        make_node("Split", at("net"), at("net_i", "net_f", "net_c", "net_o"), axis=1),
        make_node("Sigmoid", at("net_i"), at("i")),
        make_node("Sigmoid", at("net_f"), at("f")),
        make_node(phi, at("net_c"), at("c_tilde"), **leak),
        make_node("Sigmoid", at("net_o"), at("o")),
        make_node("Mul", at("f", "c_prev"), at("kept")),
        make_node("Mul", at("i", "c_tilde"), at("added")),
        make_node("Add", at("kept", "added"), at("c")),
        make_node(phi, at("c"), at("phi_c"), **leak),
        make_node("Mul", at("o", "phi_c"), at("h")),
    ]


def _gemm(inputs: Sequence[str], output: str) -> "NodeProto":
    """A Wᵀ + b: weights lie in rows, as PyTorch's do."""
    from onnx.helper import make_node

    return make_node("Gemm", inputs, [output], transB=1)


def _split(configuration: ModelConfiguration, name: str) -> list["NodeProto"]:
    """The layers' states one by one."""
    from onnx.helper import make_node

    layers = range(configuration.layers)
    stacked = [f"{name}_stacked{depth}" for depth in layers]
    axis = make_node("Constant", [], [f"{name}_axis"], value_ints=[0])
    squeezed = [
        make_node("Squeeze", [stacked[depth], f"{name}_axis"], [f"{name}_prev{depth}"]) for depth in layers
    ]
    return [axis, make_node("Split", [name], stacked, axis=0), *squeezed]


def _stack(layers: range, name: str) -> list["NodeProto"]:
    """The layers' states as one tensor again."""
    from onnx.helper import make_node

    each = [make_node("Unsqueeze", [f"{name}{d}", f"{name}_axis"], [f"{name}_out{d}"]) for d in layers]
    return [*each, make_node("Concat", [f"{name}_out{d}" for d in layers], [f"{name}_next"], axis=0)]
