"""Percentile bootstrap intervals of any statistic that can be computed under query weights."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
#: Takes weights of shape (n_resamples, n_queries) and returns shape (n_resamples,); NaN where undefined.
Statistic = Callable[[Floats], Floats]

RESAMPLES = 2_000
SEED = 7
_CONFIDENCE_PERCENT = 95
_BLOCK = 4_000_000  # weights held at a time


@dataclass(frozen=True, slots=True)
class Estimate:
    """A statistic over n queries with its 95 % interval; all None when it is undefined for them."""

    value: float | None
    low: float | None
    high: float | None
    n: int


def estimate(
    statistic: Statistic,
    *,
    n: int,
    n_counted: int | None = None,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Estimate:
    """Return a statistic of n queries with its percentile bootstrap interval; the same seed, the same numbers.

    Args:
        statistic: Computed under weights, one per query.
        n: Number of queries, those that the statistic leaves out included.
        n_counted: Number of queries that the statistic is about; n when None.
        resamples: How often the queries are drawn anew, with replacement.
        seed: Of the draws.
    """
    counted = n if n_counted is None else n_counted
    value = float(statistic(np.ones((1, n)))[0]) if counted else float("nan")
    if np.isnan(value):
        return Estimate(None, None, None, counted)
    drawn = np.concatenate([statistic(weights) for weights in bootstrap_weights(n, resamples, seed)])
    tail = (100 - _CONFIDENCE_PERCENT) / 2
    low, high = np.nanpercentile(drawn, [tail, 100 - tail])
    return Estimate(_rounded(value), _rounded(float(low)), _rounded(float(high)), counted)


def widen(found: Estimate) -> Estimate:
    """Return the exact interval of a share of all or none, which resampling would give no width.

    Source: Clopper and Pearson, Biometrika 1934.
    """
    if not found.n or found.value not in (0, 1):
        return found
    reach = ((100 - _CONFIDENCE_PERCENT) / 200) ** (1 / found.n)
    return replace(found, low=_rounded(reach)) if found.value else replace(found, high=_rounded(1 - reach))


def bootstrap_weights(n: int, resamples: int, seed: int) -> Iterator[Floats]:
    """Yield blocks of shape (some, n): how often each query is drawn in each resample."""
    rng = np.random.default_rng(seed)
    rows = max(1, _BLOCK // max(n, 1))
    for at in range(0, resamples, rows):
        size = min(rows, resamples - at)
        yield rng.multinomial(n, np.full(n, 1 / n), size=size).astype(np.float64)


def weighted_mean(values: Floats) -> Statistic:
    """Return the mean of the values; NaN marks a query that it is not about."""
    counted = ~np.isnan(values)
    kept = np.where(counted, values, 0.0)

    def mean(weights: Floats) -> Floats:
        return _ratio(weights @ kept, weights @ counted.astype(np.float64))

    return mean


def ratio(numerator: Floats, denominator: Floats) -> Statistic:
    """Return the sum of one count over the sum of another, such as right numbers over checked ones."""
    return lambda weights: _ratio(weights @ numerator, weights @ denominator)


def auroc(scores: Floats, positive: NDArray[np.bool_], negative: NDArray[np.bool_]) -> Statistic:
    """Return the probability that a positive scores above a negative; a tie counts a half.

    Args:
        scores: One per query.
        positive: Which queries are positive.
        negative: Which are negative; a query may be neither.
    """
    above = scores[positive][:, None] - scores[negative][None, :]  # (n_positive, n_negative)
    wins = (above > 0) + 0.5 * (above == 0)

    def area(weights: Floats) -> Floats:
        up, down = weights[:, positive], weights[:, negative]
        return _ratio(((up @ wins) * down).sum(axis=1), up.sum(axis=1) * down.sum(axis=1))

    return area


def calibration_error(probabilities: Floats, outcomes: NDArray[np.bool_], *, bins: int = 10) -> Statistic:
    """Return the expected calibration error over bins of equal width.

    Source: Guo et al., On Calibration of Modern Neural Networks, ICML 2017.
    """
    place = np.minimum((probabilities * bins).astype(np.int64), bins - 1)
    gaps = np.zeros((len(probabilities), bins))
    gaps[np.arange(len(probabilities)), place] = probabilities - outcomes

    def error(weights: Floats) -> Floats:
        return _ratio(np.abs(weights @ gaps).sum(axis=1), weights.sum(axis=1))

    return error


def risk_coverage(confidences: Floats, wrong: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Return coverage and risk when only the most confident replies are kept, from few to all.

    Replies of equal confidence are kept or left together.

    Returns:
        Two arrays, one entry per distinct confidence, highest first.
    """
    order = np.argsort(-confidences, kind="stable")
    last = np.flatnonzero(np.append(np.diff(confidences[order]) != 0, [True]))
    kept = last + 1
    return kept / len(order), np.cumsum(wrong[order])[last] / kept


def risk_area(confidences: Floats, wrong: NDArray[np.bool_]) -> Statistic:
    """Return the area under the risk-coverage curve: the mean risk over all coverages, lower is better.

    Source: Geifman, Uziel and El-Yaniv, Bias-Reduced Uncertainty Estimation, ICLR 2019.
    """
    order = np.argsort(-confidences, kind="stable")
    changes = np.append(np.diff(confidences[order]) != 0, [True])
    last = np.flatnonzero(changes)
    group_end = last[np.cumsum(np.append([0], changes[:-1]))]
    errors = wrong[order].astype(np.float64)

    def area(weights: Floats) -> Floats:
        sorted_weights = weights[:, order]
        risk = _ratio(np.cumsum(sorted_weights * errors, axis=1), np.cumsum(sorted_weights, axis=1))
        # A group that no draw has hit yet has no risk, and no weight either.
        area = np.nan_to_num(risk[:, group_end]) * sorted_weights
        return _ratio(area.sum(axis=1), sorted_weights.sum(axis=1))

    return area


def _ratio(numerator: Floats, denominator: Floats) -> Floats:
    undefined = np.full(np.shape(numerator), np.nan)
    return np.asarray(np.divide(numerator, denominator, out=undefined, where=denominator > 0))


def _rounded(value: float) -> float:
    return round(value, 6)
