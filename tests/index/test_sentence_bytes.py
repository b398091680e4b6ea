import numpy as np
from numpy.typing import NDArray

from index.sentence_bytes import in_bytes, unit_vectors
from tests.index.test_vectors import unit_vectors as random_unit_vectors


def cosines(vectors: NDArray[np.floating], query: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.asarray(vectors.astype(np.float64) @ query.astype(np.float64))


def test_cosines_stay_nearly_the_same() -> None:
    vectors, query = random_unit_vectors(500, dim=384), random_unit_vectors(1, dim=384, seed=1)[0]
    stored = in_bytes(vectors)

    assert stored.dtype == np.int8
    assert np.abs(stored).max(axis=1).tolist() == [127] * 500
    assert np.abs(cosines(unit_vectors(stored), query) - cosines(vectors, query)).max() < 0.003


def test_they_are_unit_vectors_again() -> None:
    found = unit_vectors(in_bytes(random_unit_vectors(50, dim=24)))

    assert np.abs(np.linalg.norm(found, axis=1) - 1).max() < 1e-12


def test_vectors_that_are_floats_stay_as_they_are() -> None:
    vectors = random_unit_vectors(3, dim=8).astype(np.float16)

    assert unit_vectors(vectors).tobytes() == vectors.tobytes()
    assert unit_vectors(vectors).dtype == np.float16


def test_a_vector_of_nothing_stays_one_and_no_vectors_are_none() -> None:
    assert unit_vectors(in_bytes(np.zeros((2, 4), dtype=np.float32))).tolist() == [[0.0] * 4] * 2
    assert unit_vectors(in_bytes(np.empty((0, 4), dtype=np.float32))).shape == (0, 4)
