"""Joining the scores of several rankings into one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: How much each score counts where tokens are compared; docs/decisions.md has the measurements.
DENSE_WEIGHT, LEXICAL_WEIGHT, LATE_WEIGHT = 0.18, 0.03, 0.79
#: The same for choosing what they are compared with, and in an index without tokens.
FIRST_DENSE_WEIGHT, FIRST_LEXICAL_WEIGHT = 0.7, 0.3


@dataclass(frozen=True, slots=True)
class WeightedScores:
    """What one ranking gives each candidate, and how much it counts.

    `values` has shape (n_candidates,), higher is better; `minimum` is the least value that there can be, such as
    -1 for a cosine and 0 for BM25.
    """

    values: NDArray[np.float64]
    minimum: float
    weight: float

    def __post_init__(self) -> None:
        if self.weight < 0:
            raise ValueError(f"a weight is {self.weight}; choose 0 or more")


def fuse_scores(parts: Sequence[WeightedScores]) -> NDArray[np.float64]:
    """Return the convex combination of scores, each first scaled to 0 to 1.

    Each score is scaled by its theoretical minimum and the largest value among the candidates; so a query
    that shares no word with any passage is ranked by the cosines alone.

    Args:
        parts: At least one, all of the same candidates. Their weights count relative to their sum.

    Returns:
        Shape (n_candidates,), values 0 to 1; higher is better.

    Raises:
        ValueError: If the shapes differ or all weights are 0.

    Source: TM2C2 in Bruch, Gai and Ingber, An Analysis of Fusion Functions for Hybrid Retrieval, TOIS 2023.
    """
    shapes = {part.values.shape for part in parts}
    if len(shapes) != 1:
        raise ValueError(f"scores of shapes {sorted(shapes)} are not of the same candidates")
    total = sum(part.weight for part in parts)
    if not total:
        raise ValueError("all weights are 0; let one ranking count at least")
    # Summed in the order of the parts, so that the bits depend on nothing else.
    fused = np.zeros(shapes.pop())
    for part in parts:
        fused += part.weight / total * _scale(part)
    return fused


def fuse_first(dense: NDArray[np.float64], lexical: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return cosines and BM25 as one score, same shape: what is compared token by token is chosen by it."""
    return fuse_scores(
        [WeightedScores(dense, -1, FIRST_DENSE_WEIGHT), WeightedScores(lexical, 0, FIRST_LEXICAL_WEIGHT)]
    )


def fuse_all(
    first: NDArray[np.float64],
    dense: NDArray[np.float64],
    lexical: NDArray[np.float64],
    late: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return all three scores as one; where `late` is NaN, the first ones keep their order, behind most others.

    Where it is NaN everywhere the first ones are all there is.
    """
    if np.isnan(late).all():
        return first
    fused = fuse_scores(
        [
            WeightedScores(dense, -1, DENSE_WEIGHT),
            WeightedScores(lexical, 0, LEXICAL_WEIGHT),
            WeightedScores(np.nan_to_num(late, nan=-1.0), -1, LATE_WEIGHT),
        ]
    )
    return np.where(np.isnan(late), (DENSE_WEIGHT + LEXICAL_WEIGHT) * first, fused)


def _scale(part: WeightedScores) -> NDArray[np.float64]:
    highest = part.values.max(initial=part.minimum)
    if highest <= part.minimum:
        return np.zeros_like(part.values)
    return np.asarray((part.values - part.minimum) / (highest - part.minimum))
