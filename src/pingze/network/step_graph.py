r"""Build the ONNX graphs that compute one step of a model in 8 bits, and run them to compose.

The graphs compute `lstm.formulas.step_forward` for each layer in turn, from tokens to the next
tokens' logits::

    ids (B)  ->  net_x (B, 4H)
    net_x, rows (B), bias (1 or B, 4H), h0, c0, h1, … (U, H)  ->  h0_next, c0_next, h1_next, … (B,
    H)
    h (B, H)  ->  logits, exp (B, V)

where

- ``net_x`` is the product of the first layer's weights with the embeddings of the tokens;
- ``rows`` has the row of the state that each text continues. Several texts may continue the same
  row, which the first layer multiplies by its weights only once;
- ``bias`` is the first layer's bias, W_p p + b for the conditions p of a text
    (`formulas.held_bias`);
- ``logits`` are shifted so that the largest in each row is 0, and ``exp`` are their exponentials.

`whole_graph` computes all of a step in one graph, for other programs.

Each row of a weight or of an operand consists of integers times a scale (`checkpoint.Rounded`).
Each row has its own scale, with one exception: tanh keeps h within ±1, so every row of h has the
scale 1/127. Sums of products of integers are exact, and all other operators in the graph give the
same bits on every processor with AVX2 and on 64-bit ARM. ONNX Runtime's Softmax, ReduceSum and Log
give different bits, so the graph omits them and NumPy sums the exponentials
(docs/decisions/0007-onnx-runtime-for-composing.md). A text thus depends neither on the processor
nor on other texts.

Graphs are written without the onnx package, because importing it would take longer than composing a
poem. An ONNX file is a protocol buffer: a message is a sequence of fields, each of which has a
number and a value (https://protobuf.dev/programming-guides/encoding). onnx/onnx.proto defines the
numbers of the fields.

No other module may import ONNX Runtime directly (tests/test_layout.py), because this one disables
telemetry. By default, ONNX Runtime since version 1.29 sends events to its vendor and stores a
device identifier in the user's cache.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial

import numpy as np

from pingze.arrays import Array, Float, Int64
from pingze.lstm.formulas import StepCache
from pingze.network.checkpoint import Checkpoint
from pingze.network.reference import ReferenceNetwork, State

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime as onnxruntime  # type: ignore[import-untyped]  # for other modules too; reads the variable when imported

PHI = {"tanh": "Tanh", "relu": "Relu", "leaky_relu": "LeakyRelu"}
"""The ONNX operator for each activation φ of the cell; the default slope of LeakyRelu is `formulas.LEAK`."""
_LARGEST, _ZERO = 127, 128
"""The largest integer in an operand, and the unsigned byte that represents 0."""
_ONE, _STEP = ("one", np.array(1, np.float32)), ("step", np.array(1 / _LARGEST, np.float32))
_LEAST = np.float32(1e-30)
"""A lower bound on the largest |x| of a row, so that a row of zeros is not divided by 0.

The scale of a row is
max(largest |x|, `_LEAST`) / `_LARGEST`."""

TYPES = {"float32": 1, "uint8": 2, "int8": 3, "int64": 7, "float64": 11}
_INT_ATTRIBUTE = 2
_IR_VERSION, _OPSET, _CONTRIBUTED = 8, 18, "com.microsoft"
"""The versions of the file format and of the operators, and the domain of ONNX Runtime's additional operators. Every
ONNX Runtime since 1.14 can read these versions."""

Chunks = list[bytes | memoryview]
"""A message in parts. They are joined only once, because copying megabytes of constants takes time."""
COMMON = 512  # the number of the most frequent characters whose `net_x` is computed in advance
# the value of a field: a number, a string, or bytes, such as a nested message
Value = int | str | Chunks
Described = tuple[str, str, tuple[int | str, ...]]
"""The name, type and shape of an operand or result.

In the shape, a size that varies is a name instead of a number.
"""


class GraphNetwork(ReferenceNetwork):
    """The network that composes poems.

    It reads a batch of texts token by token with the ONNX graphs.

    Args:
        checkpoint: The model in 8 bits (`Checkpoint.rounded`).
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__(checkpoint)
        self._input, self._step, self._output = map(session, step_graphs(checkpoint))
        self._names = _states(checkpoint)
        # A vocabulary lists the characters after the special tokens, and the most frequent ones
        # first.
        self._first = sum(len(token) > 1 for token in checkpoint.vocabulary.tokens)
        frequent = np.arange(self._first, min(self._first + COMMON, len(checkpoint.vocabulary)))
        (self._common,) = self._input({"ids": frequent})

    def read(self, state: State, rows: Int64[Array, "B"], ids: Int64[Array, "B"]) -> State:
        """Return the states of texts that each continue the text at a row of `state` by one token, without logits."""
        at = ids - self._first
        net_x = self._common.take(at, axis=0, mode="clip")
        rare = np.flatnonzero((at < 0) | (at >= len(self._common)))
        if len(rare):
            (net_x[rare],) = self._input({"ids": ids[rare]})
        bias = state.bias if len(state.bias) == 1 else state.bias[rows]
        given = {"net_x": net_x, "rows": rows, "bias": bias} | dict(
            zip(self._names, state.layers, strict=True)
        )
        return State.unpredicted(self._step(given), bias)

    def record(self, ids: Int64[Array, "T"]) -> list[list[StepCache]]:
        """Return the caches as the reference does, and free the weights in float32, which nothing else needs."""
        try:
            return super().record(ids)
        finally:
            del self.parameters
            vars(self.checkpoint).pop("tensors")  # a frozen dataclass

    def predict(self, state: State) -> State:
        """Return the same state with the logits of the next token."""
        logits, exp = self._output({"h": state.h})
        # The logarithm is in float64, so that rounding hides that it differs in the last bit
        # between processors.
        log_sum = np.log(exp.sum(axis=1), dtype=np.float64).astype(np.float32)
        return state._replace(logits=logits, log_sum=log_sum)


def softmax(
    logits: Float[Array, "B V"], *, shifted: bool = False
) -> tuple[Float[Array, "B V"], Float[Array, "B"]]:
    """Compute the softmax and the log-sum-exp of each row of logits.

    The softmax is in float32, and the log-sum-exp in float64. A logit of -inf has the softmax 0.

    Args:
        logits: The logits in float32, (B, V).
        shifted: Whether the largest logit of each row is 0, as in `State.logits`.
    """
    largest = np.zeros((1, 1), np.float32) if shifted else logits.max(axis=1, keepdims=True)
    p = exp(logits if shifted else logits - largest)
    sums = p.sum(axis=1)
    p /= sums[:, None]
    return p, largest[:, 0] + np.log(sums, dtype=np.float64)


def exp(x: Float[Array, "B V"]) -> Float[Array, "B V"]:
    """Compute e^x with ONNX Runtime. NumPy's exp differs in the last bit between processors."""
    result: Array
    (result,) = _exp()({"x": x})
    return result


@cache
def _exp() -> Callable[[Mapping[str, Array]], list[Array]]:
    """Build the graph of `exp`."""
    graph, shape = Graph(), ("B", "V")
    graph.node("Exp", "x", result="exp")
    return session(graph.serialized([("x", "float32", shape)], [("exp", "float32", shape)]))


# -- the step ----------------------------------------------------------------------------------------------------


def step_graphs(checkpoint: Checkpoint) -> tuple[bytes, bytes, bytes]:
    """Build the three graphs that compute a step of an 8-bit model in turn; see the module's docstring."""
    sizes, names = checkpoint.configuration, _states(checkpoint)
    first, layers, last = (_EightBits(checkpoint) for _ in range(3))
    V, H = sizes.vocabulary_size, sizes.hidden_size
    first.product(first.embedded("ids"), "lstm.0.weight_ih", result="net_x")
    layers.layers("net_x", "bias", rows="rows")
    last.node("Exp", last.logits("h"), result="exp")
    net_x, state = (
        ("net_x", "float32", ("B", 4 * H)),
        [(name, "float32", ("U", H)) for name in names],
    )
    step = [net_x, ("rows", "int64", ("B",)), ("bias", "float32", ("R", 4 * H)), *state]
    return (
        first.serialized([("ids", "int64", ("B",))], [net_x]),
        layers.serialized(step, [(f"{name}_next", "float32", ("B", H)) for name in names]),
        last.serialized(
            [("h", "float32", ("B", H))],
            [(name, "float32", ("B", V)) for name in ("logits", "exp")],
        ),
    )


def whole_graph(checkpoint: Checkpoint) -> bytes:
    """Build the graph of a whole step of an 8-bit model, which is usable without pingze.

    Its inputs are `ids` (B) and the state h0, c0, h1, … (B, H); if the configuration is `held`,
    also p (1 or B, E), the mean embedding of the conditions, or zeros if there are no conditions.
    Its outputs are `logits` (B, V), x (B, E), the embedding of `ids`, and the new state. The
    metadata hold the configuration and the vocabulary.
    """
    sizes, names, graph = checkpoint.configuration, _states(checkpoint), _EightBits(checkpoint)
    V, E, H = sizes.vocabulary_size, sizes.embedding_size, sizes.hidden_size
    embedded, bias = graph.embedded("ids"), graph.vector("lstm.0.bias")
    graph.node(
        "Mul",
        graph.node("DequantizeLinear", embedded[0], graph.constant(*_ONE), graph.zero),
        embedded[1],
        result="x",
    )
    if sizes.held:
        whole, scale = checkpoint.matrix(name := "lstm.0.weight_ph")
        stored = graph.constant(name, whole), graph.constant(f"{name}.scale", scale)
        bias = graph.node(
            "Gemm", "p", graph.node("DequantizeLinear", *stored, axis=0), bias, transB=1
        )
    graph.logits(graph.layers(graph.product(embedded, "lstm.0.weight_ih"), bias))
    inputs: list[Described] = [
        ("ids", "int64", ("B",)),
        *((name, "float32", ("B", H)) for name in names),
    ]
    if sizes.held:
        inputs.append(("p", "float32", ("R", E)))
    outputs: list[Described] = [(f"{name}_next", "float32", ("B", H)) for name in names]
    outputs = [("logits", "float32", ("B", V)), ("x", "float32", ("B", E)), *outputs]
    return graph.serialized(inputs, outputs, checkpoint.metadata)


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
        self,
        operator: str,
        *operands: str,
        results: Iterable[str] = (),
        domain: str = "",
        **attributes: int,
    ) -> list[str]:
        """Add a node and return the names of its results."""
        made = list(results) or [f"{operator}_{len(self._nodes)}"]
        parts = (
            _message((1, name), (3, value), (20, _INT_ATTRIBUTE))
            for name, value in attributes.items()
        )
        fields: list[tuple[int, Value]] = [
            *((1, name) for name in operands),
            *((2, name) for name in made),
        ]
        self._nodes.append(
            _message(*fields, (4, operator), (7, domain), *((5, part) for part in parts))
        )
        return made

    def node(
        self, operator: str, *operands: str, result: str = "", domain: str = "", **attributes: int
    ) -> str:
        """Add a node that has a single result, and return the name of the result."""
        return self.nodes(
            operator, *operands, results=[result] if result else [], domain=domain, **attributes
        )[0]

    def serialized(
        self,
        inputs: Iterable[Described],
        outputs: Iterable[Described],
        properties: Mapping[str, str] = {},
    ) -> bytes:
        """Return the graph as the bytes of an ONNX file, with the properties as metadata."""
        graph = _message(
            *((1, node) for node in self._nodes),
            (2, "pingze step"),
            *((5, constant) for constant in self._constants.values()),
            *((11, _described(*each)) for each in inputs),
            *((12, _described(*each)) for each in outputs),
        )
        opsets = (
            _message((1, name), (2, version)) for name, version in (("", _OPSET), (_CONTRIBUTED, 1))
        )
        texts = (_message((1, name), (2, text)) for name, text in properties.items())
        parts = ((7, graph), *((8, opset) for opset in opsets), *((14, text) for text in texts))
        return b"".join(_message((1, _IR_VERSION), (2, "pingze"), *parts))


class _EightBits(Graph):
    """A graph under construction that computes parts of a step with the weights of an 8-bit model."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__()
        self.checkpoint = checkpoint
        self.zero = self.constant("zero", np.array(_ZERO, np.uint8))

    def layers(self, net_x: str, bias: str, rows: str = "") -> str:
        """Compute `formulas.step_forward` for each layer, from the first to the last; return h of the last layer.

        If `rows` is given, the state has one row for each of its texts, and `rows` those that the
        new texts continue.
        """
        sizes, node = self.checkpoint.configuration, self.node
        phi, h = PHI[sizes.activation], ""
        for depth in range(sizes.layers):
            if depth:
                net_x = self.product(self.operand(h, hidden=True), f"lstm.{depth}.weight_ih")
                bias = self.vector(f"lstm.{depth}.bias")
            h_prev, c_prev = self.operand(f"h{depth}", hidden=True), f"c{depth}"
            net_h = self.product(h_prev, f"lstm.{depth}.weight_hh")
            if rows:
                net_h, c_prev = node("Gather", net_h, rows), node("Gather", c_prev, rows)
            net = node("Add", node("Add", net_x, net_h), bias)
            of_gates = [f"net_{gate}{depth}" for gate in "ifco"]
            net_i, net_f, net_c, net_o = self.nodes(
                "Split", net, results=of_gates, axis=1, num_outputs=4
            )
            i, f, o = (node("Sigmoid", each) for each in (net_i, net_f, net_o))
            kept, added = node("Mul", f, c_prev), node("Mul", i, node(phi, net_c))
            c = node("Add", kept, added, result=f"c{depth}_next")
            h = node("Mul", o, node(phi, c), result=f"h{depth}_next")
        return h

    def logits(self, h: str) -> str:
        """Compute the logits from the last layer's h."""
        tied, x = self.checkpoint.configuration.tied, self.operand(h, hidden=True)
        x = self.operand(self.product(x, "projection.weight")) if tied else x
        output = self.product(x, "embedding.weight" if tied else "output.weight")
        output = self.node("Add", output, self.vector("output.bias"))
        return self.node("Sub", output, self.largest(output), result="logits")

    def vector(self, name: str) -> str:
        """Add a vector of the model."""
        return self.constant(name, self.checkpoint.tensor(name))

    def largest(self, x: str) -> str:
        """Find the largest number in each row of x."""
        return self.node("ReduceMax", x, self.constant("columns", np.array([1], np.int64)))

    def embedded(self, ids: str) -> tuple[str, str]:
        """Look up the embeddings of tokens. Return 8-bit integers with one scale per row."""
        whole, scale = self.checkpoint.matrix("embedding.weight")
        rows, scales = self.constant("embedding", whole.view(np.uint8) ^ _ZERO), scale[:, None]
        return self.node("Gather", rows, ids), self.node(
            "Gather", self.constant("embedding.scale", scales), ids
        )

    def operand(self, x: str, *, hidden: bool = False) -> tuple[str, str]:
        """Quantize x to 8 bits.

        Return the names of the integers and the row scales (1/127 for h if φ is tanh).
        """
        step = self.constant(*_STEP)
        if hidden and self.checkpoint.configuration.activation == "tanh":  # |h| < 1
            return self.node("QuantizeLinear", x, step, self.zero), step
        largest = self.node(
            "Max", self.largest(self.node("Abs", x)), self.constant("least", np.array(_LEAST))
        )
        scale = self.node("Mul", largest, step)
        return self.node(
            "QuantizeLinear", self.node("Div", x, scale), self.constant(*_ONE), self.zero
        ), scale

    def product(self, operand: tuple[str, str], name: str, result: str = "") -> str:
        """Add the product x Wᵀ, and return the product's name. `operand` names x and x's scale.

        `name` names W.
        """
        (x, scale), weight = operand, self.checkpoint.matrix(name)
        whole, of_row = (
            self.constant(f"{name}.whole", weight.columns),
            self.constant(f"{name}.scale", weight.scale),
        )
        # ONNX Runtime computes (x - zero) whole · of_all · of_row, exactly until the scales are
        # applied.
        is_step = scale == _STEP[0]
        of_all, product = (scale, result) if is_step else (self.constant(*_ONE), "")
        operands = (x, whole, of_all, of_row, self.zero)
        product = self.node("MatMulIntegerToFloat", *operands, result=product, domain=_CONTRIBUTED)
        return product if is_step else self.node("Mul", product, scale, result=result)


def _described(name: str, type_: str, sizes: tuple[int | str, ...]) -> Chunks:
    shape = _message(
        *((1, _message((1, size) if isinstance(size, int) else (2, size))) for size in sizes)
    )
    return _message((1, name), (2, _message((1, _message((1, TYPES[type_]), (2, shape))))))


def _message(*fields: tuple[int, Value]) -> Chunks:
    """Encode each field as a key (its number and type) and a value.

    A string or bytes are preceded by their length.
    """
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
    """Load an ONNX graph.

    Return a function that takes the graph's inputs by name, and returns the list of outputs.

    A run uses only the calling thread, because threads that compose at the same time would compete
    for the processor.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    # The arena would keep the memory of the largest batch for ever, and gains no time.
    options.enable_cpu_mem_arena = False
    return partial(onnxruntime.InferenceSession(graph, options).run, None)
