"""Files already read, kept by their bytes, so that a build reads only what is new."""

import hashlib
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from functools import cache
from pathlib import Path, PurePosixPath

from pydantic import TypeAdapter

from ingest.readers.reading import Reading
from ingest.readers.registry import read_document

__all__ = ["ReadingCache"]

_READING = TypeAdapter(Reading)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS readings (
    key TEXT PRIMARY KEY, checksum TEXT NOT NULL, reading TEXT NOT NULL
) WITHOUT ROWID
"""


class ReadingCache:
    """A file of readings. Losing it, or not being able to write it, costs time and nothing else."""

    def __init__(self, path: Path, *, read: Callable[..., Reading] = read_document) -> None:
        self._path = path
        self._read = read

    def read(self, data: bytes, *, name: str) -> Reading:
        """Return what `read_document` returns for a file.

        Raises:
            UnreadableDocumentError: As `read_document` does; that is not remembered.
        """
        key = f"{_readers_hash()}:{PurePosixPath(name).suffix.lower()}:{hashlib.sha256(data).hexdigest()}"
        with suppress(sqlite3.Error, OSError):
            if (known := self._look_up(key)) is not None:
                return known
        found = self._read(data, name=name)
        with suppress(sqlite3.Error, OSError):
            self._keep(key, _READING.dump_json(found).decode())
        return found

    def _look_up(self, key: str) -> Reading | None:
        if not self._path.exists():
            return None
        with closing(sqlite3.connect(self._path)) as connection:
            row = connection.execute("SELECT checksum, reading FROM readings WHERE key = ?", [key]).fetchone()
        # A damaged entry counts as missing.
        if row is None or not isinstance(row[1], str) or _hash(row[1]) != row[0]:
            return None
        return _READING.validate_json(row[1])

    def _keep(self, key: str, reading: str) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._insert(key, reading)
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                raise
            # Whatever is in the file, it is no cache of ours any more; start afresh.
            self._path.unlink()
            Path(f"{self._path}-journal").unlink(missing_ok=True)
            self._insert(key, reading)

    def _insert(self, key: str, reading: str) -> None:
        with closing(sqlite3.connect(self._path)) as connection, connection:
            # What a power cut takes from a cache is computed again.
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute(_SCHEMA)
            connection.execute(
                "INSERT OR REPLACE INTO readings VALUES (?, ?, ?)", [key, _hash(reading), reading]
            )


@cache
def _readers_hash() -> str:
    """Return a hash of the code that reads: what another release has read may not be what this one reads."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.relative_to(Path(__file__).parent).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
