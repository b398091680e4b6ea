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
#: How many of them the confidence looks at, however many are returned.
JUDGED_PASSAGES = 10


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
    """What the fitted confidence looks at; order and names are stored with the fit."""

    best_passage: float  # highest dense score of the judged passages, -1 to 1
    best_sentence: float  # highest cosine of a sentence in the best passages, -1 to 1

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
    features = Features(
        best_passage=max((hit.dense for hit in result.ranked[:JUDGED_PASSAGES]), default=0.0),
        best_sentence=max((each.cosine for each in sentences), default=0.0),
    )
    return Evidence(weights, sentences, features)


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
