"""How well an index finds the reference behind its own cited sentences: judged pairs that come for free."""

from dataclasses import dataclass

from index.searching import Searcher, SearchFilter
from ingest.markers import without_markers


@dataclass(frozen=True, slots=True)
class CitedSentence:
    """A sentence of an article without its markers, and the sources it cites that are indexed."""

    text: str
    references: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SelfScore:
    """Share of cited sentences whose source comes first among the sources, and mean reciprocal rank."""

    pairs: int
    success_at_1: float | None  # None when there is no pair
    mrr_at_10: float | None


def cited_sentences(searcher: Searcher) -> list[CitedSentence]:
    """Return every cited sentence of the articles whose reference is itself a document of the index."""
    indexed = {each.reference_number for each in searcher.content.summaries} - {None}
    found: list[CitedSentence] = []
    for summary in searcher.content.summaries:
        if summary.kind != "article":
            continue
        document = searcher.content.document(summary.doc_id)
        for passage in searcher.content.passages(searcher.content.positions_in(summary.doc_id)):
            for sentence in passage.sentences:
                cited = tuple(number for number in sentence.references if number in indexed)
                if cited:
                    text = without_markers(
                        document.text, document.citations, start=sentence.start, end=sentence.end
                    )
                    found.append(CitedSentence(text, cited))
    return found


def score_citations(searcher: Searcher) -> SelfScore:
    """Search for each cited sentence among the sources and see where the cited one comes."""
    sources = tuple(each.doc_id for each in searcher.content.summaries if each.kind == "source")
    pairs = cited_sentences(searcher)
    if not pairs or not sources:
        return SelfScore(0, None, None)
    ranks = [_rank(searcher, pair, SearchFilter(documents=sources)) for pair in pairs]
    return SelfScore(
        pairs=len(pairs),
        success_at_1=round(sum(rank == 1 for rank in ranks) / len(ranks), 6),
        mrr_at_10=round(sum(1 / rank for rank in ranks if rank is not None) / len(ranks), 6),
    )


def _rank(searcher: Searcher, pair: CitedSentence, only: SearchFilter) -> int | None:
    for hit in searcher.search(pair.text, k=10, only=only).ranked:
        if set(hit.passage.references) & set(pair.references):
            return hit.rank
    return None
