"""One printed entry of a reference list: who wrote what, when, and where it appeared.

An entry is read from both ends. Identifiers and notes on access are taken out first; authors and a date that
follows them are read from the front; volume, issue and pages are found behind; what lies between is title and
container. Nothing is made up: a field that cannot be told apart stays empty, and a problem says so.
"""

import re
from dataclasses import dataclass

from ingest.author_names import read_authors
from ingest.identifiers import doi_address, find_dois, find_pmcid, find_pmid, find_urls
from ingest.publication_place import MONTH, YEAR, read_place
from ingest.records import Reference

__all__ = ["MISSING_PROBLEMS", "parse_reference"]

#: What is said of an entry from which a field could not be read.
MISSING_PROBLEMS = {
    "authors": "No author could be read from the printed entry.",
    "year": "No year could be read from the printed entry.",
    "title": "No title could be read from the printed entry.",
}
INCOMPLETE_PROBLEM = "Not all authors could be told apart in the printed entry."
#: More is no entry but a text that was taken for one; its fields would be guesses.
LONGEST_ENTRY_CHARS = 2_500
UNDATED_PROBLEM = "The entry is printed without a date (“n.d.”)."


def parse_reference(text: str, number: int) -> Reference:
    """Return what one entry, printed without its number label, says of the work it stands for.

    APA, Vancouver, AMA, Harvard, Chicago, IEEE and the styles of PLOS and BMC are understood, for articles,
    books, chapters and web pages, by persons and by organisations.
    """
    printed = " ".join(text.split())
    identifiers = _read_identifiers(printed)
    if len(printed) > LONGEST_ENTRY_CHARS:
        return _unread(printed, number, identifiers)
    body = _without_identifiers(printed)
    authors = read_authors(body)
    front = _read_date(body[authors.end :] if authors else body, leading=authors is not None)
    place = read_place(front.rest)
    year = front.year or place.year
    url = identifiers.url or (doi_address(identifiers.doi) if identifiers.doi else None)
    names = authors.names if authors else ()
    found = {"authors": names, "year": year or front.undated, "title": place.title}
    missing = [sentence for name, sentence in MISSING_PROBLEMS.items() if not found[name]]
    if authors and not authors.complete:
        missing.append(INCOMPLETE_PROBLEM)
    undated = [UNDATED_PROBLEM] if front.undated and not year else []
    return Reference(
        number=number,
        text=printed,
        title=place.title,
        authors=names,
        year=year,
        container=place.container,
        volume=place.volume,
        issue=place.issue,
        pages=place.pages,
        doi=identifiers.doi,
        pmid=identifiers.pmid,
        pmcid=identifiers.pmcid,
        url=url,
        problems=(*identifiers.problems, *undated, *missing),
    )


def _unread(printed: str, number: int, identifiers: "_Identifiers") -> Reference:
    problem = f"The entry has {len(printed)} characters; in so long a text only identifiers were looked for."
    return Reference(
        number,
        printed,
        doi=identifiers.doi,
        pmid=identifiers.pmid,
        pmcid=identifiers.pmcid,
        url=identifiers.url,
        problems=(*identifiers.problems, problem, *MISSING_PROBLEMS.values()),
    )


@dataclass(frozen=True, slots=True)
class _Identifiers:
    doi: str | None
    pmid: str | None
    pmcid: str | None
    url: str | None
    problems: tuple[str, ...]


_IDENTIFIER_HOST = re.compile(
    r"https?://(?:www\.)?(?:(?:dx\.)?doi\.org/(?:0?\.|10\.)?\d{4}|pubmed\.|(?:www\.)?ncbi\.nlm\.nih\.gov/(?:m/)?pubmed)",
    re.IGNORECASE,
)


def _read_identifiers(printed: str) -> _Identifiers:
    dois = find_dois(printed)
    pmid, pmcid = find_pmid(printed), find_pmcid(printed)
    urls = [one.value for one in find_urls(printed) if not _IDENTIFIER_HOST.match(one.value)]
    problems = [one.problem for one in dois[:1] if one.problem]
    if len(dois) > 1:
        others = ", ".join(one.value for one in dois[1:])
        problems.append(f"More than one DOI is printed; the first is taken, not {others}.")
    return _Identifiers(
        doi=dois[0].value if dois else None,
        pmid=pmid.value if pmid else None,
        pmcid=pmcid.value if pmcid else None,
        url=urls[0] if urls else None,
        problems=tuple(problems),
    )


_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
_FULL_DATE = (
    rf"(?:{MONTH}\s+{_DAY},?\s+{YEAR}|{_DAY}\s+{MONTH},?\s+{YEAR}|{YEAR}[\s-]+(?:{MONTH}|\d\d)(?:[\s-]+{_DAY})?"
    rf"|{MONTH},?\s+{YEAR}|\d\d?[./]\d\d?[./]\d{{2,4}}|{YEAR})"
)
#: Notes on where and when a page was read; their dates are not the work's.
_ACCESS = re.compile(
    r"\[[^\[\]]*\b(?:cited|updated|accessed|retrieved|reviewed)\b[^\[\]]*\]"
    rf"|[\[(]?\b(?:last\s+)?(?:date\s+)?(?:accessed|retrieved|viewed|cited|visited|consulted|checked|abgerufen|zuletzt)"
    rf"(?:\s+(?:on|at|in|am))?:?\s*(?:{_FULL_DATE})?,?(?:\s*(?:from|at|via)\b:?)?[\])]?[.;,]?"
    r"|\b(?:available|accessible)\s*(?:online)?\s*(?:from|at|via)?\s*:?(?=\s*(?:\x00|$|[.;,]))"
    r"|\[(?:internet|online|electronic|serial online|web\s?page|website|homepage[^\]]*|epub[^\]]*)\]"
    r"|(?<!\()\bin\s+press\b\.?|\((?:online|internet)\)|\bepub\s+ahead\s+of\s+print\b[.;]?"
    rf"|\bepub:?\s+{_FULL_DATE}[.;]?|\bpublished\s+online(?:\s+first)?:?\s+{_FULL_DATE}[.;]?"
    rf"|\b(?:last\s+)?(?:updated|reviewed|modified):?\s+{_FULL_DATE}[.;]?",
    re.IGNORECASE,
)
_LINK_WORDS = re.compile(
    r"\[?\b(?:google\s?scholar|crossref|cross\s?ref|pubmed\s?central|pubmed|medline|view\s?article"
    r"|pmc\s?free\s?article|free\s?(?:pmc|full)\s?(?:article|text)|full\s?text|doi|web\s?of\s?science|scopus|isi)"
    r"\]?(?=\s*(?:\[|\(|$|[.,;|]|\x00|google|cross|pubmed|pmc|free|full|view|doi))",
    re.IGNORECASE,
)


def _without_identifiers(printed: str) -> str:
    """Take out identifiers, addresses, notes on access, labels of links and marks of emphasis."""
    found = [
        *find_dois(printed),
        *find_urls(printed),
        *filter(None, (find_pmid(printed), find_pmcid(printed))),
    ]
    body = printed
    for one in sorted(found, key=lambda one: one.start, reverse=True):
        body = body[: one.start] + "\x00" + body[max(one.end, one.start) :]
    body = re.sub(r"[\[(<{]\s*(?:\x00[\s,;]*)+[\])>}]", "\x00", body)
    body = re.sub(
        r"\b(?:doi|pmid|pmcid|url|website|https?)\b\s*:?\s*(?=\x00|$)", "", body, flags=re.IGNORECASE
    )
    body = _LINK_WORDS.sub("", _ACCESS.sub(" ", body))
    body = re.sub(r"(?<!\w)[*_]{1,3}(?=\S)|(?<=\S)[*_]{1,3}(?!\w)", "", body)
    body = re.sub(r"\(\s*\)|\[\s*\]", "", body.replace("\x00", " "))
    body = re.sub(r"[\s^↑↩︎]*$|^[\s^↑]+", "", " ".join(body.split()))
    return re.sub(r"(?:\s*[;,]\s*)+([.;,]|$)", r"\1", re.sub(r"([.;,])(?:\s+[.;,])+", r"\1", body)).strip()


@dataclass(frozen=True, slots=True)
class _Front:
    """The date that follows the authors, and what follows it."""

    rest: str
    year: int | None = None
    undated: bool = False


_LEADING_DATE = re.compile(
    rf"[\s,.:]*(?:\((?:(?P<in>[^()]{{0,30}}?)\b(?P<a>{YEAR})[a-z]?\b[^()]{{0,40}}|(?P<none>n\.\s?d\.?|no date|in press"
    rf"|forthcoming|submitted)[^()]{{0,20}})\)[.,:;]?|(?P<b>{YEAR})[a-z]?(?:[.:;,]|(?=\s+[\"“‘«'])|\s*$)(?![\d(])"
    r"|(?P<undated>n\.\s?d\.)[,;:]?)\s*",
    re.IGNORECASE,
)


def _read_date(text: str, *, leading: bool) -> _Front:
    match = _LEADING_DATE.match(text) if leading else None
    if match is None or (match["b"] and re.match(r"\s*\d{1,4}\s*[(:]", text[match.end() :])):
        return _Front(text.lstrip(" .,:;"))
    year = match["a"] or match["b"]
    rest = text[match.end() :].lstrip(" .,:;")
    return _Front(rest, int(year), undated=False) if year else _Front(rest, undated=True)
