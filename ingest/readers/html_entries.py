"""From the units of a page's reference list to numbered references."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from lxml import etree

from ingest.identifiers import find_pmcid, find_pmid, normalize_doi
from ingest.readers.html_references import EntryList
from ingest.readers.html_units import HtmlUnit, Link, OutLink, Piece
from ingest.readers.jats_references import number_labels
from ingest.readers.superscripts import lower_text
from ingest.records import Reference
from ingest.references import parse_reference

_LABEL: Final = re.compile(
    r"\s*(?:\[\^?(\d{1,4})\]|\((\d{1,4})\)|(\d{1,4})(?:[.):]\s*(?=\D)|\s+(?=[^\W\d_])))\s*"
)
_BACK: Final = re.compile(r"^[\s^↑↩⤴⬆▲⇑↥*,;|]+|[\s↑↩⤴⬆▲⇑↥^|]+$")
_EMPTY_BRACKETS: Final = re.compile(r"[\[(]\s*[\])]")
_LOOSE_SIGNS: Final = re.compile(r"(?:\s*[;,|·•]){2,}")
_MAX_BACK_CHARS: Final = 40
_PARAGRAPHS: Final = frozenset({"p", "div", "section"})
#: What links to finders are called; any other text of theirs belongs to the entry.
_FINDER_LABELS: Final = re.compile(
    r"[\[(]?\s*(?:doi|pubmed|medline|pmc|(?:pmc )?free (?:pmc )?article|cross ?ref|google scholar|europe pmc"
    r"|scopus|cas|ads|web of science|isi|full text|(?:view )?(?:article|abstract)(?: in [a-z ]+)?|link"
    r"|open url)\s*[\])]?",
    re.IGNORECASE,
)
#: Hosts that resolve or find what an entry names; their links say nothing but where they lead.
_FINDERS: Final = re.compile(
    r"//(?:[\w-]+\.)*(?:doi\.org|ncbi\.nlm\.nih\.gov|scholar\.google\.\w+|crossref\.org|europepmc\.org|webofknowledge\.com"
    r"|webofscience\.com|scopus\.com|semanticscholar\.org|worldcat\.org|proquest\.com|cas\.org|adsabs\.harvard\.edu)/",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class PageEntry:
    """A numbered entry, the element that it is, and the units that it was made of."""

    element: etree._Element
    units: Sequence[HtmlUnit]
    reference: Reference


@dataclass(frozen=True, slots=True)
class _Printed:
    element: etree._Element
    units: Sequence[HtmlUnit]
    text: str  # without its label
    number: int | None
    is_place: bool = False


def number_entries(
    lists: Sequence[EntryList],
    units_of: Mapping[etree._Element, Sequence[HtmlUnit]],
    *,
    entry_ids: Iterable[str],
) -> tuple[list[PageEntry], list[str]]:
    """Return every entry that holds text with its number, and what is odd about the printed numbers.

    In each list the numbers are those that the entries print; else their places, moved to where the page's
    own markers put them; places in a second list go on from the first.
    """
    own = frozenset(entry_ids)
    printed: list[_Printed] = []
    for one in lists:
        taken = {entry.number for entry in printed}
        entries = list(_printed_entries(one, units_of, own))
        # Places are not printed; in a second list they go on where the first one ends.
        printed += [
            replace(entry, number=None) if entry.is_place and entry.number in taken else entry
            for entry in entries
        ]
    numbers, warnings = number_labels([entry.number for entry in printed])
    return [
        PageEntry(entry.element, entry.units, _reference(entry.text or str(number), number, entry.units))
        for entry, number in zip(printed, numbers, strict=True)
    ], warnings


def _printed_entries(
    one: EntryList, units_of: Mapping[etree._Element, Sequence[HtmlUnit]], own: frozenset[str]
) -> Iterator[_Printed]:
    texts = {
        entry: [_entry_text(units, own) for units in _parts(units_of.get(entry, ()))] for entry in one.entries
    }
    present = [entry for entry in one.entries if any(texts[entry])]
    labels = [_LABEL.match(text) for entry in present for text in texts[entry]]
    is_labelled = sum(map(bool, labels)) * 2 > len(labels) or (
        any(labels) and all(entry.tag in _PARAGRAPHS for entry in present)
    )
    for entry, place in zip(present, _places(one, present), strict=True):
        for units, text in zip(_parts(units_of[entry]), texts[entry], strict=True):
            label = _LABEL.match(text) if is_labelled else None
            if label:
                yield _Printed(entry, units, text[label.end() :], int(label[label.lastindex or 1]))
            elif not is_labelled or entry.tag not in _PARAGRAPHS:
                yield _Printed(entry, units, text, None if is_labelled else place, is_place=not one.is_linked)


def _parts(units: Sequence[HtmlUnit]) -> list[Sequence[HtmlUnit]]:
    """Return the units of one element as one entry, or as several when each line prints a number."""
    if len(units) > 1 and all(_LABEL.match(unit.text) for unit in units):
        return [[unit] for unit in units]
    return [units]


def _places(one: EntryList, entries: Sequence[etree._Element]) -> list[int | None]:
    """Return the place of each entry as the page counts it, None in a list that is not counted."""
    counted = list(_counted(entries))
    offsets = Counter(
        number - place
        for entry, place in zip(entries, counted, strict=True)
        for number in set(one.printed.get(entry, ()))
    )
    if not one.is_linked:
        return [*counted]
    offset, votes = offsets.most_common(1)[0] if offsets else (0, 0)
    if votes * 10 >= 8 * offsets.total():
        return [place + offset if place + offset >= 1 else None for place in counted]
    # The list is in another order than it is numbered; each entry has the number that its markers print.
    return [
        Counter(one.printed[entry]).most_common(1)[0][0] if one.printed.get(entry) else None
        for entry in entries
    ]


def _counted(entries: Sequence[etree._Element]) -> Iterable[int]:
    parent: etree._Element | None = None
    place = 0
    for entry in entries:
        above = entry.getparent()
        if above is not None and above is not parent:
            parent, start = above, (above.get("start") or "").strip()
            place = int(start) - 1 if start.isdecimal() and len(start) < 5 else place
        value = (entry.get("value") or "").strip()
        place = int(value) if entry.tag == "li" and value.isdecimal() and len(value) < 5 else place + 1
        yield place


def _entry_text(units: Sequence[HtmlUnit], own: frozenset[str]) -> str:
    text = " ".join(_piece_text(unit.pieces, own) for unit in units)
    text = _LOOSE_SIGNS.sub("", _EMPTY_BRACKETS.sub("", " ".join(text.split())))
    return lower_label(_BACK.sub("", text).strip())


def lower_label(text: str) -> str:
    """Write a superscript number before an entry on the line ("¹ Smith" -> "1. Smith")."""
    match = re.match(r"[⁰¹²³⁴-⁹]{1,4}", text)
    return f"{lower_text(match[0])}. {text[match.end() :].lstrip()}" if match else text


def _piece_text(pieces: Sequence[Piece], own: frozenset[str]) -> str:
    kept: list[str] = []
    for piece in pieces:
        if isinstance(piece, Link) and piece.target not in own and len(piece.text.strip()) <= _MAX_BACK_CHARS:
            continue  # back to where the entry is cited
        if isinstance(piece, OutLink) and _FINDER_LABELS.fullmatch(piece.text.strip()):
            continue
        kept.append(piece if isinstance(piece, str) else piece.text)
    return "".join(kept)


def _reference(text: str, number: int, units: Sequence[HtmlUnit]) -> Reference:
    parsed = parse_reference(text, number)
    hrefs = [piece.href for unit in units for piece in unit.pieces if isinstance(piece, OutLink)]
    pmids, pmcids = map(find_pmid, hrefs), map(find_pmcid, hrefs)

    addresses = (href for href in hrefs if href.startswith("http") and not _FINDERS.search(href))
    return replace(
        parsed,
        doi=parsed.doi or next(filter(None, map(normalize_doi, hrefs)), None),
        pmid=parsed.pmid or next((found.value for found in pmids if found), None),
        pmcid=parsed.pmcid or next((found.value for found in pmcids if found), None),
        url=parsed.url or next(addresses, None),
    )
