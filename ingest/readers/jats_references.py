"""The reference list of a JATS article: every `ref` as a `Reference`, and the ids that lead to it.

One `ref` is one number. Where it holds several works ("1a, 1b"), all of them stay in its text, the fields
describe the first, and a problem says so.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from lxml import etree

from ingest.identifiers import find_doi
from ingest.readers.superscripts import is_raisable, raise_text
from ingest.records import Reference
from ingest.references import parse_reference

_CITATIONS: Final = ("element-citation", "mixed-citation", "nlm-citation", "citation")
_STRUCTURED: Final = (*_CITATIONS, "person-group", "name", "string-name", "ref", "citation-alternatives")
_READ_FROM_TEXT: Final = ("year", "doi", "pmid", "pmcid", "url")
_IDENTIFIER_LABELS: Final = {"doi": "doi:", "pmid": "PMID: ", "pmcid": "PMCID: "}
#: What `_assembled` puts in its place; anything else follows as it stands.
_WRITTEN_OUT: Final = frozenset(
    {
        "string-name",
        "name",
        "collab",
        "etal",
        "article-title",
        "chapter-title",
        "data-title",
        "source",
        "year",
        "volume",
        "issue",
        "fpage",
        "lpage",
        "page-range",
        "elocation-id",
        "publisher-loc",
        "publisher-name",
        "pub-id",
        "object-id",
        "label",
    }
)
_YEAR: Final = re.compile(r"\b(1[5-9]|20)\d\d")
_LABEL: Final = re.compile(r"[\[(]?\s*(\d{1,5})\s*[\])]?\s*[.:)]?")
_DOI_HREF: Final = re.compile(r"(?:doi\.org/|^doi:\s*)(10\.\S+)", re.IGNORECASE)
_PUBMED_HREF: Final = re.compile(r"(?:pubmed\.ncbi\.nlm\.nih\.gov|ncbi\.nlm\.nih\.gov/pubmed)/(\d+)")
_PMC_HREF: Final = re.compile(r"PMC(\d+)")


@dataclass(frozen=True, slots=True)
class JatsReferences:
    """A reference list in order of print.

    Args:
        references: One for each `ref` that holds any text.
        number_of: From the id of a `ref`, or of anything in it, to its number.
        warnings: What an editor should look at.
        by_element: From a `ref` element to its reference.
    """

    references: tuple[Reference, ...]
    number_of: dict[str, int]
    warnings: tuple[str, ...]
    by_element: Mapping[etree._Element, Reference] = field(default_factory=dict)


def read_references(refs: Sequence[etree._Element]) -> JatsReferences:
    """Return the references of these `ref` elements.

    Numbers are those of the labels; where none is printed, the place in the list.
    """
    numbers, warnings = number_labels([_label_of(ref) for ref in refs])
    references: dict[etree._Element, Reference] = {}
    number_of: dict[str, int] = {}
    for ref, number in zip(refs, numbers, strict=True):
        for element in ref.iter(etree.Element):
            if element.get("id"):
                number_of.setdefault(element.get("id", ""), number)
        reference = _read_reference(ref, number)
        if reference is not None:
            references[ref] = reference
    return JatsReferences(tuple(references.values()), number_of, tuple(warnings), references)


def number_labels(labels: Sequence[int | None]) -> tuple[list[int], list[str]]:
    """Return one number for each entry of a list, all different, and what is odd about the printed ones.

    A printed number is kept when it is the first of its kind; all other entries get the next free one,
    which in a list without numbers is the place in it.
    """
    kept: dict[int, int] = {}  # number -> index of the entry
    warnings: list[str] = []
    for index, label in enumerate(labels):
        if label is not None and label >= 1 and kept.setdefault(label, index) != index:
            warnings.append(
                f"Two entries of the reference list are numbered {label}; the second is renumbered."
            )
    numbers = {index: number for number, index in kept.items()}
    following = max(kept, default=0)
    for index in range(len(labels)):
        if index not in numbers:
            following += 1
            numbers[index] = following
    return [numbers[index] for index in range(len(labels))], warnings


def _label_of(ref: etree._Element) -> int | None:
    label = ref.find("label")
    if label is None:
        label = next((found for found in ref.iterfind("*/label")), None)
    match = _LABEL.fullmatch(_text(label).strip()) if label is not None else None
    return int(match[1]) if match else None


def _read_reference(ref: etree._Element, number: int) -> Reference | None:
    works = _works(ref)
    texts = [text for text in (_work_text(work) for work in works) if text]
    notes = [" ".join(_text(note).split()) for note in ref.iterfind("note")]
    text = " ".join([*texts, *filter(None, notes)])
    if not text:
        return None
    structured = _fields(works[0], text=text, number=number) if works else None
    reference = _complete(structured, parse_reference(text, number=number))
    if len(works) > 1:
        problem = f"The entry holds {len(works)} works; the fields describe the first."
        reference = replace(reference, problems=(*reference.problems, problem))
    return reference


def _works(ref: etree._Element) -> list[etree._Element]:
    works: list[etree._Element] = []
    for child in ref:
        if child.tag == "citation-alternatives":
            # Alternatives are one work told twice; the structured form says most.
            told = [one for name in _CITATIONS for one in child.iterchildren(name)]
            works += told[:1]
        elif child.tag in _CITATIONS:
            works.append(child)
    return works


# --- Fields ------------------------------------------------------------------------------------------


def _fields(work: etree._Element, *, text: str, number: int) -> Reference:
    title, container = _titles(work)
    doi, problems = _doi(work)
    return Reference(
        number=number,
        text=text,
        title=title,
        authors=tuple(_authors(work)),
        year=_year(work),
        container=container,
        volume=_first(work, "volume"),
        issue=_first(work, "issue"),
        pages=_pages(work),
        doi=doi,
        pmid=_pmid(work),
        pmcid=_pmcid(work),
        url=_url(work),
        problems=problems,
    )


def _complete(structured: Reference | None, parsed: Reference) -> Reference:
    """Add to the marked-up fields what only the text tells; without any, the text tells all."""
    if structured is None or not (structured.title or structured.authors or structured.container):
        return parsed
    added = {name: getattr(parsed, name) for name in _READ_FROM_TEXT if getattr(structured, name) is None}
    problems = [*structured.problems]
    if added.get("doi"):
        problems += [problem for problem in parsed.problems if "DOI" in problem]
    completed = replace(structured, **added)
    for name in ("authors", "title", "year"):
        if not getattr(completed, name):
            problems.append(f"No {name.removesuffix('s')} is given for this entry.")
    return replace(completed, problems=tuple(problems))


def _titles(work: etree._Element) -> tuple[str | None, str | None]:
    title = _first(work, "article-title") or _first(work, "chapter-title") or _first(work, "data-title")
    if title and title.endswith(".") and not title.endswith(".."):
        title = title[:-1]
    source = _first(work, "source")
    return (title, source) if title else (source, None)


def _authors(work: etree._Element) -> Iterator[str]:
    for holder in _author_groups(work) or [work]:
        for element in holder.iter("name", "string-name", "collab"):
            parent = element.getparent()
            is_variant = (
                parent is not None and parent.tag.endswith("-alternatives") and parent[0] is not element
            )
            name = person_name(element)
            if name and not is_variant:
                yield name


def _author_groups(work: etree._Element) -> list[etree._Element]:
    groups = list(work.iter("person-group"))
    return [group for group in groups if group.get("person-group-type", "author") == "author"] or groups[:1]


def person_name(element: etree._Element) -> str:
    """Return a `name`, `string-name` or `collab` as "Surname Given-names", as reference lists print it."""
    surname, given = _first(element, "surname"), _first(element, "given-names")
    if surname is None:
        return " ".join(_text(element).split()).strip(" ,;.")
    return " ".join(filter(None, (_first(element, "prefix"), surname, given, _first(element, "suffix"))))


def _year(work: etree._Element) -> int | None:
    for element in work.iter("year"):
        match = _YEAR.search(_text(element)) or _YEAR.search(element.get("iso-8601-date", ""))
        if match:
            return int(match[0])
    return None


def _pages(work: etree._Element) -> str | None:
    first, last = _first(work, "fpage"), _first(work, "lpage")
    if first and last and last != first:
        return f"{first}–{last}"
    return first or _first(work, "page-range") or _first(work, "elocation-id")


def _first(element: etree._Element, name: str) -> str | None:
    for found in element.iter(name):
        text = " ".join(_text(found).split()).strip().rstrip(",;")
        if text:
            return text
    return None


# --- Identifiers -------------------------------------------------------------------------------------


def _identifiers(work: etree._Element, kind: str) -> Iterator[str]:
    for element in work.iter("pub-id", "object-id", "article-id", "elocation-id", "ext-link"):
        named = element.get("pub-id-type") or element.get("ext-link-type") or ""
        if named.lower() == kind:
            yield "".join(_text(element).split())


def _links(work: etree._Element) -> Iterator[str]:
    for element in work.iter("ext-link", "uri", "self-uri"):
        yield element.get("href") or _text(element).strip()


def _doi(work: etree._Element) -> tuple[str | None, tuple[str, ...]]:
    printed = [*_identifiers(work, "doi"), *_matches(_DOI_HREF, _links(work))]
    found = [find_doi(f"doi:{candidate}") for candidate in printed]
    best = min((one for one in found if one), key=lambda one: one.problem is not None, default=None)
    if best:
        return best.value, (best.problem,) if best.problem else ()
    return None, tuple(f"{candidate!r} is marked up as a DOI but is none." for candidate in printed[:1])


def _pmid(work: etree._Element) -> str | None:
    found = [*_identifiers(work, "pmid"), *_matches(_PUBMED_HREF, _links(work))]
    return next((one for one in found if one.isascii() and one.isdigit()), None)


def _pmcid(work: etree._Element) -> str | None:
    found = [*_identifiers(work, "pmcid"), *_identifiers(work, "pmc"), *_links(work)]
    match = next(filter(None, (_PMC_HREF.search(one) for one in found)), None)
    return f"PMC{match[1]}" if match else None


def _url(work: etree._Element) -> str | None:
    for link in _links(work):
        known = _DOI_HREF.search(link) or _PUBMED_HREF.search(link) or _PMC_HREF.search(link)
        if link.startswith(("http://", "https://")) and not known:
            return link
    return None


def _matches(pattern: re.Pattern[str], texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        match = pattern.search(text)
        if match:
            yield match[1]


# --- Text --------------------------------------------------------------------------------------------


def _work_text(work: etree._Element) -> str:
    """Return a work as printed; one that is marked up without its punctuation is written out."""
    return " ".join((_text(work) if _is_punctuated(work) else _assembled(work)).split())


def _is_punctuated(work: etree._Element) -> bool:
    holders = (holder for holder in work.iter(*_STRUCTURED))
    return any(
        (holder.text or "").strip() or any((child.tail or "").strip() for child in holder)
        for holder in holders
    )


def _assembled(work: etree._Element) -> str:
    title, container = _titles(work)
    year, pages = _year(work), _pages(work)
    authors = ", ".join(_authors(work)) + (", et al" if work.find(".//etal") is not None else "")
    volume = (_first(work, "volume") or "") + (f"({_first(work, 'issue')})" if _first(work, "issue") else "")
    place = ";".join(filter(None, (str(year) if year else "", volume)))
    place = ":".join(filter(None, (place, pages)))
    publisher = ": ".join(filter(None, (_first(work, "publisher-loc"), _first(work, "publisher-name"))))
    placed = _author_groups(work)
    rest = [_text(child) for child in work if child.tag not in _WRITTEN_OUT and child not in placed]
    identifiers = [_text_of_identifier(child) for child in work.iter("pub-id", "object-id")]
    parts = [authors, title, container, publisher, place, *rest, *identifiers]
    return " ".join(_ended(part) for part in parts if part and part.strip())


def _ended(part: str) -> str:
    part = part.strip()
    return part if part.endswith((".", "?", "!")) else f"{part}."


def _text_of_identifier(element: etree._Element) -> str:
    label = _IDENTIFIER_LABELS.get((element.get("pub-id-type") or "").lower(), "")
    return label + "".join((element.text or "").split())


def _text(element: etree._Element) -> str:
    """Return an element's text without its number label; a space parts what only markup separates."""
    pieces: list[str] = [element.text or ""]
    for child in element:
        if child.tag != "label" or not _LABEL.fullmatch((child.text or "").strip()):
            if element.tag in _STRUCTURED and len(pieces) > 1 and not pieces[-1]:
                pieces.append(" ")
            pieces.append(_child_text(child))
        pieces.append(child.tail or "")
    return "".join(pieces)


def _child_text(child: etree._Element) -> str:
    text = _text_of_identifier(child) if child.tag in {"pub-id", "object-id"} else _text(child)
    return raise_text(text) if child.tag == "sup" and is_raisable(text) else text
