"""What a question asks for and what the ranked passages have of it: the measurements behind every judgement."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from answer.aspects import Aspect, asked_aspects
from answer.features import Features, aspect_gap, squash_log_odds
from answer.reading import ReadingModel
from index.lexical import terms
from index.searching import RankedPassage, Searcher, SearchResult
from index.vectors import similarities
from ingest.records import Passage, Sentence

#: How many of the ranked passages are looked at for an answer.
EVIDENCE_PASSAGES = 5
#: How many of them a reading model reads: the best sentence of an answer is in one of these in 99 of 100.
PASSAGES_READ = 3
#: How many of them the confidence looks at, however many are returned.
JUDGED_PASSAGES = 10
#: How many of them are searched for another document that says otherwise.
POOL_PASSAGES = 20


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question asks for."""

    weights: dict[str, float]  # term of the question -> inverse document frequency
    aspects: tuple[Aspect, ...] = ()


@dataclass(frozen=True, slots=True)
class SentenceEvidence:
    """One sentence of a ranked passage, compared with the question."""

    passage: RankedPassage
    sentence: Sentence
    text: str
    cosine: float  # question and sentence, -1 to 1
    match: float  # how well the sentence matches the question, -1 to 1; compares within one question
    own_terms: frozenset[str]  # all terms of the sentence
    covered: frozenset[str]  # terms of the question that the sentence or its headings have
    shown: frozenset[str] = frozenset()  # names of the asked aspects that the sentence or its headings show

    @property
    def is_lead_in(self) -> bool:
        """Whether the sentence only announces what follows it."""
        return self.text.rstrip().endswith(":")


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything measured for one question."""

    asked: Asked
    sentences: tuple[SentenceEvidence, ...]  # of the best passages, in order of rank and place
    features: Features
    #: Compares the sentences of passages that rank lower and have a given term; few answers look at them.
    further: Callable[[str], tuple[SentenceEvidence, ...]] = lambda _term: ()

    @property
    def weights(self) -> dict[str, float]:
        """Term of the question -> inverse document frequency."""
        return self.asked.weights


def gather_evidence(
    searcher: Searcher,
    result: SearchResult,
    *,
    question: str | None = None,
    reader: ReadingModel | None = None,
) -> Evidence:
    """Compare a question with the sentences of its best passages.

    Args:
        searcher: The index.
        result: What the question found.
        question: As it was asked, where it was searched for in other words: words that were added ask for nothing.
        reader: Reads the very best passages as well, if given.
    """
    asked = Asked(searcher.lexical.term_weights(result.query), asked_aspects(question or result.query))
    best = result.ranked[:EVIDENCE_PASSAGES]
    sentences = tuple(compare_sentences(searcher, result, best, asked))

    def further(term: str) -> tuple[SentenceEvidence, ...]:
        lower = result.ranked[EVIDENCE_PASSAGES:POOL_PASSAGES]
        having = [hit for hit in lower if hit.lexical > 0 and _has_term(hit.passage, term)]
        return tuple(compare_sentences(searcher, result, having, asked))

    reading = None if reader is None else _reading(reader, question or result.query, result)
    return Evidence(asked, sentences, _features(result, asked, sentences, reading), further)


def _reading(reader: ReadingModel, question: str, result: SearchResult) -> float:
    texts = [hit.passage.embedding_text for hit in result.ranked[:PASSAGES_READ]]
    return squash_log_odds(float(reader.log_odds(question, texts).max(initial=-np.inf)))


def _features(
    result: SearchResult, asked: Asked, sentences: Sequence[SentenceEvidence], reading: float | None
) -> Features:
    cosines = np.array([each.cosine for each in sentences])
    judged = result.ranked[:JUDGED_PASSAGES]
    matches = [hit.late for hit in judged if hit.late is not None] or [0.0]
    return Features(
        best_passage=max((hit.dense for hit in judged), default=0.0),
        best_sentence=float(cosines.max(initial=-1)) if len(cosines) else 0.0,
        aspect_gap=aspect_gap(cosines, asked.aspects, [each.shown for each in sentences]),
        joint_terms=max((covered_weight(asked.weights, each.covered) for each in sentences), default=0.0),
        best_match=max(matches),
        lead=max(matches) - sum(matches) / len(matches),
        reading=reading,
    )


def covered_weight(weights: dict[str, float], covered: frozenset[str]) -> float:
    """Return the share of a question's term weight that is covered, 0 to 1; 0 for a question without terms."""
    total = sum(weights.values())
    return sum(weights[term] for term in sorted(covered)) / total if total else 0.0


def compare_sentences(
    searcher: Searcher, result: SearchResult, hits: Sequence[RankedPassage], asked: Asked
) -> list[SentenceEvidence]:
    """Compare a question with each sentence of some passages, one passage after the other."""
    if not hits:
        return []
    cosines = similarities(result.vector, searcher.sentence_vectors([hit.position for hit in hits]))
    matches = _matches(searcher, result, hits, cosines)
    sentences = [
        (hit, sentence, above)
        for hit in hits
        for above in [_said_above(hit.passage, asked)]
        for sentence in hit.passage.sentences
    ]
    return [
        _compare(hit, sentence, above, asked, cosine=cosine, match=match)
        for (hit, sentence, above), cosine, match in zip(
            sentences, cosines.tolist(), matches.tolist(), strict=True
        )
    ]


@dataclass(frozen=True, slots=True)
class _Said:
    """What a text has of a question: some of its terms, and the names of some of its aspects."""

    covered: frozenset[str]
    shown: frozenset[str]


def _said_above(passage: Passage, asked: Asked) -> _Said:
    """Return what the headings of a passage say."""
    headings = " ".join(passage.section)
    return _Said(_terms_of(headings) & asked.weights.keys(), _shown_in(headings, asked))


def _compare(
    hit: RankedPassage, sentence: Sentence, above: _Said, asked: Asked, *, cosine: float, match: float
) -> SentenceEvidence:
    text = hit.passage.text_of(sentence)
    own_terms = _terms_of(text)
    covered = above.covered | (own_terms & asked.weights.keys())
    shown = above.shown | _shown_in(text, asked)
    return SentenceEvidence(hit, sentence, text, cosine, match, own_terms, covered, shown)


def _shown_in(text: str, asked: Asked) -> frozenset[str]:
    return frozenset(each.name for each in asked.aspects if each.shown.search(text))


def _has_term(passage: Passage, term: str) -> bool:
    """Whether a sentence of a passage has a term, headings left out."""
    return any(term in _terms_of(passage.text_of(each)) for each in passage.sentences)


@lru_cache(maxsize=16_384)
def _terms_of(text: str) -> frozenset[str]:
    return frozenset(terms(text))


def _matches(
    searcher: Searcher, result: SearchResult, hits: Sequence[RankedPassage], cosines: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return how well each sentence of some passages matches token by token; the cosines in an index without tokens."""
    compared = [hit.sentence_scores for hit in hits if hit.sentence_scores is not None]
    if len(compared) == len(hits):
        return np.array([score for scores in compared for score in scores])
    if searcher.tokens is None or not len(result.tokens.ids):
        return cosines
    return searcher.tokens.score_passages(result.tokens, np.array([hit.position for hit in hits])).sentences
