"""Small ONNX graphs, written without the onnx package: a product in 8 bits, and a function of a matrix.

An ONNX file is a protocol buffer: a message is a row of fields, each of which is a number and a value
(https://protobuf.dev/programming-guides/encoding; the numbers are those of onnx/onnx.proto).
"""

import numpy as np

from pingze.arrays import Array, Float, Int8

ZERO = 128
"""Which unsigned byte of the left operand stands for 0."""

_FLOAT, _UINT8, _INT8 = 1, 2, 3
_IR_VERSION, _OPSET, _CONTRIBUTED = 8, 17, "com.microsoft"

Value = int | str | bytes
"""Of a field: a number, or bytes, which a message in a message becomes."""


def product(weight: Int8[Array, "K N"], scales: Float[Array, "N"]) -> bytes:
    """`y` = (`x` - 128) weight · scales, in float32, of unsigned bytes `x` (B, K)."""
    constants = {
        "weight": _tensor("weight", _INT8, weight),
        "one": _tensor("one", _FLOAT, np.ones((), np.float32)),
        "scales": _tensor("scales", _FLOAT, scales),
        "zero": _tensor("zero", _UINT8, np.array(ZERO, np.uint8)),
    }
    node = _node("MatMulIntegerToFloat", ["x", *constants], _CONTRIBUTED)
    K, N = weight.shape
    return _model(node, _described("x", _UINT8, K), _described("y", _FLOAT, N), *constants.values())


def function(name: str) -> bytes:
    """`y` = an ONNX operator of `x`, both float32 and of any number of rows and columns, as `Softmax` over each row."""
    return _model(_node(name, ["x"]), _described("x", _FLOAT, "V"), _described("y", _FLOAT, "V"))


def _node(operator: str, operands: list[str], domain: str = "") -> bytes:
    return _message(*((1, name) for name in operands), (2, "y"), (4, operator), (7, domain))


def _model(node: bytes, x: bytes, y: bytes, *constants: bytes) -> bytes:
    inside = _message((1, node), (2, "graph"), *((5, each) for each in constants), (11, x), (12, y))
    opsets = [_message((1, domain), (2, version)) for domain, version in (("", _OPSET), (_CONTRIBUTED, 1))]
    return _message((1, _IR_VERSION), (7, inside), *((8, opset) for opset in opsets))


def _tensor(name: str, type_: int, values: Array) -> bytes:
    """A constant."""
    return _message(*((1, size) for size in values.shape), (2, type_), (8, name), (9, values.tobytes()))


def _described(name: str, type_: int, columns: int | str) -> bytes:
    """An operand or result of any number of rows; so many columns, or any number under a name."""
    last = _message((1, columns)) if isinstance(columns, int) else _message((2, columns))
    shape = _message((1, _message((2, "B"))), (1, last))
    return _message((1, name), (2, _message((1, _message((1, type_), (2, shape))))))


def _message(*fields: tuple[int, Value]) -> bytes:
    return b"".join(_field(number, value) for number, value in fields)


def _field(number: int, value: Value) -> bytes:
    """Its key, which says whether a number or bytes follow, and the value; bytes have their length before them."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; the eighth bit says that another byte follows."""
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + _varint(rest) if rest else bytes([low])
