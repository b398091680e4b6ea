"""Whether a faster form of an encoder finds what the exact one finds."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.measures import score_run, strictly_decreasing

_K = 10
#: Of the first ten passages, averaged over queries, so many must be the same.
LEAST_OVERLAP = 0.99
MOST_NDCG_LOSS = 0.003
#: Of a text's vector, or one of its tokens', with the exact one. It finds gross faults; overlap is the finer sieve.
LEAST_COSINE = 0.995

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FormAgreement:
    """What a trial of a form came to."""

    passages: int
    queries: int
    least_cosine: float  # over texts and tokens; not a number if a vector is none
    overlap: float  # of the first ten passages, 0 to 1
    judged: int  # queries with a relevant passage
    ndcg_loss: float | None  # nDCG@10 of the exact form less that of the other; None where nothing is judged
    changed_alone: int  # texts with other bits alone than among others

    @property
    def faults(self) -> tuple[str, ...]:
        """What speaks against the form, each with its figure and its bound; empty if nothing does."""
        found = []
        # Not the other way round: a figure that is not a number must fail.
        if not self.least_cosine >= LEAST_COSINE:
            found.append(
                f"a cosine of {self.least_cosine:.4f} with the exact vector, {LEAST_COSINE} at least"
            )
        if not self.overlap >= LEAST_OVERLAP:
            found.append(f"top-10 overlap {self.overlap:.4f}, {LEAST_OVERLAP} at least")
        if self.ndcg_loss is not None and not self.ndcg_loss <= MOST_NDCG_LOSS:
            found.append(f"nDCG@10 lower by {self.ndcg_loss:.4f}, {MOST_NDCG_LOSS} at most")
        if self.changed_alone:
            found.append(f"{self.changed_alone} texts with other bits alone than in a batch")
        return tuple(found)


def measure_agreement(
    exact: Vectors,
    fast: Vectors,
    queries: Vectors,
    *,
    relevant: Sequence[Collection[int]],
    least_token_cosine: float = 1.0,
    changed_alone: int = 0,
) -> FormAgreement:
    """Rank the same passages with the vectors of two forms, and compare.

    Args:
        exact: Passages of shape (n_passages, dim), unit vectors, at least one.
        fast: The same passages in the other form.
        queries: Exact vectors of shape (n_queries, dim), at least one.
        relevant: For each query the places of its relevant passages; none where nothing was judged.
        least_token_cosine: The least that was seen between a token's two vectors.
        changed_alone: How many texts were seen to have other bits alone than in a batch.
    """
    scores = queries @ exact.T  # (n_queries, n_passages)
    before, after = _rankings(scores), _rankings(queries @ fast.T)
    # What has the tenth's score stands as well in its place: which of equals comes tenth says nothing about a form.
    tenth = np.take_along_axis(scores, before[:, -1:], axis=1)
    shared = np.take_along_axis(scores, after, axis=1) >= tenth
    judged = [at for at, places in enumerate(relevant) if places]
    losses = [_ndcg(before[at], relevant[at]) - _ndcg(after[at], relevant[at]) for at in judged]
    cosines = np.sum(exact * fast, axis=1)  # (n_passages,)
    return FormAgreement(
        passages=len(exact),
        queries=len(queries),
        least_cosine=float(np.min([*cosines, least_token_cosine])),
        overlap=float(np.mean(shared)),
        judged=len(judged),
        ndcg_loss=float(np.mean(losses)) if losses else None,
        changed_alone=changed_alone,
    )


def _rankings(scores: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the places of the best, shape (n_queries, at most 10); ties go to the smaller place."""
    return np.asarray(np.argsort(-scores, axis=1, kind="stable")[:, :_K], dtype=np.int64)


def _ndcg(ranking: NDArray[np.int64], relevant: Collection[int]) -> float:
    qrels = {"query": {str(at): 1 for at in relevant}}
    run = {"query": strictly_decreasing([(str(at), -rank) for rank, at in enumerate(ranking)])}
    return score_run(qrels, run, names=["nDCG@10"])["nDCG@10"]["query"]
