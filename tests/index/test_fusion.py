import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.fusion import fuse_scores

_cosines = st.floats(-1, 1, width=32)
_bm25 = st.floats(0, 30, width=32)
_candidates = st.lists(st.tuples(_cosines, _bm25), min_size=1, max_size=20)


def test_each_score_is_scaled_by_its_least_possible_and_its_highest_value() -> None:
    fused = fuse_scores(np.array([0.6, 0.2, -1.0]), np.array([0.0, 8.0, 4.0]), dense_weight=0.7)

    # Cosines: (0.6 + 1) / 1.6 = 1, (0.2 + 1) / 1.6 = 0.75, 0. BM25: 0 / 8, 8 / 8, 4 / 8.
    assert fused == pytest.approx([0.7 * 1, 0.7 * 0.75 + 0.3 * 1, 0.3 * 0.5])


def test_a_query_without_shared_words_is_ranked_by_the_cosines_alone() -> None:
    fused = fuse_scores(np.array([0.1, 0.5]), np.zeros(2), dense_weight=0.9)

    assert fused == pytest.approx([0.9 * 1.1 / 1.5, 0.9])


@given(_candidates, st.floats(0, 1))
def test_a_fused_score_lies_between_0_and_1(candidates: list[tuple[float, float]], weight: float) -> None:
    dense, lexical = np.array(candidates).T

    fused = fuse_scores(dense, lexical, dense_weight=weight)
    assert ((fused >= 0) & (fused <= 1 + 1e-12)).all()


@given(_candidates, st.floats(0, 1), st.randoms())
def test_the_order_of_the_candidates_changes_nothing(
    candidates: list[tuple[float, float]], weight: float, random: st.DataObject
) -> None:
    order = list(range(len(candidates)))
    random.shuffle(order)  # type: ignore[attr-defined]
    dense, lexical = np.array(candidates).T

    fused = fuse_scores(dense, lexical, dense_weight=weight)
    assert fuse_scores(dense[order], lexical[order], dense_weight=weight).tolist() == fused[order].tolist()


@given(_candidates)
def test_a_candidate_that_is_better_in_both_is_never_ranked_lower(
    candidates: list[tuple[float, float]],
) -> None:
    dense, lexical = np.array(candidates).T
    fused = fuse_scores(dense, lexical, dense_weight=0.6)

    better = (dense[:, None] >= dense) & (lexical[:, None] >= lexical)
    assert (fused[:, None] >= fused)[better].all()


@pytest.mark.parametrize(("weight", "ranked_by"), [(1.0, "dense"), (0.0, "lexical")])
def test_the_whole_weight_on_one_score_ranks_by_it(weight: float, ranked_by: str) -> None:
    scores = {"dense": np.array([0.1, 0.9, 0.5]), "lexical": np.array([3.0, 1.0, 2.0])}

    fused = fuse_scores(scores["dense"], scores["lexical"], dense_weight=weight)
    assert np.argsort(fused).tolist() == np.argsort(scores[ranked_by]).tolist()


def test_no_candidates_are_fused_to_none() -> None:
    assert fuse_scores(np.empty(0), np.empty(0), dense_weight=0.5).shape == (0,)


def test_scores_of_different_candidates_and_weights_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(2,\) dense and \(3,\) lexical"):
        fuse_scores(np.zeros(2), np.zeros(3), dense_weight=0.5)
    with pytest.raises(ValueError, match=r"dense_weight is 1\.5"):
        fuse_scores(np.zeros(2), np.zeros(2), dense_weight=1.5)
