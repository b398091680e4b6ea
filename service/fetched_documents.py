"""A document from outside, ready to be added to the corpus."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from service.settings import Settings

if TYPE_CHECKING:
    from ingest.acquiring import Acquired, Attempt
    from ingest.corpus_editing import NewDocument
    from ingest.fetching import WebClient
    from ingest.open_access import Services
    from ingest.reference_identity import Identity

__all__ = ["acquire_text", "fetch_document", "services", "web_client"]


def web_client(settings: Settings) -> "WebClient":
    """Return what fetches; it says whom to ask about it where a contact is set."""
    from ingest.fetching import WebClient  # noqa: PLC0415  # only what fetches loads what opens sockets

    contact = f" (mailto:{settings.contact_email})" if settings.contact_email else ""
    return WebClient(user_agent=f"citewell{contact}")


def services() -> "Services":
    """Return where the literature services are."""
    from ingest.open_access import Services  # noqa: PLC0415

    return Services()


def acquire_text(settings: Settings, target: str, expected: "Identity | None" = None) -> "Acquired":
    """Fetch the text of what a DOI, PubMed number or web address names.

    Raises:
        FetchingError: With everything that was tried.
    """
    from ingest.acquiring import acquire  # noqa: PLC0415

    return acquire(
        target,
        get=web_client(settings).get,
        today=datetime.now(UTC).strftime("%Y-%m-%d"),
        expected=expected,
        email=settings.contact_email,
        services=services(),
    )


def fetch_document(
    settings: Settings, target: str, *, number: int | None
) -> tuple["NewDocument", tuple["Attempt", ...]]:
    """Fetch a document, and return it with everything that was tried.

    Args:
        settings: Where the corpus is, and whom to ask about what is fetched.
        target: A DOI, PubMed number or web address.
        number: Of the reference whose text it should be; None takes whatever comes.

    Raises:
        CorpusError: If there is no such reference.
        FetchingError: With everything that was tried.
    """
    from ingest.corpus_editing import NewDocument, find_reference  # noqa: PLC0415
    from ingest.reference_identity import identity_of  # noqa: PLC0415

    expected = identity_of(find_reference(settings.corpus_dir, number)) if number is not None else None
    found = acquire_text(settings, target, expected)
    document = NewDocument(
        found.data,
        name=urlsplit(found.url).path.rpartition("/")[2],
        fidelity=found.fidelity,
        title=found.title,
        url=found.url,
        doi=found.doi,
        licence=found.licence,
        retrieved_at=found.retrieved_at,
        retrieved_from=found.retrieved_from,
        problems=found.problems,
    )
    return document, found.attempts
