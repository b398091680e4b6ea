from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from index.vectors import FlatVectorStore, similarities
from tests.twins import TwinVectorStore


def unit_vectors(count: int, *, dim: int = 24, seed: int = 0) -> NDArray[np.float32]:
    vectors = np.random.default_rng(seed).normal(size=(count, dim))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def positions(*values: int) -> NDArray[np.int64]:
    return np.array(values, dtype=np.int64)


AXES = np.eye(3, dtype=np.float32)


def test_the_best_k_come_best_first_with_their_inner_products() -> None:
    store = FlatVectorStore.of(np.array([[0.6, 0.8], [1, 0], [0, 1]], dtype=np.float32))

    found, scores = store.search(np.array([1, 0], dtype=np.float32), k=2)
    assert found.tolist() == [1, 0]
    assert scores == pytest.approx([1.0, 0.6])


@pytest.mark.parametrize("k", [1, 3, 50, 120, 299])
def test_equal_scores_come_in_order_of_position_also_where_the_list_is_cut(k: int) -> None:
    vectors = np.repeat(AXES[:1], 300, axis=0)
    vectors[7] = AXES[1]
    store = FlatVectorStore.of(vectors)

    found, _ = store.search(AXES[0], k=k)
    assert found.tolist() == [at for at in range(300) if at != 7][:k]


def test_a_better_vector_late_in_the_store_pushes_out_the_last_of_the_equal_ones() -> None:
    store = FlatVectorStore.of(np.array([[0.6, 0.8], [0.6, 0.8], [0.6, 0.8], [1, 0]], dtype=np.float32))

    found, _ = store.search(np.array([1, 0], dtype=np.float32), k=3)
    assert found.tolist() == [3, 0, 1]


def test_a_vector_is_given_back_as_it_was(tmp_path: Path) -> None:
    vectors = unit_vectors(5)
    FlatVectorStore.of(vectors).write(tmp_path / "vectors.faiss")

    found = FlatVectorStore.read(tmp_path / "vectors.faiss").vector(3)

    assert found.dtype == np.float32
    assert found.tolist() == vectors[3].tolist()


@settings(max_examples=40)
@given(seed=st.integers(0, 999), count=st.integers(1, 60), k=st.integers(1, 80), repeated=st.booleans())
def test_it_finds_what_comparing_with_every_vector_finds(
    seed: int, count: int, k: int, *, repeated: bool
) -> None:
    vectors = unit_vectors(count, seed=seed)
    if repeated:
        vectors[count // 2 :] = vectors[0]
    query = unit_vectors(1, seed=seed + 1)[0]

    found, scores = FlatVectorStore.of(vectors).search(query, k=k)
    expected, expected_scores = TwinVectorStore(vectors).search(query, k=k)
    assert scores == pytest.approx(expected_scores, abs=1e-6)
    assert found.tolist() == expected.tolist()


@settings(max_examples=40)
@given(seed=st.integers(0, 999), some=st.lists(st.integers(0, 299), min_size=1, max_size=200))
def test_scoring_some_positions_gives_the_bits_of_scoring_all(seed: int, some: list[int]) -> None:
    store = FlatVectorStore.of(unit_vectors(300, dim=384, seed=seed % 3))
    query = unit_vectors(1, dim=384, seed=seed)[0]

    all_scores = store.score(query, np.arange(300, dtype=np.int64))
    found, searched = store.search(query, k=300)
    assert store.score(query, np.array(some, dtype=np.int64)).tobytes() == all_scores[some].tobytes()
    assert searched.tobytes() == all_scores[found].tobytes()


def test_only_the_positions_asked_for_are_searched() -> None:
    found, _ = FlatVectorStore.of(AXES).search(AXES[0], k=3, among=positions(1, 2))

    assert found.tolist() == [1, 2]


def test_a_store_with_nothing_to_choose_from_finds_nothing() -> None:
    store = FlatVectorStore.of(AXES)
    empty = FlatVectorStore.of(np.empty((0, 3), dtype=np.float32))

    assert empty.search(AXES[0], k=3)[0].tolist() == []
    assert store.search(AXES[0], k=3, among=positions())[0].tolist() == []
    assert store.score(AXES[0], positions()).tolist() == []
    assert (len(store), len(empty)) == (3, 0)


def test_a_store_that_is_written_and_read_ranks_as_before_and_gives_the_same_bytes(tmp_path: Path) -> None:
    vectors, query = unit_vectors(200), unit_vectors(1, seed=5)[0]
    store = FlatVectorStore.of(vectors)
    store.write(tmp_path / "one")
    FlatVectorStore.of(vectors).write(tmp_path / "two")
    again = FlatVectorStore.read(tmp_path / "one")
    again.write(tmp_path / "three")

    before, after = store.search(query, k=20), again.search(query, k=20)
    assert [each.tobytes() for each in before] == [each.tobytes() for each in after]
    assert len({(tmp_path / name).read_bytes() for name in ("one", "two", "three")}) == 1


def test_a_disk_that_refuses_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="vectors"):
        FlatVectorStore.of(AXES).write(tmp_path / "missing" / "vectors")


@settings(max_examples=60)
@given(seed=st.integers(0, 99), count=st.integers(1, 40), start=st.integers(0, 39))
def test_a_similarity_has_the_same_bits_whatever_is_compared_beside_it(
    seed: int, count: int, start: int
) -> None:
    vectors = unit_vectors(40, dim=384, seed=seed).astype(np.float16)
    query = unit_vectors(1, dim=384, seed=seed + 1)[0]

    together = similarities(query, vectors)
    part = vectors[start : start + count]
    assert similarities(query, part).tobytes() == together[start : start + count].tobytes()
    assert similarities(query, part[:1]).tobytes() == together[start : start + 1].tobytes()
