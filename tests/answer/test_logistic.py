import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit

from answer.logistic import _ANCHOR, Belief, Floats, Logistic, fit_logistic

RANDOM = np.random.default_rng(3)
X = RANDOM.uniform(0, 1, size=(400, 2))
Y = (RANDOM.uniform(size=400) < expit(6 * X[:, 0] + 5 * X[:, 1] - 5)).astype(float)
WEIGHT = RANDOM.uniform(0.5, 2, size=400)
BELIEF = Belief(intercept=-1.0, weights=(2.0, 3.0), scale=(0.2, 0.4), strength=10.0)


def test_a_probability_is_the_logistic_function_of_the_weighted_sum() -> None:
    # -1 + 2 x 0.5 + 4 x 0.25 = 1.
    found = Logistic(-1.0, (2.0, 4.0)).probabilities(np.array([[0.5, 0.25]]))

    assert found == pytest.approx([1 / (1 + np.exp(-1))])


def test_the_fit_is_the_optimum_that_another_method_finds() -> None:
    def loss(parameters: Floats) -> float:
        logits = parameters[0] + X @ parameters[1:]
        likelihood = np.sum(WEIGHT * (np.log1p(np.exp(logits)) - Y * logits))
        held = 0.2**2 * (parameters[1] - 2) ** 2 + 0.4**2 * (parameters[2] - 3) ** 2
        return float(likelihood + 10 / 2 * (held + _ANCHOR * (parameters[0] + 1) ** 2))

    found = minimize(
        loss, np.zeros(3), method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 9000}
    )
    fitted = fit_logistic(X, Y, WEIGHT, BELIEF)
    assert [fitted.intercept, *fitted.weights] == pytest.approx(list(found.x), abs=1e-3)


def test_without_examples_the_belief_stays() -> None:
    fitted = fit_logistic(np.empty((0, 2)), np.empty(0), np.empty(0), BELIEF)

    assert (fitted.intercept, fitted.weights) == (BELIEF.intercept, BELIEF.weights)


def test_a_stronger_belief_keeps_the_weights_nearer() -> None:
    def moved(strength: float) -> float:
        belief = Belief(-1.0, (2.0, 3.0), (0.2, 0.4), strength)
        return float(np.abs(np.array(fit_logistic(X, Y, WEIGHT, belief).weights) - (2, 3)).sum())

    assert moved(0.1) > moved(100) > moved(10_000)
    assert moved(1e9) == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_examples_of_one_class_alone_can_be_fitted(label: float) -> None:
    fitted = fit_logistic(X, np.full(400, label), WEIGHT, BELIEF)

    assert np.all((fitted.probabilities(X) > 0.5) == (label == 1))
    assert np.isfinite(fitted.intercept)


def test_the_order_of_the_examples_changes_nothing() -> None:
    assert fit_logistic(X, Y, WEIGHT, BELIEF) == fit_logistic(X[::-1], Y[::-1], WEIGHT[::-1], BELIEF)
