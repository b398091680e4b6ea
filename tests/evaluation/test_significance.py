"""The paired tests: the same answers as scipy's, and the false alarms they promise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from evaluation.significance import compare_values, holm, randomisation_p_values, smallest_detectable


def scipy_p_value(differences: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    found = stats.permutation_test(
        (differences, np.zeros_like(differences)),
        lambda a, b, axis: np.mean(a - b, axis=axis),
        permutation_type="samples",
        n_resamples=9_999,
        vectorized=True,
        rng=np.random.default_rng(1),
    )
    return float(found.pvalue)


@pytest.mark.parametrize("n", [2, 5, 9, 13])
def test_few_queries_give_scipys_exact_p_value(n: int) -> None:
    rng = np.random.default_rng(n)
    for shift in (0.0, 0.2):
        differences = rng.normal(shift, 0.3, n)

        assert randomisation_p_values(differences[:, None])[0] == pytest.approx(scipy_p_value(differences))


@pytest.mark.parametrize("n", [20, 100, 300])
def test_more_queries_give_scipys_p_value_but_for_the_sample(n: int) -> None:
    rng = np.random.default_rng(n)
    for shift in (0.0, 0.03, 0.1):
        differences = np.round(rng.normal(shift, 0.3, n), 1)  # ties and zeros among them

        p_value = randomisation_p_values(differences[:, None])[0]

        wanted = scipy_p_value(differences)
        assert p_value == pytest.approx(wanted, abs=0.02 if wanted > 0.01 else 0.002)


@pytest.mark.parametrize(("n", "seed"), [(30, 1), (100, 2), (323, 3)])
def test_under_a_true_null_one_comparison_in_twenty_is_a_false_alarm(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.beta(0.6, 0.5, size=(2, n, 2_000))  # two systems alike, most queries easy or hopeless

    p_values = randomisation_p_values(values[1] - values[0], permutations=2_000, seed=seed)

    assert 0.035 <= np.mean(p_values < 0.05) <= 0.065


def test_a_single_query_decides_nothing() -> None:
    assert randomisation_p_values(np.array([[0.4]])).tolist() == [1.0]


def test_many_comparisons_at_once_are_those_one_by_one() -> None:
    differences = np.random.default_rng(4).normal(0.05, 0.3, size=(40, 3))

    together = randomisation_p_values(differences)

    assert together.tolist() == [randomisation_p_values(column[:, None])[0] for column in differences.T]


def test_a_clear_difference_is_significant_and_none_is_not() -> None:
    rng = np.random.default_rng(5)
    a = rng.random(80)

    assert compare_values(a, a + 0.2).p_value < 0.001
    same = compare_values(a, a)
    assert (same.p_value, same.difference, same.low, same.high) == (1, 0, 0, 0)
    assert (same.wins, same.ties, same.losses) == (0, 80, 0)


def test_wins_ties_and_losses_are_those_of_the_second() -> None:
    found = compare_values(np.array([0.0, 0.5, 1.0, 0.2]), np.array([1.0, 0.5, 0.5, 0.3]))

    assert (found.wins, found.ties, found.losses) == (2, 1, 1)
    assert found.difference == pytest.approx((1 + 0 - 0.5 + 0.1) / 4)


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=30))
def test_the_sign_of_the_difference_does_not_matter(values: list[float]) -> None:
    differences = np.array(values)[:, None]

    p_value = randomisation_p_values(differences, permutations=200)[0]

    assert 0 < p_value <= 1
    assert randomisation_p_values(-differences, permutations=200)[0] == p_value


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


def test_the_smallest_detectable_difference_is_found_four_times_in_five() -> None:
    rng = np.random.default_rng(6)
    n, spread = 100, 0.3
    detectable = smallest_detectable(rng.normal(0, spread, 100_000)) * np.sqrt(100_000 / n)

    samples = rng.normal(detectable, spread, size=(n, 1_000))

    found = np.mean(randomisation_p_values(samples, permutations=1_000) < 0.05)
    assert found == pytest.approx(0.8, abs=0.04)


def test_values_that_are_no_pairs_are_refused() -> None:
    with pytest.raises(ValueError, match="no pairs"):
        compare_values(np.array([1.0]), np.array([1.0, 0.0]))
    with pytest.raises(ValueError, match="no pairs"):
        compare_values(np.array([]), np.array([]))
