"""Vectors already computed, kept by weights and text, so that a build embeds only what is new."""

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.embedding import Embedder, EncodedText
from index.remembered_queries import RememberingEmbedder, pack_query, unpack_query
from index.token_codes import TokenCodes, pack_tokens, quantize_tokens, unpack_tokens

_COLUMNS = """(
    weights TEXT NOT NULL, text_sha256 TEXT NOT NULL, checksum TEXT NOT NULL, entry BLOB NOT NULL,
    PRIMARY KEY (weights, text_sha256)
)"""
#: An entry of `vectors` is a passage's vector, one of `tokens` the vector and then the tokens in 8 bits, one of
#: `queries` a query's vectors whole; the key of that one is the query itself, in place of a hash.
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS vectors {_COLUMNS} WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tokens {_COLUMNS};
CREATE TABLE IF NOT EXISTS queries {_COLUMNS.replace("text_sha256", "query")};
"""
#: So many texts are computed before they are kept. The more, the more are of one length and computed together; but the
#: tokens of a text take a hundred times the memory of its vector.
_VECTORS_AT_ONCE, _TOKENS_AT_ONCE = 1_024, 256
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
        dim = embedder.identity.dim

        def compute(batch: Sequence[str]) -> list[bytes]:
            return [vector.astype("<f4").tobytes() for vector in embedder.embed_passages(batch)]

        found = self._look_up("vectors", embedder, texts, compute, progress, at_once=_VECTORS_AT_ONCE)
        return _as_vectors([found[text][: 4 * dim] for text in texts], dim=dim)

    def encode(
        self, embedder: Embedder, texts: Sequence[str]
    ) -> tuple[NDArray[np.float32], list[TokenCodes]]:
        """Return what `embed` does, and the tokens of each text in 8 bits a dimension.

        Raises:
            OSError: As `embed` does.
        """
        dim, special = embedder.identity.dim, embedder.special_token_ids

        def compute(batch: Sequence[str]) -> list[bytes]:
            return [
                each.vector.astype("<f4").tobytes()
                + pack_tokens(quantize_tokens(each.token_vectors, each.token_ids, special=special))
                for each in embedder.encode_passages(batch)
            ]

        found = self._look_up("tokens", embedder, texts, compute, None, at_once=_TOKENS_AT_ONCE)
        vectors = _as_vectors([found[text][: 4 * dim] for text in texts], dim=dim)
        return vectors, [unpack_tokens(found[text][4 * dim :], dim=dim) for text in texts]

    @contextmanager
    def remembering_queries(self, embedder: Embedder) -> Iterator[Embedder]:
        """Give an embedder that computes no query a second time; what it computed is kept at the end of the block.

        A build searches for hundreds of questions and cited sentences, mostly those of the build before.
        """
        known: dict[str, EncodedText] = {}
        weights, dim = _weights_of(embedder), embedder.identity.dim
        with suppress(sqlite3.DatabaseError, OSError), self._open() as connection:
            rows = connection.execute(
                "SELECT query, checksum, entry FROM queries WHERE weights = ?", [weights]
            )
            known = {
                query: unpack_query(entry, dim=dim) for query, sum_, entry in rows if _hash(entry) == sum_
            }
        remembering = RememberingEmbedder(embedder, known)
        yield remembering
        # Losing them costs time and nothing else.
        with suppress(sqlite3.DatabaseError, OSError), self._open() as connection, connection:
            packed = {query: pack_query(encoded) for query, encoded in remembering.computed.items()}
            connection.executemany(
                "INSERT OR REPLACE INTO queries VALUES (?, ?, ?, ?)",
                [(weights, query, _hash(entry), entry) for query, entry in packed.items()],
            )

    def _look_up(
        self,
        table: str,
        embedder: Embedder,
        texts: Sequence[str],
        compute: Callable[[Sequence[str]], list[bytes]],
        progress: Callable[[int, int], None] | None,
        *,
        at_once: int,
    ) -> dict[str, bytes]:
        """Return the entry of each text in a table, computed where there is none."""
        weights = _weights_of(embedder)
        try:
            return self._fill(table, weights, list(dict.fromkeys(texts)), compute, progress, at_once=at_once)
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode & 0xFF not in _NO_CACHE:
                raise OSError(f"{self._path}: {error}") from error
            # Whatever is in the file, it is no cache of ours any more; start afresh.
            self._path.unlink()
            Path(f"{self._path}-journal").unlink(missing_ok=True)
            return self._fill(table, weights, list(dict.fromkeys(texts)), compute, progress, at_once=at_once)

    def _fill(
        self,
        table: str,
        weights: str,
        texts: Sequence[str],
        compute: Callable[[Sequence[str]], list[bytes]],
        progress: Callable[[int, int], None] | None,
        *,
        at_once: int,
    ) -> dict[str, bytes]:
        with self._open() as connection:
            known = _read(connection, table, weights, texts)
            # Texts of one length are computed together.
            missing = sorted((text for text in texts if text not in known), key=len)
            for at in range(0, len(missing), at_once):
                batch = missing[at : at + at_once]
                blobs = compute(batch)
                known.update(zip(batch, blobs, strict=True))
                _write(connection, table, weights, batch, blobs)
                if progress is not None:
                    progress(len(texts) - len(missing) + at + len(batch), len(texts))
        return known

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._path)
        try:
            connection.executescript(_SCHEMA)
            yield connection
        finally:
            connection.close()


def _weights_of(embedder: Embedder) -> str:
    identity = embedder.identity
    return f"{identity.weights_sha256}:{identity.pooling}:{identity.max_tokens}:{identity.engine}"


def _as_vectors(blobs: Sequence[bytes], *, dim: int) -> NDArray[np.float32]:
    if not blobs:
        return np.empty((0, dim), dtype=np.float32)
    return np.stack([np.frombuffer(blob, dtype="<f4").astype(np.float32) for blob in blobs])


def _read(connection: sqlite3.Connection, table: str, weights: str, texts: Sequence[str]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    query = f"SELECT checksum, entry FROM {table} WHERE weights = ? AND text_sha256 = ?"  # noqa: S608  # one of two
    for text in texts:
        row = connection.execute(query, [weights, _hash(text.encode())]).fetchone()
        # A damaged entry counts as missing.
        if row is not None and _hash(row[1]) == row[0]:
            found[text] = row[1]
    return found


def _write(
    connection: sqlite3.Connection, table: str, weights: str, texts: Sequence[str], blobs: Sequence[bytes]
) -> None:
    with connection:
        connection.executemany(
            f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?, ?)",  # noqa: S608  # one of two
            [
                (weights, _hash(text.encode()), _hash(blob), blob)
                for text, blob in zip(texts, blobs, strict=True)
            ],
        )


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
