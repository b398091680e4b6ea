from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from index import clustered_vectors
from index.clustered_vectors import ClusteredVectorStore, exact_nearest
from tests.index.test_vectors import positions, unit_vectors
from tests.twins import TwinVectorStore

DIM = 24


def topics(count: int, *, seed: int = 0, n_topics: int = 40) -> NDArray[np.float32]:
    """Return unit vectors that lie about some topics, as those of texts do."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(n_topics, DIM))
    vectors = centres[random.integers(0, n_topics, count)] + 0.6 * random.normal(size=(count, DIM))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


VECTORS, QUERIES = topics(4_000), topics(60, seed=1)


@pytest.fixture(scope="module")
def store() -> ClusteredVectorStore:
    return ClusteredVectorStore.of(VECTORS, tried=QUERIES[:30])


def test_it_finds_nearly_all_of_the_nearest_without_looking_everywhere(store: ClusteredVectorStore) -> None:
    nearest = exact_nearest(VECTORS, QUERIES[30:], k=10)
    found = [store.search(query, k=10)[0] for query in QUERIES[30:]]

    shares = [len(np.intersect1d(a, b)) / 10 for a, b in zip(found, nearest, strict=True)]
    assert np.mean(shares) >= 0.97  # 0.99 of the queries that it was chosen for
    assert 1 <= store.clusters_looked_in < 256


def test_the_nearest_are_those_with_the_largest_inner_products() -> None:
    nearest = exact_nearest(VECTORS, QUERIES[:5], k=7)

    for query, found in zip(QUERIES[:5], nearest, strict=True):
        assert found.tolist() == TwinVectorStore(VECTORS).search(query, k=7)[0].tolist()


def test_scores_are_exact_and_come_best_first(store: ClusteredVectorStore) -> None:
    for query in QUERIES[:10]:
        found, scores = store.search(query, k=50)
        assert scores == pytest.approx(TwinVectorStore(VECTORS).score(query, found), abs=1e-6)
        assert (np.diff(scores) <= 0).all()
        assert len(set(found.tolist())) == 50


@settings(max_examples=40)
@given(seed=st.integers(0, 999), some=st.lists(st.integers(0, 3_999), min_size=1, max_size=200))
def test_scoring_some_positions_gives_the_bits_of_scoring_all(
    store: ClusteredVectorStore, seed: int, some: list[int]
) -> None:
    query = unit_vectors(1, dim=DIM, seed=seed)[0]

    every = store.score(query, np.arange(4_000, dtype=np.int64))
    found, searched = store.search(query, k=30)
    assert store.score(query, np.array(some, dtype=np.int64)).tobytes() == every[some].tobytes()
    assert searched.tobytes() == every[found].tobytes()


@pytest.mark.parametrize("compared_one_by_one", [0, 20_000])
def test_only_the_positions_asked_for_are_found_and_as_many_as_there_are(
    store: ClusteredVectorStore, monkeypatch: pytest.MonkeyPatch, compared_one_by_one: int
) -> None:
    monkeypatch.setattr(clustered_vectors, "_COMPARED_ONE_BY_ONE", compared_one_by_one)
    far_apart = positions(*range(7, 4_000, 400))

    for query in QUERIES[:10]:
        found, _ = store.search(query, k=50, among=far_apart)
        assert sorted(found.tolist()) == far_apart.tolist()
        assert store.search(query, k=1, among=positions(5, 5))[0].tolist() == [5]


def test_the_fewer_may_be_returned_the_further_it_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, queries = unit_vectors(4_000, dim=DIM), unit_vectors(80, dim=DIM, seed=1)
    store = ClusteredVectorStore.of(vectors, tried=queries[:20])
    monkeypatch.setattr(clustered_vectors, "_COMPARED_ONE_BY_ONE", 0)
    store._clusters.nprobe = 12  # too few, so that what is missed shows

    def share_found(among: NDArray[np.int64]) -> float:
        nearest = among[exact_nearest(vectors[among], queries, k=10)]
        found = [store.search(query, k=10, among=among)[0] for query in queries]
        return float(np.mean([np.isin(a, b).mean() for a, b in zip(nearest, found, strict=True)]))

    assert share_found(np.arange(1, 4_000, 2)) >= share_found(np.arange(4_000)) + 0.03


def test_with_nothing_to_choose_from_it_finds_nothing(store: ClusteredVectorStore) -> None:
    assert store.search(QUERIES[0], k=3, among=positions())[0].tolist() == []
    assert store.score(QUERIES[0], positions()).tolist() == []
    assert len(store) == 4_000


def test_equal_scores_come_in_order_of_position() -> None:
    vectors = np.repeat(VECTORS[:1], 300, axis=0)
    store = ClusteredVectorStore.of(vectors, tried=QUERIES[:2])

    assert store.search(VECTORS[0], k=300)[0].tolist() == list(range(300))


def test_as_many_are_found_as_are_asked_for_however_many_clusters_it_takes(
    store: ClusteredVectorStore,
) -> None:
    assert sorted(store.search(QUERIES[0], k=4_000)[0].tolist()) == list(range(4_000))


@pytest.mark.parametrize("count", [1, 2, 9])
def test_a_store_may_be_small(count: int) -> None:
    store = ClusteredVectorStore.of(VECTORS[:count], tried=QUERIES[:3])

    assert sorted(store.search(QUERIES[0], k=20)[0].tolist()) == list(range(count))


def test_a_store_that_is_written_and_read_finds_the_same_and_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        ClusteredVectorStore.of(VECTORS, tried=QUERIES[:30]).write(tmp_path / name)
    store = ClusteredVectorStore.of(VECTORS, tried=QUERIES[:30])
    again = ClusteredVectorStore.read(tmp_path / "one", vectors=VECTORS)

    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert again.clusters_looked_in == store.clusters_looked_in
    for query in QUERIES[:10]:
        before, after = store.search(query, k=20), again.search(query, k=20)
        assert [each.tobytes() for each in before] == [each.tobytes() for each in after]


def test_a_disk_that_refuses_is_an_os_error(store: ClusteredVectorStore, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="clusters"):
        store.write(tmp_path / "missing" / "clusters")
