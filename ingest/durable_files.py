"""Files that are there whole or not at all, also after a power cut, and a lock for whoever changes a folder."""

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

__all__ = ["exclusive", "move_file", "store_bytes"]


def store_bytes(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write a file, in place of one that may be there, and have it on the disk before returning.

    Raises:
        OSError: If the disk refuses; the file is then as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).chmod(mode)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def move_file(source: Path, target: Path) -> None:
    """Move a file within a disk, and have it there before returning.

    Raises:
        OSError: If the disk refuses; the file is then where it was.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    source.replace(target)
    _sync_folder(target.parent)
    _sync_folder(source.parent)


@contextlib.contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Wait for, and hold, the right to change a folder; the system takes it back when its holder dies.

    Raises:
        OSError: If the folder is not there or not writable.
    """
    with (folder / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
