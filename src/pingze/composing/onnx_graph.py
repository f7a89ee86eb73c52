"""The ONNX graph of one product in 8 bits, written without the onnx package.

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


def graph(weight: Int8[Array, "K N"], scales: Float[Array, "N"]) -> bytes:
    """`y` = (`x` - 128) weight · scales, in float32, of unsigned bytes `x` (B, K)."""
    node = _message(
        *((1, name) for name in ("x", "weight", "one", "scales", "zero")),
        (2, "y"),
        (4, "MatMulIntegerToFloat"),
        (7, _CONTRIBUTED),
    )
    constants = (
        _tensor("weight", _INT8, weight),
        _tensor("one", _FLOAT, np.ones((), np.float32)),
        _tensor("scales", _FLOAT, scales),
        _tensor("zero", _UINT8, np.array(ZERO, np.uint8)),
    )
    K, N = weight.shape
    inside = _message(
        (1, node),
        (2, "product"),
        *((5, constant) for constant in constants),
        (11, _described("x", _UINT8, K)),
        (12, _described("y", _FLOAT, N)),
    )
    opsets = [_message((1, domain), (2, version)) for domain, version in (("", _OPSET), (_CONTRIBUTED, 1))]
    return _message((1, _IR_VERSION), (7, inside), *((8, opset) for opset in opsets))


def _tensor(name: str, type_: int, values: Array) -> bytes:
    """A constant."""
    return _message(*((1, size) for size in values.shape), (2, type_), (8, name), (9, values.tobytes()))


def _described(name: str, type_: int, columns: int) -> bytes:
    """An operand or result of any number of rows."""
    shape = _message((1, _message((2, "B"))), (1, _message((1, columns))))
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
