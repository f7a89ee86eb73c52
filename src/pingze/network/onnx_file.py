"""Write ONNX files without the onnx package.

Importing that package would take longer than composing a poem. An ONNX file is a protocol buffer:
a message is a sequence of fields, each of which has a number and a value
(https://protobuf.dev/programming-guides/encoding). onnx/onnx.proto defines the fields' numbers;
comments below give the names that it has for them.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from pingze.arrays import Array

TYPES = {"float32": 1, "uint8": 2, "int8": 3, "int64": 7, "float64": 11}
"""The number of each type of tensors in onnx.proto."""
CONTRIBUTED = "com.microsoft"
"""The domain of ONNX Runtime's additional operators."""
_IR_VERSION = 8
_OPERATOR_SETS = {"": 18, CONTRIBUTED: 1}
"""The version of each domain's operators; every ONNX Runtime since 1.14 can read these versions."""
_INT_ATTRIBUTE = 2


class _Message:
    """A message in parts, which are joined only once: copying megabytes of constants takes time.

    Each method appends a field and returns the message.
    """

    def __init__(self) -> None:
        self.parts: list[bytes | memoryview] = []

    def number(self, field: int, value: int) -> "_Message":
        """Append a field whose value is a number."""
        self.parts.append(_varint(field << 3) + _varint(value))  # type 0, in the lowest 3 bits
        return self

    def text(self, field: int, value: str) -> "_Message":
        """Append a field whose value is a string."""
        return self.data(field, [value.encode()])

    def message(self, field: int, value: "_Message") -> "_Message":
        """Append a field whose value is another message."""
        return self.data(field, value.parts)

    def data(self, field: int, parts: Sequence[bytes | memoryview]) -> "_Message":
        """Append a field whose value is bytes, preceded by their length."""
        length = sum(len(part) for part in parts)
        self.parts.append(_varint(field << 3 | 2) + _varint(length))  # type 2
        self.parts.extend(parts)
        return self


def _varint(value: int) -> bytes:
    """Encode a number in seven bits per byte, the lowest bits first.

    The eighth bit states whether another byte follows.
    """
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


class Graph:
    """A graph under construction. Its inputs, outputs and nodes are added in order."""

    def __init__(self) -> None:
        self._nodes: list[_Message] = []
        self._constants: dict[str, _Message] = {}
        self._inputs: list[_Message] = []
        self._outputs: list[_Message] = []

    def input(self, name: str, type_: str, shape: Sequence[int | str]) -> str:
        """Declare an operand of the graph, and return its name.

        In the shape, a size that varies is a name instead of a number.
        """
        self._inputs.append(_value_info(name, type_, shape))
        return name

    def output(self, name: str, type_: str, shape: Sequence[int | str]) -> None:
        """Declare a result of the graph, which a node computes."""
        self._outputs.append(_value_info(name, type_, shape))

    def constant(self, name: str, values: Array) -> str:
        """Add a constant unless one with the same name exists, and return the name."""
        if name not in self._constants:
            # the bytes of the array, not copied if the array is contiguous
            contents = np.ascontiguousarray(values).reshape(-1).view(np.uint8)
            tensor = _Message()  # TensorProto: dims, data_type, name, raw_data
            for size in values.shape:
                tensor.number(1, size)
            tensor.number(2, TYPES[values.dtype.name]).text(8, name)
            tensor.data(9, [contents.data])
            self._constants[name] = tensor
        return name

    def node(
        self,
        operator: str,
        *operands: str,
        results: Sequence[str] = (),
        domain: str = "",
        **attributes: int,
    ) -> str:
        """Add a node, and return the name of its first result.

        By default, the node has one result, whose name is new.
        """
        if not results:
            results = [f"{operator}_{len(self._nodes)}"]
        node = _Message()  # NodeProto: input, output, op_type, domain, attribute
        for operand in operands:
            node.text(1, operand)
        for result in results:
            node.text(2, result)
        node.text(4, operator).text(7, domain)
        for name, value in attributes.items():  # AttributeProto: name, i, type
            attribute = _Message().text(1, name).number(3, value).number(20, _INT_ATTRIBUTE)
            node.message(5, attribute)
        self._nodes.append(node)
        return results[0]

    def serialized(self, metadata: Mapping[str, str] = {}) -> bytes:
        """Return the graph as the bytes of an ONNX file."""
        # 1) GraphProto: node, name, initializer, input, output.
        graph = _Message()
        for node in self._nodes:
            graph.message(1, node)
        graph.text(2, "pingze step")
        for constant in self._constants.values():
            graph.message(5, constant)
        for value_info in self._inputs:
            graph.message(11, value_info)
        for value_info in self._outputs:
            graph.message(12, value_info)
        # 2) ModelProto, which is the file: ir_version, producer_name, graph, opset_import (the
        # version of each domain's operators) and metadata_props.
        model = _Message().number(1, _IR_VERSION).text(2, "pingze").message(7, graph)
        for domain, version in _OPERATOR_SETS.items():
            model.message(8, _Message().text(1, domain).number(2, version))
        for key, value in metadata.items():
            model.message(14, _Message().text(1, key).text(2, value))
        return b"".join(model.parts)


def _value_info(name: str, type_: str, sizes: Sequence[int | str]) -> _Message:
    """Describe an input or output of a graph: its name, its type and its shape.

    A size that varies is a name instead of a number.
    """
    shape = _Message()  # TensorShapeProto, with one field `dim` for each size
    for size in sizes:
        if isinstance(size, int):
            shape.message(1, _Message().number(1, size))  # a dim_value
        else:
            shape.message(1, _Message().text(2, size))  # a dim_param
    tensor = _Message().number(1, TYPES[type_]).message(2, shape)  # elem_type, shape
    type_proto = _Message().message(1, tensor)  # tensor_type
    return _Message().text(1, name).message(2, type_proto)
