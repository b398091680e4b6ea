"""How the match of a passage changes when a question's tokens turn: the slopes of late interaction."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from index.late_interaction import BACKWARD_WEIGHT, OWN_SHARE, PassageTokens, TokenStore
from index.token_codes import TokenCodes

#: As vectors of 32 bits a passage takes some 200 kB.
_PASSAGES_KEPT = 256


class MatchSlopes:
    """The slopes of an index's passages; the passages that were looked at last are remembered."""

    def __init__(self, store: TokenStore) -> None:
        self._store = store
        self._passage_tokens = lru_cache(maxsize=_PASSAGES_KEPT)(store.passage_tokens)

    def of(self, query: TokenCodes, passages: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return by how much the match of each passage rises with each component of each token of a query.

        As long as each token's nearest stays the nearest, a passage's match is the sum of products of its slopes with
        the query's tokens: `TokenStore.score_passages`, but for what 8 bits a dimension round.

        Args:
            query: At least one token.
            passages: Positions, each once, shape (n_passages,), at least one.

        Returns:
            Shape (n_passages, n_query_tokens, dim); 0 for a passage without tokens.

        Raises:
            OSError: If the disk refuses.
        """
        weights = self._store.weights_of(query.ids)
        asked = _Asked(query.vectors, weights / weights.sum())
        sentences = self._store.score_passages(query, passages).by_passage()
        slopes = np.zeros((len(passages), *asked.tokens.shape), dtype=np.float32)
        for row, position, scores in zip(slopes, passages.tolist(), sentences, strict=True):
            passage = self._passage_tokens(position)
            if len(passage.vectors):
                row[:] = _slope_of_passage(asked, passage, best=int(scores.argmax()))
        return slopes


@dataclass(frozen=True, slots=True)
class _Asked:
    tokens: NDArray[np.float32]  # (n_query_tokens, dim)
    share: NDArray[np.float32]  # (n_query_tokens,): what each counts, 1 together


def _slope_of_passage(asked: _Asked, passage: PassageTokens, *, best: int) -> NDArray[np.float32]:
    """Return the slopes of a passage, `best` being the place of its best sentence, shape (n_query_tokens, dim)."""
    cosines = asked.tokens @ passage.vectors.T
    above = asked.tokens @ passage.above.T
    of_best = _slope_of_run(asked, passage, cosines, above, *passage.ends[best : best + 2])
    of_whole = _slope_of_run(asked, passage, cosines, above, 0, len(passage.vectors))
    return (1 - OWN_SHARE) * of_best + OWN_SHARE * of_whole


def _slope_of_run(
    asked: _Asked,
    passage: PassageTokens,
    cosines: NDArray[np.float32],
    above: NDArray[np.float32],
    start: int,
    end: int,
) -> NDArray[np.float32]:
    """Return the slopes of a run of a passage's tokens, from `start` to `end`, and what stands above it."""
    own = cosines[:, start:end]
    there = passage.vectors[start:end][own.argmax(axis=1)]
    if above.shape[1]:
        nearer_above = above.max(axis=1) > own.max(axis=1)
        there = np.where(nearer_above[:, None], passage.above[above.argmax(axis=1)], there)
    weights = passage.weights[start:end]
    # Which token of the query each token of the run is nearest to, and what it counts.
    back = np.zeros_like(own)
    back[own.argmax(axis=0), np.arange(end - start)] = weights / weights.sum()
    slope = asked.share[:, None] * there + BACKWARD_WEIGHT * (back @ passage.vectors[start:end])
    return np.asarray(slope / (1 + BACKWARD_WEIGHT), dtype=np.float32)
