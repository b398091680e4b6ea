"""The questions that were written blind: by someone who had seen the documents and nothing of how they are searched.

They are for judging, never for choosing or fitting: `citewell evaluate tests/answer/unseen_questions.jsonl`.
"""

import re
from pathlib import Path

from rapidfuzz import fuzz

from answer.questions import JudgedQuestion, read_questions
from tests.corpus.test_questions import QUESTIONS, blocks

UNSEEN = read_questions(Path(__file__).with_name("unseen_questions.jsonl"))


def shows(pattern: str, number: int) -> bool:
    return any(re.search(pattern, " ".join(block.split()), re.IGNORECASE) for block in blocks(number))


def test_none_is_nearly_one_of_those_that_were_chosen_on() -> None:
    assert len(UNSEEN) > 200
    for unseen in UNSEEN:
        nearest = max(
            fuzz.token_sort_ratio(unseen.question.lower(), seen.question.lower()) for seen in QUESTIONS
        )
        assert nearest < 88, unseen.id


def test_every_fact_that_is_asked_for_stands_in_a_document_that_is_named() -> None:
    def missing(question: JudgedQuestion) -> list[tuple[str, ...]]:
        return [
            group
            for group in question.nuggets
            if not any(shows(pattern, number) for pattern in group for number in question.refs)
        ]

    assert [each.id for each in UNSEEN if each.answerable and (not each.refs or not each.nuggets)] == []
    assert [(each.id, found) for each in UNSEEN if (found := missing(each))] == []


def test_what_is_not_answered_names_no_document() -> None:
    unanswered = [each for each in UNSEEN if not each.answerable]

    assert len(unanswered) > 40
    assert all(each.refs == () and each.nuggets == () for each in unanswered)
