"""The public shape of a batch of questions and of its results."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from service.problems import Problem
from service.schemas import AnswerMode, AskReply, Filter, IndexStamp, TopK

#: Beyond the operator's own limit, which is lower, no batch makes sense.
MAX_BATCH_QUESTIONS = 100_000


class BatchQuestion(BaseModel):
    """One question under the caller's own id.

    The text is checked when its turn comes, so that a faulty one fails alone.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, StringConstraints(min_length=1, max_length=200)] = Field(
        description="The caller's own; no id twice in a batch."
    )
    question: str = Field(description="As for a single question.")


class BatchRequest(BaseModel):
    """Questions that are asked alike."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "questions": [
                        {"id": "q1", "question": "What helps a calf cramp at night?"},
                        {"id": "q2", "question": "Is quinine safe for cramps?"},
                    ],
                    "top_k": 5,
                }
            ]
        },
    )

    questions: list[BatchQuestion] = Field(min_length=1, max_length=MAX_BATCH_QUESTIONS)
    top_k: Annotated[TopK, Field(strict=True)] = Field(default=5, description="Passages to return for each.")
    filter: Filter | None = Field(default=None, description="Which passages may be used; all when left out.")
    answer: AnswerMode = Field(default="extractive", description="As for a single question.")

    @field_validator("questions")
    @classmethod
    def _refuse_repeated_ids(cls, questions: list[BatchQuestion]) -> list[BatchQuestion]:
        seen: set[str] = set()
        for each in questions:
            if each.id in seen:
                raise ValueError(f"the id {each.id!r} stands twice; give each question its own")
            seen.add(each.id)
        return questions


class BatchAnswer(AskReply):
    """The reply to one question of a batch, under its id."""

    id: str


class BatchFailure(BaseModel):
    """Why one question of a batch has no reply; the others are answered all the same."""

    model_config = ConfigDict(frozen=True)

    id: str
    problem: Problem


class BatchReply(BaseModel):
    """All results, in the order of the questions; as NDJSON each is a line of its own."""

    model_config = ConfigDict(frozen=True)

    index: IndexStamp = Field(description="The version that all results were made from.")
    results: list[BatchAnswer | BatchFailure]
