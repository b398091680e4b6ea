"""Nearest vectors by inner product, with FAISS."""

from pathlib import Path
from typing import Any, Protocol

import faiss
import numpy as np
from numpy.typing import NDArray


class VectorStore(Protocol):
    """Unit vectors under positions 0 to n - 1, searched by inner product.

    Positions are those of the passages in their snapshot. Equal scores come in order of position.
    """

    def __len__(self) -> int:
        """Return the number of vectors."""

    def search(
        self, query: NDArray[np.float32], *, k: int, among: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return positions and scores of the best k, best first, each of shape (at most k,).

        Args:
            query: Shape (dim,).
            k: How many to keep.
            among: Positions to choose from; all when None.
        """

    def score(self, query: NDArray[np.float32], positions: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the inner products with the vectors at these positions, same order and shape."""

    def vector(self, position: int) -> NDArray[np.float32]:
        """Return shape (dim,): the vector at a position."""

    def write(self, path: Path) -> None:
        """Write to one file what is not in a file already; the same vectors give the same bytes.

        Raises:
            OSError: If the disk refuses.
        """


class FlatVectorStore:
    """A `VectorStore` that compares with every vector: exact, and fastest up to some 50,000 vectors."""

    def __init__(self, index: Any) -> None:
        self._index = index

    @classmethod
    def of(cls, vectors: NDArray[np.float32]) -> "FlatVectorStore":
        """Make a store of the rows of an array of shape (n, dim)."""
        index = faiss.IndexFlatIP(vectors.shape[1])
        index.add(np.ascontiguousarray(vectors, dtype=np.float32))
        return cls(index)

    @classmethod
    def read(cls, path: Path) -> "FlatVectorStore":
        """Open a file that `write` made, mapped into memory rather than loaded."""
        return cls(faiss.read_index(str(path), faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY))

    def __len__(self) -> int:
        """Return the number of vectors."""
        return int(self._index.ntotal)

    def search(
        self, query: NDArray[np.float32], *, k: int, among: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return positions and scores of the best k, best first."""
        # The setting holds for the calling thread only, so it is made where the search runs.
        faiss.omp_set_num_threads(1)
        # Selectors borrow the array: it must live until the search is done.
        chosen = None if among is None else np.ascontiguousarray(among, dtype=np.int64)
        options: Any = None
        if chosen is not None:
            options = faiss.SearchParameters()
            options.sel = faiss.IDSelectorBatch(chosen)
        available = len(self) if chosen is None else len(chosen)
        kept = min(k, available)
        # FAISS keeps any of the vectors whose scores are equal, so it is asked until a lower score comes.
        asked = min(kept + 1, available)
        while True:
            if not kept:
                return np.empty(0, np.int64), np.empty(0, np.float64)
            scores, positions = self._index.search(query.reshape(1, -1), asked, params=options)
            if asked == available or scores[0][-1] < scores[0][kept - 1]:
                break
            asked = min(2 * asked, available)
        # FAISS fills a short result list with -1, which is no passage.
        found = positions[0] >= 0
        ordered, values = in_total_order(positions[0][found], scores[0][found].astype(np.float64))
        return ordered[:kept], values[:kept]

    def score(self, query: NDArray[np.float32], positions: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the inner products with the vectors at these positions."""
        if not len(positions):
            return np.empty(0, np.float64)
        asked = np.ascontiguousarray(positions, dtype=np.int64)
        rows, scores = np.ascontiguousarray(query), np.empty(len(asked), np.float32)
        # One product for each position, by the routine that a search of one query runs too: the same bits.
        self._index.compute_distance_subset(
            1, faiss.swig_ptr(rows), len(asked), faiss.swig_ptr(scores), faiss.swig_ptr(asked)
        )
        return scores.astype(np.float64)

    def vector(self, position: int) -> NDArray[np.float32]:
        """Return the vector at a position."""
        return np.asarray(self._index.reconstruct(position), dtype=np.float32)

    def write(self, path: Path) -> None:
        """Write everything to one file."""
        write_faiss(self._index, path)


def write_faiss(index: Any, path: Path) -> None:
    """Write an index of FAISS to a file; raise an OSError if the disk refuses."""
    try:
        faiss.write_index(index, str(path))
    except RuntimeError as error:
        raise OSError(f"{path.name}: {error}") from error


def in_total_order(
    positions: NDArray[np.int64], scores: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return positions and their scores, best first, equal scores in order of position."""
    order = np.lexsort((positions, -scores))
    return positions[order], scores[order]


def similarities(query: NDArray[np.float32], vectors: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Return the inner product of a query of shape (dim,) with each row of (n, dim), independent of n.

    A matrix product may sum in another order for another number of rows; this never does.
    """
    return np.asarray(
        np.einsum("nd,d->n", vectors.astype(np.float64), query.astype(np.float64)), dtype=np.float64
    )
