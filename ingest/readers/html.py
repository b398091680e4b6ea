"""Web pages: the text without its furniture, with markers tied to the entries that they link to."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Final

from lxml import etree

from ingest.canonical import CanonicalTextBuilder, normalize_text
from ingest.errors import UnreadableDocumentError
from ingest.markers import find_citations
from ingest.readers.html_encoding import decode_html
from ingest.readers.html_entries import PageEntry, number_entries
from ingest.readers.html_furniture import find_furniture, find_main
from ingest.readers.html_metadata import read_head_title, read_html_metadata
from ingest.readers.html_references import PageReferences, find_page_references
from ingest.readers.html_units import UNREADABLE, HtmlUnit, Link, Piece, UnitWalk
from ingest.readers.pointers import Fragment, Pointer, join_pointers
from ingest.readers.reading import Reading
from ingest.readers.xml_safety import check_size
from ingest.records import Omission
from ingest.references import is_reference_list_heading

_OWN_ENTITIES: Final = re.compile(r"<!ENTITY\s", re.IGNORECASE)
_PROLOGUE_CHARS: Final = 65_536
_DEEPEST_HEADING: Final = 6
_MAX_CLIMB: Final = 40
#: Pages set the number of a table or figure as a heading; no section begins there.
_FLOAT_LABEL: Final = re.compile(
    r"(?:table|fig(?:ure)?|box|scheme|chart|plate)\.?\s*[A-Z]?\d+[.:]?", re.IGNORECASE
)
_BACK_LINK: Final = re.compile(r"[\s^↑↩⤴⇑↥]+")
_NUMBERED: Final = re.compile(r"\[?\d{1,4}\]?")


def read_html(data: bytes) -> Reading:
    """Read a web page.

    Kept: the page's text (its `main` or `article` where it has one), with headings, lists, definitions,
    table rows and captions, and its reference list, wherever on the page that stands. Left out, with the
    reason: menus, banners, forms, what is hidden, blocks of links, whatever is outside the text.

    A link to an entry of the reference list is a marker and stands for that entry; other markers are
    found in the text.

    Raises:
        UnreadableDocumentError: When it is empty, binary, too large, nested too deep, declares entities of
            its own, or has no text.
    """
    check_size(data)
    decoded = decode_html(data)
    root = _parse(decoded.text)
    body = root.find("body")
    body = root if body is None else body
    found = find_page_references(body)
    walk = _walk(body, found)
    return _reading(root, found, walk, list(decoded.warnings))


def _parse(text: str) -> etree._Element:
    if _OWN_ENTITIES.search(text[:_PROLOGUE_CHARS]):
        raise UnreadableDocumentError(
            "The page declares entities of its own, which can expand without bound. Save it as plain HTML."
        )
    # huge_tree lifts the limit on depth to 2,048 and on text nodes to what `check_size` lets in.
    parser = etree.HTMLParser(
        encoding="utf-8", huge_tree=True, no_network=True, remove_comments=True, remove_pis=True
    )
    root = etree.fromstring(text.encode("utf-8", errors="replace"), parser)
    if any("depth" in entry.message for entry in parser.error_log):
        raise UnreadableDocumentError(
            "The page nests elements more than 2,048 deep, which no browser made. Check where it comes from."
        )
    if root is None:
        raise UnreadableDocumentError("The file holds no HTML. Save the page again.")
    return root


def _walk(body: etree._Element, found: PageReferences) -> UnitWalk:
    """Walk the page's text, and after it the lists that stand elsewhere on the page."""
    protected = found.elements
    main = find_main(body)
    outside = [] if main is body else _outside(main, body, protected)
    left_out: dict[etree._Element, str] = {}
    for region in (main, *outside):
        left_out |= find_furniture(region, protected=protected)
    walk = UnitWalk(left_out, found.by_id)
    for region in (main, *outside):
        walk.walk(region)
    if main is not body:
        walk.omitted += _surroundings({main, *outside}, body)
    return walk


def _outside(
    main: etree._Element, body: etree._Element, protected: set[etree._Element]
) -> list[etree._Element]:
    """Return the outermost elements outside the text that hold nothing but parts of reference lists."""
    inside = set(main.iter(etree.Element))
    regions: list[etree._Element] = []
    walker = etree.iterwalk(body, events=("start",))
    for _, element in walker:
        if element in inside:
            walker.skip_subtree()
        elif element in protected:
            regions.append(element)
            walker.skip_subtree()
    return regions


def _surroundings(regions: set[etree._Element], body: etree._Element) -> list[Omission]:
    """Return what stands outside the text, one omission for each outermost element."""
    above = {ancestor for region in regions for ancestor in region.iterancestors()}
    omitted: list[Omission] = []
    walker = etree.iterwalk(body, events=("start",))
    for _, element in walker:
        if element in above:
            continue
        walker.skip_subtree()
        text = normalize_text(" ".join(map(str, element.itertext()))).strip()
        if text and element not in regions and element.tag not in UNREADABLE:
            omitted.append(Omission(text, "outside the page's text"))
    return omitted


# --- From units to blocks ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Page:
    """A page's units with what they say about references."""

    title: str | None
    units: Sequence[HtmlUnit]
    entries: Sequence[PageEntry]
    number_of_id: Mapping[str, int]
    known: frozenset[int]


def _reading(root: etree._Element, found: PageReferences, walk: UnitWalk, warnings: list[str]) -> Reading:
    units_of = _units_of_entries(walk.units, found)
    entries, odd = number_entries(found.lists, units_of, entry_ids=found.entry_of_id)
    references = tuple(entry.reference for entry in entries)
    known = frozenset(reference.number for reference in references)
    page = _Page(_title(root, walk.units), walk.units, entries, _numbers_of_ids(entries, found), known)
    builder = _write(page)
    if not any(block.kind != "heading" for block in builder.blocks):
        raise UnreadableDocumentError(
            "The page holds no text outside its menus and forms; perhaps a script fills it in. "
            "Open it in a browser and save the complete page, or supply the PDF."
        )
    cited = find_citations(
        builder.text,
        builder.blocks,
        numbers=known,
        marked=builder.markers,
    )
    return Reading(
        title=page.title,
        text=builder.text,
        blocks=tuple(builder.blocks),
        references=references,
        citations=cited.citations,
        metadata=read_html_metadata(root),
        omitted=tuple(walk.omitted),
        warnings=(*warnings, *odd, *_dangling(walk.units, found), *cited.warnings),
    )


def _numbers_of_ids(entries: Sequence[PageEntry], found: PageReferences) -> dict[str, int]:
    """Return the number that each id leads to; an element that holds several entries leads to none of them."""
    times = Counter(entry.element for entry in entries)
    numbers = {entry.element: entry.reference.number for entry in entries if times[entry.element] == 1}
    return {id_: numbers[element] for id_, element in found.entry_of_id.items() if element in numbers}


def _units_of_entries(
    units: Sequence[HtmlUnit], found: PageReferences
) -> dict[etree._Element, list[HtmlUnit]]:
    entries = {entry for one in found.lists for entry in one.entries}
    units_of: dict[etree._Element, list[HtmlUnit]] = {}
    for unit in units if entries else ():
        above = islice(unit.element.iterancestors(), _MAX_CLIMB)
        holder = next((one for one in chain([unit.element], above) if one in entries), None)
        if holder is not None and unit.kind != "heading":
            units_of.setdefault(holder, []).append(unit)
    return units_of


def _write(page: _Page) -> CanonicalTextBuilder:
    builder = CanonicalTextBuilder()
    if page.title:
        builder.add("heading", page.title, level=1)
    entry_of = {id(unit): entry for entry in page.entries for unit in entry.units}
    # Where h1 heads the sections too, all headings stand one level deeper below the title.
    shift = int(sum(unit.kind == "heading" and unit.level == 1 for unit in page.units) > 1)
    for unit in page.units:
        entry = entry_of.get(id(unit))
        if entry is None:
            _write_unit(builder, unit, page, shift=shift)
        elif unit is entry.units[0]:
            builder.add("reference", f"{entry.reference.number}. {entry.reference.text}")
    return builder


def _write_unit(builder: CanonicalTextBuilder, unit: HtmlUnit, page: _Page, *, shift: int) -> None:
    fragments = join_pointers(_fragments(unit.pieces, page.number_of_id), known=page.known)
    if unit.kind == "heading" and _FLOAT_LABEL.fullmatch(unit.text):
        builder.add("paragraph", fragments)
    elif unit.kind == "heading":
        if unit.level != 1 or normalize_text(unit.text).strip() != page.title:
            level = min(max(unit.level + shift, 2), _DEEPEST_HEADING)
            builder.add("heading", fragments, level=level)
    elif unit.kind == "paragraph" and len(unit.text) <= 60 and is_reference_list_heading(unit.text):
        builder.add("heading", fragments, level=2)
    else:
        builder.add(unit.kind, fragments, level=unit.level)


def _fragments(pieces: Iterable[Piece], numbers: Mapping[str, int]) -> Iterator[Fragment]:
    for piece in pieces:
        if isinstance(piece, Link) and piece.target in numbers:
            yield Pointer(piece.text, (numbers[piece.target],))
        elif isinstance(piece, Link) and _BACK_LINK.fullmatch(piece.text):
            yield " "
        else:
            yield piece if isinstance(piece, str) else piece.text


def _title(root: etree._Element, units: Sequence[HtmlUnit]) -> str | None:
    headings = [unit.text for unit in units if unit.kind == "heading" and unit.level == 1]
    title = headings[0] if headings else read_head_title(root) or ""
    return normalize_text(title).strip() or None


def _dangling(units: Sequence[HtmlUnit], found: PageReferences) -> list[str]:
    links = (piece for unit in units for piece in unit.pieces if isinstance(piece, Link))
    lost = [
        link for link in links if link.target not in found.by_id and _NUMBERED.fullmatch(link.text.strip())
    ]
    if not lost:
        return []
    shown = ", ".join(f"{link.text.strip()!r} (#{link.target})" for link in lost[:3])
    return [f"{len(lost)} numbered links lead to places that the page does not have, such as {shown}."]
