"""The softmax over the last axis, by ONNX Runtime, whose exponentials take a fourth of NumPy's time."""

from functools import cache

import numpy as np

from pingze.arrays import Array, Float
from pingze.network import onnx_graph
from pingze.network.products import session


def softmax(logits: Float[Array, "*B V"]) -> Float[Array, "*B V"]:
    """In float32; 0 where a logit is -inf."""
    return _each_row("Softmax", logits)


def log_softmax(logits: Float[Array, "*B V"]) -> Float[Array, "*B V"]:
    """In float32; -inf stays -inf where a logit is."""
    return _each_row("LogSoftmax", logits)


def _each_row(operator: str, logits: Float[Array, "*B V"]) -> Float[Array, "*B V"]:
    rows = logits.reshape(-1, logits.shape[-1]).astype(np.float32, copy=False)
    return _session(operator)(rows).reshape(logits.shape)


_session = cache(lambda operator: session(onnx_graph.function(operator)))
