"""A throw-away index of a judged collection, made by the code that makes the real one."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from answer.confidence import ConfidenceModel
from evaluation.ranking_sets import CorpusDocument
from index.building import Calibrator
from index.content import Content
from index.embedding import Embedder
from index.parts import write_parts
from index.progress import Progress
from index.searching import Searcher
from index.vector_cache import VectorCache
from ingest.canonical import CanonicalTextBuilder
from ingest.chunking import ChunkLimits, chunk_document
from ingest.errors import CorpusError
from ingest.records import BODY_KINDS, Document, Passage, Sentence, passage_id
from ingest.sentences import split_sentences

_HEADING_LEVEL = 2  # level 1 is the document's title, which no passage is embedded with


@dataclass(frozen=True, slots=True)
class ThrowawayIndex:
    """An open index of a collection.

    `without_text` names the documents that could not be indexed because they are empty; `confidence` is there
    when it was asked for.
    """

    searcher: Searcher
    confidence: ConfidenceModel | None
    n_documents: int
    n_passages: int
    most_passages: int  # of one document
    without_text: tuple[str, ...]


def build_throwaway(
    folder: Path,
    documents: Iterable[CorpusDocument],
    *,
    embedder: Embedder,
    cache: VectorCache,
    progress: Progress,
    calibrate: Calibrator | None = None,
) -> ThrowawayIndex:
    """Index a collection in an empty folder.

    A document is one passage when it fits the encoder's window with its title; a longer one is cut by the
    chunker that cuts every other document. The title counts as a heading over the text.

    Args:
        folder: Where the files go; it must outlive the index.
        documents: The collection.
        embedder: The encoder.
        cache: Of vectors.
        progress: Called with stage, done, total.
        calibrate: Fits the confidence, as for any corpus without judged questions; none is fitted when None.

    Raises:
        CorpusError: If no document has any text.
    """
    kept: list[Document] = []
    passages: list[Passage] = []
    empty: list[str] = []
    most = 0
    for each in documents:
        document = as_document(each)
        found = [] if document is None else cut_whole(document, embedder=embedder)
        if document is None or not found:
            empty.append(each.name)
            continue
        kept.append(document)
        passages += found
        most = max(most, len(found))
    if not passages:
        raise CorpusError("No document of the collection has any text to index. Check its corpus.jsonl.")
    content = Content(documents=tuple(kept), passages=tuple(passages), references=(), numbers={})
    write_parts(folder, content, embedder, cache, progress)
    searcher = Searcher.open(folder, embedder=embedder)
    return ThrowawayIndex(
        searcher=searcher,
        confidence=_fit(searcher, folder, calibrate, progress),
        n_documents=len(kept),
        n_passages=len(passages),
        most_passages=most,
        without_text=tuple(empty),
    )


def _fit(
    searcher: Searcher, folder: Path, calibrate: Calibrator | None, progress: Progress
) -> ConfidenceModel | None:
    if calibrate is None:
        return None
    progress("fit confidence", 0, 1)
    model = ConfidenceModel.from_json(calibrate(searcher, corpus_dir=folder))
    progress("fit confidence", 1, 1)
    return model


def as_document(each: CorpusDocument) -> Document | None:
    """Return a document of a collection in canonical form; None when it has neither title nor text.

    A document without text consists of its title. Blank lines part paragraphs.
    """
    builder = CanonicalTextBuilder()
    if each.title.strip() and each.text.strip():
        builder.add("heading", each.title, level=_HEADING_LEVEL)
    for paragraph in (each.text if each.text.strip() else each.title).split("\n\n"):
        builder.add("paragraph", paragraph)
    if not any(block.kind in BODY_KINDS for block in builder.blocks):
        return None
    return Document(
        doc_id=each.name,
        title="",  # it stands over the text already; twice would count twice
        kind="source",
        fidelity="full_text",
        text=builder.text,
        blocks=tuple(builder.blocks),
    )


def cut_whole(document: Document, *, embedder: Embedder) -> list[Passage]:
    """Return a document as one passage where it fits the encoder's window, else as the chunker cuts it."""
    window = embedder.identity.max_tokens
    whole = _whole_passage(document)
    if embedder.count_tokens(whole.embedding_text) <= window:
        return [whole]
    limits = ChunkLimits.within(window)
    return chunk_document(document, numbers={}, count_tokens=embedder.count_tokens, limits=limits)


def _whole_passage(document: Document) -> Passage:
    body = [block for block in document.blocks if block.kind in BODY_KINDS]
    start, end = body[0].start, body[-1].end
    text = document.text[start:end]
    sentences = tuple(
        Sentence(block.start + first, block.start + last)
        for block in body
        for first, last in split_sentences(document.text[block.start : block.end])
    )
    return Passage(
        passage_id=passage_id(document.doc_id, start, text),
        doc_id=document.doc_id,
        text=text,
        start=start,
        end=end,
        embedding_text="\n".join([*body[0].section, text]),
        sentences=sentences,
        section=body[0].section,
    )
