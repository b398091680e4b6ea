"""This library as it is served, up to the ranked passages: `Searcher.search`."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.peers.protocol import Ask, serve
from benchmarks.peers.scripts.citewell import load, vector_cache, write_all
from index.embedding import Embedder
from index.searching import Searcher


def build(model: Embedder, passages: Sequence[str], folder: Path) -> None:
    """Leave all that is searched, sentences and their tokens included."""
    write_all(model, passages, folder, cache=vector_cache(folder)).content.close()


def open_index(folder: Path) -> Ask:
    """Open it as a library does, its files not checked against their hashes."""
    searcher = Searcher.open(folder, embedder=load())
    return lambda question, k: [int(hit.passage.doc_id) for hit in searcher.search(question, k=k).ranked]


if __name__ == "__main__":
    serve(load=load, build=build, open_index=open_index)
