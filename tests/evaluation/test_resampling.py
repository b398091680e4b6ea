"""Statistics under query weights, and their bootstrap intervals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from evaluation.resampling import (
    Statistic,
    auroc,
    calibration_error,
    estimate,
    ratio,
    risk_area,
    risk_coverage,
    weighted_mean,
)

ONCE = np.ones((1, 4))


def value(statistic: Statistic, n: int) -> float:
    return float(statistic(np.ones((1, n)))[0])


def test_the_mean_leaves_out_what_a_measure_is_not_about() -> None:
    mean = weighted_mean(np.array([1.0, np.nan, 0.0]))

    assert value(mean, 3) == 0.5
    assert mean(np.array([[3.0, 5.0, 1.0]]))[0] == pytest.approx(0.75)


def test_auroc_counts_pairs_and_halves_ties() -> None:
    scores = np.array([0.9, 0.5, 0.5, 0.1])
    positive = np.array([True, True, False, False])

    assert value(auroc(scores, positive, ~positive), 4) == pytest.approx((1 + 1 + 0.5 + 1) / 4)


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=2, max_size=40))
def test_auroc_is_mann_whitneys_u(rows: list[tuple[int, bool]]) -> None:
    scores = np.array([score / 10 for score, _ in rows])
    positive = np.array([label for _, label in rows])
    if not 0 < positive.sum() < len(rows):
        return
    u = stats.mannwhitneyu(scores[positive], scores[~positive]).statistic

    found = value(auroc(scores, positive, ~positive), len(rows))

    assert found == pytest.approx(u / positive.sum() / (~positive).sum())


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.integers(0, 3)), min_size=1, max_size=20))
def test_weights_are_repeats(rows: list[tuple[int, bool, int]]) -> None:
    times = np.array([weight for _, _, weight in rows])
    if not times.sum():
        return
    scores = np.array([score / 5 for score, _, _ in rows])
    labels = np.array([label for _, label, _ in rows])
    again, labels_again = np.repeat(scores, times), np.repeat(labels, times)
    weights = times[None, :].astype(np.float64)

    for make in (
        calibration_error,
        risk_area,
        lambda s, y: auroc(s, y, ~y),
        lambda s, y: ratio(s * y, s + 1),
    ):
        weighted = make(scores, labels)(weights)[0]
        repeated = value(make(again, labels_again), len(again))
        assert weighted == pytest.approx(repeated, nan_ok=True)


def test_calibration_error_weighs_bins_by_their_size() -> None:
    probabilities = np.array([0.95, 0.95, 0.95, 0.15])
    outcomes = np.array([True, True, False, False])

    expected = 3 / 4 * abs(0.95 - 2 / 3) + 1 / 4 * abs(0.15 - 0)
    assert value(calibration_error(probabilities, outcomes), 4) == pytest.approx(expected)


def test_a_probability_of_one_is_in_the_last_bin() -> None:
    assert value(calibration_error(np.array([1.0, 0.0]), np.array([True, False])), 2) == 0


def test_risk_grows_with_coverage_when_the_doubtful_replies_are_the_wrong_ones() -> None:
    confidences = np.array([0.2, 0.9, 0.9, 0.4])
    wrong = np.array([True, False, False, True])

    coverage, risk = risk_coverage(confidences, wrong)

    assert coverage.tolist() == [0.5, 0.75, 1.0]
    assert risk == pytest.approx([0, 1 / 3, 1 / 2])
    assert value(risk_area(confidences, wrong), 4) == pytest.approx((0 + 0 + 1 / 3 + 1 / 2) / 4)


def test_an_interval_holds_the_value_and_shrinks_with_more_queries() -> None:
    rng = np.random.default_rng(3)
    few, many = rng.random(30), rng.random(3_000)

    narrow = estimate(weighted_mean(many), n=3_000)
    wide = estimate(weighted_mean(few), n=30)

    assert narrow.low is not None
    assert narrow.high is not None
    assert narrow.value is not None
    assert wide.low is not None
    assert wide.high is not None
    assert narrow.low < narrow.value < narrow.high
    assert narrow.high - narrow.low < wide.high - wide.low


def test_intervals_cover_the_true_mean_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(5)
    samples = rng.normal(0.5, 0.2, size=(300, 60))
    intervals = [estimate(weighted_mean(sample), n=60, resamples=400) for sample in samples]

    covered = sum(
        each.low < 0.5 < each.high for each in intervals if each.low is not None and each.high is not None
    )

    assert 0.90 <= covered / 300 <= 0.985


def test_the_same_seed_gives_the_same_interval() -> None:
    values = weighted_mean(np.linspace(0, 1, 50))

    assert estimate(values, n=50) == estimate(values, n=50)


def test_a_statistic_about_no_query_has_no_value() -> None:
    nothing = estimate(weighted_mean(np.array([np.nan, np.nan])), n=2, n_counted=0)

    assert (nothing.value, nothing.low, nothing.high, nothing.n) == (None, None, None, 0)
