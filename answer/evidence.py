"""What a question asks for and what the ranked passages have of it: the measurements behind every judgement."""

from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

from index.lexical import terms
from index.searching import RankedPassage, Searcher, SearchResult
from index.vectors import similarities
from ingest.records import Sentence

#: How many of the ranked passages are looked at for an answer.
EVIDENCE_PASSAGES = 5


@dataclass(frozen=True, slots=True)
class SentenceEvidence:
    """One sentence of a ranked passage, compared with the question."""

    passage: RankedPassage
    sentence: Sentence
    text: str
    cosine: float  # question and sentence, -1 to 1
    covered: frozenset[str]  # terms of the question that the sentence or its headings have


@dataclass(frozen=True, slots=True)
class Features:
    """What the fitted confidence looks at, each from about 0 to 1; order and names are stored with the fit."""

    best_passage_cosine: float
    best_sentence_cosine: float
    term_coverage: float  # weight of the question's terms that the best single passage has
    joint_coverage: float  # the same for the best passages together
    sentence_coverage: float  # the same for the best sentence
    known_terms: float  # weight of the question's terms that occur anywhere in the index
    margin: float  # best cosine over the mean of the ten best

    def as_array(self) -> NDArray[np.float64]:
        """Return shape (n_features,)."""
        return np.array(astuple(self), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything measured for one question."""

    weights: dict[str, float]  # term of the question -> inverse document frequency
    sentences: tuple[SentenceEvidence, ...]  # of the best passages, in order of rank and place
    features: Features


def gather_evidence(searcher: Searcher, result: SearchResult) -> Evidence:
    """Compare a question with the sentences of its best passages."""
    weights = searcher.lexical.term_weights(result.query)
    best = result.ranked[:EVIDENCE_PASSAGES]
    sentences = tuple(each for hit in best for each in compare_sentences(searcher, result, hit, weights))
    return Evidence(weights, sentences, _features(searcher, result, weights, sentences))


def covered_weight(weights: dict[str, float], covered: frozenset[str]) -> float:
    """Return the share of a question's term weight that is covered, 0 to 1; 0 for a question without terms."""
    total = sum(weights.values())
    return sum(weights[term] for term in sorted(covered)) / total if total else 0.0


def compare_sentences(
    searcher: Searcher, result: SearchResult, hit: RankedPassage, weights: dict[str, float]
) -> list[SentenceEvidence]:
    """Compare a question with each sentence of one passage, in order."""
    asked = frozenset(weights)
    cosines = similarities(result.vector, searcher.sentence_vectors(hit.position))
    context = frozenset(terms(" ".join(hit.passage.section)))
    found = []
    for sentence, cosine in zip(hit.passage.sentences, cosines, strict=True):
        text = hit.passage.text[sentence.start - hit.passage.start : sentence.end - hit.passage.start]
        covered = asked & (frozenset(terms(text)) | context)
        found.append(SentenceEvidence(hit, sentence, text, float(cosine), covered))
    return found


def _features(
    searcher: Searcher,
    result: SearchResult,
    weights: dict[str, float],
    sentences: tuple[SentenceEvidence, ...],
) -> Features:
    asked = frozenset(weights)
    passage_terms = [
        asked & frozenset(terms(hit.passage.embedding_text)) for hit in result.ranked[:EVIDENCE_PASSAGES]
    ]
    cosines = sorted((hit.dense for hit in result.ranked), reverse=True)[:10]
    best = max(cosines, default=0.0)
    return Features(
        best_passage_cosine=best,
        best_sentence_cosine=max((each.cosine for each in sentences), default=0.0),
        term_coverage=max((covered_weight(weights, found) for found in passage_terms), default=0.0),
        joint_coverage=covered_weight(weights, frozenset().union(*passage_terms)),
        sentence_coverage=max((covered_weight(weights, each.covered) for each in sentences), default=0.0),
        known_terms=covered_weight(weights, frozenset(filter(searcher.lexical.knows, asked))),
        margin=best - (sum(cosines) / len(cosines) if cosines else 0.0),
    )
