"""The probability that the passages answer the question, fitted for each index when it is built."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from answer.evidence import JUDGED_PASSAGES, gather_evidence
from answer.features import FEATURE_NAMES, READING_NAME, Features
from answer.logistic import Belief, Floats, Logistic, fit_logistic
from answer.pseudo_questions import pseudo_questions
from answer.questions import JudgedQuestion, offtopic_questions, read_judged
from answer.reading import ReaderIdentity, ReadingModel
from index.query_adapter import fold_of
from index.searching import Searcher, SearchFilter

#: From this probability on an answer is given.
ANSWERABLE_FROM = 0.5
#: What an everyday question counts beside any other: there are many, and all are easy.
_EVERYDAY_WEIGHT = 0.3
#: How many questions are taken to be answerable for each that is not, where nobody has judged any; and at least where
#: somebody has: to teach what is not there takes more such questions than readers ask.
_ANSWERABLE_ODDS = 2.0
_FOLDS = 10
#: How widely each feature varies.
_SCALE = 0.15

Origin = Literal["judged", "off_topic", "own_sentence", "left_out"]
#: The measurements that keywords of a sentence share with questions: those of tokens, or else of whole sentences.
_OF_TOKENS, _OF_SENTENCES = ("best_match", "lead"), ("best_passage", "best_sentence")


@dataclass(frozen=True, slots=True)
class Example:
    """One question with what was measured for it, and whether the index answers it."""

    origin: Origin
    question: str
    answerable: bool
    features: Features


@dataclass(frozen=True, slots=True)
class ConfidenceModel:
    """A logistic regression over `Features`; `reader` measures the last of them, where it was fitted with one."""

    intercept: float
    weights: tuple[float, ...]
    reader: ReadingModel | None = None

    def probability(self, features: Features) -> float:
        """Return the probability that the passages answer the question, 0 to 1."""
        return float(Logistic(self.intercept, self.weights).probabilities(features.as_array()[None, :])[0])

    @classmethod
    def from_json(cls, stored: Mapping[str, Any], *, reader: ReadingModel | None = None) -> "ConfidenceModel":
        """Make the model that `calibrate` stored; one that was fitted without a reading model does without.

        Raises:
            ValueError: If it was fitted on other features than this release measures, or with another reading model.
        """
        fitted_with = stored.get("reading_model")
        if fitted_with is None:
            reader = None
        elif reader is None or reader.identity.weights_sha256 != fitted_with["weights_sha256"]:
            raise ValueError(
                f"fitted with the reading model {ReaderIdentity(**fitted_with)}, but CITEWELL_READING_MODEL is "
                f"{'not set' if reader is None else reader.identity}; it can be set back"
            )
        expected = _feature_names(reader)
        if stored["features"] != expected:
            raise ValueError(f"fitted on {stored['features']}, but this release measures {expected}")
        if len(stored["weights"]) != len(expected):
            raise ValueError(f"{len(stored['weights'])} weights for the features {expected}")
        return cls(float(stored["intercept"]), tuple(float(weight) for weight in stored["weights"]), reader)


def calibrate(searcher: Searcher, *, corpus_dir: Path, reader: ReadingModel | None = None) -> dict[str, Any]:
    """Fit the confidence of an index, and return the parameters with the data they were fitted on.

    The corpus's judged questions (questions/*.jsonl) are the examples, answerable and not; where there is
    no answerable one among them, a few keywords from each of the index's own sentences stand in: answerable, and
    once more with the sentence's document left out, when they are not. Everyday questions on other subjects are
    unanswerable examples for every index. What a `reader` finds in the passages is one more feature, but for
    keywords, which ask nothing that it could find.

    `reliability` is measured on questions that the fit has not seen: each tenth of the examples is judged by a
    model fitted on the other nine.
    """
    judged = read_judged(corpus_dir)
    if not any(each.answerable for each in judged):
        reader = None
    examples = list(_examples(searcher, judged, reader))
    model = fit(examples)
    read_by = {} if reader is None else {"reading_model": asdict(reader.identity)}
    return read_by | {
        "features": _feature_names(reader),
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
    be, but two in three at least. Where keywords stand in for them just two in three are, and only those
    measurements are looked at which keywords and questions have alike: keywords share their every word with a sentence.
    """
    judged = any(each.origin == "judged" and each.answerable for each in examples)
    x = np.array([each.features.as_array() for each in examples])  # (n_examples, n_features)
    y = np.array([each.answerable for each in examples], dtype=np.float64)
    weight = np.where([each.origin == "off_topic" for each in examples], _EVERYDAY_WEIGHT, 1.0)
    if judged:
        taught = np.array([each.origin == "judged" and not each.answerable for each in examples])
        weight[taught] *= min(1.0, float(y.sum()) / (_ANSWERABLE_ODDS * max(1, int(taught.sum()))))
    else:
        looked_at = _OF_TOKENS if any(each.features.best_match for each in examples) else _OF_SENTENCES
        x[:, [name not in looked_at for name in FEATURE_NAMES]] = 0
        weight = _with_odds(weight, y)
    n_features = x.shape[1]
    neutral = Belief(intercept=0.0, weights=(0.0,) * n_features, scale=(_SCALE,) * n_features, strength=1.0)
    found = fit_logistic(x, y, weight, neutral)
    return ConfidenceModel(found.intercept, found.weights)


def held_out_probabilities(examples: Sequence[Example]) -> list[float]:
    """Return, for each example, the probability by a model fitted on the folds that it is not in.

    The fold is told by the question alone, so that the same question is never on both sides.
    """
    folds = [fold_of(each.question, n_folds=_FOLDS) for each in examples]
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


def _with_odds(weight: Floats, y: Floats) -> Floats:
    """Return weights that let answerable examples count so much more than the others, one an example in the mean."""
    counted = np.array([weight @ (1 - y), weight @ y])
    if not counted.all():
        return weight
    share = np.array([1.0, _ANSWERABLE_ODDS]) / (1 + _ANSWERABLE_ODDS)
    return np.asarray(weight * (len(y) * share / counted)[y.astype(int)])


def _feature_names(reader: ReadingModel | None) -> list[str]:
    return [*FEATURE_NAMES] if reader is None else [*FEATURE_NAMES, READING_NAME]


def _examples(
    searcher: Searcher, judged: Sequence[JudgedQuestion], reader: ReadingModel | None
) -> Iterator[Example]:
    def example(
        origin: Origin, question: str, *, answerable: bool, only: SearchFilter | None = None
    ) -> Example:
        # As a question that nobody has judged would be ranked, which are those that the confidence is for.
        unseeing = searcher.unseen(question)
        result = unseeing.search(question, k=JUDGED_PASSAGES, only=only)
        evidence = gather_evidence(unseeing, result, question=question, reader=reader)
        return Example(origin, question, answerable, evidence.features)

    for question in judged:
        yield example("judged", question.question, answerable=question.answerable)
    if not any(question.answerable for question in judged):
        for made in pseudo_questions(searcher):
            yield example("own_sentence", made.keywords, answerable=True)
            if left_out := _left_out(searcher, made.position):
                without = SearchFilter(left_out=left_out)
                yield example("left_out", made.keywords, answerable=False, only=without)
    for everyday in offtopic_questions():
        yield example("off_topic", everyday, answerable=False)


def _left_out(searcher: Searcher, position: int) -> tuple[int, ...]:
    """Return what must be left out for a passage to be unknown: its document; in an only document, itself.

    Nothing, where it is the only passage.
    """
    [passage] = searcher.content.passages([position])
    document = tuple(searcher.content.positions_in(passage.doc_id))
    n_passages = len(searcher.vectors)
    return next((each for each in (document, (position,)) if len(each) < n_passages), ())
