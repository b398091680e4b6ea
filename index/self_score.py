"""How well an index finds the reference behind its own cited sentences: judged pairs that come for free."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.searching import Searcher, SearchFilter
from ingest.markers import without_markers

#: From paired differences of shape (n,) to the two-sided p-value of a test that their mean is zero.
PairedTest = Callable[[NDArray[np.float64]], float]

#: A build of many articles need not search for every sentence of theirs to know how well it does.
MAX_PAIRS = 1_000
SIGNIFICANCE = 0.05


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


@dataclass(frozen=True, slots=True)
class Decline:
    """By how much a version finds the sources of its cited sentences worse than the one before: mean 1 / rank."""

    pairs: int
    before: float
    after: float
    p_value: float


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


def rank_citations(searcher: Searcher, *, at_most: int = MAX_PAIRS) -> dict[str, float]:
    """Search for each cited sentence among the sources, and return how well each finds the one it cites.

    Of more sentences than `at_most` those are taken whose keys come first; keys are hashes, so that is a
    sample, and the same one in every build.

    Returns:
        For each sentence, under a hash of its text and of what it cites: 1 / rank of the first passage of a cited
        source, 0 beyond rank 10.
    """
    sources = tuple(each.doc_id for each in searcher.content.summaries if each.kind == "source")
    if not sources:
        return {}
    pairs = {_key(pair): pair for pair in cited_sentences(searcher)}
    only = SearchFilter(documents=sources)
    return {key: round(_reciprocal_rank(searcher, pairs[key], only), 6) for key in sorted(pairs)[:at_most]}


def score_citations(ranks: Mapping[str, float]) -> SelfScore:
    """Sum up what `rank_citations` found."""
    if not ranks:
        return SelfScore(0, None, None)
    return SelfScore(
        pairs=len(ranks),
        success_at_1=round(sum(each == 1 for each in ranks.values()) / len(ranks), 6),
        mrr_at_10=round(sum(ranks.values()) / len(ranks), 6),
    )


def find_decline(
    before: Mapping[str, float], after: Mapping[str, float], *, p_value: PairedTest
) -> Decline | None:
    """Compare two versions on the cited sentences that both have, and return by how much the later is worse.

    Returns:
        None unless it is worse and the test takes that for more than chance.
    """
    shared = sorted(before.keys() & after.keys())
    differences = np.array([after[key] - before[key] for key in shared])
    if not shared or differences.mean() >= 0:
        return None
    probability = p_value(differences)
    if probability >= SIGNIFICANCE:
        return None
    return Decline(
        pairs=len(shared),
        before=float(np.mean([before[key] for key in shared])),
        after=float(np.mean([after[key] for key in shared])),
        p_value=probability,
    )


def _key(pair: CitedSentence) -> str:
    asked = f"{pair.text}\n{','.join(map(str, sorted(pair.references)))}"
    return hashlib.sha256(asked.encode()).hexdigest()[:16]


def _reciprocal_rank(searcher: Searcher, pair: CitedSentence, only: SearchFilter) -> float:
    for hit in searcher.search(pair.text, k=10, only=only).ranked:
        if set(hit.passage.references) & set(pair.references):
            return 1 / hit.rank
    return 0.0
