"""An embedder that computes no query a second time."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from index.embedding import Embedder, EncodedText


class RememberingEmbedder:
    """An `Embedder` that looks up the queries that it knows; `computed` holds those that it did not."""

    def __init__(self, real: Embedder, known: Mapping[str, EncodedText]) -> None:
        self._real = real
        self._known = known
        self.identity = real.identity
        self.special_token_ids = real.special_token_ids
        self.computed: dict[str, EncodedText] = {}

    def count_tokens(self, text: str) -> int:
        """Return what the real embedder does."""
        return self._real.count_tokens(text)

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return what the real embedder does."""
        return self._real.embed_passages(texts)

    def encode_passages(self, texts: Sequence[str]) -> list[EncodedText]:
        """Return what the real embedder does."""
        return self._real.encode_passages(texts)

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Return shape (dim,), as the real embedder does."""
        return self.encode_query(text).vector

    def encode_query(self, text: str) -> EncodedText:
        """Return a query with its token vectors, computed at most once."""
        known = self._known.get(text) or self.computed.get(text)
        if known is None:
            known = self.computed[text] = self._real.encode_query(text)
        return known


def pack_query(encoded: EncodedText) -> bytes:
    """Return the bytes of an encoded query: its vector, then its tokens' ids, then their vectors."""
    parts = (
        encoded.vector.astype("<f4"),
        encoded.token_ids.astype("<i8"),
        encoded.token_vectors.astype("<f4"),
    )
    return b"".join(part.tobytes() for part in parts)


def unpack_query(packed: bytes, *, dim: int) -> EncodedText:
    """Return the query that `pack_query` packed; `dim` is the length of its vectors."""
    n_tokens = (len(packed) - 4 * dim) // (8 + 4 * dim)
    return EncodedText(
        vector=np.frombuffer(packed, "<f4", count=dim).astype(np.float32),
        token_ids=np.frombuffer(packed, "<i8", count=n_tokens, offset=4 * dim).astype(np.int64),
        token_vectors=np.frombuffer(packed, "<f4", offset=4 * dim + 8 * n_tokens)
        .reshape(n_tokens, dim)
        .astype(np.float32),
    )
