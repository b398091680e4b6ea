import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from index.fusion import WeightedScores, fuse_scores

_cosines = st.floats(-1, 1, width=32)
_bm25 = st.floats(0, 30, width=32)
_candidates = st.lists(st.tuples(_cosines, _bm25), min_size=1, max_size=20)


def fuse(dense: NDArray[np.float64], lexical: NDArray[np.float64], *, weight: float) -> NDArray[np.float64]:
    return fuse_scores([WeightedScores(dense, -1, weight), WeightedScores(lexical, 0, 1 - weight)])


def test_each_score_is_scaled_by_its_least_possible_and_its_highest_value() -> None:
    fused = fuse(np.array([0.6, 0.2, -1.0]), np.array([0.0, 8.0, 4.0]), weight=0.7)

    # Cosines: (0.6 + 1) / 1.6 = 1, (0.2 + 1) / 1.6 = 0.75, 0. BM25: 0 / 8, 8 / 8, 4 / 8.
    assert fused == pytest.approx([0.7 * 1, 0.7 * 0.75 + 0.3 * 1, 0.3 * 0.5])


def test_weights_count_relative_to_their_sum() -> None:
    scores = [np.array([0.6, 0.2]), np.array([0.0, 8.0]), np.array([-1.0, 1.0])]
    parts = [WeightedScores(values, low, 2) for values, low in zip(scores, (-1, 0, -1), strict=True)]

    assert fuse_scores(parts) == pytest.approx([(1 + 0 + 0) / 3, (0.75 + 1 + 1) / 3])


def test_a_query_without_shared_words_is_ranked_by_the_cosines_alone() -> None:
    assert fuse(np.array([0.1, 0.5]), np.zeros(2), weight=0.9) == pytest.approx([0.9 * 1.1 / 1.5, 0.9])


@given(_candidates, st.floats(0, 1))
def test_a_fused_score_lies_between_0_and_1(candidates: list[tuple[float, float]], weight: float) -> None:
    dense, lexical = np.array(candidates).T

    fused = fuse(dense, lexical, weight=weight)
    assert ((fused >= 0) & (fused <= 1 + 1e-12)).all()


@given(_candidates, st.floats(0, 1), st.randoms())
def test_the_order_of_the_candidates_changes_nothing(
    candidates: list[tuple[float, float]], weight: float, random: st.DataObject
) -> None:
    order = list(range(len(candidates)))
    random.shuffle(order)  # type: ignore[attr-defined]
    dense, lexical = np.array(candidates).T

    fused = fuse(dense, lexical, weight=weight)
    assert fuse(dense[order], lexical[order], weight=weight).tolist() == fused[order].tolist()


@given(_candidates)
def test_a_candidate_that_is_better_in_both_is_never_ranked_lower(
    candidates: list[tuple[float, float]],
) -> None:
    dense, lexical = np.array(candidates).T
    fused = fuse(dense, lexical, weight=0.6)

    better = (dense[:, None] >= dense) & (lexical[:, None] >= lexical)
    assert (fused[:, None] >= fused)[better].all()


@pytest.mark.parametrize(("weight", "ranked_by"), [(1.0, "dense"), (0.0, "lexical")])
def test_the_whole_weight_on_one_score_ranks_by_it(weight: float, ranked_by: str) -> None:
    scores = {"dense": np.array([0.1, 0.9, 0.5]), "lexical": np.array([3.0, 1.0, 2.0])}

    fused = fuse(scores["dense"], scores["lexical"], weight=weight)
    assert np.argsort(fused).tolist() == np.argsort(scores[ranked_by]).tolist()


def test_no_candidates_are_fused_to_none() -> None:
    assert fuse(np.empty(0), np.empty(0), weight=0.5).shape == (0,)


def test_scores_of_different_candidates_and_weights_that_mean_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(2,\), \(3,\)\] are not of the same candidates"):
        fuse(np.zeros(2), np.zeros(3), weight=0.5)
    with pytest.raises(ValueError, match=r"a weight is -0\.5"):
        WeightedScores(np.zeros(2), 0, -0.5)
    with pytest.raises(ValueError, match="all weights are 0"):
        fuse_scores([WeightedScores(np.zeros(2), 0, 0)])
