"""Vectors already computed, kept by weights and text, so that a build embeds only what is new."""

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.embedding import Embedder, EncodedText

_SCHEMA = """
CREATE TABLE IF NOT EXISTS vectors (
    weights TEXT NOT NULL, text_sha256 TEXT NOT NULL, checksum TEXT NOT NULL, vector BLOB NOT NULL,
    PRIMARY KEY (weights, text_sha256)
) WITHOUT ROWID
"""
_ALL_QUERIES = "SELECT text_sha256, checksum, vector FROM vectors WHERE weights = ?"
_BATCH = 256
#: What SQLite says of a file that is damaged, no database at all, or one with other tables.
_NO_CACHE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR})


class VectorCache:
    """A file of vectors. Losing it costs time and nothing else."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def embed(
        self, embedder: Embedder, texts: Sequence[str], *, progress: Callable[[int, int], None] | None = None
    ) -> NDArray[np.float32]:
        """Return shape (len(texts), dim), the same bits as `embedder.embed_passages` gives.

        Args:
            embedder: Computes what is not in the cache, a few texts at a time; what it has computed is
                kept even when the build dies later.
            texts: Any number, repeats allowed.
            progress: Called with (texts done, texts in all).

        Raises:
            OSError: If the disk refuses, or another process keeps the file locked.
        """
        try:
            return self._embed(embedder, texts, progress)
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode & 0xFF not in _NO_CACHE:
                raise OSError(f"{self._path}: {error}") from error
            # Whatever is in the file, it is no cache of ours any more; start afresh.
            self._path.unlink()
            Path(f"{self._path}-journal").unlink(missing_ok=True)
            return self._embed(embedder, texts, progress)

    @contextmanager
    def remembering_queries(self, embedder: Embedder) -> Iterator[Embedder]:
        """Give an embedder that computes no query a second time; what it computed is kept at the end of the block.

        A build searches for hundreds of questions and cited sentences, mostly those of the build before.
        """
        kept: dict[str, NDArray[np.float32]] = {}
        with suppress(sqlite3.DatabaseError, OSError), self._open() as connection:
            rows = connection.execute(_ALL_QUERIES, [_queries_of(embedder)])
            kept = {
                key: np.frombuffer(blob, dtype="<f4") for key, sum_, blob in rows if _checksum(blob) == sum_
            }
        remembering = _RememberingEmbedder(embedder, kept)
        yield remembering
        # Losing them costs time and nothing else.
        with suppress(sqlite3.DatabaseError, OSError), self._open() as connection:
            new = remembering.computed
            _write(connection, _queries_of(embedder), list(new), np.array(list(new.values())))

    def _embed(
        self, embedder: Embedder, texts: Sequence[str], progress: Callable[[int, int], None] | None
    ) -> NDArray[np.float32]:
        identity, weights = embedder.identity, _weights_of(embedder)
        keys = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
        text_of = dict(zip(keys, texts, strict=True))
        with self._open() as connection:
            known = _read(connection, weights, list(text_of), dim=identity.dim)
            missing = sorted(
                (key for key in text_of if key not in known),
                key=lambda key: len(text_of[key]),  # texts of one length are computed together
            )
            for at in range(0, len(missing), _BATCH):
                batch = missing[at : at + _BATCH]
                vectors = embedder.embed_passages([text_of[key] for key in batch])
                known.update(zip(batch, vectors, strict=True))
                _write(connection, weights, batch, vectors)
                if progress is not None:
                    progress(len(text_of) - len(missing) + at + len(batch), len(text_of))
        rows = [known[key] for key in keys]
        return np.stack(rows) if rows else np.empty((0, identity.dim), dtype=np.float32)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._path)
        try:
            connection.execute(_SCHEMA)
            yield connection
        finally:
            connection.close()


class _RememberingEmbedder:
    """An `Embedder` that looks up the queries that it knows."""

    def __init__(self, real: Embedder, known: Mapping[str, NDArray[np.float32]]) -> None:
        self._real = real
        self._known = known
        self.identity = real.identity
        self.special_token_ids = real.special_token_ids
        self.computed: dict[str, NDArray[np.float32]] = {}

    def count_tokens(self, text: str) -> int:
        return self._real.count_tokens(text)

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._real.embed_passages(texts)

    def encode_passages(self, texts: Sequence[str]) -> list[EncodedText]:
        return self._real.encode_passages(texts)

    def encode_query(self, text: str) -> EncodedText:
        return self._real.encode_query(text)

    def embed_query(self, text: str) -> NDArray[np.float32]:
        key = hashlib.sha256(text.encode()).hexdigest()
        known = self._known.get(key)
        if known is None:
            known = self.computed.get(key)
        if known is None or known.shape != (self.identity.dim,):
            known = self.computed[key] = self._real.embed_query(text)
        return known


def _weights_of(embedder: Embedder) -> str:
    identity = embedder.identity
    return f"{identity.weights_sha256}:{identity.pooling}:{identity.max_tokens}:{identity.engine}"


def _queries_of(embedder: Embedder) -> str:
    # A query may be encoded in another way than a passage of the same words.
    return f"query:{_weights_of(embedder)}"


def _read(
    connection: sqlite3.Connection, weights: str, keys: Sequence[str], *, dim: int
) -> dict[str, NDArray[np.float32]]:
    found: dict[str, NDArray[np.float32]] = {}
    for key in keys:
        row = connection.execute(
            "SELECT checksum, vector FROM vectors WHERE weights = ? AND text_sha256 = ?", [weights, key]
        ).fetchone()
        # A damaged entry counts as missing.
        if row is not None and _checksum(row[1]) == row[0] and len(row[1]) == 4 * dim:
            found[key] = np.frombuffer(row[1], dtype="<f4").astype(np.float32)
    return found


def _write(
    connection: sqlite3.Connection, weights: str, keys: Sequence[str], vectors: NDArray[np.float32]
) -> None:
    blobs = [vector.astype("<f4").tobytes() for vector in vectors]
    with connection:
        connection.executemany(
            "INSERT OR REPLACE INTO vectors VALUES (?, ?, ?, ?)",
            [(weights, key, _checksum(blob), blob) for key, blob in zip(keys, blobs, strict=True)],
        )


def _checksum(blob: bytes) -> str:
    return hashlib.sha256(blob).hexdigest()
