"""Joining the scores of several rankings into one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


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


def _scale(part: WeightedScores) -> NDArray[np.float64]:
    highest = part.values.max(initial=part.minimum)
    if highest <= part.minimum:
        return np.zeros_like(part.values)
    return np.asarray((part.values - part.minimum) / (highest - part.minimum))
