"""Queries that were encoded lately, or ahead of time many at once."""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from index.embedding import Embedder, EncodedText, ModelIdentity

#: Some 50 MB of token vectors of 384 dimensions; some 2,500 questions of ordinary length.
_TOKENS_KEPT = 32_768


class RememberedQueries:
    """An `Embedder` that keeps the queries it encoded last; safe to use from several threads.

    A remembered query has the bits that it would have if it were encoded again.
    """

    def __init__(self, embedder: Embedder, *, tokens_kept: int = _TOKENS_KEPT) -> None:
        self._embedder = embedder
        self._tokens_kept = tokens_kept
        self._known: OrderedDict[str, EncodedText] = OrderedDict()
        self._tokens = 0
        self._lock = threading.Lock()

    @property
    def identity(self) -> ModelIdentity:
        """The model, its weights and the shape of its vectors."""
        return self._embedder.identity

    @property
    def special_token_ids(self) -> frozenset[int]:
        """The ids of tokens that stand for no part of a text."""
        return self._embedder.special_token_ids

    def count_tokens(self, text: str) -> int:
        """Return the length of text in the encoder's own tokens, special tokens included."""
        return self._embedder.count_tokens(text)

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return shape (len(texts), dim); passages are not remembered."""
        return self._embedder.embed_passages(texts)

    def encode_passages(self, texts: Sequence[str]) -> list[EncodedText]:
        """Return each text with its token vectors; passages are not remembered."""
        return self._embedder.encode_passages(texts)

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Return shape (dim,)."""
        return self.encode_query(text).vector

    def encode_query(self, text: str) -> EncodedText:
        """Return a query with its token vectors."""
        with self._lock:
            found = self._known.get(text)
            if found is not None:
                self._known.move_to_end(text)
                return found
        encoded = self._embedder.encode_query(text)
        self._keep([(text, encoded)])
        return encoded

    def encode_ahead(self, texts: Iterable[str]) -> None:
        """Encode queries that will come, together, which is faster than one by one.

        A query longer than the encoder's window is left to its own turn.
        """
        with self._lock:
            unknown = [text for text in dict.fromkeys(texts) if text not in self._known]
        window = self.identity.max_tokens
        fitting = [text for text in unknown if self._embedder.count_tokens(text) <= window]
        self._keep(zip(fitting, self._embedder.encode_passages(fitting), strict=True))

    def _keep(self, encoded: Iterable[tuple[str, EncodedText]]) -> None:
        with self._lock:
            for text, each in encoded:
                if text not in self._known:
                    self._known[text] = each
                    self._tokens += len(each.token_ids)
            while self._tokens > self._tokens_kept and self._known:
                _, oldest = self._known.popitem(last=False)
                self._tokens -= len(oldest.token_ids)
