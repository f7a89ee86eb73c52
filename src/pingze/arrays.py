"""The types of NumPy arrays: `Float[Array, "B H"]` is one of B rows and H columns.

They are jaxtyping's for whoever checks them, a type checker or a test that imports it first. To everybody else a shape
says nothing, and importing jaxtyping would take as long as NumPy.
"""

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

Array = np.ndarray

if TYPE_CHECKING or "jaxtyping" in sys.modules:
    from jaxtyping import Bool, Float, Float32, Int, Int8, Int32, Int64, UInt16, UInt32, UInt64
else:

    class _Shaped:
        def __class_getitem__(cls, parameters: tuple[type, str]) -> Any:
            return parameters[0]

    Bool = Float = Float32 = Int = Int8 = Int32 = Int64 = UInt16 = UInt32 = UInt64 = _Shaped

__all__ = [
    "Array",
    "Bool",
    "Float",
    "Float32",
    "Int",
    "Int8",
    "Int32",
    "Int64",
    "UInt16",
    "UInt32",
    "UInt64",
]
