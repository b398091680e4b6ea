from pathlib import Path

import numpy as np
import pytest

from index.query_adapter import QueryAdapter, QueryAdapters, fold_of

DIM = 8
TOKENS = np.eye(DIM, dtype=np.float32)[:3]


def adapter(seed: int) -> QueryAdapter:
    return QueryAdapter(np.random.default_rng(seed).normal(size=(DIM, DIM)).astype(np.float32))


def test_an_adapter_turns_a_token_into_the_direction_of_what_it_adds() -> None:
    matrix = np.zeros((DIM, DIM), dtype=np.float32)
    matrix[5, 1] = 2.0

    turned = QueryAdapter(matrix).turn(TOKENS)

    assert turned[[0, 2]] == pytest.approx(TOKENS[[0, 2]])
    assert turned[1] == pytest.approx((TOKENS[1] + 2 * np.eye(DIM)[5]) / np.sqrt(5))


def test_folds_share_the_questions_out_by_their_text_alone() -> None:
    folds = [fold_of(f"Question {at}?", n_folds=5) for at in range(500)]

    assert set(folds) == set(range(5))
    assert folds == [fold_of(f"Question {at}?", n_folds=5) for at in range(500)]
    assert min(folds.count(each) for each in range(5)) > 60


def test_a_question_that_was_judged_is_for_the_adapter_that_has_not_seen_it() -> None:
    judged = [f"Question {at}?" for at in range(20)]
    adapters = QueryAdapters.of(adapter(9), [adapter(at) for at in range(5)], seen=judged)

    for question in judged:
        assert adapters.unseen(question) is adapters.without_fold[fold_of(question, n_folds=5)]
    assert adapters.unseen("Another question?") is adapters.serving


def test_adapters_are_read_as_they_were_written_but_for_half_of_their_bits(tmp_path: Path) -> None:
    written = QueryAdapters.of(adapter(9), [adapter(at) for at in range(5)], seen=["Who?", "Why?"])
    written.write(tmp_path / "adapters")
    read = QueryAdapters.read(tmp_path / "adapters")

    assert read.seen == written.seen
    for one, other in zip(
        (read.serving, *read.without_fold), (written.serving, *written.without_fold), strict=True
    ):
        assert one.matrix.dtype == np.float32
        assert np.array_equal(one.matrix, other.matrix.astype(np.float16))


def test_a_folder_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    QueryAdapters.of(adapter(9), [adapter(0)], seen=["Who?"]).write(tmp_path / "adapters")
    np.save(tmp_path / "adapters" / "matrices.npy", np.zeros((DIM + 1, DIM), dtype=np.float16))

    with pytest.raises(ValueError, match="9 rows of 8"):
        QueryAdapters.read(tmp_path / "adapters")
