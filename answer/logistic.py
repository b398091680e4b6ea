"""Logistic regression that starts from what is known already."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: How firmly the intercept is held, beside a weight.
_ANCHOR = 0.01


@dataclass(frozen=True, slots=True)
class Belief:
    """What is held of a model before any example is seen: each weight is normally distributed around `weights`.

    Args:
        intercept: Where the intercept is without examples; they move it easily.
        weights: One per feature.
        scale: How widely each feature varies, so that all weights are held alike.
        strength: How many examples' worth the belief is; 0 leaves everything to the examples.
    """

    intercept: float
    weights: tuple[float, ...]
    scale: tuple[float, ...]
    strength: float


@dataclass(frozen=True, slots=True)
class Logistic:
    """probability = 1 / (1 + exp(-(intercept + weights · features)))."""

    intercept: float
    weights: tuple[float, ...]

    def probabilities(self, x: Floats) -> Floats:
        """Return shape (n,), 0 to 1, for features of shape (n, n_features)."""
        return np.asarray(expit(self.intercept + x @ np.array(self.weights)), dtype=np.float64)


def expit(logits: Floats) -> Floats:
    """Return 1 / (1 + exp(-logits)), same shape, for logits of any size."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * logits)), dtype=np.float64)


def fit_logistic(x: Floats, y: Floats, sample_weight: Floats, belief: Belief) -> Logistic:
    """Return the most probable model given the examples and the belief.

    Args:
        x: Features, shape (n, n_features).
        y: 1 where the example is of the class, else 0, shape (n,).
        sample_weight: What each example counts, shape (n,).
        belief: Where the weights are without examples.
    """
    from scipy.optimize import minimize  # noqa: PLC0415  # it takes long to load, and only a build fits

    start = np.array(belief.weights)
    stiffness = belief.strength * np.array(belief.scale) ** 2
    # Examples of one class alone would send a free intercept to infinity.
    anchor = _ANCHOR * belief.strength

    def loss(parameters: Floats) -> tuple[float, Floats]:
        logits = parameters[0] + x @ parameters[1:]
        moved = parameters[1:] - start
        value = np.sum(sample_weight * (np.logaddexp(0, logits) - y * logits)) + 0.5 * stiffness @ moved**2
        value += 0.5 * anchor * (parameters[0] - belief.intercept) ** 2
        error = sample_weight * (expit(logits) - y)
        return float(value), np.concatenate(
            [[error.sum() + anchor * (parameters[0] - belief.intercept)], error @ x + stiffness * moved]
        )

    found = minimize(
        loss,
        np.concatenate([[belief.intercept], start]),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 1000},
    )
    # Rounded, so that the last bits of an optimiser are no part of a snapshot.
    rounded = [round(float(value), 4) for value in found.x]
    return Logistic(rounded[0], tuple(rounded[1:]))
