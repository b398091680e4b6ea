"""What an index has learned from judged questions: how a question's tokens are turned before they are compared."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.stored_rows import StoredRows

_MATRICES, _SEEN = "matrices.npy", "seen.json"
#: A question is told by so much of the hash of its text.
_DIGEST_CHARS = 16


@dataclass(frozen=True, slots=True)
class QueryAdapter:
    """Turns each token q of a question into the direction of q + A q; passages stay as they are stored."""

    matrix: NDArray[np.float32]  # A, (dim, dim)

    def turn(self, tokens: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return unit vectors of shape (n_tokens, dim) for such vectors.

        Source: query-side fine-tuning, Lee et al., Learning Dense Representations of Phrases at Scale, ACL 2021.
        """
        moved = tokens + tokens @ self.matrix.T
        return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True))


def fold_of(question: str, *, n_folds: int) -> int:
    """Return which of some folds a question belongs to, told by its text alone."""
    return int(_digest(question)[:8], 16) % n_folds


@dataclass(frozen=True, slots=True)
class QueryAdapters:
    """The adapter that serves, and for each fold of the questions it was fitted on one that has not seen the fold.

    What those of its own fold do for a judged question is no memory of the judgement: by them it is told how well
    questions are ranked that nobody has judged.
    """

    serving: QueryAdapter
    without_fold: tuple[QueryAdapter, ...]
    seen: frozenset[str]  # digests of the questions

    @classmethod
    def of(
        cls, serving: QueryAdapter, without_fold: Iterable[QueryAdapter], *, seen: Iterable[str]
    ) -> "QueryAdapters":
        """Put together what was fitted on some questions."""
        return cls(serving, tuple(without_fold), frozenset(_digest(question) for question in seen))

    def unseen(self, question: str) -> QueryAdapter:
        """Return the adapter that was fitted without a question: the one that serves, if it was not among them."""
        if _digest(question) not in self.seen:
            return self.serving
        return self.without_fold[fold_of(question, n_folds=len(self.without_fold))]

    def write(self, folder: Path) -> None:
        """Write into a new folder; a component keeps 16 bits."""
        folder.mkdir()
        matrices = [each.matrix for each in (self.serving, *self.without_fold)]
        np.save(folder / _MATRICES, np.concatenate(matrices).astype(np.float16), allow_pickle=False)
        (folder / _SEEN).write_text(json.dumps(sorted(self.seen), indent=0), encoding="ascii")

    @classmethod
    def read(cls, folder: Path) -> "QueryAdapters":
        """Read what `write` wrote.

        Raises:
            OSError, ValueError: If the disk refuses, or gives something else.
        """
        matrices = StoredRows(folder / _MATRICES)
        stacked = matrices[:].astype(np.float32)
        n_rows, dim = stacked.shape
        if n_rows % dim or n_rows < 2 * dim:
            raise ValueError(f"{_MATRICES} holds {n_rows} rows of {dim}, which are no adapters")
        # What a question is multiplied by is A turned over: so its rows lie one after the other.
        adapters = [QueryAdapter(np.asfortranarray(each)) for each in stacked.reshape(-1, dim, dim)]
        seen = json.loads((folder / _SEEN).read_text(encoding="ascii"))
        return cls(adapters[0], tuple(adapters[1:]), frozenset(seen))


def _digest(question: str) -> str:
    return hashlib.sha256(question.encode()).hexdigest()[:_DIGEST_CHARS]
