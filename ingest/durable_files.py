"""Files that are there whole or not at all, also after a power cut, and a lock for whoever changes a folder."""

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

__all__ = ["exclusive", "hold_if_free", "make_folder", "move_file", "store_bytes", "sync_folder"]


def store_bytes(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write a file, in place of one that may be there, and have it on the disk before returning.

    Raises:
        OSError: If the disk refuses; the file is then as it was.
    """
    make_folder(path.parent)
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
    sync_folder(path.parent)


def move_file(source: Path, target: Path) -> None:
    """Move a file within a disk, and have it there before returning.

    Raises:
        OSError: If the disk refuses; the file is then where it was.
    """
    make_folder(target.parent)
    source.replace(target)
    sync_folder(target.parent)
    sync_folder(source.parent)


@contextlib.contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Wait for, and hold, the right to change a folder; the system takes it back when its holder dies.

    Raises:
        OSError: If the folder is not there or not writable.
    """
    with (folder / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def hold_if_free(path: Path) -> Iterator[bool]:
    """Hold a lock for the length of a block, and yield True; yield False at once if another process has it.

    Raises:
        OSError: If the file cannot be opened.
    """
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def make_folder(folder: Path) -> None:
    """Make a folder and those above it that are missing, and have them on the disk before returning.

    Raises:
        OSError: If the disk refuses.
    """
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Have on the disk which files a folder holds.

    Raises:
        OSError: If the disk refuses.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
