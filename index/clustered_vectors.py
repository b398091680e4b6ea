"""Nearest vectors among very many: those of the nearest clusters, chosen in 8 bits a dimension, ranked exactly."""

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
#: A cluster is learned from so many vectors; more made no difference.
_LEARNED_FROM = 64
_ITERATIONS = 10
#: So many times as many are chosen in 8 bits as are wanted, and ranked by their vectors.
_CHOSEN = 4
#: So many vectors are sorted into clusters at once, for not all of them need be in memory.
_ADDED_AT_ONCE = 50_000
#: Where no more than so many may be returned, each of them is compared.
_COMPARED_ONE_BY_ONE = 20_000


class ClusteredVectorStore:
    """A `VectorStore` that looks only in the clusters nearest to a query; for more than some 50,000 vectors.

    It misses a few: how many clusters are looked in is chosen when it is made, as the least that find
    `RECALL_AT_10` of the nearest ten. Scores are exact, and do not depend on what was looked at beside.

    Source: the inverted file of Jégou et al., Product Quantization for Nearest Neighbor Search, TPAMI 2011, with
    scalar quantisation, as FAISS has it.
    """

    def __init__(self, clusters: Any, vectors: Rows) -> None:
        self._clusters = clusters
        self._vectors = vectors  # (n, dim)

    @classmethod
    def of(cls, vectors: NDArray[np.float32], *, tried: NDArray[np.float32]) -> "ClusteredVectorStore":
        """Make a store of the rows of an array of shape (n, dim).

        Args:
            vectors: Unit vectors; they are kept and not copied.
            tried: Queries like those to come, shape (n_queries, dim), at least one.
        """
        # How threads share the sums out must not change a bit of what is learned.
        faiss.omp_set_num_threads(1)
        n_vectors, dim = vectors.shape
        n_clusters = _n_clusters(n_vectors)
        clusters = faiss.IndexIVFScalarQuantizer(
            faiss.IndexFlatIP(dim),
            dim,
            n_clusters,
            faiss.ScalarQuantizer.QT_8bit,
            faiss.METRIC_INNER_PRODUCT,
        )
        clusters.cp.niter = _ITERATIONS
        # Evenly spaced, for neighbours are often of one document.
        step = max(1, n_vectors // (n_clusters * _LEARNED_FROM))
        clusters.train(np.ascontiguousarray(vectors[::step]))
        for first in range(0, n_vectors, _ADDED_AT_ONCE):
            clusters.add(np.ascontiguousarray(vectors[first : first + _ADDED_AT_ONCE]))
        store = cls(clusters, vectors)
        store._look_far_enough(tried, exact_nearest(vectors, tried, k=_DEPTH))
        return store

    @classmethod
    def read(cls, path: Path, *, vectors: Rows) -> "ClusteredVectorStore":
        """Open a file that `write` made over the same vectors, mapped into memory rather than loaded."""
        return cls(faiss.read_index(str(path), faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY), vectors)

    def __len__(self) -> int:
        """Return the number of vectors."""
        return len(self._vectors)

    @property
    def clusters_looked_in(self) -> int:
        """In how many clusters a search looks."""
        return int(self._clusters.nprobe)

    def search(
        self, query: NDArray[np.float32], *, k: int, among: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return positions and scores of the best k, best first; a few of the best may be missed."""
        allowed = None if among is None else np.unique(among)
        available = len(self) if allowed is None else len(allowed)
        if allowed is not None and available <= _COMPARED_ONE_BY_ONE:
            chosen = allowed
        else:
            chosen = self._choose(query, min(_CHOSEN * k, available), allowed)
        positions, scores = in_total_order(chosen, self.score(query, chosen))
        return positions[:k], scores[:k]

    def score(self, query: NDArray[np.float32], positions: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the inner products with the vectors at these positions."""
        return similarities(query, self._vectors[positions])

    def write(self, path: Path) -> None:
        """Write the clusters to one file; the vectors are in one already."""
        write_faiss(self._clusters, path)

    def _choose(
        self, query: NDArray[np.float32], count: int, allowed: NDArray[np.int64] | None
    ) -> NDArray[np.int64]:
        """Return about the nearest `count` positions, from as many clusters as it takes to find so many."""
        # The setting holds for the calling thread only, so it is made where the search runs.
        faiss.omp_set_num_threads(1)
        options = faiss.SearchParametersIVF()
        if allowed is not None:
            options.sel = faiss.IDSelectorBatch(allowed)
        # Where few may be returned, the nearest of them are further away.
        spread = 1 if allowed is None else len(self) / len(allowed)
        looked_in = min(round(self.clusters_looked_in * spread), self._clusters.nlist)
        while True:
            options.nprobe = looked_in
            _, found = self._clusters.search(query.reshape(1, -1), count, params=options)
            # FAISS fills a short result list with -1, which is no passage.
            chosen = found[0][found[0] >= 0]
            if len(chosen) == count or looked_in == self._clusters.nlist:
                return np.asarray(chosen, dtype=np.int64)
            looked_in = min(4 * looked_in, self._clusters.nlist)

    def _look_far_enough(self, queries: NDArray[np.float32], nearest: NDArray[np.int64]) -> None:
        """Choose in how many clusters to look, as the least power of two that finds enough of the nearest."""
        self._clusters.nprobe = 1
        while self.clusters_looked_in < self._clusters.nlist:
            found = [self.search(query, k=_DEPTH)[0] for query in queries]
            shares = [np.isin(near, got).mean() for near, got in zip(nearest, found, strict=True)]
            if np.mean(shares) >= RECALL_AT_10:
                return
            self._clusters.nprobe = 2 * self.clusters_looked_in


def exact_nearest(vectors: NDArray[np.float32], queries: NDArray[np.float32], *, k: int) -> NDArray[np.int64]:
    """Return the nearest k of n vectors to each query by comparing with all of them, shape (n_queries, min(k, n))."""
    _, positions = faiss.knn(
        np.ascontiguousarray(queries, dtype=np.float32),
        np.asarray(vectors),
        min(k, len(vectors)),
        metric=faiss.METRIC_INNER_PRODUCT,
    )
    return np.asarray(positions, dtype=np.int64)


def _n_clusters(n_vectors: int) -> int:
    """Return the power of two next to four times the square root of the number of vectors, FAISS's own advice."""
    return min(n_vectors, int(2 ** round(np.log2(max(1, 4 * np.sqrt(n_vectors))))))
