"""What an operator may change: one class, read once from the environment."""

import ipaddress
import os
import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError

from index.model_files import DEFAULT_MODEL
from ingest.errors import CitewellError
from service.schemas import MAX_QUESTION_CHARS

_PREFIX = "CITEWELL_"
#: What is allowed all processes together.
_DIVIDED = ("query_threads", "max_waiting", "max_connections", "reply_cache_mb")
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?")


def names_in(value: str | None) -> tuple[str, ...]:
    """Return the names of a setting that has several, with commas between."""
    return tuple(name for each in (value or "").split(",") if (name := each.strip()))


def _check_origins(value: str | None) -> str | None:
    """Refuse what no browser sends as an origin, which would open the service to nobody and say nothing."""
    for name in names_in(value):
        if name != "*" and not _ORIGIN.fullmatch(name):
            raise ValueError(f"{name!r} is no origin; write it like https://example.org, without a path")
    return value


def _check_networks(value: str | None) -> str | None:
    for name in names_in(value):
        ipaddress.ip_network(name)
    return value


class Settings(BaseModel):
    """What an operator may change; each field is the variable CITEWELL_<FIELD>."""

    # An impossible value may be a secret with a slip in it.
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    corpus_dir: Path = Field(default=Path("corpus"), description="Folder of documents and their manifest.")
    index_dir: Path = Field(default=Path("var/index"), description="Folder of snapshots.")
    cache_dir: Path = Field(
        default=Path("var/cache"),
        description="Vectors already computed and the encoder as it is served; may be deleted.",
    )
    state_dir: Path = Field(
        default=Path("var/state"), description="Uploads, jobs and feedback; not to be deleted."
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port to listen on; 0 picks a free one.")
    embedding_model: str = Field(
        default=DEFAULT_MODEL, description="A sentence-transformers model: a name or a folder."
    )
    embedding_form: Literal["exact", "bf16"] = Field(
        default="exact",
        description="What builds embed passages in: 16 bits (bf16) need OpenVINO, and must first agree with exact.",
    )
    reranker_model: str | None = Field(
        default=None, description="A CrossEncoder, by name or folder, that reorders the best passages."
    )
    reading_model: str | None = Field(
        default=None,
        description="A question-answering model (SQuAD 2.0), by name or folder, that the confidence asks as well.",
    )
    workers: int = Field(
        default=1,
        ge=1,
        le=64,
        description="Processes that answer; threads, places to wait, connections and kept replies are divided.",
    )
    query_threads: int = Field(
        default=2, ge=1, le=64, description="Questions answered side by side, by all processes together."
    )
    reply_cache_mb: int = Field(
        default=32,
        ge=0,
        le=100_000,
        description="Memory for replies that may be asked for again, in all processes together; 0 for none.",
    )
    swap_check_s: float = Field(
        default=1.0, gt=0, le=3600, description="Seconds between looks for a new version of the index."
    )
    admin_key: SecretStr | None = Field(
        default=None,
        min_length=20,
        description="A key that opens the admin routes; others are in the keys file.",
    )
    keys_file: Path = Field(default=Path("var/keys.json"), description="Names and hashes of the keys.")
    max_body_bytes: int = Field(default=65_536, ge=1_024, description="Largest request body accepted.")
    max_upload_bytes: int = Field(
        default=50_000_000, ge=1_024, le=128_000_000, description="Largest document that is taken in."
    )
    max_upload_pages: int = Field(
        default=2_000, ge=1, le=5_000, description="Most pages of a PDF that is taken in over HTTP."
    )
    document_timeout_s: float = Field(
        default=300.0, gt=0, description="A document that takes longer to read or fetch is left out."
    )
    feedback_questions: bool = Field(
        default=False, description="Whether a question that comes with feedback is stored."
    )
    max_batch_questions: int = Field(
        default=1_000, ge=1, le=100_000, description="Most questions of one batch."
    )
    max_batch_body_bytes: int = Field(
        default=8_388_608, ge=1_024, description="Largest request body accepted for a batch of questions."
    )
    max_question_chars: int = Field(
        default=MAX_QUESTION_CHARS, ge=1, le=MAX_QUESTION_CHARS, description="Longest question answered."
    )
    max_waiting: int = Field(
        default=16,
        ge=0,
        le=10_000,
        description="Questions that may wait for a thread, in all processes together; more are told to come back.",
    )
    max_connections: int = Field(
        default=1_000, ge=1, le=100_000, description="Connections open at once, to all processes together."
    )
    request_timeout_s: float = Field(
        default=10.0,
        gt=0,
        le=3600,
        description="Seconds that a request's headers, and then its body, may take.",
    )
    shutdown_timeout_s: int = Field(
        default=20,
        ge=1,
        le=3600,
        description="Seconds that requests in flight are given when the service ends.",
    )
    rate_limit_per_minute: int | None = Field(
        default=None, ge=1, le=1_000_000, description="Requests that one address may make, health excepted."
    )
    trusted_proxies: Annotated[str | None, AfterValidator(_check_networks)] = Field(
        default=None,
        description="Addresses or networks whose X-Forwarded-For is believed, with commas between.",
    )
    allowed_origins: Annotated[str | None, AfterValidator(_check_origins)] = Field(
        default=None, description="Origins whose pages may ask, with commas between; * for any."
    )
    allowed_hosts: str | None = Field(
        default=None, description="Host names that are answered under, with commas between; any by default."
    )
    log_questions: bool = Field(default=False, description="Whether questions stand in the log.")
    contact_email: str | None = Field(
        default=None,
        pattern=r"^[^@\s\x00-\x1f()<>]+@[^@\s\x00-\x1f()<>]+$",
        description="Told to literature services when something is fetched; Unpaywall wants one.",
    )


def share_of(settings: Settings) -> Settings:
    """Return what each process may take of what is allowed all of them together, rounded up."""
    shares = {name: -(-getattr(settings, name) // settings.workers) for name in _DIVIDED}
    return settings.model_copy(update=shares)


def read_settings() -> Settings:
    """Read the settings from the environment, where the case of a variable's name does not matter.

    Raises:
        CitewellError: If a value is impossible; the message names the variable.
    """
    given = {name.upper(): value for name, value in os.environ.items()}
    variables = {name: f"{_PREFIX}{name.upper()}" for name in Settings.model_fields}
    try:
        return Settings.model_validate(
            {name: given[variable] for name, variable in variables.items() if variable in given}
        )
    except ValidationError as error:
        faults = "; ".join(
            f"{_PREFIX}{'_'.join(str(part) for part in each['loc']).upper()}: {each['msg']}"
            for each in error.errors()
        )
        raise CitewellError(f"A setting cannot be used: {faults}. Correct it and start again.") from error
