"""The judged questions in corpus/questions keep their form and their ties to the corpus."""

import json
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, Field
from rapidfuzz import fuzz

ROOT = Path(__file__).parents[2]
DEV_SET = ROOT / "corpus" / "questions" / "dev.jsonl"
#: What the ranking and the confidence learn from besides; it is not measured by.
TRAINING_SET = ROOT / "corpus" / "questions" / "train.jsonl"
#: Written by others and learned from by nothing.
HELD_OUT_SETS = [
    ROOT / "tests" / "answer" / name for name in ("unseen_questions.jsonl", "heldout_questions.jsonl")
]
OFF_TOPIC_NEGATIVES = ROOT / "answer" / "offtopic_questions.txt"
NUMBERS = range(6)
KINDS = {
    "lookup", "lay", "misspelled", "paraphrase", "multi", "comparison",
    "negation", "emergency", "near_miss", "off_topic",
}  # fmt: skip


class JudgedQuestion(BaseModel):
    """One line of the set, as design.md section 9 draws it; `notice` marks an emergency."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    id: str = Field(min_length=1)
    question: str = Field(min_length=1, max_length=2000)
    kind: str
    answerable: bool
    refs: list[int]
    nuggets: list[list[str]]
    notice: str | None = None


def read_questions(path: Path) -> list[JudgedQuestion]:
    """Return a set in file order."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [JudgedQuestion.model_validate(json.loads(line)) for line in lines]


QUESTIONS = [*read_questions(DEV_SET), *read_questions(TRAINING_SET)]
ANSWERABLE = [question for question in QUESTIONS if question.answerable]


def fold(question: str) -> str:
    """Return the words of a question alone, so that case and punctuation cannot hide a repeat."""
    return " ".join(re.findall(r"\w+", question.casefold()))


def document_path(number: int) -> Path | None:
    """Return the corpus file of a reference number, or None where there is none."""
    pattern = "article.md" if number == 0 else f"sources/{number}-*.md"
    return next(iter(sorted((ROOT / "corpus").glob(pattern))), None)


@cache
def blocks(number: int) -> list[str]:
    """Return a document's paragraphs and list items as running text, without its list of references.

    A nugget has to stand inside one of them because a passage may be as short as that.
    """
    path = document_path(number)
    assert path is not None
    body = re.split(r"(?m)^#+ References$", path.read_text(encoding="utf-8"))[0]
    raw_blocks = re.split(r"\n\s*\n|\n(?=\s*(?:[-*+]|\d+[.)])\s)", body)
    return [re.sub(r"\s+", " ", re.sub(r"[*_`]+", "", raw)).strip() for raw in raw_blocks]


def shows(number: int, group: list[str]) -> bool:
    """Say whether some block of a document matches any pattern of a nugget group."""
    return any(re.search(pattern, block, re.IGNORECASE) for block in blocks(number) for pattern in group)


needs_corpus = pytest.mark.skipif(
    any(document_path(number) is None for number in NUMBERS),
    reason="the corpus's article or one of its five sources is not there",
)


def test_there_are_at_least_250_questions() -> None:
    assert len(read_questions(DEV_SET)) >= 250


@pytest.mark.parametrize("path", HELD_OUT_SETS, ids=lambda path: path.stem)
def test_nothing_is_learned_from_what_is_nearly_a_held_out_question(path: Path) -> None:
    taught = [question.question.lower() for question in read_questions(TRAINING_SET)]
    near = [
        held_out.id
        for held_out in read_questions(path)
        if max(fuzz.token_sort_ratio(held_out.question.lower(), each) for each in taught) >= 88
    ]

    assert near == []


def test_ids_are_unique() -> None:
    repeated = [name for name, count in Counter(q.id for q in QUESTIONS).items() if count > 1]

    assert repeated == []


def test_no_question_is_asked_twice() -> None:
    repeated = [text for text, count in Counter(fold(q.question) for q in QUESTIONS).items() if count > 1]

    assert repeated == []


def test_every_kind_is_known_and_every_known_kind_is_used() -> None:
    assert {q.kind for q in QUESTIONS} == KINDS


def test_reference_numbers_are_those_of_the_corpus_and_sorted_without_repeats() -> None:
    wrong = [q.id for q in QUESTIONS if not set(q.refs) <= set(NUMBERS) or q.refs != sorted(set(q.refs))]

    assert wrong == []


def test_a_question_has_references_and_nuggets_exactly_when_it_is_answerable() -> None:
    wrong = [q.id for q in QUESTIONS if not bool(q.refs) == bool(q.nuggets) == q.answerable]

    assert wrong == []


def test_no_nugget_group_is_empty() -> None:
    assert [q.id for q in QUESTIONS if not all(q.nuggets)] == []


def test_every_pattern_compiles_and_needs_some_text_to_match() -> None:
    patterns = {pattern for q in QUESTIONS for group in q.nuggets for pattern in group}

    assert [pattern for pattern in sorted(patterns) if re.compile(pattern).search("")] == []


def test_near_misses_and_off_topic_questions_are_unanswerable() -> None:
    assert [q.id for q in ANSWERABLE if q.kind in {"near_miss", "off_topic"}] == []


def test_emergencies_and_nothing_else_expect_an_urgent_care_notice() -> None:
    wrong = [q.id for q in QUESTIONS if q.notice != ("urgent_care" if q.kind == "emergency" else None)]

    assert wrong == []


def test_multi_part_questions_have_at_least_two_nugget_groups() -> None:
    assert [q.id for q in QUESTIONS if q.kind == "multi" and len(q.nuggets) < 2] == []


@pytest.mark.parametrize(("number", "at_least"), [(0, 30), (1, 22), (2, 22), (3, 30), (4, 22), (5, 30)])
def test_each_document_is_asked_about_often_enough(number: int, at_least: int) -> None:
    assert sum(number in q.refs for q in QUESTIONS) >= at_least


def test_no_judged_question_is_among_the_off_topic_negatives() -> None:
    lines = OFF_TOPIC_NEGATIVES.read_text(encoding="utf-8").splitlines()
    negatives = {fold(line) for line in lines if not line.startswith("#")}

    assert negatives, "the file of negatives is empty"
    assert [q.id for q in QUESTIONS if fold(q.question) in negatives] == []


@needs_corpus
def test_every_fact_that_an_answer_needs_stands_in_a_document_that_may_be_cited_for_it() -> None:
    missing = [
        f"{q.id} {q.refs} {group}"
        for q in ANSWERABLE
        for group in q.nuggets
        if not any(shows(number, group) for number in q.refs)
    ]

    assert missing == [], "\n".join(missing)


@needs_corpus
def test_every_acceptable_document_shows_at_least_one_of_the_facts() -> None:
    idle = [
        f"{q.id} [{number}]"
        for q in ANSWERABLE
        for number in q.refs
        if not any(shows(number, group) for group in q.nuggets)
    ]

    assert idle == [], "\n".join(idle)
