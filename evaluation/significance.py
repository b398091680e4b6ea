"""Is one system better than another on the same queries, or is it chance?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from evaluation.resampling import SEED, Floats, bootstrap_weights

PERMUTATIONS = 10_000
RESAMPLES = 2_000
ALPHA = 0.05
POWER = 0.8
#: Up to here all sign patterns are tried, which makes the test exact.
_EXACT_QUERIES = 13
_BLOCK = 4_000_000
_TOLERANCE = 1e-12
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """How B differs from A on one measure, over the queries that both have.

    Args:
        difference: Mean of B less A.
        low: Of the 95 % bootstrap interval of the difference.
        high: As `low`.
        p_value: Of the two-sided paired randomisation test.
        detectable: The smallest true difference that a test at 0.05 on these queries would find in 80 % of all
            samples; a smaller one may well exist.
        wins: Queries on which B's value is higher.
        ties: Queries on which they are equal.
        losses: Queries on which A's value is higher.
    """

    n: int
    mean_a: float
    mean_b: float
    difference: float
    low: float
    high: float
    p_value: float
    detectable: float
    wins: int
    ties: int
    losses: int


def compare_values(a: Floats, b: Floats, *, seed: int = SEED) -> PairedDifference:
    """Compare two systems' values for the same queries, in the same order.

    Raises:
        ValueError: If there is no query, or not one value of each for every query.
    """
    if a.shape != b.shape or not a.size:
        raise ValueError(f"{a.shape} and {b.shape} values are no pairs")
    differences = b - a
    drawn = np.concatenate(
        [weights @ differences / len(differences) for weights in bootstrap_weights(len(a), RESAMPLES, seed)]
    )
    low, high = np.percentile(drawn, [2.5, 97.5])
    return PairedDifference(
        n=len(a),
        mean_a=float(a.mean()),
        mean_b=float(b.mean()),
        difference=float(differences.mean()),
        low=float(low),
        high=float(high),
        p_value=float(randomisation_p_values(differences[:, None], seed=seed)[0]),
        detectable=smallest_detectable(differences),
        wins=int((differences > _TOLERANCE).sum()),
        ties=int((np.abs(differences) <= _TOLERANCE).sum()),
        losses=int((differences < -_TOLERANCE).sum()),
    )


def randomisation_p_values(
    differences: Floats, *, permutations: int = PERMUTATIONS, seed: int = SEED
) -> Floats:
    """Return the two-sided p-value of the paired randomisation test for many comparisons at once.

    Under the null hypothesis it is chance which of the two systems got which value of a query, so the sign
    of each difference is turned at random and the mean compared with the observed one. Up to 13 queries all
    patterns of signs are tried; beyond, a random sample, which the observed pattern is counted into.

    Args:
        differences: Shape (n_queries, n_comparisons).
        permutations: Size of the sample.
        seed: Of the sample.

    Returns:
        Shape (n_comparisons,), above 0 and at most 1.

    Source: Smucker, Allan and Carterette, A Comparison of Statistical Significance Tests for Information
    Retrieval Evaluation, CIKM 2007; Phipson and Smyth, 2010, for counting the observed pattern.
    """
    observed = np.abs(differences.sum(axis=0))
    # Sums of the same numbers in another order differ in their last bits; they must count as equal.
    threshold = observed - _TOLERANCE * np.maximum(1, np.abs(differences).sum(axis=0))
    n = len(differences)
    if n <= _EXACT_QUERIES:
        return np.asarray(_count_extreme(_all_signs(n), differences, threshold) / 2**n)
    extreme = np.zeros(differences.shape[1])
    for signs in _random_sign_blocks(n, permutations, seed):
        extreme += _count_extreme(signs, differences, threshold)
    return np.asarray((extreme + 1) / (permutations + 1))


def _count_extreme(signs: Floats, differences: Floats, threshold: Floats) -> Floats:
    extreme: Floats = (np.abs(signs @ differences) >= threshold).sum(axis=0).astype(np.float64)
    return extreme


def _all_signs(n: int) -> Floats:
    patterns = np.arange(2**n)[:, None] >> np.arange(n) & 1
    return np.where(patterns == 1, -1.0, 1.0)  # (2^n, n)


def _random_sign_blocks(n: int, permutations: int, seed: int) -> Iterator[Floats]:
    rng = np.random.default_rng(seed)
    rows = max(1, _BLOCK // n)
    for at in range(0, permutations, rows):
        size = (min(rows, permutations - at), n)
        yield rng.integers(0, 2, size=size).astype(np.float64) * 2 - 1


def holm(p_values: Sequence[float]) -> list[float]:
    """Return adjusted p-values, in the same order: below 0.05 keeps the chance of any false alarm below 0.05.

    Source: Holm, A Simple Sequentially Rejective Multiple Test Procedure, 1979.
    """
    order = np.argsort(p_values, kind="stable")
    adjusted = np.empty(len(p_values))
    highest = 0.0
    for place, at in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - place) * p_values[at]))
        adjusted[at] = highest
    return [float(value) for value in adjusted]


def smallest_detectable(differences: NDArray[np.float64]) -> float:
    """Return the smallest true mean difference that a paired test on so many queries finds, given the spread.

    Two-sided, at level 0.05, with power 0.8, by the normal approximation; 0 for no spread, and the
    largest difference there can be for a single query.
    """
    if len(differences) < 2:
        return 1.0
    spread = float(differences.std(ddof=1)) / np.sqrt(len(differences))
    return float((_NORMAL.inv_cdf(1 - ALPHA / 2) + _NORMAL.inv_cdf(POWER)) * spread)
