from pathlib import Path

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from index import coded_vectors
from index.coded_vectors import CodedVectorStore, exact_nearest
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


@pytest.fixture(autouse=True)
def few_are_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a search choose as small a share of 4,000 vectors as it does of very many."""
    monkeypatch.setattr(coded_vectors, "_CHOSEN_AT_LEAST", 120)


@pytest.fixture(scope="module")
def store() -> CodedVectorStore:
    return CodedVectorStore.of(VECTORS, tried=QUERIES[:30])


def share_found(store: CodedVectorStore, *, among: NDArray[np.int64] | None = None) -> float:
    """Return how many of the nearest ten are found, in the mean of queries that were not tried before."""
    there = np.arange(4_000) if among is None else among
    nearest = there[exact_nearest(VECTORS[there], QUERIES[30:], k=10)]
    found = [store.search(query, k=10, among=among)[0] for query in QUERIES[30:]]
    return float(np.mean([np.isin(a, b).mean() for a, b in zip(nearest, found, strict=True)]))


def test_it_finds_nearly_all_of_the_nearest_by_short_codes() -> None:
    store = CodedVectorStore.of(VECTORS, tried=QUERIES[:30])

    assert share_found(store) >= 0.97  # 0.99 of the queries that it was chosen for
    assert store.bits_a_vector <= 2 * DIM


def test_the_codes_are_as_long_as_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    short = CodedVectorStore.of(VECTORS, tried=QUERIES[:30])
    monkeypatch.setattr(coded_vectors, "_CHOSEN_AT_LEAST", 12)
    monkeypatch.setattr(coded_vectors, "_CHOSEN", 1)
    missed = share_found(short)
    long = CodedVectorStore.of(VECTORS, tried=QUERIES[:30])

    assert long.bits_a_vector > short.bits_a_vector
    assert share_found(long) >= missed + 0.1


@pytest.mark.parametrize(("dim", "lengths"), [(384, [4, 3, 2, 1]), (1_024, [4, 2, 1]), (7, [1])])
def test_a_code_stands_for_as_many_dimensions_as_divide_them(dim: int, lengths: list[int]) -> None:
    assert coded_vectors._lengths(dim) == lengths


@pytest.mark.parametrize("at_once", [1, 999, 50_000])
def test_the_nearest_are_those_with_the_largest_inner_products(
    monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(coded_vectors, "_AT_ONCE", at_once)
    vectors = VECTORS[:1_200].astype(np.float16)
    nearest = exact_nearest(vectors, QUERIES[:5], k=7)

    for query, found in zip(QUERIES[:5], nearest, strict=True):
        assert found.tolist() == TwinVectorStore(vectors.astype(np.float32)).search(query, k=7)[0].tolist()


def test_scores_are_exact_and_come_best_first(store: CodedVectorStore) -> None:
    for query in QUERIES[:10]:
        found, scores = store.search(query, k=50)
        assert scores == pytest.approx(TwinVectorStore(VECTORS).score(query, found), abs=1e-6)
        assert (np.diff(scores) <= 0).all()
        assert len(set(found.tolist())) == 50


def test_a_vector_is_given_back_as_it_was(store: CodedVectorStore) -> None:
    assert store.vector(3).tolist() == VECTORS[3].tolist()


@settings(max_examples=40)
@given(seed=st.integers(0, 999), some=st.lists(st.integers(0, 3_999), min_size=1, max_size=200))
def test_scoring_some_positions_gives_the_bits_of_scoring_all(
    store: CodedVectorStore, seed: int, some: list[int]
) -> None:
    query = unit_vectors(1, dim=DIM, seed=seed)[0]

    every = store.score(query, np.arange(4_000, dtype=np.int64))
    found, searched = store.search(query, k=30)
    assert store.score(query, np.array(some, dtype=np.int64)).tobytes() == every[some].tobytes()
    assert searched.tobytes() == every[found].tobytes()


@pytest.mark.parametrize("compared_one_by_one", [0, 20_000])
def test_only_the_positions_asked_for_are_found_and_as_many_as_there_are(
    store: CodedVectorStore, monkeypatch: pytest.MonkeyPatch, compared_one_by_one: int
) -> None:
    monkeypatch.setattr(coded_vectors, "_COMPARED_ONE_BY_ONE", compared_one_by_one)
    far_apart = positions(*range(7, 4_000, 400))

    for query in QUERIES[:10]:
        found, _ = store.search(query, k=50, among=far_apart)
        assert sorted(found.tolist()) == far_apart.tolist()
        assert store.search(query, k=1, among=positions(5, 5))[0].tolist() == [5]


@pytest.mark.parametrize("share", [2, 20])
def test_among_some_as_many_of_the_nearest_are_found(
    store: CodedVectorStore, monkeypatch: pytest.MonkeyPatch, share: int
) -> None:
    monkeypatch.setattr(coded_vectors, "_COMPARED_ONE_BY_ONE", 0)

    assert share_found(store, among=np.arange(1, 4_000, share)) >= 0.97


def test_those_that_may_be_found_may_all_be_far_away(
    store: CodedVectorStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coded_vectors, "_COMPARED_ONE_BY_ONE", 0)
    furthest = np.argsort(VECTORS @ QUERIES[0])[:200]

    found, _ = store.search(QUERIES[0], k=100, among=furthest)
    assert len(found) == 100
    assert np.isin(found, furthest).all()


def test_with_nothing_to_choose_from_it_finds_nothing(store: CodedVectorStore) -> None:
    assert store.search(QUERIES[0], k=3, among=positions())[0].tolist() == []
    assert store.score(QUERIES[0], positions()).tolist() == []
    assert len(store) == 4_000


def test_equal_scores_come_in_order_of_position() -> None:
    vectors = np.repeat(VECTORS[:1], 300, axis=0)
    store = CodedVectorStore.of(vectors, tried=QUERIES[:2])

    assert store.search(VECTORS[0], k=300)[0].tolist() == list(range(300))


def test_as_many_are_found_as_are_asked_for(store: CodedVectorStore) -> None:
    assert sorted(store.search(QUERIES[0], k=4_000)[0].tolist()) == list(range(4_000))


def test_those_whose_codes_are_furthest_are_found_when_they_are_wanted(store: CodedVectorStore) -> None:
    axes = np.eye(DIM, dtype=np.float32)[np.arange(400) % DIM]
    far_apart = CodedVectorStore.of(axes, tried=axes[:2])

    assert sorted(far_apart.search(axes[0], k=400)[0].tolist()) == list(range(400))
    assert store.search(np.zeros(DIM, dtype=np.float32), k=3)[0].tolist() == [0, 1, 2]


@pytest.mark.parametrize("count", [1, 2, 9])
def test_a_store_may_be_small(count: int) -> None:
    store = CodedVectorStore.of(VECTORS[:count], tried=QUERIES[:3])

    assert sorted(store.search(QUERIES[0], k=20)[0].tolist()) == list(range(count))


def test_a_store_that_is_written_and_read_finds_the_same(store: CodedVectorStore, tmp_path: Path) -> None:
    store.write(tmp_path / "codes")
    again = CodedVectorStore.read(tmp_path / "codes", vectors=VECTORS)

    assert again.bits_a_vector == store.bits_a_vector
    for query in QUERIES[:10]:
        before, after = store.search(query, k=20), again.search(query, k=20)
        assert [each.tobytes() for each in before] == [each.tobytes() for each in after]


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_bytes_depend_on_no_thread(
    store: CodedVectorStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    store.write(tmp_path / "one")
    faiss.omp_set_num_threads(threads)
    monkeypatch.setattr(faiss, "omp_set_num_threads", lambda _: None)
    CodedVectorStore.of(VECTORS, tried=QUERIES[:30]).write(tmp_path / "other")

    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_a_disk_that_refuses_is_an_os_error(store: CodedVectorStore, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="codes"):
        store.write(tmp_path / "missing" / "codes")
