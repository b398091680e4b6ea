"""What Europe PMC, PubMed Central, Crossref and Unpaywall are asked, and what their answers mean.

Addresses to ask and answers to read, as values; nothing is fetched here. Formats are those of the services'
public documentation: Europe PMC RESTful web service 6, PMC OA web service 1, E-utilities efetch, Crossref REST
API (work type), Unpaywall API v2.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar
from urllib.parse import quote, urlencode, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ingest.abstracts import plain_markup
from ingest.errors import FetchingError, UnreadableDocumentError
from ingest.readers.xml_safety import parse_xml
from ingest.records import Reference
from ingest.reference_identity import Identity, identity_of

__all__ = [
    "OpenCopy",
    "PmcRecord",
    "Services",
    "WorkRecord",
    "jats_notices",
    "page_licence",
    "read_crossref",
    "read_europe_pmc",
    "read_pmc_record",
    "read_unpaywall",
    "title_notices",
]

#: What a service calls an update -> what a reader should know. Corrections are no reason to warn.
_NOTICES: Final = {
    "retraction": "This work has been retracted.",
    "retraction in": "This work has been retracted.",
    "retracted publication": "This work has been retracted.",
    "partial retraction": "Parts of this work have been retracted.",
    "partial retraction in": "Parts of this work have been retracted.",
    "withdrawal": "This work has been withdrawn.",
    "removal": "This work has been removed by its publisher.",
    "retracted and republished in": "This work has been retracted and published again.",
    "expression of concern": "Its editors have published an expression of concern about this work.",
    "expression of concern in": "Its editors have published an expression of concern about this work.",
    "retraction of": "This is a retraction notice, not the work itself.",
    "retraction of publication": "This is a retraction notice, not the work itself.",
}
_WITHDRAWN_TITLE: Final = re.compile(r"\s*(?:retracted|withdrawn)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Services:
    """Where the services are, without a final slash."""

    europe_pmc: str = "https://www.ebi.ac.uk/europepmc/webservices/rest"
    pmc_open_access: str = "https://www.ncbi.nlm.nih.gov/pmc/utils/oa/oa.fcgi"
    efetch: str = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils/efetch.fcgi"
    crossref: str = "https://api.crossref.org/works"
    unpaywall: str = "https://api.unpaywall.org/v2"

    def europe_pmc_search(self, asked: Identity) -> str:
        """Return the address of the record of a work with a DOI, PMCID or PMID, in this order of preference."""
        if asked.doi:
            query = f'DOI:"{asked.doi}"'
        else:
            query = f"PMCID:{asked.pmcid}" if asked.pmcid else f"EXT_ID:{asked.pmid} AND SRC:MED"
        fields = {"query": query, "format": "json", "resultType": "core", "pageSize": "5"}
        return f"{self.europe_pmc}/search?{urlencode(fields, quote_via=quote)}"

    def europe_pmc_full_text(self, pmcid: str) -> str:
        """Return the address of an article's JATS."""
        return f"{self.europe_pmc}/{pmcid}/fullTextXML"

    def pmc_record(self, pmcid: str) -> str:
        """Return the address of an article's entry in the open access subset."""
        return f"{self.pmc_open_access}?{urlencode({'id': pmcid})}"

    def pmc_full_text(self, pmcid: str) -> str:
        """Return the address of an article's JATS at PubMed Central."""
        fields = {"db": "pmc", "id": pmcid.removeprefix("PMC"), "retmode": "xml"}
        return f"{self.efetch}?{urlencode(fields)}"

    def crossref_work(self, doi: str) -> str:
        """Return the address of a DOI's registered data."""
        return f"{self.crossref}/{quote(doi, safe='')}"

    def unpaywall_work(self, doi: str, *, email: str) -> str:
        """Return the address of the list of a work's open copies."""
        return f"{self.unpaywall}/{quote(doi, safe='/')}?{urlencode({'email': email})}"


@dataclass(frozen=True, slots=True)
class WorkRecord:
    """What a service says of a work.

    Args:
        abstract: With the service's tags in it.
        notices: Retractions and the like, in words for a reader.
    """

    identity: Identity
    authors: tuple[str, ...] = ()
    abstract: str | None = None
    licence: str | None = None
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PmcRecord:
    """An article's entry in the open access subset of PubMed Central."""

    licence: str | None
    pdf_url: str | None
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenCopy:
    """A freely readable PDF of a work. `remark` says so where it is not the published version."""

    url: str
    licence: str | None
    remark: str | None


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)


AnswerT = TypeVar("AnswerT", bound=_Answer)


def _parse(model: type[AnswerT], data: bytes, service: str) -> AnswerT:
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "the whole"
        raise FetchingError(
            f"{service} sent something else than its documentation says ({place}: {first['msg']}). Try again later."
        ) from error


# --- Europe PMC --------------------------------------------------------------------------------------


class _EpmcAuthor(_Answer):
    full_name: str | None = Field(default=None, alias="fullName")
    collective_name: str | None = Field(default=None, alias="collectiveName")


class _EpmcAuthors(_Answer):
    author: tuple[_EpmcAuthor, ...] = ()


class _EpmcComment(_Answer):
    type: str | None = None
    reference: str | None = None


class _EpmcComments(_Answer):
    items: tuple[_EpmcComment, ...] = Field(default=(), alias="commentCorrection")


class _EpmcTypes(_Answer):
    items: tuple[str, ...] = Field(default=(), alias="pubType")


class _EpmcResult(_Answer):
    pmid: str | None = None
    pmcid: str | None = None
    doi: str | None = None
    title: str | None = None
    authors: _EpmcAuthors = Field(default=_EpmcAuthors(), alias="authorList")
    year: str | None = Field(default=None, alias="pubYear")
    abstract: str | None = Field(default=None, alias="abstractText")
    licence: str | None = Field(default=None, alias="license")
    types: _EpmcTypes = Field(default=_EpmcTypes(), alias="pubTypeList")
    comments: _EpmcComments = Field(default=_EpmcComments(), alias="commentCorrectionList")


class _EpmcResults(_Answer):
    result: tuple[_EpmcResult, ...] = ()


class _EpmcAnswer(_Answer):
    results: _EpmcResults = Field(alias="resultList")


def read_europe_pmc(data: bytes, asked: Identity) -> WorkRecord:
    """Return the record of the work that was asked for from the answer to a search.

    Raises:
        FetchingError: If it is not there, or the answer is not in the documented format.
    """
    answer = _parse(_EpmcAnswer, data, "Europe PMC")
    records = [_from_europe_pmc(result) for result in answer.results.result]
    for record in records:
        if record.identity.identifiers & asked.identifiers:
            return record
    others = ", ".join(filter(None, (record.identity.doi or record.identity.pmid for record in records)))
    raise FetchingError(
        f"Europe PMC does not know this work{f' (it names {others} instead)' if others else ''}."
    )


def _from_europe_pmc(result: _EpmcResult) -> WorkRecord:
    authors = tuple(
        filter(None, (author.full_name or author.collective_name for author in result.authors.author))
    )
    title = plain_markup(result.title).rstrip(".") if result.title else None
    kinds: list[tuple[str, str | None]] = [(kind, None) for kind in result.types.items]
    kinds += [(item.type, item.reference) for item in result.comments.items if item.type]
    return WorkRecord(
        identity=_identity(title, authors, result.year, doi=result.doi, pmid=result.pmid, pmcid=result.pmcid),
        authors=authors,
        abstract=result.abstract,
        licence=result.licence.upper() if result.licence else None,
        notices=_notices(kinds, title),
    )


def _identity(
    title: str | None,
    authors: Sequence[str],
    year: str | int | None,
    *,
    doi: str | None,
    pmid: str | None = None,
    pmcid: str | None = None,
) -> Identity:
    digits = re.match(r"\d{4}", str(year or ""))
    return identity_of(
        Reference(
            number=1,
            text=title or "untitled",
            title=title,
            authors=tuple(authors),
            year=int(digits[0]) if digits else None,
            doi=doi,
            pmid=pmid,
            pmcid=pmcid,
        )
    )


def _notices(kinds: Sequence[tuple[str, str | None]], title: str | None) -> tuple[str, ...]:
    """Return each notice once, with where it was published if any service says so."""
    found: dict[str, str | None] = {}
    for kind, where in kinds:
        words = _NOTICES.get(re.sub(r"[_\s]+", " ", kind).strip().lower())
        if words is not None:
            found[words] = found.get(words) or where
    if not found:
        return title_notices(title or "")
    return tuple(f"{words} Notice: {where}" if where else words for words, where in found.items())


def title_notices(title: str) -> tuple[str, ...]:
    """Return a notice where a title begins with the mark that publishers put before a withdrawn work's."""
    if not _WITHDRAWN_TITLE.match(title):
        return ()
    return ("Its title says that this work has been retracted or withdrawn.",)


# --- PubMed Central ----------------------------------------------------------------------------------


def read_pmc_record(data: bytes, pmcid: str) -> PmcRecord:
    """Return an article's entry from an answer of the OA web service.

    Raises:
        FetchingError: If it is not in the open access subset, or the answer is not in the documented format.
    """
    try:
        root = parse_xml(data)
    except UnreadableDocumentError as error:
        raise FetchingError(f"PubMed Central sent no XML: {error}") from error
    refusal = root.find("error")
    if refusal is not None:
        raise FetchingError(f"PubMed Central: {' '.join((refusal.text or 'refused').split())}.")
    record = next((one for one in root.iter("record") if one.get("id") == pmcid), None)
    if record is None:
        raise FetchingError(f"PubMed Central's answer has no record of {pmcid}.")
    links = {link.get("format"): link.get("href", "") for link in record.iter("link")}
    # The service names its files by FTP; the same paths are served over HTTPS.
    pdf = re.sub(r"^ftp://", "https://", links.get("pdf", "")) or None
    retracted = record.get("retracted", "no").lower() == "yes"
    return PmcRecord(record.get("license"), pdf, (_NOTICES["retraction"],) if retracted else ())


def jats_notices(data: bytes) -> tuple[str, ...]:
    """Return the notices that an article's own JATS points to.

    Raises:
        UnreadableDocumentError: If it is no readable XML.
    """
    root = parse_xml(data)
    kinds = {element.get("related-article-type", "") for element in root.iter("related-article")}
    found = [_NOTICES["retraction"]] if kinds & {"retraction-forward", "retracted-by"} else []
    found += [_NOTICES["expression of concern"]] if "concern-forward" in kinds else []
    article = root if root.tag == "article" else root.find(".//article")
    is_notice = article is not None and article.get("article-type") == "retraction"
    return tuple([*found, _NOTICES["retraction of"]] if is_notice else found)


# --- Crossref ----------------------------------------------------------------------------------------


class _CrossrefAuthor(_Answer):
    given: str | None = None
    family: str | None = None
    name: str | None = None


class _CrossrefDate(_Answer):
    parts: tuple[tuple[int | None, ...], ...] = Field(default=(), alias="date-parts")


class _CrossrefLicence(_Answer):
    url: str = Field(alias="URL")
    version: str | None = Field(default=None, alias="content-version")


class _CrossrefUpdate(_Answer):
    type: str | None = None
    doi: str | None = Field(default=None, alias="DOI")


class _CrossrefWork(_Answer):
    doi: str = Field(alias="DOI")
    title: tuple[str, ...] = ()
    subtitle: tuple[str, ...] = ()
    author: tuple[_CrossrefAuthor, ...] = ()
    issued: _CrossrefDate = _CrossrefDate()
    abstract: str | None = None
    licences: tuple[_CrossrefLicence, ...] = Field(default=(), alias="license")
    updated_by: tuple[_CrossrefUpdate, ...] = Field(default=(), alias="updated-by")
    update_to: tuple[_CrossrefUpdate, ...] = Field(default=(), alias="update-to")


class _CrossrefAnswer(_Answer):
    message: _CrossrefWork


def read_crossref(data: bytes, doi: str) -> WorkRecord:
    """Return the record of a DOI.

    Raises:
        FetchingError: If it is another DOI's, or the answer is not in the documented format.
    """
    work = _parse(_CrossrefAnswer, data, "Crossref").message
    if work.doi.lower() != doi:
        raise FetchingError(f"Crossref answers with the DOI {work.doi}, not {doi}.")
    titles = [plain_markup(title) for title in (*work.title[:1], *work.subtitle[:1])]
    title = ": ".join(filter(None, titles)) or None
    authors = tuple(filter(None, map(_crossref_name, work.author)))
    updates = [
        (each.type or "", f"https://doi.org/{each.doi}" if each.doi else None) for each in work.updated_by
    ]
    updates += [("retraction of", None) for each in work.update_to if each.type == "retraction"]
    year = next((part for parts in work.issued.parts for part in parts[:1]), None)
    return WorkRecord(
        identity=_identity(title, authors, year, doi=work.doi),
        authors=authors,
        abstract=work.abstract,
        licence=_crossref_licence(work.licences),
        notices=_notices(updates, title),
    )


def _crossref_name(author: _CrossrefAuthor) -> str:
    initials = "".join(word[0] for word in re.findall(r"[^\W\d_]+", author.given or ""))
    return f"{author.family} {initials}".strip() if author.family else author.name or ""


def _crossref_licence(licences: Sequence[_CrossrefLicence]) -> str | None:
    """Return the published version's licence; one that only text miners have is none for readers."""
    return next((each.url for each in licences if each.version in {"vor", "unspecified", None}), None)


# --- Unpaywall ---------------------------------------------------------------------------------------

_VERSIONS: Final = {
    "submittedVersion": "This is the manuscript as submitted, before peer review, not the published version.",
    "acceptedVersion": "This is the accepted manuscript, not the published version.",
}


class _UnpaywallLocation(_Answer):
    url_for_pdf: str | None = None
    licence: str | None = Field(default=None, alias="license")
    version: str | None = None


class _UnpaywallAnswer(_Answer):
    doi: str
    best: _UnpaywallLocation | None = Field(default=None, alias="best_oa_location")
    locations: tuple[_UnpaywallLocation, ...] = Field(default=(), alias="oa_locations")


def read_unpaywall(data: bytes, doi: str) -> tuple[OpenCopy, ...]:
    """Return a work's free PDFs: the best first, published versions before manuscripts, each address once.

    Raises:
        FetchingError: If there is none, the answer is about another DOI, or not in the documented format.
    """
    answer = _parse(_UnpaywallAnswer, data, "Unpaywall")
    if answer.doi.lower() != doi:
        raise FetchingError(f"Unpaywall answers with the DOI {answer.doi}, not {doi}.")
    copies: dict[str, OpenCopy] = {}
    for copy in _open_copies(answer):
        copies.setdefault(copy.url, copy)
    if not copies:
        raise FetchingError("Unpaywall knows no free PDF of this work.")
    return tuple(sorted(copies.values(), key=lambda copy: copy.remark is not None))


def _open_copies(answer: _UnpaywallAnswer) -> Iterator[OpenCopy]:
    for location in filter(None, (answer.best, *answer.locations)):
        if location.url_for_pdf:
            remark = _VERSIONS.get(location.version or "")
            yield OpenCopy(location.url_for_pdf, location.licence, remark)


# --- pages -------------------------------------------------------------------------------------------

_MEDLINEPLUS: Final[Sequence[tuple[str, str]]] = (
    (
        "/druginfo/meds/",
        "Copyright American Society of Health-System Pharmacists, shown by MedlinePlus under licence",
    ),
    ("/ency/", "Copyright A.D.A.M., shown by MedlinePlus under licence"),
    ("/", "MedlinePlus, US National Library of Medicine: public domain in the US where not marked otherwise"),
)


def page_licence(url: str) -> str | None:
    """Return the licence that a publisher states for all pages of a kind, None where none is known."""
    parts = urlsplit(url)
    if (parts.hostname or "").removeprefix("www.") != "medlineplus.gov":
        return None
    path = parts.path.removeprefix("/spanish")
    return next(licence for prefix, licence in _MEDLINEPLUS if path.startswith(prefix) or prefix == "/")
