"""Everything that a `Searcher` opens, written a few passages at a time."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from index.coded_vectors import CodedVectorStore
from index.content import Content, ContentStore, batched, write_content
from index.embedding import Embedder
from index.late_interaction import TokenStoreWriter
from index.lexical import BM25Index
from index.progress import Progress
from index.searching import (
    CODES_NAME,
    CONTENT_NAME,
    LEXICAL_NAME,
    ROWS_NAME,
    SENTENCES_NAME,
    TOKENS_NAME,
    VECTORS_NAME,
    WORDING_NAME,
    WORDS_NAME,
)
from index.sentence_bytes import in_bytes, unit_vectors
from index.spelling import Spelling
from index.stored_rows import StoredRows
from index.vector_cache import VectorCache
from index.vectors import FlatVectorStore
from index.wording import Wording, lay_words
from ingest.markers import without_markers
from ingest.records import Document, Passage

#: A larger index is searched without comparing tokens, which take some 40 kB a passage, and not all vectors are
#: compared with a query, which would take as long as encoding it.
MOST_PASSAGES_COMPARED = 50_000
#: What is written for so many passages need not all be in memory.
_PASSAGES_AT_ONCE = 1_000
#: How many sentences stand in for queries when it is measured how well the nearest vectors are found.
_SENTENCES_TRIED = 256


def write_parts(
    folder: Path, content: Content, embedder: Embedder, cache: VectorCache, report: Progress
) -> dict[str, int]:
    """Write everything that a `Searcher` opens into an empty folder, and return how many there are of what.

    Passages are cut, embedded and written a few at a time, so that those of a large index are never all in memory.
    """
    write_content(folder / CONTENT_NAME, content)
    with closing(ContentStore(folder / CONTENT_NAME)) as stored:
        _write_vectors(folder, stored, embedder, cache, report)
        n_sentences = _write_sentences(folder, content, stored, embedder, cache, report)
        if stored.n_passages > MOST_PASSAGES_COMPARED:
            report("code vectors", 0, 1)
            _write_codes(folder)
        searchable = _SearchableTexts(stored, entries_of(content))
        (folder / LEXICAL_NAME).mkdir()
        BM25Index.of(searchable).write(folder / LEXICAL_NAME)
        Spelling.of(chain(searchable, lay_words())).write(folder / WORDS_NAME)
        Wording.of(searchable).write(folder / WORDING_NAME)
        return {
            "documents": len(content.documents),
            "passages": stored.n_passages,
            "sentences": n_sentences,
            "references": len(content.references),
        }


class _SearchableTexts:
    """What words are looked for in, passage by passage; it can be gone through again."""

    def __init__(self, stored: ContentStore, entries: Mapping[str, str]) -> None:
        self._stored = stored
        self._entries = entries

    def __iter__(self) -> Iterator[str]:
        for passage in self._stored.all_passages():
            yield f"{self._entries[passage.doc_id]}\n{passage.embedding_text}"


def entries_of(content: Content) -> dict[str, str]:
    """Return what is known of each document as a whole, by doc_id: its entry in the bibliography, or else its title.

    A question that names its source (its authors, their academy, a journal, a year) means all passages of it alike.
    """
    printed = {reference.number: reference.text for reference in content.references}
    return {each.doc_id: printed.get(each.reference_number or 0) or each.title for each in content.documents}


def _write_vectors(
    folder: Path, stored: ContentStore, embedder: Embedder, cache: VectorCache, report: Progress
) -> None:
    """Write the vectors of all passages."""
    total, dim = stored.n_passages, embedder.identity.dim
    few = total <= MOST_PASSAGES_COMPARED
    vectors = (
        np.empty((total, dim), dtype=np.float32)
        if few
        else _mapped(folder / ROWS_NAME, (total, dim), np.float16)
    )
    done = 0
    for passages in batched(stored.all_passages(), _PASSAGES_AT_ONCE):
        texts = [passage.embedding_text for passage in passages]
        vectors[done : done + len(texts)] = cache.embed(embedder, texts)
        done += len(texts)
        report("embed passages", done, total)
    if few:
        FlatVectorStore.of(vectors).write(folder / VECTORS_NAME)


def _write_codes(folder: Path) -> None:
    """Write the codes that the vectors of many passages are chosen by; sentences stand in for queries."""
    sentences = StoredRows(folder / SENTENCES_NAME)
    spaced = np.arange(0, len(sentences), max(1, len(sentences) // _SENTENCES_TRIED))[:_SENTENCES_TRIED]
    tried = unit_vectors(sentences[spaced]).astype(np.float32)
    CodedVectorStore.of(StoredRows(folder / ROWS_NAME), tried=tried).write(folder / CODES_NAME)


def _write_sentences(
    folder: Path,
    content: Content,
    stored: ContentStore,
    embedder: Embedder,
    cache: VectorCache,
    report: Progress,
) -> int:
    """Write the vectors of all sentences, and those of their tokens where the index is small enough.

    Returns:
        How many sentences there are.
    """
    by_id = {document.doc_id: document for document in content.documents}
    _, lengths = stored.layout()
    total, done = int(lengths.sum()), 0
    few = stored.n_passages <= MOST_PASSAGES_COMPARED
    shape = (total, embedder.identity.dim)
    vectors = _mapped(folder / SENTENCES_NAME, shape, np.float16 if few else np.int8)
    writer: TokenStoreWriter | None = None
    texts_above: dict[str, int] = {}  # what stands above passages, each once, with its place
    above_of: list[list[int]] = []
    entries: dict[str, str] = {}
    if few:
        (folder / TOKENS_NAME).mkdir()
        writer = TokenStoreWriter(folder / TOKENS_NAME, dim=embedder.identity.dim)
        entries = {
            doc_id: first_that_fits((entry, by_id[doc_id].title), embedder)
            for doc_id, entry in entries_of(content).items()
        }
    for passages in batched(stored.all_passages(), _PASSAGES_AT_ONCE):
        texts = [text for passage in passages for text in _sentence_texts(by_id[passage.doc_id], passage)]
        last = done + len(texts)
        if writer is None:
            vectors[done:last] = in_bytes(cache.embed(embedder, texts))
        else:
            vectors[done:last], tokens = cache.encode(embedder, texts)
            rest = iter(tokens)
            for passage in passages:
                writer.add_passage(list(islice(rest, len(passage.sentences))))
                above = (entries[passage.doc_id], "\n".join(passage.section))
                above_of.append([texts_above.setdefault(each, len(texts_above)) for each in above if each])
        done = last
        report("embed sentences", done, total)
    if writer is not None:
        _, tokens = cache.encode(embedder, list(texts_above))
        writer.finish(tokens, above_of=above_of)
    return total


def first_that_fits(texts: Iterable[str], embedder: Embedder) -> str:
    """Return the first text that the encoder takes in whole, or else nothing."""
    return next((each for each in texts if embedder.count_tokens(each) <= embedder.identity.max_tokens), "")


def _mapped(path: Path, shape: tuple[int, int], dtype: type[np.number[Any]]) -> NDArray[Any]:
    """Return an array on the disk, as `np.save` would write it, to be filled piece by piece."""
    return open_memmap(path, mode="w+", dtype=dtype, shape=shape)


def _sentence_texts(document: Document, passage: Passage) -> list[str]:
    return [
        without_markers(document.text, document.citations, start=sentence.start, end=sentence.end)
        for sentence in passage.sentences
    ]
