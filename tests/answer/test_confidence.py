import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from answer.confidence import (
    ANSWERABLE_FROM,
    ConfidenceModel,
    Example,
    Origin,
    calibrate,
    fit,
    held_out_probabilities,
    reliability,
)
from answer.features import FEATURE_NAMES, Features, squash_log_odds
from answer.pseudo_questions import pseudo_questions
from evaluation.ranking_sets import CorpusDocument
from evaluation.throwaway import build_throwaway
from index.searching import Searcher, SearchFilter, SearchResult
from index.vector_cache import VectorCache
from ingest.errors import CorpusError
from tests.twins import TwinEmbedder, TwinReadingModel

_unit = st.floats(0, 1)


def examples(*measured: tuple[bool, float, float], origin: Origin = "judged") -> list[Example]:
    return [
        Example(origin, f"Question {at}?", answerable, Features(passage, sentence))
        for at, (answerable, passage, sentence) in enumerate(measured)
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
    model = ConfidenceModel(-1.0, (2.0, 4.0, 10.0, 3.0, 5.0, -10.0))

    # -1 + 2 x 0.5 + 4 x 0.25 + 10 x -0.2 + 3 x 1 + 5 x 0.6 - 10 x 0.3 = 2.
    measured = Features(0.5, 0.25, aspect_gap=-0.2, joint_terms=1.0, best_match=0.6, lead=0.3)
    assert model.probability(measured) == pytest.approx(1 / (1 + np.exp(-2)))


def test_examples_that_can_be_told_apart_are_told_apart() -> None:
    good = [(True, 0.6 + at / 100, 0.7) for at in range(30)]
    poor = [(False, 0.3 - at / 100, 0.2) for at in range(30)]
    told = examples(*good, *poor)
    model = fit(told)

    assert all((model.probability(each.features) >= ANSWERABLE_FROM) == each.answerable for each in told)


def test_judged_questions_are_as_often_answerable_as_they_say() -> None:
    # Nothing tells them apart, so the probability is the share that is answerable.
    alike = examples(*[(True, 0.5, 0.5)] * 30, *[(False, 0.5, 0.5)] * 10)

    assert fit(alike).probability(Features(0.5, 0.5)) == pytest.approx(0.75, abs=0.01)


def test_two_in_three_judged_questions_at_least_count_as_answerable() -> None:
    # A set that is to teach what is not in the documents has more such questions than readers ask.
    alike = examples(*[(True, 0.5, 0.5)] * 30, *[(False, 0.5, 0.5)] * 60)

    assert fit(alike).probability(Features(0.5, 0.5)) == pytest.approx(2 / 3, abs=0.01)


def test_where_keywords_stand_in_two_in_three_count_as_answerable() -> None:
    lopsided = [
        *examples((True, 0.6, 0.6), origin="own_sentence"),
        *examples(*[(False, 0.6, 0.6)] * 50, origin="left_out"),
        *examples(*[(False, 0.6, 0.6)] * 50, origin="off_topic"),
    ]

    assert fit(lopsided).probability(Features(0.6, 0.6)) == pytest.approx(2 / 3, abs=0.01)


def test_an_everyday_question_counts_less_than_one_whose_document_is_left_out() -> None:
    def fitted(*, far_are: Origin) -> float:
        near_are: Origin = "left_out" if far_are == "off_topic" else "off_topic"
        told = [
            *examples(*[(True, 0.6, 0.6)] * 20, origin="own_sentence"),
            *examples(*[(False, 0.2, 0.2)] * 20, origin=far_are),
            *examples(*[(False, 0.5, 0.5)] * 20, origin=near_are),
        ]
        return fit(told).probability(Features(0.5, 0.5))

    assert fitted(far_are="off_topic") < fitted(far_are="left_out")


def test_where_keywords_stand_in_only_how_well_tokens_match_counts() -> None:
    keywords = [
        Example(
            "own_sentence", "keywords", True, Features(0.6, 0.6, joint_terms=1.0, best_match=0.7, lead=0.2)
        ),
        Example("left_out", "keywords", False, Features(0.2, 0.2, joint_terms=0.0, best_match=0.5, lead=0.1)),
    ]

    found = dict(zip(FEATURE_NAMES, fit(keywords).weights, strict=True))
    assert {name for name, weight in found.items() if weight} == {"best_match", "lead"}


def test_where_keywords_stand_in_without_tokens_the_similarities_count() -> None:
    keywords = [
        Example("own_sentence", "keywords", True, Features(0.6, 0.6, joint_terms=1.0)),
        Example("off_topic", "Who won?", False, Features(0.2, 0.2, joint_terms=0.0)),
    ]

    found = dict(zip(FEATURE_NAMES, fit(keywords).weights, strict=True))
    assert {name for name, weight in found.items() if weight} == {"best_passage", "best_sentence"}


def test_a_question_whose_aspect_no_near_sentence_shows_is_less_likely_answered() -> None:
    judged = [
        *(
            Example("judged", f"Q{at}", True, Features(0.6, 0.6, aspect_gap=-0.01 * (at % 3)))
            for at in range(40)
        ),
        *(Example("judged", f"N{at}", False, Features(0.6, 0.6, aspect_gap=-0.3)) for at in range(20)),
    ]
    model = fit(judged)

    assert model.probability(Features(0.6, 0.6, aspect_gap=0)) > 0.8
    assert model.probability(Features(0.6, 0.6, aspect_gap=-0.3)) < 0.2


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
    assert reliability([0.5] * 7, MIXED) == [
        {"from": 0.5, "examples": 7, "mean_probability": 0.5, "share_answerable": round(3 / 7, 4)}
    ]
    assert [each["from"] for each in reliability([1.0] * 7, MIXED)] == [0.9]


def test_a_held_out_probability_does_not_know_its_own_example() -> None:
    crowd = [(at % 2 == 0, 0.3 + 0.4 * (at % 2 == 0), 0.5) for at in range(60)]
    odd_one_out = (True, 0.3, 0.5)
    told = examples(*crowd, odd_one_out)

    # The same example, answerable or not: what is held out for it must not change.
    flipped = [*told[:-1], Example("judged", told[-1].question, False, told[-1].features)]
    assert held_out_probabilities(told)[-1] == held_out_probabilities(flipped)[-1]
    assert fit(told) != fit(flipped)


def test_held_out_probabilities_of_the_same_question_come_from_the_same_fold() -> None:
    twice = examples(*[(True, 0.7, 0.7)] * 20, *[(False, 0.2, 0.2)] * 20)
    doubled = [*twice, twice[0]]

    probabilities = held_out_probabilities(doubled)
    assert probabilities[0] == probabilities[-1]


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
        ConfidenceModel.from_json({"features": list(FEATURE_NAMES), "intercept": 0, "weights": [1, 2, 3]})


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
    assert origins == {
        ("judged", False),
        ("own_sentence", True),
        ("left_out", False),
        ("off_topic", False),
    }


def test_an_index_calibrated_on_itself_tells_what_it_holds_from_what_it_does_not(
    searcher: Searcher, tmp_path: Path
) -> None:
    stored = calibrate(searcher, corpus_dir=tmp_path)
    model = ConfidenceModel.from_json(stored)
    probabilities: dict[str, list[float]] = {"own_sentence": [], "left_out": [], "off_topic": []}
    for origin, _, measured in stored["examples"]:
        probabilities[origin].append(model.probability(Features(*measured)))

    assert np.mean(probabilities["own_sentence"]) > 0.8
    assert np.mean(probabilities["left_out"]) < 0.3
    assert np.mean(probabilities["off_topic"]) < 0.2


def test_what_keywords_are_of_is_left_out_with_its_document(searcher: Searcher, tmp_path: Path) -> None:
    found: dict[str, list[set[str]]] = {"whole": [], "left out": []}
    searched = Searcher.search

    def watched(self: Searcher, query: str, *, k: int, only: SearchFilter | None = None) -> SearchResult:
        result = searched(self, query, k=k, only=only)
        kind = "left out" if only is not None and only.left_out else "whole"
        found[kind].append({hit.passage.doc_id for hit in result.ranked})
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Searcher, "search", watched)
        calibrate(searcher, corpus_dir=tmp_path)

    made = pseudo_questions(searcher)
    own = [searcher.content.passages([each.position])[0].doc_id for each in made]
    assert len(found["left out"]) == len(made)
    assert all(doc_id in docs for doc_id, docs in zip(own, found["whole"], strict=False))
    assert not any(doc_id in docs for doc_id, docs in zip(own, found["left out"], strict=True))


@pytest.mark.parametrize(("n_sentences", "leaves_out"), [(60, True), (1, False)])
def test_of_an_only_document_just_the_passage_is_left_out(
    n_sentences: int, leaves_out: bool, tmp_path: Path
) -> None:
    text = " ".join(
        f"Sentence number {at} says that salt water rinses pollen away." for at in range(n_sentences)
    )
    (tmp_path / "index").mkdir()
    made = build_throwaway(
        tmp_path / "index",
        [CorpusDocument("only", "", text)],
        embedder=TwinEmbedder(),
        cache=VectorCache(tmp_path / "vectors.sqlite"),
        progress=lambda _stage, _done, _total: None,
    )

    origins = [each[0] for each in calibrate(made.searcher, corpus_dir=tmp_path)["examples"]]
    assert "own_sentence" in origins
    assert ("left_out" in origins) == leaves_out


def test_keywords_come_from_one_sentence_of_their_passage_in_its_order(searcher: Searcher) -> None:
    found = pseudo_questions(searcher)

    assert found
    for each in found:
        [passage] = searcher.content.passages([each.position])
        sentences = [passage.text_of(sentence).lower() for sentence in passage.sentences]
        assert len(each.keywords.split()) == 4
        assert any(_in_order(each.keywords.split(), sentence) for sentence in sentences)


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


ASKED = (
    ("How is a tick pulled out?", True),
    ("Does salt water help the nose?", True),
    ("How much do tweezers cost?", False),
)
READER = TwinReadingModel(
    {
        "How is a tick pulled out?": "fine tweezers",
        "Does salt water help the nose?": "Pollen in the nose fell by half",
    }
)


def test_without_a_reading_model_nothing_is_stored_of_one(
    searcher: Searcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("answer.confidence.offtopic_questions", lambda: ["Who won the cup?"])

    stored = calibrate(searcher, corpus_dir=write_questions(tmp_path, *ASKED))

    fitted = [stored.pop("intercept"), *stored.pop("weights")]
    assert fitted == pytest.approx([-0.6067, 0.951, -0.2715, 3.7085, 4.3263, 0.3666, -0.4243], abs=2e-4)
    assert [each["mean_probability"] for each in stored["reliability"]] == pytest.approx(
        [0.5849, 0.7195, 0.8586], abs=2e-4
    )
    del stored["reliability"]
    assert stored == {
        "features": ["best_passage", "best_sentence", "aspect_gap", "joint_terms", "best_match", "lead"],
        "examples": [
            ["judged", True, [0.474342, 0.612305, 0.0, 0.627281, 0.836159, 0.342572]],
            ["judged", True, [0.381385, 0.507046, 0.0, 0.35415, 0.620672, 0.176754]],
            ["judged", False, [0.286039, 0.516217, -0.516217, 0.146211, 0.605407, 0.262656]],
            ["off_topic", False, [0.369274, 0.57735, 0.0, 0.0, 0.666896, 0.227086]],
        ],
    }


def test_a_reading_is_0_where_the_model_cannot_tell_and_bounded_where_it_is_sure() -> None:
    assert squash_log_odds(0.0) == 0.0
    assert squash_log_odds(6.0) == pytest.approx(0.25 * np.tanh(1))
    assert (squash_log_odds(-np.inf), squash_log_odds(1e9)) == (-0.25, 0.25)


def test_what_a_reading_model_finds_is_one_more_feature_that_is_stored_with_its_name(
    searcher: Searcher, tmp_path: Path
) -> None:
    stored = calibrate(searcher, corpus_dir=write_questions(tmp_path, *ASKED), reader=READER)

    assert stored["features"] == [*FEATURE_NAMES, "reading"]
    assert stored["reading_model"] == {"model": "twin-reader", "weights_sha256": "b" * 64}
    # 0.25 x tanh(5 / 6), and as much below 0.
    assert [each[2][-1] for each in stored["examples"][:4]] == [0.170565, 0.170565, -0.170565, -0.170565]
    model = ConfidenceModel.from_json(json.loads(json.dumps(stored)), reader=READER)
    assert len(model.weights) == len(FEATURE_NAMES) + 1
    assert model.weights[-1] > 0
    assert model.reader is READER


def test_near_misses_that_only_a_reading_tells_apart_are_told_apart() -> None:
    alike = {"best_passage": 0.6, "best_sentence": 0.6}
    told = [
        *(
            Example("judged", f"Q{at}", True, Features(**alike, reading=squash_log_odds(4.0)))
            for at in range(30)
        ),
        *(
            Example("judged", f"N{at}", False, Features(**alike, reading=squash_log_odds(-4.0)))
            for at in range(30)
        ),
    ]

    assert [each >= ANSWERABLE_FROM for each in held_out_probabilities(told)] == [True] * 30 + [False] * 30


def test_one_fit_bears_a_reading_model_that_is_far_too_sure() -> None:
    told = [
        Example(
            "judged", f"Q{at}", at % 4 != 0, Features(0.6, 0.6, reading=squash_log_odds(10.0 ** (at % 9)))
        )
        for at in range(40)
    ]

    probabilities = held_out_probabilities(told)
    assert all(0.5 < each < 0.95 for each in probabilities)


def test_keywords_are_not_read(searcher: Searcher, tmp_path: Path) -> None:
    reader = TwinReadingModel({})

    stored = calibrate(searcher, corpus_dir=tmp_path, reader=reader)

    assert not reader.read
    assert stored["features"] == list(FEATURE_NAMES)
    assert "reading_model" not in stored


def test_a_fit_without_a_reading_model_does_without(searcher: Searcher, tmp_path: Path) -> None:
    model = ConfidenceModel.from_json(calibrate(searcher, corpus_dir=tmp_path), reader=READER)

    assert model.reader is None


@pytest.mark.parametrize(
    ("reader", "said"),
    [
        (None, "is not set"),
        (TwinReadingModel({}, weights="c" * 64), r"is twin-reader \(weights cccccccccccc\)"),
    ],
)
def test_a_fit_with_another_reading_model_is_refused(reader: TwinReadingModel | None, said: str) -> None:
    stored = {
        "features": [*FEATURE_NAMES, "reading"],
        "reading_model": {"model": "twin-reader", "weights_sha256": "b" * 64},
        "intercept": 0.0,
        "weights": [0.0] * (len(FEATURE_NAMES) + 1),
    }

    with pytest.raises(
        ValueError,
        match=rf"fitted with the reading model twin-reader \(weights b{{12}}\), .*_READING_MODEL {said}",
    ):
        ConfidenceModel.from_json(stored, reader=reader)
