r"""Build the ONNX graphs that compute one step of a model in 8 bits, and run them to compose.

The graphs compute `lstm.formulas.step_forward` for each layer in turn, from tokens to the next
tokens' logits::

    ids (B)  ->  net_x (B, 4H)
    net_x, rows (B), bias (1 or B, 4H), h0, c0, … (U, H)  ->  h0_next, c0_next, … (B, H)
    h (B, H)  ->  logits, exp (B, V)

where

- ``net_x`` is the product of the first layer's weights with the embeddings of the tokens;
- ``rows`` has the row of the state that each text continues. Several texts may continue the same
  row, which the first layer multiplies by its weights only once;
- ``bias`` is the first layer's bias, W_p p + b for the conditions p of a text
  (`formulas.held_bias`);
- ``logits`` are shifted so that the largest in each row is 0, and ``exp`` are their exponentials.

`whole_graph` computes all of a step in one graph, for other programs.

Each row of a weight or of a factor consists of integers times a scale (`checkpoint.Rounded`).
Each row has its own scale, with one exception: tanh keeps h within ±1, so every row of h has the
scale 1/127. Sums of products of integers are exact, and all other operators in the graph give the
same bits on every processor with AVX2 and on 64-bit ARM. ONNX Runtime's Softmax, ReduceSum and Log
give different bits, so the graph omits them and NumPy sums the exponentials
(docs/decisions/0007-onnx-runtime-for-composing.md). A text thus depends neither on the processor
nor on other texts.

No other module may import ONNX Runtime directly (tests/test_layout.py), because this one disables
telemetry. By default, ONNX Runtime since version 1.29 sends events to its vendor and stores a
device identifier in the user's cache.
"""

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from pingze.arrays import Array, Float, Int64
from pingze.lstm.formulas import StepCache
from pingze.network.checkpoint import Checkpoint
from pingze.network.onnx_file import CONTRIBUTED, Graph
from pingze.network.reference import ReferenceNetwork, State

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

# It reads the variable when it is imported. Other modules import it from here.
import onnxruntime as onnxruntime  # type: ignore[import-untyped]

PHI = {"tanh": "Tanh", "relu": "Relu", "leaky_relu": "LeakyRelu"}
"""The ONNX operator for each activation φ. The default slope of LeakyRelu is `formulas.LEAK`."""
_LARGEST = 127
"""The largest integer in a quantised factor."""
_ZERO = 128
"""The unsigned byte that represents 0."""
_SCALE_OF_ONE = "step"
"""The name of the constant 1/127: the scale of every row of a hidden state, if φ is tanh."""
_LEAST = np.float32(1e-30)
"""A lower bound on the largest |x| of a row, so that a row of zeros is not divided by 0.

The scale of a row is max(largest |x|, `_LEAST`) / `_LARGEST`.
"""
COMMON = 512  # the number of the most frequent characters whose `net_x` is computed in advance

Run = Callable[[Mapping[str, Array]], list[Array]]
"""A function that takes a graph's inputs by name and returns the list of its outputs."""


class GraphNetwork(ReferenceNetwork):
    """The network that composes poems.

    It reads a batch of texts token by token with the ONNX graphs.

    Args:
        checkpoint: The model in 8 bits (`Checkpoint.rounded`).
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__(checkpoint)
        self._input = session(input_graph(checkpoint))
        self._layers = session(layers_graph(checkpoint))
        self._output = session(output_graph(checkpoint))
        self._state_names = _states(checkpoint)
        # `_common` holds net_x of the most frequent characters, so that composing looks it up. A
        # vocabulary lists the characters after the special tokens, the most frequent ones first.
        # Only special tokens are longer than a character, so their number is the id of the first
        # character.
        vocabulary = checkpoint.vocabulary
        self._first_id = sum(len(token) > 1 for token in vocabulary.tokens)
        end = min(self._first_id + COMMON, len(vocabulary))
        (self._common,) = self._input({"ids": np.arange(self._first_id, end)})

    def read(self, state: State, rows: Int64[Array, "B"], ids: Int64[Array, "B"]) -> State:
        """Return the states of texts that each continue a text by one token, without logits."""
        # 1) net_x: from the table `_common` for common characters, computed for all other tokens.
        # "clip" first gives a token outside the table the table's first or last row, which the
        # computed row then replaces.
        table_rows = ids - self._first_id
        net_x = self._common.take(table_rows, axis=0, mode="clip")
        is_outside = (table_rows < 0) | (table_rows >= len(self._common))
        rare = np.flatnonzero(is_outside)
        if len(rare):
            (computed,) = self._input({"ids": ids[rare]})
            net_x[rare] = computed
        # 2) The layers.
        bias = state.bias_of(rows)
        inputs = {"net_x": net_x, "rows": rows, "bias": bias}
        inputs.update(zip(self._state_names, state.layers, strict=True))
        return State.unpredicted(self._layers(inputs), bias)

    def record(self, ids: Int64[Array, "T"]) -> list[list[StepCache]]:
        """Return the caches as the reference does, and free the weights in float32.

        No other method of this class needs these weights, because the graphs have theirs in 8 bits.
        """
        try:
            return super().record(ids)
        finally:
            # Both are cached properties, which the next call computes again. A frozen dataclass
            # refuses `del`.
            del self.parameters
            vars(self.checkpoint).pop("tensors")

    def predict(self, state: State) -> State:
        """Return the same state with the logits of the next token."""
        logits, exp = self._output({"h": state.h})
        # NumPy's logarithm differs in the last bit between processors. It is computed in float64,
        # so that rounding to float32 hides the difference.
        log_sum = np.log(exp.sum(axis=1), dtype=np.float64).astype(np.float32)
        return replace(state, logits=logits, log_sum=log_sum)


def softmax(
    logits: Float[Array, "B V"], *, shifted: bool = False
) -> tuple[Float[Array, "B V"], Float[Array, "B"]]:
    """Compute the softmax and the log-sum-exp of each row of logits.

    The softmax is in float32, and the log-sum-exp in float64. A logit of -inf has the softmax 0.

    Args:
        logits: The logits in float32, (B, V).
        shifted: Whether the largest logit of each row is 0, as in `State.logits`.
    """
    if shifted:
        largest = np.zeros((1, 1), np.float32)  # one number for all rows
        p = exp(logits)
    else:
        largest = logits.max(axis=1, keepdims=True)  # (B, 1)
        p = exp(logits - largest)
    sums = p.sum(axis=1)
    p /= sums[:, None]
    return p, largest[:, 0] + np.log(sums, dtype=np.float64)


def exp(x: Float[Array, "B V"]) -> Float[Array, "B V"]:
    """Compute e^x with ONNX Runtime. NumPy's exp differs in the last bit between processors."""
    run = _exp()
    result: Array
    (result,) = run({"x": x})
    return result


@cache
def _exp() -> Run:
    """Load a graph that computes e^x."""
    graph = Graph()
    x = graph.input("x", "float32", ["B", "V"])
    graph.node("Exp", x, results=["exp"])
    graph.output("exp", "float32", ["B", "V"])
    return session(graph.serialized())


class Running:
    """Count the graphs that run, so that a fork can wait until none does.

    A lock of ONNX Runtime that another thread holds during a fork would stay locked in the child.
    """

    def __init__(self) -> None:
        self.condition = threading.Condition()
        self.count = 0

    def __enter__(self) -> None:
        with self.condition:
            self.count += 1

    def __exit__(self, *_: object) -> None:
        with self.condition:
            self.count -= 1
            self.condition.notify_all()

    def stop(self) -> None:
        """Wait until no graph runs, and let none begin until `go_on`."""
        self.condition.acquire()
        self.condition.wait_for(lambda: not self.count)

    def go_on(self) -> None:
        """Let graphs run again."""
        self.condition.release()


RUNNING = Running()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=RUNNING.stop, after_in_parent=RUNNING.go_on, after_in_child=RUNNING.go_on
    )


def session(graph: bytes) -> Run:
    """Load an ONNX graph, and return the function that runs it.

    A run uses only the calling thread, because threads that compose at the same time would compete
    for the processor.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # The arena would keep the memory of the largest batch for ever, and gains no time.
    options.enable_cpu_mem_arena = False
    loaded = onnxruntime.InferenceSession(graph, options)
    # ONNX Runtime keeps the graph's bytes in order to load it again on another device; nothing
    # public frees them, and they are 31 MB in a process with both models.
    loaded._model_bytes = None

    def run(inputs: Mapping[str, Array]) -> list[Array]:
        with RUNNING:
            outputs: list[Array] = loaded.run(None, inputs)
        return outputs

    return run


# -- the step ---------------------------------------------------------------------------------


def input_graph(checkpoint: Checkpoint) -> bytes:
    """Build the first graph of a step of an 8-bit model: ids -> net_x."""
    graph = _StepGraph(checkpoint)
    ids = graph.input("ids", "int64", ["B"])
    graph.product(graph.embedded(ids), "lstm.0.weight_ih", results=["net_x"])
    graph.output("net_x", "float32", ["B", 4 * checkpoint.configuration.hidden_size])
    return graph.serialized()


def layers_graph(checkpoint: Checkpoint) -> bytes:
    """Build the second graph of a step of an 8-bit model: net_x, rows, bias, state -> new state.

    B is the number of texts, U that of the state's rows, and R, the number of the bias's rows, is
    1 or B.
    """
    H = checkpoint.configuration.hidden_size
    graph = _StepGraph(checkpoint)
    net_x = graph.input("net_x", "float32", ["B", 4 * H])
    rows = graph.input("rows", "int64", ["B"])
    bias = graph.input("bias", "float32", ["R", 4 * H])
    for name in _states(checkpoint):
        graph.input(name, "float32", ["U", H])
    graph.layers(net_x, bias, rows)
    for name in _states(checkpoint):
        graph.output(f"{name}_next", "float32", ["B", H])
    return graph.serialized()


def output_graph(checkpoint: Checkpoint) -> bytes:
    """Build the third graph of a step of an 8-bit model: h -> logits and exp."""
    configuration = checkpoint.configuration
    graph = _StepGraph(checkpoint)
    h = graph.input("h", "float32", ["B", configuration.hidden_size])
    graph.node("Exp", graph.logits(h), results=["exp"])
    graph.output("logits", "float32", ["B", configuration.vocabulary_size])
    graph.output("exp", "float32", ["B", configuration.vocabulary_size])
    return graph.serialized()


def whole_graph(checkpoint: Checkpoint) -> bytes:
    """Build the graph of a whole step of an 8-bit model, which is usable without pingze.

    Its inputs are `ids` (B) and the state h0, c0, h1, … (B, H); if the configuration is `held`,
    also p (1 or B, E), the mean embedding of a text's conditions, or zeros if it has no conditions.
    Its outputs are `logits` (B, V), x (B, E), the embedding of `ids`, and the new state. The
    metadata hold the configuration and the vocabulary.
    """
    configuration = checkpoint.configuration
    graph = _StepGraph(checkpoint)
    # 1) The inputs.
    ids = graph.input("ids", "int64", ["B"])
    for name in _states(checkpoint):
        graph.input(name, "float32", ["B", configuration.hidden_size])
    # 2) The embedding, which is also an output: (whole - zero) · scale. DequantizeLinear subtracts
    # the zero, and Mul applies each row's own scale.
    embedded = graph.embedded(ids)
    bias = graph.vector("lstm.0.bias")
    whole = graph.node("DequantizeLinear", embedded.whole, graph.one(), graph.zero)
    graph.node("Mul", whole, embedded.scale, results=["x"])
    # 3) The first layer's bias b, or W_p p + b (Gemm) if the model is `held`.
    if configuration.held:
        p = graph.input("p", "float32", ["R", configuration.embedding_size])
        weight = checkpoint.matrix("lstm.0.weight_ph")
        stored = graph.constant("lstm.0.weight_ph", weight.whole)
        scale = graph.constant("lstm.0.weight_ph.scale", weight.scale)
        weight_ph = graph.node("DequantizeLinear", stored, scale, axis=0)
        bias = graph.node("Gemm", p, weight_ph, bias, transB=1)
    # 4) The layers, and the logits.
    net_x = graph.product(embedded, "lstm.0.weight_ih")
    graph.logits(graph.layers(net_x, bias))
    # 5) The outputs.
    graph.output("logits", "float32", ["B", configuration.vocabulary_size])
    graph.output("x", "float32", ["B", configuration.embedding_size])
    for name in _states(checkpoint):
        graph.output(f"{name}_next", "float32", ["B", configuration.hidden_size])
    return graph.serialized(checkpoint.metadata)


def _states(checkpoint: Checkpoint) -> list[str]:
    """List the names h0, c0, h1, … of the state's parts."""
    names = []
    for depth in range(checkpoint.configuration.layers):
        names += [f"h{depth}", f"c{depth}"]
    return names


@dataclass(frozen=True)
class _Quantised:
    """The names of a matrix in 8 bits: row n is `scale[n] * (whole[n] - _ZERO)`."""

    whole: str
    scale: str
    """The scale of each row, or `_SCALE_OF_ONE` if all rows have that scale."""


class _StepGraph(Graph):
    """A graph under construction that computes parts of a step of an 8-bit model."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__()
        self.checkpoint = checkpoint
        self.zero = self.constant("zero", np.array(_ZERO, np.uint8))

    def one(self) -> str:
        """Add the number 1."""
        return self.constant("one", np.array(1, np.float32))

    def scale_of_one(self) -> str:
        """Add the number 1/127, the scale of a row whose largest |x| is 1."""
        return self.constant(_SCALE_OF_ONE, np.array(1 / _LARGEST, np.float32))

    def vector(self, name: str) -> str:
        """Add a vector of the model."""
        return self.constant(name, self.checkpoint.tensor(name))

    def embedded(self, ids: str) -> _Quantised:
        """Look up the embeddings of tokens."""
        embedding = self.checkpoint.matrix("embedding.weight")
        unsigned = embedding.whole.view(np.uint8) ^ _ZERO  # adds 128, modulo 256
        table = self.constant("embedding", unsigned)
        whole = self.node("Gather", table, ids)
        scales = self.constant("embedding.scale", embedding.scale[:, None])
        return _Quantised(whole=whole, scale=self.node("Gather", scales, ids))

    def layers(self, net_x: str, bias: str, rows: str = "") -> str:
        """Compute `formulas.step_forward` for each layer in turn, and return h of the last layer.

        `rows` names an operand (B): for each text, the row of the state that it continues. If it
        is "", text n continues row n.
        """
        node = self.node
        phi = PHI[self.checkpoint.configuration.activation]
        h = ""
        for depth in range(self.checkpoint.configuration.layers):
            # 1) net_x and the bias. Those of the first layer are arguments.
            if depth > 0:
                net_x = self.product(self.quantised_hidden(h), f"lstm.{depth}.weight_ih")
                bias = self.vector(f"lstm.{depth}.bias")
            # 2) net_h from the previous state: computed once for each row of the state, then
            # copied for each text that continues the row.
            h_prev = self.quantised_hidden(f"h{depth}")
            net_h = self.product(h_prev, f"lstm.{depth}.weight_hh")
            c_prev = f"c{depth}"
            if rows:
                net_h = node("Gather", net_h, rows)
                c_prev = node("Gather", c_prev, rows)
            # 3) The gates.
            net = node("Add", node("Add", net_x, net_h), bias)
            gates = [f"net_{gate}{depth}" for gate in "ifco"]
            node("Split", net, results=gates, axis=1, num_outputs=4)
            i = node("Sigmoid", f"net_i{depth}")
            f = node("Sigmoid", f"net_f{depth}")
            o = node("Sigmoid", f"net_o{depth}")
            # 4) The new state: c = f ⊙ c_prev + i ⊙ c̃ and h = o ⊙ φ(c).
            kept = node("Mul", f, c_prev)
            c_tilde = node(phi, f"net_c{depth}")
            added = node("Mul", i, c_tilde)
            c = node("Add", kept, added, results=[f"c{depth}_next"])
            h = node("Mul", o, node(phi, c), results=[f"h{depth}_next"])
        return h

    def logits(self, h: str) -> str:
        """Compute the logits from the last layer's h, with the largest in each row 0."""
        x = self.quantised_hidden(h)
        weight = "output.weight"
        if self.checkpoint.configuration.tied:
            # The projection is not within ±1, so each of its rows needs its own scale.
            x = self.quantised(self.product(x, "projection.weight"))
            weight = "embedding.weight"
        logits = self.node("Add", self.product(x, weight), self.vector("output.bias"))
        return self.node("Sub", logits, self.largest(logits), results=["logits"])

    def largest(self, x: str) -> str:
        """Find the largest number in each row of x."""
        return self.node("ReduceMax", x, self.constant("columns", np.array([1], np.int64)))

    def quantised(self, x: str) -> _Quantised:
        """Quantise x to 8 bits, with a scale for each row."""
        scale_of_one = self.scale_of_one()
        largest = self.largest(self.node("Abs", x))
        largest = self.node("Max", largest, self.constant("least", np.array(_LEAST)))
        scale = self.node("Mul", largest, scale_of_one)
        # Each row is first divided by its own scale, so that one scale, 1, remains for all rows.
        multiples = self.node("Div", x, scale)
        whole = self.node("QuantizeLinear", multiples, self.one(), self.zero)
        return _Quantised(whole=whole, scale=scale)

    def quantised_hidden(self, h: str) -> _Quantised:
        """Quantise a hidden state to 8 bits, with the scale 1/127 for all rows if φ is tanh."""
        if self.checkpoint.configuration.activation != "tanh":  # then |h| may exceed 1
            return self.quantised(h)
        whole = self.node("QuantizeLinear", h, self.scale_of_one(), self.zero)
        return _Quantised(whole=whole, scale=_SCALE_OF_ONE)

    def product(self, x: _Quantised, name: str, results: Sequence[str] = ()) -> str:
        """Add the product x Wᵀ with the weight W called `name`, and return the product's name."""
        weight = self.checkpoint.matrix(name)
        whole = self.constant(f"{name}.whole", weight.columns)
        weight_scale = self.constant(f"{name}.scale", weight.scale)
        # The operator multiplies the integers (x.whole - zero) and `whole` exactly, and then
        # multiplies the result by its third operand, the scale of x, and by its fourth.
        operator = "MatMulIntegerToFloat"
        if x.scale == _SCALE_OF_ONE:
            operands = [x.whole, whole, _SCALE_OF_ONE, weight_scale, self.zero]
            return self.node(operator, *operands, results=results, domain=CONTRIBUTED)
        # The third operand must be one number for all rows of x. If each row of x has its own
        # scale, it is therefore 1, and a further node applies the scales of the rows.
        operands = [x.whole, whole, self.one(), weight_scale, self.zero]
        product = self.node(operator, *operands, domain=CONTRIBUTED)
        return self.node("Mul", product, x.scale, results=results)
