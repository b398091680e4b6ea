"""In-memory twins of the protocols: tiny, exact, without a model and without files."""

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from answer.reading import ReaderIdentity
from index.embedding import EncodedText, ModelIdentity
from index.lexical import terms
from ingest.errors import ModelError

_TOKEN = re.compile(r"\w+|[^\w\s]")
_SPECIAL_TOKENS = 2


def count_tokens(text: str) -> int:
    """Count words and punctuation marks, and the two special tokens that every encoder adds."""
    return len(_TOKEN.findall(text)) + _SPECIAL_TOKENS


class TwinEmbedder:
    """An `Embedder` that hashes terms into a vector: texts are near each other if they share words.

    `embedded` holds every passage text that was computed, in order.
    """

    def __init__(
        self, *, weights: str = "a" * 64, dim: int = 64, max_tokens: int = 256, engine: str = "twin 1"
    ) -> None:
        self.identity = ModelIdentity("twin", weights, "mean+Normalize", dim, max_tokens, engine)
        self.special_token_ids = frozenset({0, 1})
        self.embedded: list[str] = []

    def count_tokens(self, text: str) -> int:
        return count_tokens(text)

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        too_long = [text for text in texts if count_tokens(text) > self.identity.max_tokens]
        if too_long:
            raise ModelError(f"{too_long[0]!r} does not fit the window")
        self.embedded += texts
        rows = [self._vector(text) for text in texts]
        return np.stack(rows) if rows else np.empty((0, self.identity.dim), dtype=np.float32)

    def encode_passages(self, texts: Sequence[str]) -> list[EncodedText]:
        vectors = self.embed_passages(texts)
        return [EncodedText(vector, *self._tokens(text)) for vector, text in zip(vectors, texts, strict=True)]

    def embed_query(self, text: str) -> NDArray[np.float32]:
        return self._vector(text)

    def encode_query(self, text: str) -> EncodedText:
        return EncodedText(self._vector(text), *self._tokens(text))

    def _tokens(self, text: str) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return a vector and an id for each token; tokens with the same term have the same of both.

        There are 65,536 ids, about as many as real encoders have: an index stores a weight for each up to the largest.
        """
        tokens = ["[CLS]", *_TOKEN.findall(text.lower()), "[SEP]"]
        ids = [
            int.from_bytes(hashlib.sha256(token.encode()).digest()[:2], "big") + 2 for token in tokens[1:-1]
        ]
        return np.stack([self._vector(token) for token in tokens]), np.array([0, *ids, 1], dtype=np.int64)

    def _vector(self, text: str) -> NDArray[np.float32]:
        vector = np.zeros(self.identity.dim)
        for term, times in sorted(Counter(terms(text)).items()):
            digest = hashlib.sha256(f"{self.identity.weights_sha256}{term}".encode()).digest()
            vector[int.from_bytes(digest[:4], "big") % self.identity.dim] += times
        if not vector.any():
            vector[0] = 1
        return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)


class TwinReranker:
    """A `Reranker` that counts the words which query and text share."""

    def __init__(self, *, depth: int = 40) -> None:
        self.depth = depth

    def score(self, query: str, texts: Sequence[str]) -> NDArray[np.float64]:
        asked = set(terms(query))
        return np.array([float(len(asked & set(terms(text)))) for text in texts])


class TwinReadingModel:
    """A `ReadingModel` that knows the answers: a text holds one if it has the words that answer the question.

    `read` holds every text that was read, in order.
    """

    def __init__(self, answers: Mapping[str, str], *, weights: str = "b" * 64) -> None:
        self.identity = ReaderIdentity("twin-reader", weights)
        self.read: list[str] = []
        self._answers = answers

    def log_odds(self, question: str, texts: Sequence[str]) -> NDArray[np.float64]:
        self.read += texts
        answer = self._answers.get(question)
        return np.array([5.0 if answer is not None and answer in text else -5.0 for text in texts])


class TwinVectorStore:
    """A `VectorStore` that computes every inner product and sorts them all."""

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        self._vectors = vectors

    def __len__(self) -> int:
        return len(self._vectors)

    def search(
        self, query: NDArray[np.float32], *, k: int, among: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        positions = np.arange(len(self), dtype=np.int64) if among is None else np.unique(among)
        scores = self.score(query, positions)
        best = np.lexsort((positions, -scores))[:k]
        return positions[best], scores[best]

    def score(self, query: NDArray[np.float32], positions: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.array(
            [math.fsum(map(float, self._vectors[at].astype(np.float64) * query)) for at in positions]
        )

    def vector(self, position: int) -> NDArray[np.float32]:
        return np.asarray(self._vectors[position], dtype=np.float32)

    def write(self, path: Path) -> None:
        path.write_bytes(self._vectors.tobytes())


class TwinLexicalIndex:
    """A `LexicalIndex` that counts the terms of the query which a text has."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._terms = [set(terms(text)) for text in texts]

    def scores(self, query: str) -> NDArray[np.float32]:
        return np.array(
            [sum(term in found for term in terms(query)) for found in self._terms], dtype=np.float32
        )

    def term_weights(self, query: str) -> dict[str, float]:
        return dict.fromkeys(sorted(set(terms(query))), 1.0)

    def knows(self, term: str) -> bool:
        return any(term in found for found in self._terms)

    def write(self, folder: Path) -> None:
        (folder / "terms.json").write_text(json.dumps([sorted(found) for found in self._terms]))
