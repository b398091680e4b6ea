"""What an operator may change: one class, read once from the environment."""

from pathlib import Path

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from index.embedding import DEFAULT_MODEL
from ingest.errors import CitewellError

_PREFIX = "CITEWELL_"


class Settings(BaseSettings):
    """What an operator may change; each field is the variable CITEWELL_<FIELD>."""

    # An impossible value may be a secret with a slip in it.
    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, frozen=True, extra="ignore", hide_input_in_errors=True
    )

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
    reranker_model: str | None = Field(
        default=None, description="A CrossEncoder, by name or folder, that reorders the best passages."
    )
    query_threads: int = Field(default=2, ge=1, le=64, description="Questions answered side by side.")
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
    contact_email: str | None = Field(
        default=None,
        pattern=r"^[^@\s\x00-\x1f()<>]+@[^@\s\x00-\x1f()<>]+$",
        description="Told to literature services when something is fetched; Unpaywall wants one.",
    )


def read_settings() -> Settings:
    """Read the settings from the environment.

    Raises:
        CitewellError: If a value is impossible; the message names the variable.
    """
    try:
        return Settings()
    except ValidationError as error:
        faults = "; ".join(
            f"{_PREFIX}{'_'.join(str(part) for part in each['loc']).upper()}: {each['msg']}"
            for each in error.errors()
        )
        raise CitewellError(f"A setting cannot be used: {faults}. Correct it and start again.") from error
