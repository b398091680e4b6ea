"""Nearest vectors among very many: chosen by codes of a bit a dimension, ranked by the vectors themselves."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from index.stored_rows import Rows
from index.vectors import in_total_order, similarities, write_faiss

#: How many of the nearest ten must be found, in the mean of the queries that are tried, when a store is made.
RECALL_AT_10 = 0.99
_DEPTH = 10
#: So many are chosen by their codes, or four times as many as are wanted, and ranked by their vectors.
_CHOSEN_AT_LEAST, _CHOSEN = 500, 4
#: The codes are learned from so many vectors; more made no difference.
_LEARNED_FROM = 65_536
#: FAISS scans codes of 4 bits fastest; each stands for so many dimensions, or for the next fewer that divide them.
_BITS_A_CODE, _DIMENSIONS_A_CODE = 4, 4
#: So many vectors are coded or compared at once, for not all of them need be in memory.
_AT_ONCE = 50_000
#: Where no more than so many may be returned, each of them is compared.
_COMPARED_ONE_BY_ONE = 20_000


class CodedVectorStore:
    """A `VectorStore` that compares a query with a short code of every vector; for more than some 50,000 vectors.

    It misses a few: how long the codes are is chosen when it is made, as the shortest that find `RECALL_AT_10` of the
    nearest ten. Scores are those of the vectors, and do not depend on what was looked at beside.

    Source: the 4-bit product quantisation of André et al., Cache locality is not enough, VLDB 2015, as FAISS has it.
    """

    def __init__(self, codes: Any, vectors: Rows) -> None:
        self._codes = codes
        self._vectors = vectors  # (n, dim)

    @classmethod
    def of(cls, vectors: Rows, *, tried: NDArray[np.float32]) -> "CodedVectorStore":
        """Make a store of the rows of an array of shape (n, dim).

        Args:
            vectors: Unit vectors; they are kept and not copied.
            tried: Queries like those to come, shape (n_queries, dim), at least one.
        """
        nearest = exact_nearest(vectors, tried, k=_DEPTH)
        for dimensions in _lengths(tried.shape[1]):
            store = cls(_learned(vectors, dimensions=dimensions), vectors)
            found = [store.search(query, k=_DEPTH)[0] for query in tried]
            if np.mean([np.isin(a, b).mean() for a, b in zip(nearest, found, strict=True)]) >= RECALL_AT_10:
                break
        return store

    @classmethod
    def read(cls, path: Path, *, vectors: Rows) -> "CodedVectorStore":
        """Load a file that `write` made over the same vectors: a fourth to half of a byte a dimension."""
        return cls(faiss.read_index(str(path)), vectors)

    def __len__(self) -> int:
        """Return the number of vectors."""
        return len(self._vectors)

    @property
    def bits_a_vector(self) -> int:
        """How long the codes are."""
        return int(self._codes.pq.M) * _BITS_A_CODE

    def search(
        self, query: NDArray[np.float32], *, k: int, among: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return positions and scores of the best k, best first; a few of the best may be missed."""
        wanted = max(_CHOSEN_AT_LEAST, _CHOSEN * k)
        chosen = self._nearest_codes(query, wanted) if among is None else self._choose(query, wanted, among)
        positions, scores = in_total_order(chosen, self.score(query, chosen))
        return positions[:k], scores[:k]

    def score(self, query: NDArray[np.float32], positions: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the inner products with the vectors at these positions."""
        return similarities(query, self._vectors[positions])

    def vector(self, position: int) -> NDArray[np.float32]:
        """Return the vector at a position."""
        return np.asarray(self._vectors[np.array([position])][0], dtype=np.float32)

    def write(self, path: Path) -> None:
        """Write the codes to one file; the vectors are in one already."""
        write_faiss(self._codes, path)

    def _choose(self, query: NDArray[np.float32], count: int, among: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the nearest of some positions by their codes, or all of them where they are few."""
        may = np.zeros(len(self), dtype=bool)
        may[among] = True
        available = int(np.count_nonzero(may))
        if available <= _COMPARED_ONE_BY_ONE:
            return np.flatnonzero(may)
        # FAISS cannot leave any out while it scans, so that as many more are looked at as are left out.
        asked = 2 * count * len(self) // available
        while True:
            found = self._nearest_codes(query, asked)
            chosen = found[may[found]][:count]
            if len(chosen) == count or len(found) == len(self):
                return chosen
            asked *= 4

    def _nearest_codes(self, query: NDArray[np.float32], count: int) -> NDArray[np.int64]:
        """Return the nearest positions by their codes, nearest first: `count` of them, or all there are."""
        # The setting holds for the calling thread only, so it is made where the search runs.
        faiss.omp_set_num_threads(1)
        wanted = min(count, len(self))
        _, positions = self._codes.search(query.reshape(1, -1), wanted)
        found = np.asarray(positions[0][positions[0] >= 0], dtype=np.int64)
        if len(found) == wanted:
            return found
        # FAISS never returns those with the lowest score that its codes can have: all are equally far.
        left = np.ones(len(self), dtype=bool)
        left[found] = False
        return np.concatenate([found, np.flatnonzero(left)[: wanted - len(found)]])


def exact_nearest(vectors: Rows, queries: NDArray[np.float32], *, k: int) -> NDArray[np.int64]:
    """Return the nearest k of n vectors to each query by comparing with all of them, shape (n_queries, min(k, n))."""
    queries = np.ascontiguousarray(queries, dtype=np.float32)
    scores: list[NDArray[np.float32]] = []
    positions: list[NDArray[np.int64]] = []
    for first, some in _parts(vectors):
        found = faiss.knn(queries, some, min(k, len(some)), metric=faiss.METRIC_INNER_PRODUCT)
        scores.append(found[0])
        positions.append(found[1] + first)
    best = np.argsort(-np.hstack(scores), axis=1, kind="stable")[:, :k]
    return np.take_along_axis(np.hstack(positions), best, axis=1)


def _learned(vectors: Rows, *, dimensions: int) -> Any:
    """Return the codes of vectors, one for so many dimensions each, as an index of FAISS."""
    # How threads share the sums out must not change a bit of what is learned.
    faiss.omp_set_num_threads(1)
    # Evenly spaced, for neighbours are often of one document; and each twice, and again, until there is one a code.
    spaced = np.arange(0, len(vectors), max(1, len(vectors) // _LEARNED_FROM))
    sample = vectors[np.resize(spaced, max(len(spaced), 2**_BITS_A_CODE))].astype(np.float32)
    dim = sample.shape[1]
    codes = faiss.IndexPQFastScan(dim, dim // dimensions, _BITS_A_CODE, faiss.METRIC_INNER_PRODUCT)
    codes.train(sample)
    for _, some in _parts(vectors):
        codes.add(some)
    return codes


def _lengths(dim: int) -> list[int]:
    """Return for how many dimensions one code may stand, shortest codes of a vector first."""
    return [each for each in range(_DIMENSIONS_A_CODE, 0, -1) if dim % each == 0]


def _parts(vectors: Rows) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Yield vectors a part at a time, each with the position of its first."""
    for first in range(0, len(vectors), _AT_ONCE):
        yield first, np.ascontiguousarray(vectors[first : first + _AT_ONCE], dtype=np.float32)
