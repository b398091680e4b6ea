"""Reordering the best passages by reading query and passage together; off unless a model is named."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Reranker(Protocol):
    """Scores pairs of query and passage."""

    @property
    def depth(self) -> int:
        """How many of the best passages are worth reordering."""

    def score(self, query: str, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return shape (len(texts),), higher is better, in the same order."""


class CrossEncoderReranker:
    """A `Reranker` on a sentence-transformers CrossEncoder."""

    def __init__(self, model: str, *, depth: int = 40) -> None:
        from sentence_transformers import CrossEncoder  # noqa: PLC0415  # takes seconds; only where it is used

        self._model = CrossEncoder(model, device="cpu")
        self.depth = depth

    def score(self, query: str, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return shape (len(texts),), higher is better, in the same order."""
        # One pair at a time, so that a score never depends on what is scored beside it.
        scores = [self._model.predict([(query, text)], show_progress_bar=False)[0] for text in texts]
        return np.asarray(scores, dtype=np.float64)
