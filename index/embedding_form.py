"""Passages in one form of the encoder, queries in another: vectors that still compare."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from index.embedding import Embedder, EncodedText


class TwoFormEmbedder:
    """An `Embedder` that computes queries exactly, and passages in a faster form of the same weights."""

    def __init__(self, exact: Embedder, fast: Embedder) -> None:
        self._exact = exact
        self._fast = fast
        engine = f"{exact.identity.engine}; passages {fast.identity.engine}"
        self.identity = replace(exact.identity, engine=engine)
        self.special_token_ids = exact.special_token_ids

    def count_tokens(self, text: str) -> int:
        """Return the length of text in the encoder's own tokens, special tokens included."""
        return self._exact.count_tokens(text)

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return shape (len(texts), dim), in the faster form."""
        return self._fast.embed_passages(texts)

    def encode_passages(self, texts: Sequence[str]) -> list[EncodedText]:
        """Return each text with its token vectors, in the faster form."""
        return self._fast.encode_passages(texts)

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Return shape (dim,), exactly."""
        return self._exact.embed_query(text)

    def encode_query(self, text: str) -> EncodedText:
        """Return a query with its token vectors, exactly."""
        return self._exact.encode_query(text)
