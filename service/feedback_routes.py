"""The route by which readers say whether a reply helped."""

import asyncio

from fastapi import APIRouter, Request

from service.editing_schemas import FeedbackReply, FeedbackRequest
from service.feedback import FeedbackStore
from service.problems import problem_responses

router = APIRouter(responses=problem_responses("default"))


@router.post(
    "/v1/feedback", tags=["ask"], summary="Was this helpful?", responses=problem_responses(400, 413, 422, 503)
)
async def feedback(given: FeedbackRequest, request: Request) -> FeedbackReply:
    """Store whether a reply helped; the question is dropped unless the operator has switched storing it on."""
    chosen = request.app.state.settings
    store = FeedbackStore(chosen.state_dir, with_questions=chosen.feedback_questions)
    stored = await asyncio.to_thread(
        store.add,
        helpful=given.helpful,
        version=given.version,
        passage_ids=given.passage_ids,
        question=given.question,
    )
    return FeedbackReply(status="stored", question_stored=stored)
