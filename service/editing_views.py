"""From jobs and versions to the shapes of the API."""

from collections.abc import Sequence

from index.versions import StoredVersion
from service import editing_schemas as schemas
from service.jobs import Job
from service.schemas import SelfScore


def job_reply(job: Job) -> schemas.JobReply:
    """Shape a job."""
    return schemas.JobReply(
        job_id=job.job_id,
        kind=job.task.kind,
        state=job.state,
        name=job.task.name,
        target=job.task.target,
        doc_id=job.doc_id,
        outcome=job.outcome,
        warnings=list(job.warnings),
        progress=schemas.JobProgress.model_validate(job.progress, from_attributes=True)
        if job.progress
        else None,
        build=schemas.JobBuild.model_validate(job.build, from_attributes=True) if job.build else None,
        error=job.error,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
    )


def version_listings(stored: Sequence[StoredVersion]) -> list[schemas.VersionListing]:
    """Shape the versions on disk."""
    return [_version_listing(each) for each in stored]


def _version_listing(stored: StoredVersion) -> schemas.VersionListing:
    manifest = stored.manifest or {}
    counts = manifest.get("counts", {})
    score = manifest.get("self_score")
    return schemas.VersionListing(
        version=stored.version,
        built_at=stored.built_at,
        activated_at=stored.activated_at,
        is_current=stored.is_current,
        detail=stored.detail,
        documents=counts.get("documents"),
        passages=counts.get("passages"),
        references=counts.get("references"),
        self_score=SelfScore(**score) if score else None,
        model=manifest.get("model", {}).get("model"),
        problem=stored.problem,
    )
