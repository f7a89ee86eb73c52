"""Write ONNX graphs without the onnx package, and run them with ONNX Runtime.

Importing the onnx package takes longer than composing a poem. An ONNX file is a protocol buffer: a message is a
sequence of fields, each of which has a number and a value (https://protobuf.dev/programming-guides/encoding).
onnx/onnx.proto defines the numbers of the fields.

No other module may import ONNX Runtime directly (tests/test_layout.py). Since version 1.29 it sends events to its maker
and stores a device identifier in the user's cache, unless an environment variable disables this before the import.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from functools import partial

import numpy as np

from pingze.arrays import Array

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime  # type: ignore[import-untyped]  # reads the variable when imported

__all__ = ["CONTRIBUTED", "TYPES", "Described", "Graph", "onnxruntime", "session"]

TYPES = {"float32": 1, "uint8": 2, "int8": 3, "int64": 7, "float64": 11}
_INT_ATTRIBUTE = 2
_IR_VERSION, _OPSET, CONTRIBUTED = 8, 18, "com.microsoft"
"""Versions that every ONNX Runtime since 1.14 can read, and the domain of ONNX Runtime's additional operators."""

Chunks = list[bytes | memoryview]
"""A message in parts, which are joined once: a model has megabytes of constants, and copying them takes time."""
Value = int | str | Chunks  # the value of a field: a number, a string, or bytes, such as a nested message
Described = tuple[str, str, tuple[int | str, ...]]
"""An operand or result: its name, its type, and its sizes; a size that is not fixed has a name instead."""


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
        """Add a node with a single result and return its name."""
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
        opsets = (_message((1, name), (2, version)) for name, version in (("", _OPSET), (CONTRIBUTED, 1)))
        texts = (_message((1, name), (2, text)) for name, text in properties.items())
        parts = ((7, graph), *((8, opset) for opset in opsets), *((14, text) for text in texts))
        return b"".join(_message((1, _IR_VERSION), (2, "pingze"), *parts))


def _described(name: str, type_: str, sizes: tuple[int | str, ...]) -> Chunks:
    shape = _message(*((1, _message((1, size) if isinstance(size, int) else (2, size))) for size in sizes))
    return _message((1, name), (2, _message((1, _message((1, TYPES[type_]), (2, shape))))))


def _message(*fields: tuple[int, Value]) -> Chunks:
    """Encode each field as a key, which states the kind of value, and a number, or bytes after their length."""
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
    """Prepare a graph, and return a function that runs it: given operands by name, it returns a list of results.

    A run uses only the calling thread, because threads that compose at the same time would compete for the processor.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return partial(onnxruntime.InferenceSession(graph, options).run, None)
