"""The probability that the passages answer the question, fitted for each index when it is built."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from answer.evidence import JUDGED_PASSAGES, gather_evidence
from answer.features import FEATURE_NAMES, Features
from answer.logistic import Belief, Floats, Logistic, fit_logistic
from answer.pseudo_questions import pseudo_questions
from answer.questions import offtopic_questions, read_questions
from index.searching import Searcher

#: From this probability on an answer is given.
ANSWERABLE_FROM = 0.5
#: What an everyday question counts beside a judged one: there are many, and all are easy.
_EVERYDAY_WEIGHT = 0.3
_FOLDS = 10
_NEUTRAL = Belief(
    intercept=0.0, weights=(0.0,) * len(FEATURE_NAMES), scale=(0.15,) * len(FEATURE_NAMES), strength=1.0
)

Origin = Literal["judged", "off_topic", "own_sentence"]


@dataclass(frozen=True, slots=True)
class Example:
    """One question with what was measured for it, and whether the index answers it."""

    origin: Origin
    question: str
    answerable: bool
    features: Features


@dataclass(frozen=True, slots=True)
class ConfidenceModel:
    """A logistic regression over `Features`."""

    intercept: float
    weights: tuple[float, ...]

    def probability(self, features: Features) -> float:
        """Return the probability that the passages answer the question, 0 to 1."""
        return float(Logistic(self.intercept, self.weights).probabilities(features.as_array()[None, :])[0])

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "ConfidenceModel":
        """Make the model that `calibrate` stored.

        Raises:
            ValueError: If it was fitted on other features than this release measures.
        """
        expected = list(FEATURE_NAMES)
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

    `reliability` is measured on questions that the fit has not seen: each tenth of the examples is judged by a
    model fitted on the other nine.
    """
    examples = list(_examples(searcher, corpus_dir))
    model = fit(examples)
    return {
        "features": list(FEATURE_NAMES),
        "intercept": model.intercept,
        "weights": list(model.weights),
        "reliability": reliability(held_out_probabilities(examples), examples),
        "examples": [
            [each.origin, each.answerable, [round(float(value), 6) for value in each.features.as_array()]]
            for each in examples
        ],
    }


def fit(examples: Sequence[Example]) -> ConfidenceModel:
    """Return the model of some examples.

    Judged questions count as often as they are: how many of them are answerable is how many are expected to
    be. Where keywords stand in for them, both classes count the same, and only the similarities are looked at:
    keywords of a sentence share its every word, which questions do not.
    """
    judged = any(each.origin == "judged" and each.answerable for each in examples)
    x = np.array([each.features.as_array() for each in examples])  # (n_examples, n_features)
    y = np.array([each.answerable for each in examples], dtype=np.float64)
    if judged:
        weight = np.where([each.origin == "judged" for each in examples], 1.0, _EVERYDAY_WEIGHT)
    else:
        x[:, 2:] = 0
        weight = _balanced(y)
    found = fit_logistic(x, y, weight, _NEUTRAL)
    return ConfidenceModel(found.intercept, found.weights)


def held_out_probabilities(examples: Sequence[Example]) -> list[float]:
    """Return, for each example, the probability by a model fitted on the folds that it is not in.

    The fold is told by the question alone, so that the same question is never on both sides.
    """
    folds = [_fold(each.question) for each in examples]
    found = [0.0] * len(examples)
    for fold in sorted(set(folds)):
        others = [each for each, at in zip(examples, folds, strict=True) if at != fold]
        model = fit(others or examples)
        for place, at in enumerate(folds):
            if at == fold:
                found[place] = model.probability(examples[place].features)
    return found


def reliability(probabilities: Sequence[float], examples: Sequence[Example]) -> list[dict[str, float]]:
    """Return, for each tenth of the probability scale, how often the examples in it are answerable."""
    bins: dict[int, list[tuple[float, bool]]] = {}
    for probability, each in zip(probabilities, examples, strict=True):
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


def _balanced(y: Floats) -> Floats:
    """Return weights that let both classes count the same, one an example in the mean."""
    share = float(y.mean()) if 0 < y.mean() < 1 else 0.5
    return np.where(y == 1, 0.5 / share, 0.5 / (1 - share))


def _fold(question: str) -> int:
    return int(hashlib.sha256(question.encode()).hexdigest()[:8], 16) % _FOLDS


def _examples(searcher: Searcher, corpus_dir: Path) -> Iterator[Example]:
    judged = [
        question
        for path in sorted((corpus_dir / "questions").glob("*.jsonl"))
        for question in read_questions(path)
    ]
    for question in judged:
        yield _example(searcher, "judged", question.question, answerable=question.answerable)
    if not any(question.answerable for question in judged):
        for keywords in pseudo_questions(searcher):
            yield _example(searcher, "own_sentence", keywords, answerable=True)
    for everyday in offtopic_questions():
        yield _example(searcher, "off_topic", everyday, answerable=False)


def _example(searcher: Searcher, origin: Origin, question: str, *, answerable: bool) -> Example:
    result = searcher.search(question, k=JUDGED_PASSAGES)
    features = gather_evidence(searcher, result, question=question).features
    return Example(origin, question, answerable, features)
