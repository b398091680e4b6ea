"""From the units of a page's reference list to numbered references."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
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
#: Hosts that resolve or find what an entry names; their links say nothing but where they lead.
_FINDERS: Final = re.compile(
    r"//(?:[\w-]+\.)*(?:doi\.org|ncbi\.nlm\.nih\.gov|scholar\.google\.\w+|crossref\.org|europepmc\.org|webofknowledge\.com"
    r"|webofscience\.com|scopus\.com|semanticscholar\.org|worldcat\.org|proquest\.com|cas\.org|adsabs\.harvard\.edu)/",
    re.IGNORECASE,
)


def number_entries(
    lists: Sequence[EntryList],
    units_of: Mapping[etree._Element, Sequence[HtmlUnit]],
    *,
    entry_ids: Iterable[str],
) -> tuple[dict[etree._Element, Reference], list[str]]:
    """Return the reference of every entry that holds text, and what is odd about the printed numbers.

    In each list the numbers are those that the entries print; else their places, moved to where the page's
    own markers put them; places in a second list go on from the first.
    """
    own = frozenset(entry_ids)
    elements: list[etree._Element] = []
    labels: list[int | None] = []
    texts: dict[etree._Element, str] = {}
    for one in lists:
        present = [entry for entry in one.entries if units_of.get(entry)]
        printed = {entry: _entry_text(units_of[entry], own) for entry in present}
        present = [entry for entry in present if printed[entry]]
        found = [_LABEL.match(printed[entry]) for entry in present]
        is_labelled = sum(map(bool, found)) * 2 > len(found)
        places = _places(one, present)
        for entry, match, place in zip(present, found, places, strict=True):
            elements.append(entry)
            taken = match if is_labelled else None
            labels.append(
                int(next(filter(None, taken.groups()))) if taken else (None if is_labelled else place)
            )
            texts[entry] = printed[entry][taken.end() :] if taken else printed[entry]
    numbers, warnings = number_labels(labels)
    references = {
        entry: _reference(texts[entry] or str(number), number, units_of[entry])
        for entry, number in zip(elements, numbers, strict=True)
    }
    return references, warnings


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
        if isinstance(piece, OutLink) and _FINDERS.search(piece.href) and not re.search(r"\d", piece.text):
            continue
        kept.append(piece if isinstance(piece, str) else piece.text)
    return "".join(kept)


def _reference(text: str, number: int, units: Sequence[HtmlUnit]) -> Reference:
    parsed = parse_reference(text, number)
    hrefs = [piece.href for unit in units for piece in unit.pieces if isinstance(piece, OutLink)]
    pmids, pmcids = map(find_pmid, hrefs), map(find_pmcid, hrefs)

    return replace(
        parsed,
        doi=parsed.doi or next(filter(None, map(normalize_doi, hrefs)), None),
        pmid=parsed.pmid or next((found.value for found in pmids if found), None),
        pmcid=parsed.pmcid or next((found.value for found in pmcids if found), None),
        url=parsed.url
        or next((href for href in hrefs if href.startswith("http") and not _FINDERS.search(href)), None),
    )
