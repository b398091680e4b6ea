import json
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import expit

from answer.confidence import (
    _PENALTY,
    ANSWERABLE_FROM,
    ConfidenceModel,
    Example,
    calibrate,
    fit,
    pseudo_questions,
    reliability,
)
from answer.evidence import Features
from index.searching import Searcher
from ingest.errors import CorpusError

_unit = st.floats(0, 1)


def examples(*measured: tuple[bool, float, float]) -> list[Example]:
    return [
        Example("judged", answerable, Features(passage, sentence))
        for answerable, passage, sentence in measured
    ]


MIXED = examples(
    (True, 0.8, 0.9), (True, 0.6, 0.7), (True, 0.4, 0.3), (False, 0.5, 0.4), (False, 0.2, 0.1), (False, 0.6, 0.5),
    (False, 0.1, 0.3),
)  # fmt: skip


def write_questions(folder: Path, *questions: tuple[str, bool]) -> Path:
    (folder / "questions").mkdir(parents=True)
    lines = [
        json.dumps({"id": str(at), "question": question, "kind": "lookup", "answerable": answerable})
        for at, (question, answerable) in enumerate(questions)
    ]
    (folder / "questions" / "dev.jsonl").write_text("\n".join(lines))
    return folder


def test_a_probability_is_the_logistic_function_of_the_weighted_sum() -> None:
    model = ConfidenceModel(-1.0, (2.0, 4.0))

    # -1 + 2 x 0.5 + 4 x 0.25 = 1.
    assert model.probability(Features(0.5, 0.25)) == pytest.approx(1 / (1 + np.exp(-1)))


def test_examples_that_can_be_told_apart_are_told_apart() -> None:
    good = [(True, 0.6 + at / 100, 0.7) for at in range(30)]
    poor = [(False, 0.3 - at / 100, 0.2) for at in range(30)]
    told = examples(*good, *poor)
    model = fit(told)

    assert all((model.probability(each.features) >= ANSWERABLE_FROM) == each.answerable for each in told)


def test_the_fit_is_the_optimum_that_another_method_finds() -> None:
    x = np.array([each.features.as_array() for each in MIXED])
    y = np.array([each.answerable for each in MIXED], dtype=float)
    weight = np.where(y == 1, 1 / (2 * y.sum()), 1 / (2 * (1 - y).sum()))

    def loss(parameters: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
        logits = parameters[0] + x @ parameters[1:]
        likelihood = np.sum(weight * (np.log1p(np.exp(logits)) - y * logits))
        return float(likelihood + _PENALTY / len(y) / 2 * np.sum(parameters[1:] ** 2))

    found = minimize(
        loss, np.zeros(3), method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-14, "maxiter": 9000}
    )
    model = fit(MIXED)
    assert [model.intercept, *model.weights] == pytest.approx(list(found.x), abs=1e-3)


def test_many_examples_are_fitted_as_exactly_as_few() -> None:
    random = np.random.default_rng(3)
    measured = random.uniform(0, 1, size=(400, 2))
    answerable = random.uniform(size=400) < expit(6 * measured[:, 0] + 5 * measured[:, 1] - 5)
    many = examples(*[(bool(yes), *map(float, row)) for yes, row in zip(answerable, measured, strict=True)])  # type: ignore[arg-type]
    model = fit(many)

    x = np.hstack([np.ones((400, 1)), measured])
    weight = np.where(answerable, 0.5 / answerable.sum(), 0.5 / (~answerable).sum())
    parameters = np.zeros(3)
    ridge = np.diag([0, _PENALTY / 400, _PENALTY / 400])
    for _ in range(50):  # Newton's method
        probability = expit(x @ parameters)
        gradient = x.T @ (weight * (probability - answerable)) + ridge @ parameters
        curvature = (x * (weight * probability * (1 - probability))[:, None]).T @ x + ridge
        parameters -= np.linalg.solve(curvature, gradient)
    assert [model.intercept, *model.weights] == pytest.approx(list(parameters), abs=1e-3)


def test_both_classes_weigh_the_same_however_many_examples_they_have() -> None:
    lopsided = examples((True, 0.6, 0.6), *[(False, 0.4, 0.4)] * 50)

    assert fit(lopsided).probability(Features(0.5, 0.5)) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("answerable", [True, False])
def test_examples_of_one_class_alone_can_be_fitted(answerable: bool) -> None:
    probability = fit(examples((answerable, 0.5, 0.5), (answerable, 0.4, 0.6))).probability(
        Features(0.5, 0.5)
    )

    assert (probability > 0.5) == answerable


def test_the_order_of_the_examples_changes_nothing_that_is_stored() -> None:
    assert fit(MIXED) == fit(MIXED[::-1])


@settings(max_examples=8)
@given(st.lists(st.tuples(st.booleans(), _unit, _unit), min_size=1, max_size=20), _unit, _unit)
def test_a_probability_lies_between_0_and_1(
    measured: list[tuple[bool, float, float]], passage: float, sentence: float
) -> None:
    assert 0 <= fit(examples(*measured)).probability(Features(passage, sentence)) <= 1


def test_reliability_counts_the_examples_of_each_tenth() -> None:
    model = ConfidenceModel(0.0, (0.0, 0.0))  # 0.5 for everything

    assert reliability(model, MIXED) == [
        {"from": 0.5, "examples": 7, "mean_probability": 0.5, "share_answerable": round(3 / 7, 4)}
    ]
    certain = ConfidenceModel(99.0, (0.0, 0.0))
    assert [each["from"] for each in reliability(certain, MIXED)] == [0.9]


def test_what_is_stored_is_read_again(searcher: Searcher, tmp_path: Path) -> None:
    stored = json.loads(json.dumps(calibrate(searcher, corpus_dir=tmp_path)))
    model = ConfidenceModel.from_json(stored)

    assert (model.intercept, list(model.weights)) == (stored["intercept"], stored["weights"])


@pytest.mark.parametrize("features", [[], ["best_sentence", "best_passage"], ["best_passage", "other"]])
def test_a_fit_on_other_features_is_refused(features: list[str]) -> None:
    with pytest.raises(ValueError, match=r"fitted on .*, but this release measures \['best_passage'"):
        ConfidenceModel.from_json({"features": features, "intercept": 0, "weights": [1, 2]})


def test_a_fit_with_another_number_of_weights_is_refused() -> None:
    with pytest.raises(ValueError, match="3 weights"):
        ConfidenceModel.from_json(
            {"features": [each.name for each in fields(Features)], "intercept": 0, "weights": [1, 2, 3]}
        )


def test_the_same_index_is_calibrated_the_same_way_again(searcher: Searcher, tmp_path: Path) -> None:
    assert calibrate(searcher, corpus_dir=tmp_path) == calibrate(searcher, corpus_dir=tmp_path)


def test_judged_questions_are_the_examples_where_there_are_answerable_ones(
    searcher: Searcher, tmp_path: Path
) -> None:
    folder = write_questions(tmp_path, ("How is a tick pulled out?", True), ("Who won the cup?", False))

    origins = [(each[0], each[1]) for each in calibrate(searcher, corpus_dir=folder)["examples"]]
    assert origins[:2] == [("judged", True), ("judged", False)]
    assert set(origins[2:]) == {("off_topic", False)}


def test_an_index_without_judged_questions_is_calibrated_on_its_own_sentences(
    searcher: Searcher, tmp_path: Path
) -> None:
    folder = write_questions(tmp_path, ("Who won the cup?", False))

    origins = {(each[0], each[1]) for each in calibrate(searcher, corpus_dir=folder)["examples"]}
    assert origins == {("judged", False), ("own_sentence", True), ("off_topic", False)}


def test_an_index_calibrated_on_itself_tells_its_subject_from_others(
    searcher: Searcher, tmp_path: Path
) -> None:
    stored = calibrate(searcher, corpus_dir=tmp_path)
    model = ConfidenceModel.from_json(stored)
    probabilities: dict[str, list[float]] = {"own_sentence": [], "off_topic": []}
    for origin, _, measured in stored["examples"]:
        probabilities[origin].append(model.probability(Features(*measured)))

    assert np.mean(probabilities["own_sentence"]) > 0.8
    assert np.mean(probabilities["off_topic"]) < 0.2


def test_keywords_come_from_one_sentence_in_its_order(searcher: Searcher) -> None:
    sentences = [
        passage.text[each.start - passage.start : each.end - passage.start].lower()
        for passage in searcher.content.all_passages()
        for each in passage.sentences
    ]
    found = pseudo_questions(searcher)

    assert found
    for keywords in found:
        assert len(keywords.split()) == 4
        assert any(_in_order(keywords.split(), sentence) for sentence in sentences)


def _in_order(words: list[str], sentence: str) -> bool:
    at = 0
    for word in words:
        at = sentence.find(word, at) + 1
        if not at:
            return False
    return True


def test_a_question_set_that_cannot_be_read_stops_the_calibration(searcher: Searcher, tmp_path: Path) -> None:
    (tmp_path / "questions").mkdir()
    (tmp_path / "questions" / "dev.jsonl").write_text("{")

    with pytest.raises(CorpusError, match=r"dev\.jsonl, line 1"):
        calibrate(searcher, corpus_dir=tmp_path)
