"""The public shape of what changes an index: uploads, jobs, versions, feedback."""

import ipaddress
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from ingest.addresses import parse_address, refuse_private
from ingest.errors import AddressRefusedError
from ingest.identifiers import normalize_doi
from ingest.records import DocumentKind, Fidelity
from service.jobs import JobKind, JobState, Outcome
from service.schemas import IndexStamp, Number, SelfScore, refuse_binary

#: As in the manifest; a name that is no such thing could not be an address either.
DOC_ID_PATTERN = r"^[a-z0-9]+(?:[-_.][a-z0-9]+)*$"
NewDocId = Annotated[str, StringConstraints(pattern=DOC_ID_PATTERN, max_length=80)]


def _refuse_address(url: str) -> str:
    """Refuse an address that would never be fetched; where a name leads is seen when it is fetched."""
    try:
        address = parse_address(url)
        if _is_ip(address.host):
            refuse_private(address.host, [address.host])
    except AddressRefusedError as error:
        raise ValueError(str(error)) from error
    if address.port not in (80, 443):
        raise ValueError(f"names port {address.port}; only ports 80 and 443 are used")
    return url


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _refuse_no_doi(text: str) -> str:
    if normalize_doi(text) is None:
        raise ValueError("is no DOI; write it as 10.1136/pn-2022-003574")
    return text


Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1), AfterValidator(refuse_binary)]
Link = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2_000, pattern=r"^https?://\S+$")]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DocumentFields(_Request):
    """What is known of a document besides its file; what is left out is read from the file."""

    kind: DocumentKind | None = Field(
        default=None, description="`source` with a `reference_number`, else `article`; may be left out."
    )
    reference_number: Number | None = Field(
        default=None, description="Of the reference whose text it is; none for an article."
    )
    fidelity: Fidelity | None = Field(
        default=None, description="How much of the original it is; `full_text` by default."
    )
    title: Annotated[Line, StringConstraints(max_length=500)] | None = Field(
        default=None, description="Its title, if not the file's own."
    )
    licence: Annotated[Line, StringConstraints(max_length=200)] | None = Field(
        default=None, description="Under what terms it may be used."
    )
    unchecked: bool = Field(
        default=False, description="Whether to take it although its title or author is not the reference's."
    )


class UploadFields(DocumentFields):
    """What a form may say beside its file."""

    url: Annotated[Link, AfterValidator(refuse_binary)] | None = Field(
        default=None, description="Where a reader finds it."
    )


class NewUploadFields(UploadFields):
    """The same, with the identifier that a new document should have."""

    doc_id: NewDocId | None = Field(
        default=None, description="Its identifier; made from its title by default."
    )


class FetchedDocument(DocumentFields):
    """A document to be fetched: by its address or by its DOI."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"doi": "10.1136/pn-2022-003574", "kind": "source", "reference_number": 2},
                {"url": "https://medlineplus.gov/druginfo/meds/a682530.html"},
            ]
        }
    )

    url: (
        Annotated[str, StringConstraints(min_length=1, max_length=4_000), AfterValidator(_refuse_address)]
        | None
    ) = Field(default=None, description="Web address of the text; public hosts only.")
    doi: (
        Annotated[str, StringConstraints(min_length=1, max_length=500), AfterValidator(_refuse_no_doi)] | None
    ) = Field(default=None, description="DOI of the work; its open text is looked for.")

    @model_validator(mode="after")
    def _either(self) -> "FetchedDocument":
        if (self.url is None) == (self.doi is None):
            raise ValueError("give either url or doi")
        return self


class NewFetchedDocument(FetchedDocument):
    """The same, with the identifier that a new document should have."""

    doc_id: NewDocId | None = Field(
        default=None, description="Its identifier; made from its title by default."
    )


class BuildRequest(_Request):
    """How to build."""

    activate_anyway: bool = Field(
        default=False,
        description="Whether the new version serves even if it finds its own cited sources significantly worse.",
    )


class RollbackRequest(_Request):
    """Where to go back to."""

    version: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")] | None = Field(
        default=None, description="By default the one that served before the current one was built."
    )


class _Reply(BaseModel):
    model_config = ConfigDict(frozen=True)


class JobProgress(_Reply):
    """How far a job is."""

    stage: str = Field(examples=["embed passages"])
    done: int
    total: int


class JobBuild(_Reply):
    """The build that a job ended in."""

    version: str
    activated: bool = Field(description="Whether the new version serves.")
    reason: str | None = Field(description="Why it does not, and how to make it.")
    documents: int
    passages: int
    references: int
    self_score: float | None = Field(description="Mean reciprocal rank of the cited sources.")


class JobReply(_Reply):
    """What was asked for and what has become of it."""

    job_id: str
    kind: JobKind = Field(description="`replace` adds where there is nothing to replace.")
    state: JobState = Field(
        description="`succeeded`, `quarantined` and `failed` are final. A quarantined document cannot be used, and "
        "`error` says why; it holds up no other."
    )
    name: str | None = Field(description="What the uploaded file was called.")
    target: str | None = Field(description="The address or DOI that is fetched.")
    doc_id: str | None = Field(description="Of the document, once it is known.")
    outcome: Outcome | None = Field(description="What came of the document; from then on the corpus has it.")
    warnings: list[str] = Field(description="What an editor should look at.")
    progress: JobProgress | None
    build: JobBuild | None
    error: str | None = Field(description="What went wrong, and what to do.")
    created_at: str
    started_at: str | None
    finished_at: str | None


class Jobs(_Reply):
    """The latest jobs."""

    jobs: list[JobReply] = Field(description="The newest first.")


class VersionListing(_Reply):
    """A version of the index on disk."""

    version: str
    built_at: str
    activated_at: str | None = Field(description="When it last became the one that serves; null if never.")
    is_current: bool = Field(description="Whether new requests are answered from it, or will be in a moment.")
    detail: str = Field(description="Why it was kept without being activated, for example.")
    documents: int | None
    passages: int | None
    references: int | None
    self_score: SelfScore | None
    model: str | None
    problem: str | None = Field(description="Why it cannot be used; null if it can.")


class Versions(_Reply):
    """The versions on disk."""

    versions: list[VersionListing] = Field(description="The one built last first.")
    index: IndexStamp


class RolledBack(_Reply):
    """What serves from now on."""

    version: str = Field(description="New requests are answered from it within a moment.")
    previous: str | None = Field(description="What served before.")


class FeedbackRequest(_Request):
    """Was this helpful?"""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"helpful": True, "version": "8851d6ffcdbe83e9"}]}
    )

    helpful: bool = Field(description="Whether the reply helped.")
    version: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")] = Field(
        description="The reply's `index.version`."
    )
    passage_ids: list[Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{1,64}$")]] = Field(
        default=[], max_length=50, description="The passages that it is about; all of the reply by default."
    )
    question: Annotated[Line, StringConstraints(max_length=2_000)] | None = Field(
        default=None, description="Stored only where the operator has switched that on."
    )


class FeedbackReply(_Reply):
    """What was kept of the feedback."""

    status: Literal["stored"]
    question_stored: bool
