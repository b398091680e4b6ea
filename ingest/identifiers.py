"""Finding DOIs, PubMed numbers and web addresses in printed text, in normal form.

What is printed is often not what was meant: line breaks fall into a DOI, full stops stick to it, its `10.` is
missing. Such things are put right where there is one way to do so, and a sentence for a reader says it.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote

import idutils

__all__ = [
    "FoundIdentifier",
    "doi_address",
    "find_doi",
    "find_dois",
    "find_pmcid",
    "find_pmid",
    "find_url",
    "find_urls",
    "normalize_doi",
]


@dataclass(frozen=True, slots=True)
class FoundIdentifier:
    """An identifier in normal form and how it is printed.

    Args:
        value: A DOI in lower case without resolver, a PMID as digits, a PMCID as `PMC` and digits, or an address
            with its scheme.
        printed: The identifier itself as it stands in the text.
        start: Where it begins in the text, with the label or resolver before it.
        end: Where it ends.
        problem: What had to be corrected, in words for a reader; None if nothing.
    """

    value: str
    printed: str
    start: int
    end: int
    problem: str | None = None


_RESOLVER = r"(?:https?://)?(?:www\.)?(?:dx\.)?doi\.org/\s?"
_REGISTRANT = r"\d{4,9}(?:\.\d{1,9}){0,4}"
_INSIDE = r"[^\s<>\"“”«»{}|\\^`]"
#: An old form of Wiley's has a span in angle brackets in it: 10.1002/(SICI)1000-1000(199601)1:1<1::AID-AB1>3.0.CO;2-4
_SUFFIX = rf"(?:<\d+::AID[^<>\s]{{1,40}}>|{_INSIDE})+"
#: Where a DOI was broken at the end of a line, and can be seen to go on: behind a slash or hyphen, or behind "/j.".
_BREAK = r"(?:(?<=[/_-])\s(?=[\w(])|(?<=/j\.)\s(?=[a-z]))"
_BROKEN_SUFFIX = rf"\s?{_SUFFIX}(?:{_BREAK}{_SUFFIX}){{0,3}}"
_DOI = re.compile(
    rf"(?:(?P<lead>{_RESOLVER}|\bdoi\s*(?:\.org)?\s*[:=]?\s*(?:{_RESOLVER})?)|(?<![\w./]))"
    rf"(?P<doi>10\.\s?{_REGISTRANT}/{_BROKEN_SUFFIX})",
    re.IGNORECASE,
)
_DOI_IN_ADDRESS = re.compile(rf"(?<=[/=:])(?P<doi>10\.{_REGISTRANT}(?:/|%2f){_SUFFIX})", re.IGNORECASE)
_DOI_WITHOUT_TEN = re.compile(
    rf"(?:{_RESOLVER}|\bdoi\s*[:=]\s*(?:{_RESOLVER})?|\bdoi\s+)(?P<doi>(?:0?\.)?{_REGISTRANT}/{_BROKEN_SUFFIX})",
    re.IGNORECASE,
)
#: What other fields glue to a DOI: the label of the next identifier, a link's text, a page's own parameters.
_GLUED = re.compile(
    r"\[?(?:pmid|pmcid|pubmed|crossref|google\s?scholar|medline|epub)\b.*|\]\(.*|\[.*|https?://.*|#.*"
    r"|[?&](?:utm_|via=|ref=|src=|type=|journalcode=|casa_token=|rfr_|url_ver=|download=).*|&(?:amp|lt|gt|quot);.*",
    re.IGNORECASE | re.DOTALL,
)
_PAGE_OF_PUBLISHER = re.compile(
    r"(?:/(?:full(?:text)?|abstract|abs|pdf|epdf|meta|summary|html?|references)|\.(?:pdf|full|abstract|x?html?))+/?$",
    re.IGNORECASE,
)
_CLOSERS = {")": "(", "]": "[", "}": "{", ">": "<"}


def find_dois(text: str) -> tuple[FoundIdentifier, ...]:
    """Return every DOI of a text in order of place, each value once.

    A DOI after `doi:` or a resolver that lacks its leading `10.` is corrected and has a problem that says so.
    """
    found = [_doi(match) for match in (*_DOI.finditer(text), *_DOI_IN_ADDRESS.finditer(text))]
    found += [_corrected_doi(match) for match in _DOI_WITHOUT_TEN.finditer(text)]
    distinct: dict[str, FoundIdentifier] = {}
    for one in sorted((one for one in found if one), key=lambda one: (one.start, -one.end)):
        if not any(one.start < other.end and other.start < one.end for other in distinct.values()):
            distinct.setdefault(one.value, one)
    return tuple(distinct.values())


def find_doi(text: str) -> FoundIdentifier | None:
    """Return the first DOI of a text, None if there is none; see `find_dois`."""
    return next(iter(find_dois(text)), None)


def normalize_doi(printed: str) -> str | None:
    """Return a DOI, given with or without resolver, in normal form; None if it is no DOI."""
    found = find_doi(printed.strip())
    return found.value if found and found.start == 0 else None


def doi_address(doi: str) -> str:
    """Return the address at which a DOI in normal form is resolved."""
    return f"https://doi.org/{doi}"


def _doi(match: re.Match[str]) -> FoundIdentifier | None:
    printed = _without_trailers(match["doi"], in_address=match.re is _DOI_IN_ADDRESS)
    value = re.sub(r"\s", "", unquote(printed)).lower()
    if not idutils.is_doi(value) or value.endswith("/"):
        return None
    return FoundIdentifier(idutils.normalize_doi(value), printed, *_span(match, printed))


def _corrected_doi(match: re.Match[str]) -> FoundIdentifier | None:
    printed = _without_trailers(match["doi"], in_address=False)
    bare = re.sub(r"\s", "", unquote(printed)).lower()
    value = "10." + re.sub(r"^0?\.", "", bare)
    if not idutils.is_doi(value) or value.endswith("/"):
        return None
    missing = "without its leading “10.”" if bare[0] not in "0." else "with an incomplete “10.”"
    problem = f"The DOI is printed as {printed}, {missing}; corrected to {value}."
    return FoundIdentifier(idutils.normalize_doi(value), printed, *_span(match, printed), problem)


def _span(match: re.Match[str], printed: str) -> tuple[int, int]:
    """From the resolver or label before a DOI to its last character."""
    return match.start(), match.start("doi") + len(printed)


def _without_trailers(printed: str, *, in_address: bool) -> str:
    """Cut off what the sentence, the page or the next field left at the end of an identifier."""
    printed = _strip_punctuation(_GLUED.sub("", printed))
    return _strip_punctuation(_PAGE_OF_PUBLISHER.sub("", printed)) if in_address else printed


def _strip_punctuation(printed: str) -> str:
    """Strip trailing punctuation, closing brackets only as far as nothing within opens them."""
    while printed:
        last = printed[-1]
        opener = _CLOSERS.get(last)
        unbalanced = opener is not None and printed.count(last) > printed.count(opener)
        if not (last in ".,;:!?'’\"”*_…。，；、" or unbalanced or last.isspace()):
            break
        printed = printed[:-1]
    return printed


_PMID = re.compile(
    r"(?:\bPMID(?![^\W\d])|\bPubMed\s+(?:ID|PMID)\b|\bPubMed\s?:)\s*[:#]?\s*(?P<id>\d{1,9})(?!\d)"
    r"|(?:https?://)?(?:www\.)?(?:pubmed\.(?:ncbi\.nlm\.nih\.)?gov|ncbi\.nlm\.nih\.gov/(?:m/)?pubmed)/"
    r"(?:\?term=)?(?P<in_address>\d{1,9})(?!\d)/?"
    r"|(?:https?://)?(?:www\.)?europepmc\.org/(?:article|abstract)/med/(?P<in_europe>\d{1,9})(?!\d)",
    re.IGNORECASE,
)
_PMCID = re.compile(
    r"(?:(?:\bPMC\s?ID\b\s*[:#]?\s*)|(?:https?://\S{1,80}/))?\b(?P<id>PMC\s?\d{3,9})(?!\w)/?"
    r"|\bPMC\s?ID\b\s*[:#]?\s*(?P<bare>\d{3,9})(?!\w)",
    re.IGNORECASE,
)


def find_pmid(text: str) -> FoundIdentifier | None:
    """Return the first PubMed number of a text that a label or address marks as one."""
    match = _PMID.search(text)
    if match is None:
        return None
    digits = (match["id"] or match["in_address"] or match["in_europe"]).lstrip("0")
    if not digits or not idutils.is_pmid(digits):
        return None
    return FoundIdentifier(idutils.normalize_pmid(digits), match[0], *match.span())


def find_pmcid(text: str) -> FoundIdentifier | None:
    """Return the first PubMed Central number of a text."""
    match = _PMCID.search(text)
    if match is None:
        return None
    digits = re.sub(r"\D", "", match["id"] or match["bare"]).lstrip("0")
    value = f"PMC{digits}"
    return FoundIdentifier(value, match[0], *match.span()) if idutils.is_pmcid(value) else None


_TOP_LEVEL = "com|org|gov|edu|net|int|info|eu|uk|us|ca|au|nz|in|de|fr|ch|nl|se|no|dk|it|es|ie|io"
_URL = re.compile(
    rf"(?:https?://\s?|(?<![\w@.])www\.)(?:(?![\])]\()[^\s<>\"“”‘’«»{{}}|\\^`])+"
    r"(?:(?<=[/_=&?-])\s(?=[\w%-]+[/_=.-][\w/])[^\s<>\"“”‘’«»{}|\\^`]+)?"
    rf"|(?<![\w@./-])(?:[a-z0-9][a-z0-9-]*\.){{1,4}}(?:{_TOP_LEVEL})/[^\s<>\"“”‘’«»{{}}|\\^`]+",
    re.IGNORECASE,
)


def find_urls(text: str) -> tuple[FoundIdentifier, ...]:
    """Return every web address of a text in order of place; `https://` is put before one without a scheme."""
    return tuple(one for one in map(_url, _URL.finditer(text)) if one)


def find_url(text: str) -> FoundIdentifier | None:
    """Return the first web address of a text, None if there is none."""
    return next(iter(find_urls(text)), None)


def _url(match: re.Match[str]) -> FoundIdentifier | None:
    printed = _strip_punctuation(match[0])
    value = re.sub(r"\s", "", printed)
    if not re.match(r"https?://", value, re.IGNORECASE):
        value = f"https://{value}"
    if not idutils.is_url(value) or value.endswith("//"):
        return None
    return FoundIdentifier(value, printed, match.start(), match.start() + len(printed))
