r"""Build an ONNX graph that computes one step of a model in 8 bits, and run the graph to compose.

The graph computes `lstm.formulas.step_forward` for each layer in turn, from tokens to the next tokens' logits::

    ids (B), bias (1 or B, 4H), h0, c0, h1, … (B, H)  ->  logits, exp (B, V), h0_next, c0_next, … (B, H)

where

- ``bias`` is the first layer's bias, W_p p + b for the conditions p of a text (`formulas.held_bias`);
- ``logits`` are shifted so that the largest in each row is 0, and ``exp`` are their exponentials.

Each row of a weight or of an operand consists of integers times a scale (`checkpoint.Rounded`). Each row has its own
scale, with one exception: tanh keeps h within ±1, so every row of h has the scale 1/127. Sums of products of integers
are exact, and all other operators in the graph give the same bits on every processor with AVX2 and on 64-bit ARM.
ONNX Runtime's Softmax, ReduceSum and Log give different bits, so the graph omits them and NumPy sums the exponentials
(docs/decisions/0007-onnx-runtime-for-composing.md). A text thus depends neither on the processor nor on other texts.

Graphs are written without the onnx package, because importing it would take longer than composing a poem. An ONNX file
is a protocol buffer: a message is a sequence of fields, each of which has a number and a value
(https://protobuf.dev/programming-guides/encoding). onnx/onnx.proto defines the numbers of the fields.

No other module may import ONNX Runtime directly (tests/test_layout.py), because this one disables telemetry. By
default, ONNX Runtime since version 1.29 sends events to its vendor and stores a device identifier in the user's cache.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial

import numpy as np

from pingze.arrays import Array, Float, Int64
from pingze.network.checkpoint import Checkpoint
from pingze.network.reference import ReferenceNetwork, State

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime  # type: ignore[import-untyped]  # reads the variable when imported

__all__ = ["TYPES", "Described", "Graph", "GraphNetwork", "onnxruntime", "session", "softmax", "step_graph"]

PHI = {"tanh": "Tanh", "relu": "Relu", "leaky_relu": "LeakyRelu"}
"""The ONNX operator for each activation φ of the cell; the default slope of LeakyRelu is `formulas.LEAK`."""
_LARGEST, _ZERO = 127, 128
"""The largest integer in an operand, and the unsigned byte that represents 0."""
_LEAST = np.float32(1e-30)
"""A lower bound on the largest |x| of a row, so that a row of zeros is not divided by 0. The scale of a row is
max(largest |x|, `_LEAST`) / `_LARGEST`."""

TYPES = {"float32": 1, "uint8": 2, "int8": 3, "int64": 7, "float64": 11}
_INT_ATTRIBUTE = 2
_IR_VERSION, _OPSET, _CONTRIBUTED = 8, 18, "com.microsoft"
"""The versions of the file format and of the operators, and the domain of ONNX Runtime's additional operators. Every
ONNX Runtime since 1.14 can read these versions."""

Chunks = list[bytes | memoryview]
"""A message in parts. They are joined only once, because copying megabytes of constants takes time."""
Value = int | str | Chunks  # the value of a field: a number, a string, or bytes, such as a nested message
Described = tuple[str, str, tuple[int | str, ...]]
"""The name, type and shape of an operand or result. In the shape, a size that varies is a name instead of a number."""


class GraphNetwork(ReferenceNetwork):
    """The network that composes poems. It reads a batch of texts token by token with the ONNX graph.

    Args:
        checkpoint: The model in 8 bits (`Checkpoint.rounded`).
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__(checkpoint)
        self._run = session(step_graph(checkpoint))
        self._names = _states(checkpoint)

    def step(self, state: State, ids: Int64[Array, "B"]) -> State:
        """Read one more token of each text, and return the new state."""
        given = {"ids": ids.astype(np.int64, copy=False), "bias": state.bias}
        logits, exp, *layers = self._run(given | dict(zip(self._names, state.layers, strict=True)))
        return State(tuple(layers), state.bias, logits, np.log(exp.sum(axis=1), dtype=np.float64))


def softmax(logits: Float[Array, "B V"], *, shifted: bool = False) -> tuple[Float[Array, "B V"], Float[Array, "B"]]:
    """Compute the softmax and the log-sum-exp of each row of logits.

    The softmax is in float32, and the log-sum-exp in float64. A logit of -inf has the softmax 0.

    Args:
        logits: The logits in float32, (B, V).
        shifted: Whether the largest logit of each row is 0, as in `State.logits`.
    """
    largest = np.zeros((1, 1), np.float32) if shifted else logits.max(axis=1, keepdims=True)
    (p,) = _exp()({"x": logits if shifted else logits - largest})
    sums = p.sum(axis=1)
    p /= sums[:, None]
    return p, largest[:, 0] + np.log(sums, dtype=np.float64)


@cache
def _exp() -> Callable[[Mapping[str, Array]], list[Array]]:
    """Build a function that computes e^x with ONNX Runtime. NumPy's exp differs in the last bit between processors."""
    graph, shape = Graph(), ("B", "V")
    graph.node("Exp", "x", result="exp")
    return session(graph.serialized([("x", "float32", shape)], [("exp", "float32", shape)]))


# -- the step ----------------------------------------------------------------------------------------------------


def step_graph(checkpoint: Checkpoint, *, for_others: bool = False) -> bytes:
    """Build the ONNX graph that computes one step of an 8-bit model.

    Args:
        checkpoint: The model in 8 bits.
        for_others: Whether to make the graph usable without pingze. The metadata of such a graph hold the configuration
            and the vocabulary. The graph returns x (B, E), the embedding of `ids`, instead of `exp`, and it has no
            input `bias`. If the configuration is `held`, the graph has the input p (1 or B, E): the mean embedding of
            the conditions, or zeros if there are no conditions.
    """
    sizes, names, graph = checkpoint.configuration, _states(checkpoint), Graph()
    V, E, H = sizes.vocabulary_size, sizes.embedding_size, sizes.hidden_size
    node, constant, within_1 = graph.node, graph.constant, sizes.activation == "tanh"
    zero = constant("zero", np.array(_ZERO, np.uint8))
    one = constant("one", np.array(1, np.float32))
    step = constant("step", np.array(1 / _LARGEST, np.float32))
    columns = constant("columns", np.array([1], np.int64))

    def vector(name: str) -> str:
        return constant(name, checkpoint.tensor(name))

    def operand(x: str, *, within_1: bool = False) -> tuple[str, str]:
        """Quantize x to 8-bit integers. Return them with one scale per row. If `within_1`, the only scale is 1/127."""
        if within_1:
            return node("QuantizeLinear", x, step, zero), step
        largest = node("ReduceMax", node("Abs", x), columns)
        scale = node("Mul", node("Max", largest, constant("least", np.array(_LEAST))), step)
        return node("QuantizeLinear", node("Div", x, scale), one, zero), scale

    def product(operand: tuple[str, str], name: str) -> str:
        """Multiply a quantized operand x by the transpose of the weight W called `name`: x Wᵀ."""
        (x, scale), weight = operand, checkpoint.matrix(name)
        whole, of_row = constant(f"{name}.whole", weight.columns), constant(f"{name}.scale", weight.scale)
        # ONNX Runtime computes (x - zero) whole · of_all · of_row, exactly until the scales are applied.
        of_all = scale if scale == step else one
        result = node("MatMulIntegerToFloat", x, whole, of_all, of_row, zero, domain=_CONTRIBUTED)
        return result if scale == step else node("Mul", result, scale)

    # 1) x, the embedding of ids, and the first layer's bias
    whole, scale = checkpoint.matrix("embedding.weight")
    rows, scales = constant("embedding", whole.view(np.uint8) ^ _ZERO), constant("embedding.scale", scale[:, None])
    x, bias = (node("Gather", rows, "ids"), node("Gather", scales, "ids")), "bias"
    if for_others:
        node("Mul", node("DequantizeLinear", x[0], one, zero), x[1], result="x")
        bias = vector("lstm.0.bias")
        if sizes.held:
            whole, scale = checkpoint.matrix(name := "lstm.0.weight_ph")
            stored = constant(name, whole), constant(f"{name}.scale", scale)
            bias = node("Gemm", "p", node("DequantizeLinear", *stored, axis=0), bias, transB=1)

    # 2) `formulas.step_forward` for each layer, from the first to the last; if φ is tanh, |h| < 1
    phi = PHI[sizes.activation]
    for depth in range(sizes.layers):
        if depth:
            bias = vector(f"lstm.{depth}.bias")
        h_prev = operand(f"h{depth}", within_1=within_1)
        net_x, net_h = product(x, f"lstm.{depth}.weight_ih"), product(h_prev, f"lstm.{depth}.weight_hh")
        net = node("Add", node("Add", net_x, net_h), bias)
        of_gates = [f"net_{gate}{depth}" for gate in "ifco"]
        net_i, net_f, net_c, net_o = graph.nodes("Split", net, results=of_gates, axis=1, num_outputs=4)
        i, f, o = (node("Sigmoid", each) for each in (net_i, net_f, net_o))
        kept, added = node("Mul", f, f"c{depth}"), node("Mul", i, node(phi, net_c))
        c = node("Add", kept, added, result=f"c{depth}_next")
        h = node("Mul", o, node(phi, c), result=f"h{depth}_next")
        x = operand(h, within_1=within_1)

    # 3) the logits and their exponentials
    if sizes.tied:
        x = operand(product(x, "projection.weight"))
    output = product(x, "embedding.weight" if sizes.tied else "output.weight")
    output = node("Add", output, vector("output.bias"))
    logits = node("Sub", output, node("ReduceMax", output, columns), result="logits")
    if not for_others:
        node("Exp", logits, result="exp")

    # 4) the inputs and outputs of each run
    inputs: list[Described] = [("ids", "int64", ("B",)), *((name, "float32", ("B", H)) for name in names)]
    if not for_others:
        inputs.append(("bias", "float32", ("R", 4 * H)))
    elif sizes.held:
        inputs.append(("p", "float32", ("R", E)))
    last: Described = ("x", "float32", ("B", E)) if for_others else ("exp", "float32", ("B", V))
    outputs: list[Described] = [(f"{name}_next", "float32", ("B", H)) for name in names]
    outputs = [("logits", "float32", ("B", V)), last, *outputs]
    return graph.serialized(inputs, outputs, checkpoint.metadata if for_others else {})


def _states(checkpoint: Checkpoint) -> list[str]:
    return [f"{name}{depth}" for depth in range(checkpoint.configuration.layers) for name in "hc"]


# -- any graph ---------------------------------------------------------------------------------------------------


class Graph:
    """The nodes and constants of a graph under construction."""

    def __init__(self) -> None:
        self._nodes: list[Chunks] = []
        self._constants: dict[str, Chunks] = {}

    def constant(self, name: str, values: Array) -> str:
        """Add a constant unless one with the same name exists, and return the name."""
        if name not in self._constants:
            sizes, type_ = ((1, size) for size in values.shape), TYPES[values.dtype.name]
            data = np.ascontiguousarray(values).reshape(-1).view(np.uint8).data
            self._constants[name] = _message(*sizes, (2, type_), (8, name), (9, [data]))
        return name

    def nodes(
        self, operator: str, *operands: str, results: Iterable[str] = (), domain: str = "", **attributes: int
    ) -> list[str]:
        """Add a node and return the names of its results."""
        made = list(results) or [f"{operator}_{len(self._nodes)}"]
        parts = (_message((1, name), (3, value), (20, _INT_ATTRIBUTE)) for name, value in attributes.items())
        fields: list[tuple[int, Value]] = [*((1, name) for name in operands), *((2, name) for name in made)]
        self._nodes.append(_message(*fields, (4, operator), (7, domain), *((5, part) for part in parts)))
        return made

    def node(self, operator: str, *operands: str, result: str = "", domain: str = "", **attributes: int) -> str:
        """Add a node that has a single result, and return the name of the result."""
        return self.nodes(operator, *operands, results=[result] if result else [], domain=domain, **attributes)[0]

    def serialized(
        self, inputs: Iterable[Described], outputs: Iterable[Described], properties: Mapping[str, str] = {}
    ) -> bytes:
        """Return the graph as the bytes of an ONNX file, with the properties as metadata."""
        graph = _message(
            *((1, node) for node in self._nodes),
            (2, "pingze step"),
            *((5, constant) for constant in self._constants.values()),
            *((11, _described(*each)) for each in inputs),
            *((12, _described(*each)) for each in outputs),
        )
        opsets = (_message((1, name), (2, version)) for name, version in (("", _OPSET), (_CONTRIBUTED, 1)))
        texts = (_message((1, name), (2, text)) for name, text in properties.items())
        parts = ((7, graph), *((8, opset) for opset in opsets), *((14, text) for text in texts))
        return b"".join(_message((1, _IR_VERSION), (2, "pingze"), *parts))


def _described(name: str, type_: str, sizes: tuple[int | str, ...]) -> Chunks:
    shape = _message(*((1, _message((1, size) if isinstance(size, int) else (2, size))) for size in sizes))
    return _message((1, name), (2, _message((1, _message((1, TYPES[type_]), (2, shape))))))


def _message(*fields: tuple[int, Value]) -> Chunks:
    """Encode each field as a key (its number and type) and a value. A string or bytes are preceded by their length."""
    chunks: Chunks = []
    for number, value in fields:
        if isinstance(value, int):
            chunks.append(_varint(number << 3) + _varint(value))
        else:
            data = [value.encode()] if isinstance(value, str) else value
            chunks += [_varint(number << 3 | 2) + _varint(sum(map(len, data))), *data]
    return chunks


def _varint(value: int) -> bytes:
    """Encode a number in seven bits per byte, lowest bits first; the eighth bit states whether another byte follows."""
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + _varint(rest) if rest else bytes([low])


def session(graph: bytes) -> Callable[[Mapping[str, Array]], list[Array]]:
    """Load a graph, and return a function that maps operands by name to the list of results.

    A run uses only the calling thread, because threads that compose at the same time would compete for the processor.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return partial(onnxruntime.InferenceSession(graph, options).run, None)
