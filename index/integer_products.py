"""Exact inner products of vectors of 8-bit integers, as fast as the processor has them."""

import functools
from importlib.resources import files
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

#: One node, MatMulInteger(uint8 (n, dim), int8 (dim, m)) with zero point 128 on the left.
GRAPH_NAME = "integer_products.onnx"
#: Signed bytes become unsigned ones with the zero point 128 by turning their first bit over.
_SIGN_BIT = np.uint8(0x80)
_LARGEST_SQUARE = 128**2


def as_unsigned(codes: NDArray[np.int8]) -> NDArray[np.uint8]:
    """Return signed bytes as unsigned ones, each 128 more, as the left side of a product has them."""
    return codes.view(np.uint8) ^ _SIGN_BIT


def as_signed(codes: NDArray[np.uint8]) -> NDArray[np.int8]:
    """Return what `as_unsigned` was given."""
    return (codes ^ _SIGN_BIT).view(np.int8)


def integer_products(
    left: NDArray[np.uint8], right: NDArray[np.int8]
) -> NDArray[np.int32] | NDArray[np.float32]:
    """Return the inner product of each row of `left`, made signed, with each row of `right`, shape (n_left, n_right).

    A sum below 2**24, which those of up to 1,024 dimensions are, is exact, whatever computes it; as a float32 a longer
    one is the exact sum rounded once. So its bits are the same on every machine.

    Args:
        left: The side with more rows, unsigned, see `as_unsigned`; shape (n_left, dim).
        right: Shape (n_right, dim).
    """
    session = _session()
    return _products_in_floats(left, right) if session is None else _run(session, left, right)


def open_products() -> Any:
    """Open the graph for runs that each stay on the thread that asked for them."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    graph = (files("index") / GRAPH_NAME).read_bytes()
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def products_are_exact(session: Any) -> bool:
    """Return whether a graph's products are exact on this processor.

    Some instructions add two products in 16 bits and cut what does not fit, so the largest bytes are tried
    beside random ones, in blocks of sizes that a kernel takes at once and that it does not.
    """
    random = np.random.default_rng(0)
    extremes = np.array([-128, -127, 127], dtype=np.int8)
    for n_left, n_right, dim in ((1, 1, 3), (5, 3, 64), (33, 17, 384), (64, 12, 1_023)):
        for choices in (extremes, np.arange(-128, 128, dtype=np.int8), np.full(1, 127, dtype=np.int8)):
            left, right = random.choice(choices, (n_left, dim)), random.choice(choices, (n_right, dim))
            if not np.array_equal(
                _run(session, as_unsigned(left), right), left.astype(np.int32) @ right.T.astype(np.int32)
            ):
                return False
    return True


@functools.cache
def _session() -> Any:
    session = open_products()
    return session if products_are_exact(session) else None


def _run(session: Any, left: NDArray[np.uint8], right: NDArray[np.int8]) -> NDArray[np.int32]:
    products: NDArray[np.int32] = session.run(None, {"left": left, "right": np.ascontiguousarray(right.T)})[0]
    return products


def _products_in_floats(left: NDArray[np.uint8], right: NDArray[np.int8]) -> NDArray[np.float32]:
    # 24 bits of a float32 hold the sum of 1,024 products of two bytes; a longer sum needs a float64.
    exact = np.float32 if left.shape[1] * _LARGEST_SQUARE <= 2**24 else np.float64
    products: NDArray[np.float32] = np.dot(as_signed(left).astype(exact), right.astype(exact).T).astype(
        np.float32
    )
    return products
