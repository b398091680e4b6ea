"""The routes that machines ask: is it alive, is it ready, what runs, how is it doing."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from ingest.errors import SnapshotError
from service import metrics, schemas, views
from service.problems import problem_responses
from service.release import RELEASE
from service.routes import Serving, live_index

router = APIRouter(tags=["operations"], responses=problem_responses("default"))


@router.get("/health/live", summary="Is the process alive?")
async def live() -> schemas.Health:
    """Answer as long as the process can."""
    return schemas.Health(status="ok")


@router.get("/health/ready", summary="Can questions be answered?", responses=problem_responses(503))
async def ready(index: Serving) -> schemas.Health:  # noqa: ARG001  # having an index is the answer
    """Answer once encoder and index are warm."""
    return schemas.Health(status="ok")


@router.get("/version", summary="What is running", responses=problem_responses(429, 503))
async def version(index: Serving) -> schemas.VersionInfo:
    """Return the release, the index version and the encoder."""
    model = str(index.snapshot.manifest["model"]["model"])
    return schemas.VersionInfo(name="citewell", version=RELEASE, index=views.stamp(index), model=model)


@router.get(
    "/metrics",
    summary="How it is doing",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def prometheus(request: Request) -> Response:
    """Return every count, gauge and histogram as Prometheus reads them; they hold no question and no address."""
    try:
        index = (await live_index(request)).current
    except SnapshotError:
        metrics.describe_no_snapshot()
    else:
        model = str(index.snapshot.manifest["model"]["model"])
        metrics.describe_snapshot(version=index.version, model=model, built_at=index.built_at)
    return Response(metrics.exposition(), media_type=metrics.CONTENT_TYPE)
