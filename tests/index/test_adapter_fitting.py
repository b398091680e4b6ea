from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from index.adapter_fitting import _TEMPERATURE, Lesson, _gradients, fit_adapter
from index.query_adapter import QueryAdapter

DIM, PASSAGES = 16, 6
RANDOM = np.random.default_rng(20261128)
#: What the words of questions are called in the documents of these tests.
OTHER_WORDS = np.linalg.qr(RANDOM.normal(size=(DIM, DIM)))[0]


def unit(shape: tuple[int, ...]) -> NDArray[np.float32]:
    vectors = RANDOM.normal(size=shape)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True), dtype=np.float32)


def lesson(*, answerable: bool = True, weight: float = 1.0) -> Lesson:
    """A question of three tokens; the passage that answers has each in its other words, and the rest do not."""
    tokens, passages = unit((3, DIM)), unit((PASSAGES, 3, DIM))
    answers = np.zeros(PASSAGES, dtype=bool)
    if answerable:
        passages[2] = tokens @ OTHER_WORDS.T
        answers[2] = True
    slopes = (passages / 3).astype(np.float32)
    return Lesson(tokens, slopes, (slopes * tokens).sum(axis=(1, 2)), answers, weight)


def scores(each: Lesson, adapter: QueryAdapter) -> NDArray[np.float64]:
    return each.scores_after(adapter.turn(each.tokens) - each.tokens)


def loss(matrix: NDArray[np.float64], nothing: float, lessons: Sequence[Lesson]) -> float:
    """The cross-entropy by its definition, in 64 bits."""
    total = 0.0
    for each in lessons:
        turned = each.tokens + each.tokens @ matrix.T
        turned = turned / np.linalg.norm(turned, axis=1, keepdims=True)
        found = each.scores + ((turned - each.tokens) * each.slopes).sum(axis=(1, 2))
        logits = np.append(found, nothing) / _TEMPERATURE
        wanted = np.append(each.answers, not each.answers.any()).astype(float)
        total -= each.weight * (wanted / wanted.sum()) @ (logits - np.logaddexp.reduce(logits))
    return total


def test_the_gradients_are_those_of_the_cross_entropy() -> None:
    lessons = [lesson(), lesson(weight=0.3), lesson(answerable=False)]
    matrix = 0.2 * RANDOM.normal(size=(DIM, DIM))
    gradient, of_nothing = _gradients(matrix.astype(np.float32), 0.4, lessons)

    step = 1e-5
    for row, column in ((0, 0), (3, 7), (15, 2)):
        moved = matrix.copy()
        moved[row, column] += step
        measured = (loss(moved, 0.4, lessons) - loss(matrix, 0.4, lessons)) / step
        assert gradient[row, column] == pytest.approx(measured, rel=1e-2, abs=1e-3)
    measured = (loss(matrix, 0.4 + step, lessons) - loss(matrix, 0.4, lessons)) / step
    assert of_nothing == pytest.approx(measured, rel=1e-3)


def test_what_some_questions_teach_ranks_others_better() -> None:
    adapter = fit_adapter([lesson() for _ in range(3000)])
    others = [lesson() for _ in range(100)]

    before = np.mean([each.scores.argmax() == 2 for each in others])
    after = np.mean([scores(each, adapter).argmax() == 2 for each in others])
    assert before < 0.4
    assert after > 0.7


def test_a_question_that_nothing_answers_matches_less_than_one_that_something_does() -> None:
    adapter = fit_adapter([lesson(answerable=at % 2 == 0) for at in range(3000)])
    best = {
        answerable: np.array([scores(lesson(answerable=answerable), adapter).max() for _ in range(100)])
        for answerable in (True, False)
    }

    assert np.mean(best[True][:, None] > best[False]) > 0.75


def test_a_lesson_that_counts_nothing_teaches_nothing() -> None:
    adapter = fit_adapter([lesson(weight=0.0) for _ in range(40)])

    assert not adapter.matrix.any()


def test_the_same_lessons_give_the_same_adapter() -> None:
    lessons = [lesson() for _ in range(70)]

    assert np.array_equal(fit_adapter(lessons).matrix, fit_adapter(lessons).matrix)
