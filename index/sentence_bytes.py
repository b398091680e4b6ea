"""Unit vectors in a byte a dimension, as those of the sentences of a very large index are kept."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_LARGEST, _SMALLEST = 127, 1e-9


def in_bytes(vectors: NDArray[np.float32]) -> NDArray[np.int8]:
    """Return vectors of shape (n, dim) as whole numbers; the largest component of each is 127 or -127.

    How long they were is not kept: they are unit vectors. Cosines change by some 0.0005.
    """
    # A vector without any component stays one.
    largest = np.abs(vectors).max(axis=1, keepdims=True, initial=_SMALLEST)
    return np.asarray(np.rint(vectors * (_LARGEST / largest)), dtype=np.int8)


def unit_vectors(stored: NDArray[Any]) -> NDArray[np.floating[Any]]:
    """Return what `in_bytes` made as unit vectors again, float64; vectors that are floats as they are."""
    if stored.dtype != np.int8:
        return np.asarray(stored)
    # Sums of whole numbers are exact in any order, so that the bits depend on no library.
    squares = np.square(stored, dtype=np.int64).sum(axis=1, keepdims=True)
    return np.asarray(stored / np.sqrt(np.maximum(squares, 1)))
