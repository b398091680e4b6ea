"""The route that says what differs between two versions of the index."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from index.comparing import ContentDiff
from ingest.errors import IndexMismatchError, SnapshotDamagedError, SnapshotNotFoundError
from ingest.records import Passage
from service.auth import ADMIN_STATUSES, require_admin
from service.problems import problem_responses
from service.routes import Chosen
from service.version_diff import diff_content

_SHOWN_CHARS = 200
#: A new model changes every passage; nobody reads all of them, and the numbers say how many there are.
_MOST_PASSAGES = 200
Version = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]

router = APIRouter(
    dependencies=[Depends(require_admin)], responses=problem_responses("default", 503, *ADMIN_STATUSES)
)


class ChangedPassage(BaseModel):
    """A passage that only one of the versions holds."""

    model_config = ConfigDict(frozen=True)

    doc_id: str
    start: int
    text: str = Field(description="Its beginning.")


class VersionChanges(BaseModel):
    """What one version holds and another does not."""

    model_config = ConfigDict(frozen=True)

    before: str
    after: str
    documents_added: list[str]
    documents_removed: list[str]
    documents_changed: list[str]
    references_added: list[int]
    references_removed: list[int]
    references_changed: list[int]
    n_passages_added: int
    n_passages_removed: int
    passages_added: list[ChangedPassage] = Field(description="The first of them.")
    passages_removed: list[ChangedPassage] = Field(description="The first of them.")


@router.get(
    "/v1/index/diff",
    tags=["index"],
    summary="What differs between two versions",
    responses=problem_responses(404, 409, 422),
)
async def index_diff(
    chosen: Chosen,
    before: Annotated[Version, Query(description="One version.", examples=["34a2b58f65ca7355"])],
    after: Annotated[Version, Query(description="The other version.", examples=["9b7d69039533c36c"])],
) -> VersionChanges:
    """Return the documents, references and passages that differ; how rankings differ is told by `citewell diff`."""
    try:
        # Not on the workers: verifying two versions takes a while, and questions should not wait with it.
        found = await asyncio.to_thread(diff_content, chosen.index_dir, before, after)
    except SnapshotNotFoundError as error:
        raise HTTPException(404, str(error)) from error
    except (SnapshotDamagedError, IndexMismatchError) as error:
        raise HTTPException(409, str(error)) from error
    return _changes(before, after, found)


def _changes(before: str, after: str, found: ContentDiff) -> VersionChanges:
    return VersionChanges(
        before=before,
        after=after,
        documents_added=list(found.documents_added),
        documents_removed=list(found.documents_removed),
        documents_changed=list(found.documents_changed),
        references_added=list(found.references_added),
        references_removed=list(found.references_removed),
        references_changed=list(found.references_changed),
        n_passages_added=len(found.passages_added),
        n_passages_removed=len(found.passages_removed),
        passages_added=[_passage(each) for each in found.passages_added[:_MOST_PASSAGES]],
        passages_removed=[_passage(each) for each in found.passages_removed[:_MOST_PASSAGES]],
    )


def _passage(passage: Passage) -> ChangedPassage:
    return ChangedPassage(doc_id=passage.doc_id, start=passage.start, text=passage.text[:_SHOWN_CHARS])
