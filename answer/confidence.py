"""The probability that the passages answer the question, fitted for each index when it is built."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from answer.evidence import JUDGED_PASSAGES, Features, gather_evidence
from answer.questions import offtopic_questions, read_questions
from index.lexical import terms
from index.searching import Searcher

#: Above this probability an answer is given.
ANSWERABLE_FROM = 0.5
_MAX_PSEUDO_QUESTIONS = 150
_KEYWORDS = 4
_PENALTY = 0.1

Origin = Literal["judged", "off_topic", "own_sentence"]


@dataclass(frozen=True, slots=True)
class Example:
    """One question with what was measured for it, and whether the index answers it."""

    origin: Origin
    answerable: bool
    features: Features


@dataclass(frozen=True, slots=True)
class ConfidenceModel:
    """Logistic regression: probability = 1 / (1 + exp(-(intercept + weights · features)))."""

    intercept: float
    weights: tuple[float, ...]

    def probability(self, features: Features) -> float:
        """Return the probability that the passages answer the question, 0 to 1."""
        return float(expit(self.intercept + float(np.dot(self.weights, features.as_array()))))

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "ConfidenceModel":
        """Make the model that `calibrate` stored.

        Raises:
            ValueError: If it was fitted on other features than this release measures.
        """
        expected = [field.name for field in fields(Features)]
        if stored["features"] != expected:
            raise ValueError(f"fitted on {stored['features']}, but this release measures {expected}")
        if len(stored["weights"]) != len(expected):
            raise ValueError(f"{len(stored['weights'])} weights for the features {expected}")
        return cls(float(stored["intercept"]), tuple(float(weight) for weight in stored["weights"]))


def calibrate(searcher: Searcher, *, corpus_dir: Path) -> dict[str, Any]:
    """Fit the confidence of an index, and return the parameters with the data they were fitted on.

    The corpus's judged questions (questions/*.jsonl) are the examples, answerable and not; where there is
    no answerable one among them, a few keywords from each of the index's own sentences stand in. Everyday
    questions on other subjects are unanswerable examples for every index.
    """
    examples = list(_examples(searcher, corpus_dir))
    model = fit(examples)
    return {
        "features": [field.name for field in fields(Features)],
        "intercept": model.intercept,
        "weights": list(model.weights),
        "reliability": reliability(model, examples),
        "examples": [
            [each.origin, each.answerable, [round(float(value), 6) for value in each.features.as_array()]]
            for each in examples
        ],
    }


def fit(examples: Sequence[Example]) -> ConfidenceModel:
    """Return the regularised maximum-likelihood fit; both classes weigh the same."""
    x = np.array([each.features.as_array() for each in examples])  # (n_examples, n_features)
    y = np.array([each.answerable for each in examples], dtype=np.float64)
    share = y.mean() if 0 < y.mean() < 1 else 0.5
    sample_weight = np.where(y == 1, 0.5 / share, 0.5 / (1 - share)) / len(y)

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logits = parameters[0] + x @ parameters[1:]
        probabilities = expit(logits)
        value = np.sum(sample_weight * (np.logaddexp(0, logits) - y * logits))
        error = sample_weight * (probabilities - y)
        penalty = _PENALTY / len(y) * parameters[1:]
        gradient = np.concatenate([[error.sum()], error @ x + penalty])
        return float(value + 0.5 * penalty @ parameters[1:]), gradient

    found = minimize(loss, np.zeros(x.shape[1] + 1), jac=True, method="L-BFGS-B", options={"maxiter": 1000})
    # Rounded, so that the last bits of an optimiser are no part of a snapshot.
    rounded = [round(float(value), 4) for value in found.x]
    return ConfidenceModel(rounded[0], tuple(rounded[1:]))


def reliability(model: ConfidenceModel, examples: Sequence[Example]) -> list[dict[str, float]]:
    """Return, for each tenth of the probability scale, how often the examples in it are answerable."""
    bins: dict[int, list[tuple[float, bool]]] = {}
    for each in examples:
        probability = model.probability(each.features)
        bins.setdefault(min(int(probability * 10), 9), []).append((probability, each.answerable))
    return [
        {
            "from": at / 10,
            "examples": len(bins[at]),
            "mean_probability": round(sum(p for p, _ in bins[at]) / len(bins[at]), 4),
            "share_answerable": round(sum(a for _, a in bins[at]) / len(bins[at]), 4),
        }
        for at in sorted(bins)
    ]


def _examples(searcher: Searcher, corpus_dir: Path) -> Iterator[Example]:
    judged = [
        question
        for path in sorted((corpus_dir / "questions").glob("*.jsonl"))
        for question in read_questions(path)
    ]
    for question in judged:
        yield Example("judged", question.answerable, _features(searcher, question.question))
    if not any(question.answerable for question in judged):
        for keywords in pseudo_questions(searcher):
            yield Example("own_sentence", answerable=True, features=_features(searcher, keywords))
    for everyday in offtopic_questions():
        yield Example("off_topic", answerable=False, features=_features(searcher, everyday))


def _features(searcher: Searcher, question: str) -> Features:
    return gather_evidence(searcher, searcher.search(question, k=JUDGED_PASSAGES)).features


def pseudo_questions(searcher: Searcher) -> list[str]:
    """Return a few keywords from each of some sentences of the index, both picked by their hash.

    Sentences with fewer keywords stand in only where there are no others.
    """
    found: list[tuple[bool, str, str]] = []
    for passage in searcher.content.all_passages():
        for sentence in passage.sentences:
            text = passage.text[sentence.start - passage.start : sentence.end - passage.start]
            words = [word.strip("[]().,;:").lower() for word in text.split() if terms(word)]
            if words:
                keywords = " ".join(words[at] for at in sorted(_pick(words, text)))
                found.append((len(words) < _KEYWORDS, _hash(text), keywords))
    long_enough = [each for each in found if not each[0]] or found
    return [keywords for _, _, keywords in sorted(long_enough)[:_MAX_PSEUDO_QUESTIONS]]


def _pick(words: Sequence[str], text: str) -> list[int]:
    """Return the places of a few words, in no order of theirs."""
    return sorted(range(len(words)), key=lambda at: _hash(f"{text}{at}"))[:_KEYWORDS]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
