"""This library doing what the peers do: a vector and the words of each passage, questions answered by vectors alone."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.peers.protocol import Ask, serve
from benchmarks.peers.scripts.citewell import documents, load, vector_cache
from index.content import Content, ContentStore, write_content
from index.embedding import Embedder
from index.lexical import BM25Index
from index.searching import CONTENT_NAME, LEXICAL_NAME, VECTORS_NAME
from index.vectors import FlatVectorStore


def build(model: Embedder, passages: Sequence[str], folder: Path) -> None:
    """Leave texts, a flat index and BM25, without sentences and their tokens."""
    from evaluation.throwaway import as_document, cut_whole  # noqa: PLC0415

    found = [document for each in documents(passages) if (document := as_document(each)) is not None]
    cut = [passage for document in found for passage in cut_whole(document, embedder=model)]
    write_content(folder / CONTENT_NAME, Content(tuple(found), tuple(cut), references=(), numbers={}))
    texts = [passage.embedding_text for passage in cut]
    FlatVectorStore.of(vector_cache(folder).embed(model, texts)).write(folder / VECTORS_NAME)
    (folder / LEXICAL_NAME).mkdir()
    BM25Index.of(texts).write(folder / LEXICAL_NAME)


def open_index(folder: Path) -> Ask:
    """Open texts and vectors."""
    model = load()
    content, vectors = ContentStore(folder / CONTENT_NAME), FlatVectorStore.read(folder / VECTORS_NAME)

    def ask(question: str, k: int) -> list[int]:
        places, _ = vectors.search(model.embed_query(question), k=k)
        hits = content.passages([int(at) for at in places])
        return [int(passage.doc_id) for passage in hits]

    return ask


if __name__ == "__main__":
    serve(load=load, build=build, open_index=open_index)
