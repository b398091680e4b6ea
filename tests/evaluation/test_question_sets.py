"""Scoring judged questions: worked values, and nothing dropped."""

import json
from pathlib import Path
from typing import Any

import pytest

from answer.questions import JudgedQuestion
from evaluation.outcomes import Outcome, read_outcome
from evaluation.question_sets import QuestionSet, documents_needed, read_question_set, score_questions
from evaluation.results import SetResult
from ingest.errors import CorpusError
from tests.evaluation.replies import passage, reply, views

LOOKUP = JudgedQuestion("lookup", "Tablets?", "lookup", answerable=True, refs=(0,), nuggets=(("sneez",),))
BOTH = JudgedQuestion(
    "both", "Both?", "multi", answerable=True, refs=(0, 1), nuggets=(("pollen",), ("sneez",))
)
OFF_TOPIC = JudgedQuestion("off", "Trains?", "off_topic", answerable=False)
NEAR_MISS = JudgedQuestion("near", "Nose surgery?", "near_miss", answerable=False)
EMERGENCY = JudgedQuestion("help", "Cannot breathe!", "emergency", answerable=False, notice="urgent_care")
ALL = (LOOKUP, BOTH, OFF_TOPIC, NEAR_MISS, EMERGENCY)


def score(replies: dict[str, Any], *, questions: tuple[JudgedQuestion, ...] = ALL) -> SetResult:
    outcomes = {
        key: each if isinstance(each, Outcome) else read_outcome(each) for key, each in replies.items()
    }
    return score_questions(QuestionSet("set", "0" * 64, questions), outcomes, views=views())


GOOD = {
    "lookup": reply(
        passage("a2", score=0.9), passage("a1", score=0.4), answer=(35, 76), answer_references=(2,)
    ),
    "both": reply(passage("s1", score=0.9), passage("a2", score=0.8), confidence=0.8),
    "off": reply(passage("a1"), confidence=0.1),
    "near": reply(passage("a1"), confidence=0.6),
    "help": reply(passage("a1"), confidence=0.3, notices=[{"kind": "urgent_care"}]),
}


def test_worked_values_of_a_small_set() -> None:
    values = {name: each.value for name, each in score(GOOD).estimates.items()}

    assert values["Success@1"] == 1.0
    assert values["complete@5"] == 1.0
    # lookup: one relevant passage, found. both: a1, a2 and s1 are relevant, two are found.
    assert values["Recall@5"] == pytest.approx((1 + 2 / 3) / 2, abs=1e-6)
    assert values["answer_support"] == 0.5
    assert values["answer_support_if_answered"] == 1.0
    assert values["AUROC"] == 1.0
    assert values["false_answer"] == pytest.approx(1 / 3, abs=1e-6)
    assert values["false_answer_near_miss"] == 1.0
    assert values["false_answer_off_topic"] == 0.0
    assert values["wrong_refusal"] == 0.0
    assert values["notice_recall"] == 1.0
    assert values["notice_false_alarm"] == 0.0
    assert values["Brier"] == pytest.approx((0.01 + 0.04 + 0.01 + 0.36 + 0.09) / 5, abs=1e-6)
    assert values["number_accuracy"] == 1.0


def test_a_wrong_number_is_counted_and_shown() -> None:
    result = score({**GOOD, "off": reply(passage("a1", references=[2]), confidence=0.1)})

    assert result.counts["numbers wrong"] == 1
    assert result.per_query["numbers_right"]["off"] == 0
    assert "shows [2]" in result.queries["off"].wrong_numbers[0]
    accuracy = result.estimates["number_accuracy"].value
    assert accuracy == pytest.approx(1 - 1 / result.counts["numbers checked"], abs=1e-6)


def test_a_question_that_failed_is_counted_and_gets_the_worst_of_everything() -> None:
    failed = Outcome(failure="the service said 500")
    result = score(dict.fromkeys(GOOD, failed))
    values = {name: each.value for name, each in result.estimates.items()}

    assert set(result.failed) == set(GOOD)
    best_is_low = {"false_answer", "false_answer_off_topic", "false_answer_near_miss", "wrong_refusal"}
    best_is_low |= {"Brier", "ECE", "AURC", "notice_false_alarm"}
    for name, value in values.items():
        if name not in {"answer_support_if_answered", "number_accuracy"}:
            assert value == (1.0 if name in best_is_low else 0.0), name


def test_a_question_that_was_never_asked_is_a_failed_one() -> None:
    result = score({key: each for key, each in GOOD.items() if key != "lookup"})

    assert result.failed == {"lookup": "was never asked"}
    assert result.per_query["Success@5"] == {"lookup": 0, "both": 1}


def test_a_reply_without_passages_scores_zero_and_is_counted() -> None:
    result = score({**GOOD, "lookup": reply(confidence=0.0)})

    assert result.empty == ("lookup",)
    assert result.per_query["nDCG@10"]["lookup"] == 0


def test_an_answerable_question_with_nothing_relevant_in_the_index_scores_zero() -> None:
    unknown = JudgedQuestion("x", "?", "lookup", answerable=True, refs=(0,), nuggets=(("camel",),))
    result = score({"x": reply(passage("a1"))}, questions=(unknown,))

    assert result.per_query["Recall@5"] == {"x": 0}
    assert result.counts["without a relevant passage in the index"] == 1


def test_slices_go_by_kind_and_by_document() -> None:
    slices = {(each.by, each.name): each.n for each in score(GOOD).slices}

    assert slices[("kind", "near_miss")] == 1
    assert slices[("document", "article")] == 2
    assert slices[("document", "source 1")] == 1


def test_curves_hold_every_question() -> None:
    result = score(GOOD)

    assert sum(each.n for each in result.reliability) == len(ALL)
    assert result.risk_coverage[-1] == pytest.approx((1.0, 3 / 5))


def test_only_documents_that_are_named_or_shown_are_needed() -> None:
    questions = QuestionSet("set", "", (LOOKUP,))
    outcomes = {"lookup": read_outcome(reply(passage("s1")))}
    numbers = {"hay-fever": 0, "saline": 1, "tablets": 2, "notes": None}

    assert documents_needed(questions, outcomes, numbers) == ["hay-fever", "saline"]


def write(path: Path, *lines: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


LINE = {"id": "a", "question": "?", "kind": "lookup", "answerable": True, "refs": [0], "nuggets": [["x"]]}


def test_a_set_is_read_with_its_name_and_hash(tmp_path: Path) -> None:
    found = read_question_set(write(tmp_path / "dev.jsonl", LINE))

    assert (found.name, len(found.sha256), found.questions[0].nuggets) == ("dev", 64, (("x",),))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([LINE, LINE], "the id 'a' stands twice"),
        ([], "holds no question"),
        ([{**LINE, "nuggets": [["("]]}], "no regular expression"),
        ([{"id": "a"}], "line 1"),
    ],
)
def test_a_faulty_set_is_refused(tmp_path: Path, lines: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        read_question_set(write(tmp_path / "dev.jsonl", *lines))


def test_a_set_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="cannot be read"):
        read_question_set(tmp_path / "none.jsonl")
