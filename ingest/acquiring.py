"""From a DOI, PubMed number or web address to a document that has been checked to be the right one.

Services are asked in a fixed order: the records of Europe PMC and Crossref, which say what the work is and whether
it was retracted; then for its text Europe PMC, PubMed Central and Unpaywall; where nobody has the text, the
abstract. Each step is noted with why it failed. What comes back is believed only when it agrees with what was
asked for.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TypeVar
from urllib.parse import urlsplit

from ingest.abstracts import abstract_article
from ingest.errors import FetchingError, UnreadableDocumentError
from ingest.fetching import WebResponse
from ingest.identifiers import doi_address, find_pmcid, find_pmid, normalize_doi
from ingest.open_access import (
    OpenCopy,
    PmcRecord,
    Services,
    WorkRecord,
    jats_notices,
    page_licence,
    read_crossref,
    read_europe_pmc,
    read_pmc_record,
    read_unpaywall,
    title_notices,
)
from ingest.readers.media_type import JATS, PDF, detect_media_type
from ingest.readers.reading import Reading
from ingest.readers.registry import read_document
from ingest.records import BODY_KINDS, Fidelity
from ingest.reference_identity import Identity, fold
from ingest.work_checking import Verdict, check_identity, check_reading

__all__ = ["Acquired", "Attempt", "acquire", "asked_identity"]

T = TypeVar("T")
_ABSTRACT_HEADINGS = frozenset({"abstract", "summary", "graphical abstract", "highlights", "key points"})
_MAX_COPIES = 4
_NOT_CHECKED = (
    "Whether this work has been retracted could not be checked: neither Europe PMC nor Crossref answered."
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One thing that was tried. `outcome` says in words what came of it."""

    what: str
    address: str
    succeeded: bool
    outcome: str


@dataclass(frozen=True, slots=True)
class Acquired:
    """A document from outside, as it is to be stored, with all that is known of where it comes from.

    Args:
        url: Where a reader finds it.
        retrieved_from: Where the bytes come from.
        retrieved_at: ISO 8601 date, UTC.
        problems: Retractions and whatever else an editor should know.
        attempts: Everything that was tried, in order.
    """

    data: bytes
    reading: Reading
    title: str | None
    url: str
    retrieved_from: str
    retrieved_at: str
    fidelity: Fidelity
    licence: str | None = None
    doi: str | None = None
    problems: tuple[str, ...] = ()
    attempts: tuple[Attempt, ...] = ()


def asked_identity(target: str) -> Identity | None:
    """Return the DOI, PMCID or PMID that a target names, None if it is just a web address.

    Only what is an identifier as a whole counts: an address that holds one somewhere is fetched as it is.

    Raises:
        FetchingError: If it is neither an identifier nor a web address.
    """
    text = target.strip()
    if doi := normalize_doi(text):
        return Identity(doi=doi)
    pmcid, pmid = find_pmcid(text), find_pmid(text)
    if pmcid is not None and (pmcid.start, pmcid.end) == (0, len(text)):
        return Identity(pmcid=pmcid.value)
    if pmid is not None and (pmid.start, pmid.end) == (0, len(text)):
        return Identity(pmid=pmid.value)
    if re.match(r"[a-z][a-z0-9+.-]*://", text, re.IGNORECASE):
        return None
    raise FetchingError(
        f"{target!r} is neither a DOI (10.…/…), a PubMed number (PMID:… or PMC…) nor a web address. "
        "Begin a web address with https://."
    )


def acquire(
    target: str,
    *,
    get: Callable[[str], WebResponse],
    today: str,
    expected: Identity | None = None,
    email: str | None = None,
    services: Services | None = None,
) -> Acquired:
    """Fetch a work's text, or its abstract where that is all there is.

    Args:
        target: A DOI, PMCID, PMID or web address.
        get: Fetches one address; raises FetchingError.
        today: ISO 8601 date, UTC.
        expected: What the bibliography says of the work; a text that disagrees is refused, and so is a web page
            that cannot be confirmed.
        email: Of whoever runs this; Unpaywall is asked only with it.
        services: Where to ask, if not at the services' own addresses.

    Raises:
        FetchingError: With everything that was tried, and why it failed.
    """
    asked = asked_identity(target)
    search = _Search(get, today, email, services or Services())
    found = search.page(target, expected) if asked is None else search.work(asked, expected)
    if found is None:
        tried = "; ".join(f"{each.what} ({each.address}): {each.outcome}" for each in search.attempts)
        raise FetchingError(
            f"No text of {target} could be had. Tried: {tried} Download it yourself and add the file."
        )
    return replace(found, attempts=tuple(search.attempts))


@dataclass(slots=True)
class _Search:
    """One search with its notes."""

    get: Callable[[str], WebResponse]
    today: str
    email: str | None
    services: Services
    attempts: list[Attempt] = field(default_factory=list)

    def page(self, url: str, expected: Identity | None) -> Acquired | None:
        return self._try("web page", url, lambda: self._read_page(url, expected))

    def work(self, asked: Identity, expected: Identity | None) -> Acquired | None:
        records = list(self._records(asked, expected))
        known = _merge([expected or asked, asked, *(record.identity for record in records)])
        found = next(self._texts(known, records), None)
        if found is None:
            return None
        notices = [notice for record in records for notice in record.notices]
        return replace(
            found,
            title=found.title or known.title,
            doi=known.doi,
            licence=found.licence or next(filter(None, (record.licence for record in records)), None),
            problems=_distinct(*notices, *found.problems, *(() if records else (_NOT_CHECKED,))),
        )

    def _try(self, what: str, address: str, work: Callable[[], T]) -> T | None:
        try:
            result = work()
        except (FetchingError, UnreadableDocumentError) as error:
            self._note(what, address, str(error), succeeded=False)
            return None
        self._note(what, address, "found", succeeded=True)
        return result

    def _note(self, what: str, address: str, outcome: str, *, succeeded: bool) -> None:
        self.attempts.append(Attempt(what, _without_email(address), succeeded, outcome))

    # --- records ---

    def _records(self, asked: Identity, expected: Identity | None) -> Iterator[WorkRecord]:
        """Yield the records of the work, none that disagrees with the bibliography or with one before it."""
        address = self.services.europe_pmc_search(asked)
        basis = expected
        first = self._try(
            "Europe PMC record",
            address,
            lambda: _agreeing(read_europe_pmc(self.get(address).body, asked), basis),
        )
        if first is not None:
            yield first
        doi = asked.doi or (first.identity.doi if first else None) or (expected.doi if expected else None)
        if doi is not None:
            yield from self._registered(doi, first.identity if first else expected)

    def _registered(self, doi: str, basis: Identity | None) -> Iterator[WorkRecord]:
        address = self.services.crossref_work(doi)
        record = self._try(
            "Crossref record",
            address,
            lambda: _agreeing(read_crossref(self.get(address).body, doi), basis),
        )
        if record is not None:
            yield record

    # --- texts ---

    def _texts(self, known: Identity, records: list[WorkRecord]) -> Iterator[Acquired]:
        if known.pmcid is not None:
            yield from self._from_europe_pmc(known.pmcid, known)
            yield from self._from_pmc(known.pmcid, known)
        if known.doi is not None:
            yield from self._from_unpaywall(known.doi, known)
        for record in records:
            yield from self._abstract(record, known)

    def _from_europe_pmc(self, pmcid: str, known: Identity) -> Iterator[Acquired]:
        address = self.services.europe_pmc_full_text(pmcid)
        yield from _some(
            self._try("Europe PMC full text", address, lambda: self._read_jats(address, pmcid, known))
        )

    def _from_pmc(self, pmcid: str, known: Identity) -> Iterator[Acquired]:
        address = self.services.pmc_record(pmcid)
        entry = self._try(
            "PubMed Central record", address, lambda: read_pmc_record(self.get(address).body, pmcid)
        )
        if entry is None:
            return
        text_address = self.services.pmc_full_text(pmcid)
        found = self._try(
            "PubMed Central full text", text_address, lambda: self._read_jats(text_address, pmcid, known)
        )
        if found is None and entry.pdf_url is not None:
            copy = OpenCopy(entry.pdf_url, entry.licence, None)
            found = next(self._free_pdf(copy, known), None)
        yield from (_with_entry(one, entry) for one in _some(found))

    def _from_unpaywall(self, doi: str, known: Identity) -> Iterator[Acquired]:
        if self.email is None:
            outcome = "not asked, because it wants an e-mail address. Set CITEWELL_CONTACT_EMAIL."
            self._note("Unpaywall", self.services.unpaywall, outcome, succeeded=False)
            return
        address = self.services.unpaywall_work(doi, email=self.email)
        copies = self._try("Unpaywall", address, lambda: read_unpaywall(self.get(address).body, doi))
        for copy in (copies or ())[:_MAX_COPIES]:
            yield from self._free_pdf(copy, known)

    def _free_pdf(self, copy: OpenCopy, known: Identity) -> Iterator[Acquired]:
        yield from _some(self._try("free PDF", copy.url, lambda: self._read_pdf(copy, known)))

    def _abstract(self, record: WorkRecord, known: Identity) -> Iterator[Acquired]:
        markup = record.abstract
        if not markup:
            return
        pmid = record.identity.pmid
        page = f"https://europepmc.org/article/MED/{pmid}" if pmid else doi_address(known.doi or "")
        yield from _some(self._try("abstract", page, lambda: self._read_abstract(record, markup, page)))

    # --- one candidate each ---

    def _read_page(self, url: str, expected: Identity | None) -> Acquired:
        response = self.get(url)
        reading = read_document(response.body, name=_file_name(response.url))
        if expected is not None:
            _believe(reading, expected, url=response.url)
        return Acquired(
            data=response.body,
            reading=reading,
            title=reading.title,
            url=response.url,
            retrieved_from=response.url,
            retrieved_at=self.today,
            fidelity="abstract" if _is_abstract_only(reading) else "full_text",
            licence=page_licence(response.url) or reading.metadata.get("licence"),
            doi=reading.metadata.get("doi"),
            problems=_own_notices(response.body, reading),
        )

    def _read_jats(self, address: str, pmcid: str, known: Identity) -> Acquired:
        data = self.get(address).body
        if (kind := detect_media_type(data, name="")) != JATS:
            raise FetchingError(f"What came back is {kind}, not an article in JATS.")
        reading = read_document(data, name="")
        _believe(reading, known)
        if _is_abstract_only(reading):
            raise FetchingError("It holds no more than the abstract.")
        return Acquired(
            data=data,
            reading=reading,
            title=reading.title,
            url=f"https://pmc.ncbi.nlm.nih.gov/articles/{pmcid}/",
            retrieved_from=address,
            retrieved_at=self.today,
            fidelity="full_text",
            licence=reading.metadata.get("licence"),
            problems=_own_notices(data, reading),
        )

    def _read_pdf(self, copy: OpenCopy, known: Identity) -> Acquired:
        response = self.get(copy.url)
        if (kind := detect_media_type(response.body, name="")) != PDF:
            raise FetchingError(f"What came back is {kind}, not a PDF.")
        reading = read_document(response.body, name="")
        _believe(reading, known)
        return Acquired(
            data=response.body,
            reading=reading,
            title=known.title or reading.title,
            url=response.url,
            retrieved_from=response.url,
            retrieved_at=self.today,
            fidelity="full_text",
            licence=copy.licence,
            problems=(copy.remark,) if copy.remark else (),
        )

    def _read_abstract(self, record: WorkRecord, markup: str, page: str) -> Acquired:
        data = abstract_article(record.identity, record.authors, markup)
        return Acquired(
            data=data,
            reading=read_document(data, name=""),
            title=record.identity.title,
            url=page,
            retrieved_from=page,
            retrieved_at=self.today,
            fidelity="abstract",
        )


def _some(found: T | None) -> Iterator[T]:
    if found is not None:
        yield found


def _agreeing(record: WorkRecord, basis: Identity | None) -> WorkRecord:
    """Return a record unless it is of another work than the bibliography or an earlier record says."""
    if basis is not None:
        check = check_identity(record.identity, basis)
        if check.verdict is Verdict.CONTRADICTS:
            raise FetchingError(f"It is another work: {check.reason}.")
    return record


def _believe(reading: Reading, expected: Identity, *, url: str | None = None) -> None:
    check = check_reading(reading, expected, url=url)
    if check.verdict is Verdict.CONTRADICTS:
        raise FetchingError(f"What came back is another work: {check.reason}.")
    if check.verdict is Verdict.UNCONFIRMED:
        raise FetchingError(f"What came back cannot be confirmed to be the work: {check.reason}.")


def _merge(identities: Iterable[Identity]) -> Identity:
    """Return the first value that is known for each field."""
    merged: dict[str, str | int | None] = {}
    for identity in identities:
        for name in Identity.__slots__:
            if merged.get(name) is None:
                merged[name] = getattr(identity, name)
    return Identity(**merged)  # type: ignore[arg-type]  # each value comes from the field of the same name


def _with_entry(found: Acquired, entry: PmcRecord) -> Acquired:
    return replace(
        found,
        licence=found.licence or entry.licence,
        problems=_distinct(*entry.notices, *found.problems),
    )


def _distinct(*problems: str) -> tuple[str, ...]:
    """Return each problem once; of those that begin alike, the longer one, which says where it stands."""
    once = dict.fromkeys(problems)
    return tuple(one for one in once if not any(other != one and other.startswith(one) for other in once))


def _own_notices(data: bytes, reading: Reading) -> tuple[str, ...]:
    notices = jats_notices(data) if detect_media_type(data, name="") == JATS else ()
    return notices or title_notices(reading.title or "")


def _is_abstract_only(reading: Reading) -> bool:
    body = [block for block in reading.blocks if block.kind in BODY_KINDS]
    return bool(body) and all(
        block.section and fold(block.section[0]) in _ABSTRACT_HEADINGS for block in body
    )


def _file_name(url: str) -> str:
    return urlsplit(url).path.rpartition("/")[2]


def _without_email(address: str) -> str:
    return re.sub(r"([?&]email=)[^&]*", r"\1…", address)
