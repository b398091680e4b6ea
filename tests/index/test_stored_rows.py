from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.stored_rows import StoredRows

ARRAY = np.arange(60, dtype=np.float16).reshape(20, 3)


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> StoredRows:
    path = tmp_path_factory.mktemp("rows") / "rows.npy"
    np.save(path, ARRAY)
    return StoredRows(path)


@settings(max_examples=60)
@given(positions=st.lists(st.integers(0, 19), max_size=30), first=st.integers(0, 25), last=st.integers(0, 25))
def test_rows_are_those_of_the_array(rows: StoredRows, positions: list[int], first: int, last: int) -> None:
    at = np.array(positions, dtype=np.int64)

    assert len(rows) == 20
    assert rows[at].dtype == ARRAY.dtype
    assert rows[at].tolist() == ARRAY[at].tolist()
    assert rows[first:last].tolist() == ARRAY[first:last].tolist()
    assert rows[first:last].shape == ARRAY[first:last].shape


@pytest.mark.parametrize("position", [-1, 20, 10**12])
def test_a_row_that_is_not_there_is_refused(rows: StoredRows, position: int) -> None:
    with pytest.raises(IndexError, match=f"no row {position} among 20"):
        rows[np.array([3, position], dtype=np.int64)]


def test_rows_can_be_read_after_the_file_is_gone(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", ARRAY)
    rows = StoredRows(tmp_path / "rows.npy")
    (tmp_path / "rows.npy").unlink()

    assert rows[18:].tolist() == ARRAY[18:].tolist()


def test_a_file_that_ends_too_early_is_an_os_error(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", ARRAY)
    content = (tmp_path / "rows.npy").read_bytes()
    (tmp_path / "rows.npy").write_bytes(content[:-2])
    rows = StoredRows(tmp_path / "rows.npy")

    assert rows[:19].tolist() == ARRAY[:19].tolist()
    with pytest.raises(OSError, match="ends too early"):
        rows[19:]


@pytest.mark.parametrize(
    "array", [np.arange(3), np.asfortranarray(ARRAY), np.array([["a", None]], dtype=object)]
)
def test_another_kind_of_array_is_refused(tmp_path: Path, array: np.ndarray) -> None:
    np.save(tmp_path / "rows.npy", array, allow_pickle=True)

    with pytest.raises(ValueError, match="cannot be read by rows"):
        StoredRows(tmp_path / "rows.npy")


def test_what_is_no_array_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rows.npy").write_bytes(b"no array at all")

    with pytest.raises(ValueError, match="magic string"):
        StoredRows(tmp_path / "rows.npy")


def test_an_array_without_rows_has_none(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", ARRAY[:0])
    rows = StoredRows(tmp_path / "rows.npy")

    assert (len(rows), rows[:].shape, rows[np.empty(0, np.int64)].shape) == (0, (0, 3), (0, 3))


@settings(max_examples=60)
@given(runs=st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)).map(sorted), max_size=6))
def test_runs_are_read_one_after_the_other(rows: StoredRows, runs: list[list[int]]) -> None:
    starts, ends = (np.array([run[at] for run in runs], dtype=np.int64) for at in (0, 1))

    found = rows.runs(starts, ends)

    assert found.shape[1] == 3
    assert found.tolist() == [row for start, end in runs for row in ARRAY[start:end].tolist()]
