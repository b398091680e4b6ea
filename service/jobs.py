"""What an editor asked for, and what has become of it."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Literal

from ingest.records import DocumentKind, Fidelity

__all__ = ["FINAL", "BuildOutcome", "Job", "JobKind", "JobState", "Outcome", "Progress", "Task"]

JobKind = Literal["add", "replace", "remove", "build"]
JobState = Literal["queued", "running", "succeeded", "quarantined", "failed"]
Outcome = Literal["added", "replaced", "unchanged", "removed"]

#: States that a job stays in.
FINAL: frozenset[JobState] = frozenset({"succeeded", "quarantined", "failed"})


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be done, as it was asked for.

    Args:
        kind: A document comes, takes another's place (or comes if there is none), goes; or just a build.
        doc_id: Of the document; None where it is made from the title.
        name: What the uploaded file was called. Never a path: only its ending and its stem are looked at.
        upload: SHA-256 of the uploaded file, under which it is kept until it is in the corpus.
        target: Web address or DOI to fetch instead.
        document_kind: As in the manifest, and so are the next five.
        activate_anyway: Whether the build serves even if it finds its own sources significantly worse.
    """

    kind: JobKind
    doc_id: str | None = None
    name: str | None = None
    upload: str | None = None
    target: str | None = None
    document_kind: DocumentKind | None = None
    reference_number: int | None = None
    fidelity: Fidelity | None = None
    title: str | None = None
    url: str | None = None
    licence: str | None = None
    unchecked: bool = False
    activate_anyway: bool = False

    @property
    def fingerprint(self) -> str:
        """The same for the same request with the same file, whatever the file was called."""
        asked = {name: value for name, value in asdict(self).items() if name != "name"}
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stage of the work is."""

    stage: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class BuildOutcome:
    """What a build gave; `reason` says why it does not serve where `activated` is false."""

    version: str
    activated: bool
    reason: str | None
    documents: int
    passages: int
    references: int
    self_score: float | None


@dataclass(frozen=True, slots=True)
class Job:
    """One task and what has become of it.

    Args:
        attempts: How often its document was begun to be read; one that ends its worker is not tried for ever.
        outcome: What came of its document; the corpus holds that from then on.
        doc_id: Of its document, as soon as it is known.
        build: The build that took it in. Several jobs may share one.
        error: What went wrong, and what to do.
        postponements: How often it had to wait for something else to be put right, such as a full disk.
    """

    job_id: str
    task: Task
    state: JobState
    created_at: str  # ISO 8601, UTC, as the next two
    started_at: str | None = None
    finished_at: str | None = None
    attempts: int = 0
    doc_id: str | None = None
    outcome: Outcome | None = None
    warnings: tuple[str, ...] = field(default=())
    progress: Progress | None = None
    build: BuildOutcome | None = None
    error: str | None = None
    postponements: int = 0

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in FINAL
