"""Fitting a query adapter to questions of which it is known what answers them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.query_adapter import QueryAdapter

#: By how much of a score a candidate must lie above another to be e times as probable.
_TEMPERATURE = 0.06
#: How firmly the adapter is held at doing nothing, beside all lessons together.
_STIFFNESS = 1.0
#: How often every lesson is gone through, and how many steps are taken at least, where there are few.
_EPOCHS, _LEAST_STEPS = 4, 200
_LESSONS_AT_ONCE = 32
#: The first step of a component and of the score of "nothing"; they fall to 0 in the end.
_STEP, _STEP_OF_NOTHING = 2e-3, 2e-2
#: Adam's other parameters, as its authors set them.
_MOMENTUM, _SPREAD, _TINY = 0.9, 0.999, 1e-8
_SEED = 0


@dataclass(frozen=True, slots=True)
class Lesson:
    """A question, passages that were compared with it, and which of them answer it.

    Args:
        tokens: The question's token vectors, unit length, shape (n_tokens, dim).
        slopes: By how much each passage's score rises with each component of them, (n_passages, n_tokens, dim).
        scores: Each passage's score for the question as it is, shape (n_passages,), at least one.
        answers: Which of them answer it, bool, same shape; none where nothing does.
        weight: How much the lesson counts.
    """

    tokens: NDArray[np.float32]
    slopes: NDArray[np.float32]
    scores: NDArray[np.float64]
    answers: NDArray[np.bool_]
    weight: float = 1.0

    def scores_after(self, shift: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the scores after the question's tokens have moved by so much, as far as their slopes tell."""
        return np.asarray(self.scores + self.slopes.reshape(len(self.scores), -1) @ shift.reshape(-1))


def fit_adapter(lessons: Sequence[Lesson]) -> QueryAdapter:
    """Return the adapter by which what answers is probable in each lesson.

    The choice is among the passages and "nothing", whose score is fitted too and which is right where nothing answers.
    Scores are taken to change with their slopes. The same lessons in the same order give the same adapter.

    Args:
        lessons: At least one.

    Source: softmax over candidates as in Karpukhin et al., Dense Passage Retrieval, EMNLP 2020; minimised by Adam,
    Kingma and Ba, ICLR 2015.
    """
    dim = lessons[0].tokens.shape[1]
    shuffle = np.random.default_rng(_SEED)
    matrix = np.zeros((dim, dim), dtype=np.float32)
    nothing = np.array(np.median([lesson.scores.max() for lesson in lessons]))
    of_matrix, of_nothing = _Adam(matrix, step=_STEP), _Adam(nothing, step=_STEP_OF_NOTHING)
    n_batches = -(-len(lessons) // _LESSONS_AT_ONCE)
    n_epochs = max(_EPOCHS, -(-_LEAST_STEPS // n_batches))
    for epoch in range(n_epochs):
        batches = np.array_split(shuffle.permutation(len(lessons)), n_batches)
        for at, batch in enumerate(batches):
            left = 1 - (epoch * n_batches + at) / (n_epochs * n_batches)
            gradient, slope = _gradients(matrix, float(nothing), [lessons[each] for each in batch])
            of_matrix.descend(gradient / len(batch) + 2 * _STIFFNESS / len(lessons) * matrix, left=left)
            of_nothing.descend(np.array(slope / len(batch)), left=left)
    return QueryAdapter(matrix)


class _Adam:
    """Takes steps down a slope, changing parameters where they are."""

    def __init__(self, parameters: NDArray[np.floating], *, step: float) -> None:
        self._parameters = parameters
        self._step = step
        self._mean = np.zeros_like(parameters)
        self._square = np.zeros_like(parameters)
        self._n_steps = 0

    def descend(self, gradient: NDArray[np.floating], *, left: float) -> None:
        """Take a step, of the first one's length times what is `left` of it."""
        self._n_steps += 1
        self._mean += (1 - _MOMENTUM) * (gradient - self._mean)
        self._square += (1 - _SPREAD) * (gradient**2 - self._square)
        mean = self._mean / (1 - _MOMENTUM**self._n_steps)
        square = self._square / (1 - _SPREAD**self._n_steps)
        self._parameters -= left * self._step * mean / (np.sqrt(square) + _TINY)


def _gradients(
    matrix: NDArray[np.float32], nothing: float, lessons: Sequence[Lesson]
) -> tuple[NDArray[np.float32], float]:
    """Return how the loss of some lessons rises with the matrix, same shape, and with the score of "nothing"."""
    tokens = np.concatenate([lesson.tokens for lesson in lessons])
    moved = tokens + tokens @ matrix.T
    lengths = np.linalg.norm(moved, axis=1, keepdims=True)
    turned = moved / lengths
    shift = turned - tokens
    pulls = []
    of_nothing = 0.0
    bounds = np.cumsum([0, *(len(lesson.tokens) for lesson in lessons)]).tolist()
    for lesson, start, end in zip(lessons, bounds[:-1], bounds[1:], strict=True):
        excess, excess_of_nothing = _excess(lesson, shift[start:end], nothing)
        flat = lesson.slopes.reshape(len(excess), -1)
        pulls.append((excess.astype(np.float32) @ flat).reshape(lesson.tokens.shape))
        of_nothing += excess_of_nothing
    pull = np.concatenate(pulls)
    # A turned token keeps its length: what pulls along it does nothing.
    across = (pull - (pull * turned).sum(axis=1, keepdims=True) * turned) / lengths
    return across.T @ tokens, of_nothing


def _excess(lesson: Lesson, shift: NDArray[np.float32], nothing: float) -> tuple[NDArray[np.float64], float]:
    """Return by how much the probability of each passage, and of nothing, is too high, over the temperature."""
    logits = np.append(lesson.scores_after(shift), nothing) / _TEMPERATURE
    chances = np.exp(logits - logits.max())
    chances /= chances.sum()
    wanted = np.append(lesson.answers, not lesson.answers.any())
    excess = lesson.weight * (chances - wanted / wanted.sum()) / _TEMPERATURE
    return excess[:-1], float(excess[-1])
