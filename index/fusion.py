"""Joining the dense and the lexical ranking into one."""

import numpy as np
from numpy.typing import NDArray


def fuse_scores(
    dense: NDArray[np.float64], lexical: NDArray[np.float64], *, dense_weight: float
) -> NDArray[np.float64]:
    """Return the convex combination of two scores, each first scaled to 0 to 1.

    Each score is scaled by its theoretical minimum (-1 for a cosine, 0 for BM25) and the largest score
    among the candidates; so a query that shares no word with any passage is ranked by the cosines alone.

    Args:
        dense: Cosines, shape (n,), one per candidate.
        lexical: BM25 scores of the same candidates, shape (n,).
        dense_weight: 0 (lexical only) to 1 (dense only).

    Returns:
        Shape (n,), values 0 to 1; higher is better.

    Raises:
        ValueError: If the shapes differ or the weight is outside 0 to 1.

    Source: TM2C2 in Bruch, Gai and Ingber, An Analysis of Fusion Functions for Hybrid Retrieval, TOIS 2023.
    """
    if dense.shape != lexical.shape:
        raise ValueError(
            f"{dense.shape} dense and {lexical.shape} lexical scores are not of the same candidates"
        )
    if not 0 <= dense_weight <= 1:
        raise ValueError(f"dense_weight is {dense_weight}; choose 0 to 1")
    scaled_dense = _scale(dense, minimum=-1)
    scaled_lexical = _scale(lexical, minimum=0)
    return np.asarray(dense_weight * scaled_dense + (1 - dense_weight) * scaled_lexical)


def _scale(scores: NDArray[np.float64], *, minimum: float) -> NDArray[np.float64]:
    highest = scores.max(initial=minimum)
    if highest <= minimum:
        return np.zeros_like(scores)
    return np.asarray((scores - minimum) / (highest - minimum))
