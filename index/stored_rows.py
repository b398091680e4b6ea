"""Rows of an array on the disk, read when they are asked for."""

import os
import weakref
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray


class Rows(Protocol):
    """An array of shape (n, dim) of which rows are asked for; an array in memory is one."""

    def __len__(self) -> int:
        """Return the number of rows."""

    def __getitem__(self, key: Any, /) -> NDArray[Any]:
        """Return the rows at an array of positions, or those of a slice."""


class StoredRows:
    """The rows of a file that `np.save` wrote, read one run of neighbours at a time.

    Mapped into memory, every row that is looked at would bring its neighbours with it, and a few thousand questions
    the whole file; and a disk that fails would end the process. The file stays open when it is deleted meanwhile.
    """

    def __init__(self, path: Path) -> None:
        """Open a file.

        Raises:
            OSError: If the disk refuses.
            ValueError: If it holds no array of two dimensions, stored row by row.
        """
        with path.open("rb") as stream:
            version = npy.read_magic(stream)
            read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            shape, by_column, self._dtype = read_header(stream)
            self._offset = stream.tell()
            if len(shape) != 2 or by_column or self._dtype.hasobject:
                raise ValueError(f"{path.name} holds an array of shape {shape} that cannot be read by rows")
            self._file = os.dup(stream.fileno())
        weakref.finalize(self, os.close, self._file)
        self._n_rows, self._dim = shape
        self._row_bytes = self._dim * self._dtype.itemsize

    def __len__(self) -> int:
        """Return the number of rows."""
        return int(self._n_rows)

    def __getitem__(self, key: slice | NDArray[np.int64]) -> NDArray[Any]:
        """Return the rows at an array of positions, or those of a slice without a step, shape (n, dim).

        Raises:
            IndexError: If a position is not in the array.
            OSError: If the disk refuses.
        """
        if isinstance(key, slice):
            first, last, _ = key.indices(len(self))
            return self.runs(np.array([first]), np.array([max(first, last)]))
        missing = key[(key < 0) | (key >= len(self))]
        if len(missing):
            raise IndexError(f"there is no row {missing[0]} among {len(self)}")
        return self.runs(*_runs(key))

    def runs(self, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[Any]:
        """Return the rows of some half-open ranges within the array, one range after the other, shape (n, dim).

        Raises:
            OSError: If the disk refuses.
        """
        sizes = (ends - starts) * self._row_bytes
        found = np.empty(sizes.sum(), dtype=np.uint8)
        into, filled = found.data, 0
        for offset, size in zip(
            (self._offset + starts * self._row_bytes).tolist(), sizes.tolist(), strict=True
        ):
            part = into[filled : filled + size]
            # Many rows are read for a question, and nearly always whole.
            got = os.preadv(self._file, [part], offset)
            if got < size:
                self._read_on(part[got:], offset + got)
            filled += size
        return found.view(self._dtype).reshape(-1, self._dim)

    def _read_on(self, into: memoryview, offset: int) -> None:
        while into:
            got = os.preadv(self._file, [into], offset)
            if not got:
                raise OSError("the file of the vectors ends too early; look at the disk")
            into, offset = into[got:], offset + got


def _runs(positions: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where each run of positions that follow each other starts, and where it ends."""
    breaks = np.flatnonzero(np.diff(positions) != 1)
    starts = np.concatenate([positions[:1], positions[breaks + 1]])
    return starts, np.concatenate([positions[breaks], positions[-1:]]) + 1
