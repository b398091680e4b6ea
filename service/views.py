"""From records to the shapes of the API."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from answer.answering import Reply
from answer.safety import DISCLAIMER
from index.content import ContentStore, DocumentSummary
from index.searching import RankedPassage
from ingest.records import Document, Passage
from ingest.records import Reference as ReferenceRecord
from service import schemas
from service.serving_index import ServingIndex

_SCORE_DIGITS = 6
_FRAGMENT_WORDS = 8


def stamp(index: ServingIndex) -> schemas.IndexStamp:
    """Name the version that a reply was made from."""
    return schemas.IndexStamp(version=index.version, built_at=index.built_at)


def ask_reply(reply: Reply, index: ServingIndex, *, took_ms: float) -> schemas.AskReply:
    """Shape the reply to one question."""
    content = index.snapshot.searcher.content
    return schemas.AskReply(
        question=reply.question,
        searched_as=reply.searched_as,
        not_mentioned=list(reply.not_mentioned),
        answerable=reply.answerable,
        confidence=reply.confidence,
        answer=schemas.Answer.model_validate(reply.answer, from_attributes=True) if reply.answer else None,
        passages=[
            _ranked_passage(
                hit, [schemas.Highlight(start=mark.start, end=mark.end) for mark in marks], content
            )
            for hit, marks in zip(reply.passages, reply.highlights, strict=True)
        ],
        references=[reference(each) for each in reply.references],
        notices=[schemas.Notice.model_validate(each, from_attributes=True) for each in reply.notices],
        disclaimer=DISCLAIMER,
        index=stamp(index),
        took_ms=round(took_ms, 1),
    )


def _ranked_passage(
    hit: RankedPassage, highlights: list[schemas.Highlight], content: ContentStore
) -> schemas.RankedPassage:
    passage = hit.passage
    summary = content.summaries[content.place_of(passage.doc_id)]
    return schemas.RankedPassage(
        rank=hit.rank,
        passage_id=passage.passage_id,
        score=round(hit.score, _SCORE_DIGITS),
        scores=schemas.Scores(
            dense=round(hit.dense, _SCORE_DIGITS),
            lexical=round(hit.lexical, _SCORE_DIGITS),
            late=None if hit.late is None else round(hit.late, _SCORE_DIGITS),
        ),
        text=passage.text,
        highlights=highlights,
        document=document_head(summary),
        section=list(passage.section),
        references=list(passage.references),
        start=passage.start,
        end=passage.end,
        page=passage.page,
        url=_passage_url(passage, summary),
    )


def _passage_url(passage: Passage, summary: DocumentSummary) -> str | None:
    """Link to the place in the source: a digest's words are ours, so only a full text has a place for them.

    Source: URL Fragment Text Directives, WICG, for `#:~:text=first words,last words`.
    """
    if summary.url is None or summary.fidelity == "digest":
        return summary.url
    words = passage.text.splitlines()[0].split()
    first = quote(" ".join(words[:_FRAGMENT_WORDS]), safe="").replace("-", "%2D")
    return f"{summary.url}#:~:text={first}"


def document_head(summary: DocumentSummary) -> schemas.DocumentHead:
    """Name a document."""
    return schemas.DocumentHead(
        doc_id=summary.doc_id,
        title=summary.title,
        kind=summary.kind,
        fidelity=summary.fidelity,
        reference_number=summary.reference_number,
    )


def document_listing(summary: DocumentSummary) -> schemas.DocumentListing:
    """Describe a document without its text."""
    return schemas.DocumentListing(
        **document_head(summary).model_dump(),
        url=summary.url,
        licence=summary.licence,
        retrieved_at=summary.retrieved_at,
        sha256=summary.sha256,
        passages=summary.n_passages,
        chars=summary.n_chars,
    )


def reference(record: ReferenceRecord) -> schemas.Reference:
    """Shape one entry of the bibliography; a DOI gives its address where none is known."""
    return schemas.Reference(**_reference_fields(record))


def _reference_fields(record: ReferenceRecord) -> dict[str, Any]:
    return {
        "number": record.number,
        "text": record.text,
        "title": record.title,
        "authors": list(record.authors),
        "year": record.year,
        "container": record.container,
        "volume": record.volume,
        "issue": record.issue,
        "pages": record.pages,
        "doi": record.doi,
        "pmid": record.pmid,
        "pmcid": record.pmcid,
        "url": f"https://doi.org/{record.doi}" if record.doi else record.url,
        "problems": list(record.problems),
    }


def passage_text(passage: Passage) -> schemas.PassageText:
    """Shape a passage without a rank."""
    return schemas.PassageText(
        passage_id=passage.passage_id,
        doc_id=passage.doc_id,
        text=passage.text,
        section=list(passage.section),
        references=list(passage.references),
        start=passage.start,
        end=passage.end,
        page=passage.page,
    )


def passage_detail(index: ServingIndex, passage_id: str) -> schemas.PassageDetail:
    """Shape a passage with its document and its neighbours."""
    content = index.snapshot.searcher.content
    position = content.position_of(passage_id)
    passage = content.passages([position])[0]
    summary = content.summaries[content.place_of(passage.doc_id)]
    siblings = content.positions_in(passage.doc_id)
    before, after = (
        passage_text(content.passages([at])[0]) if at in siblings else None
        for at in (position - 1, position + 1)
    )
    return schemas.PassageDetail(
        **passage_text(passage).model_dump(),
        document=document_head(summary),
        url=_passage_url(passage, summary),
        previous=before,
        next=after,
        index=stamp(index),
    )


def reference_detail(index: ServingIndex, number: int) -> schemas.ReferenceDetail:
    """Shape one entry of the bibliography with the passages of its source and the sentences that cite it."""
    content = index.snapshot.searcher.content
    citing = content.passages(content.positions_citing(number))
    [record] = content.references_of([number])
    sources = {summary.doc_id for summary in content.summaries if summary.reference_number == number}
    return schemas.ReferenceDetail(
        **_reference_fields(record),
        passages=[passage_text(each) for each in citing if each.doc_id in sources],
        cited_by=[
            found
            for each in citing
            if each.doc_id not in sources
            for found in _citing_sentences(each, number)
        ],
        index=stamp(index),
    )


def _citing_sentences(passage: Passage, number: int) -> list[schemas.CitingSentence]:
    return [
        schemas.CitingSentence(
            doc_id=passage.doc_id,
            passage_id=passage.passage_id,
            text=passage.text_of(sentence),
            start=sentence.start,
            end=sentence.end,
        )
        for sentence in passage.sentences
        if number in sentence.references
    ]


def document_detail(index: ServingIndex, doc_id: str) -> schemas.DocumentDetail:
    """Shape a document whole, its own markers and list beside the index's numbers."""
    content = index.snapshot.searcher.content
    document = content.document(doc_id)
    numbers = content.numbers(doc_id)
    return schemas.DocumentDetail(
        doc_id=document.doc_id,
        title=document.title,
        kind=document.kind,
        fidelity=document.fidelity,
        reference_number=document.reference_number,
        url=document.url,
        licence=document.licence,
        retrieved_at=document.retrieved_at,
        sha256=document.sha256,
        text=document.text,
        blocks=[schemas.Block.model_validate(block, from_attributes=True) for block in document.blocks],
        citations=_citations(document, numbers),
        references=[
            schemas.PrintedReference(**_reference_fields(each), reference=numbers.get(each.number))
            for each in document.references
        ],
        passages=[passage_text(each) for each in content.passages(content.positions_in(doc_id))],
        omitted=[schemas.Omission.model_validate(each, from_attributes=True) for each in document.omitted],
        index=stamp(index),
    )


def _citations(document: Document, numbers: Mapping[int, int]) -> list[schemas.Citation]:
    return [
        schemas.Citation(
            start=each.start,
            end=each.end,
            printed=list(each.numbers),
            references=_index_numbers(each.numbers, numbers),
            sentence_start=each.sentence_start,
            sentence_end=each.sentence_end,
        )
        for each in document.citations
    ]


def _index_numbers(printed: Sequence[int], numbers: Mapping[int, int]) -> list[int]:
    return [numbers[number] for number in printed if number in numbers]


def index_info(index: ServingIndex) -> schemas.IndexInfo:
    """Describe the version that serves."""
    manifest = index.snapshot.manifest
    return schemas.IndexInfo(
        version=index.version,
        built_at=index.built_at,
        title=manifest["title"],
        **manifest["counts"],
        model=schemas.ModelInfo(**manifest["model"]),
        self_score=schemas.SelfScore(**manifest["self_score"]),
        quarantined=[schemas.QuarantinedFile(**each) for each in manifest["quarantined"]],
    )
