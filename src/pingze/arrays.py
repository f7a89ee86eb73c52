"""Define the types of NumPy arrays: `Float[Array, "B H"]` is B rows and H columns of floats.

Type checkers, and tests that import jaxtyping before this module, see jaxtyping's types. For all
other code, each type is plain `Array`, because importing jaxtyping takes as long as importing
NumPy.
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
