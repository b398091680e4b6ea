"""The reference list of a web page: which elements are its entries, and the number of each.

Three things show a list: the page's markers lead to its entries; a heading says so; its element is named so.
What markers lead to counts most, for a page may have several lists, and only one that they number.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final
from urllib.parse import unquote

from lxml import etree

from ingest.readers.html_units import HEADINGS, UNREADABLE
from ingest.readers.superscripts import lower_text
from ingest.references import is_reference_list_heading

_NUMERIC: Final = re.compile(r"\d{1,4}(?:\s*[,;‐‑‒–—−-]\s*\d{1,4})*")
_YEARLY: Final = re.compile(r"\b(?:1[89]|20)\d\d[a-z]?\)?$")
_NOTED: Final = re.compile(r"(?:ref(?:erence)?|cit(?:ation)?|source)\.?\s*(\d{1,4})", re.IGNORECASE)
_FOOTNOTE: Final = re.compile(
    r"[a-z]{1,2}|[ivx]{1,5}|[*†‡§¶#]{1,3}|(?:note|nb|n|lower-alpha)\s?\d{1,3}", re.IGNORECASE
)
_OTHER_NUMBERED: Final = re.compile(
    r"\b(?:fig(?:ure|s)?|tables?|tab|box|eqs?|equations?|sections?|sec|chapters?|appendix|steps?|parts?"
    r"|pages?|p)\.?\s*[([]?\s*$",
    re.IGNORECASE,
)
_LIST_NAMES: Final = frozenset(
    {
        "references", "reference-list", "references-list", "reflist", "ref-list", "reflists", "bibliography",
        "citations", "citation-list", "endnotes", "works-cited", "literature-cited", "article-references",
        "article-sources", "doc-bibliography", "doc-endnotes", "c-article-references", "footnotes-list",
    }
)  # fmt: skip
_ENTRY_TAGS: Final = ("li", "dd", "dt", "tr")
_BLOCK_ENTRY_TAGS: Final = frozenset({"p", "div", "section", "aside", "cite", "article"})
_HEADING_LIKE: Final = frozenset(
    {*HEADINGS, "summary", "button", "p", "div", "strong", "b", "span", "dt", "legend"}
)
_MAX_HEADING_CHARS: Final = 60
_MAX_ENTRY_CHARS: Final = 4_000
_MAX_MARKER_CHARS: Final = 100
_MAX_CLIMB: Final = 8
_MAX_LISTS: Final = 50


@dataclass(slots=True)
class EntryList:
    """Elements that are the entries of one list, in order, and what markers print for them."""

    entries: list[etree._Element]
    printed: dict[etree._Element, list[int]] = field(default_factory=dict)
    is_linked: bool = False


@dataclass(frozen=True, slots=True)
class PageReferences:
    """What a page's structure tells of its references.

    Args:
        lists: Linked lists first, then in reading order; no element is in two of them.
        headings: Elements that announce a list.
        by_id: From an id to the element that bears it.
        entry_of_id: From an id that links may lead to, to the entry that bears or holds it.
    """

    lists: tuple[EntryList, ...]
    headings: tuple[etree._Element, ...]
    by_id: Mapping[str, etree._Element]
    entry_of_id: Mapping[str, etree._Element]

    @property
    def elements(self) -> set[etree._Element]:
        """Everything that belongs to a list: headings, entries and what is in them."""
        found = set(self.headings)
        for one in self.lists:
            for entry in one.entries:
                found.update(entry.iter(etree.Element))
        return found


def find_page_references(body: etree._Element) -> PageReferences:
    """Find the reference lists of a page by its links, headings and names."""
    order = {element: at for at, element in enumerate(body.iter(etree.Element))}
    by_id = _ids(order)
    headings = list(islice((element for element in order if _is_list_heading(element)), _MAX_LISTS))
    named = list(islice((element for element in order if _is_named_list(element)), _MAX_LISTS))
    links = _collect_links(order, by_id)
    lists = _linked_lists(links, order, evident=_evident_elements(headings, named))
    taken = {entry for one in lists for entry in one.entries}
    announced = [_entries_after(heading) for heading in headings]
    for entries in (*announced, *map(_entries_in, named)):
        fresh = [
            entry for entry in entries if entry not in taken and entry.getparent() not in links.footnoted
        ]
        # A list that markers lead into is complete already, as far as its elements tell.
        if fresh and not any(entry in taken for entry in entries):
            lists.append(EntryList(fresh))
            taken.update(fresh)
    found = {id_: _entry_holding(element, taken) for id_, element in by_id.items()}
    entry_of_id = {id_: entry for id_, entry in found.items() if entry is not None}
    return PageReferences(tuple(lists), tuple(headings), by_id, entry_of_id)


def _ids(elements: Iterable[etree._Element]) -> dict[str, etree._Element]:
    by_id: dict[str, etree._Element] = {}
    for element in elements:
        for name in (element.get("id"), element.get("name") if element.tag == "a" else None):
            if name:
                by_id.setdefault(name, element)
    return by_id


# --- What markers lead to ----------------------------------------------------------------------------


@dataclass(slots=True)
class _Links:
    """What links lead to, by the element around it."""

    lists: dict[etree._Element, EntryList] = field(default_factory=dict)
    notes: Counter[etree._Element] = field(default_factory=Counter)  # "[a]", "*"

    @property
    def footnoted(self) -> set[etree._Element]:
        """Lists that markers with letters and signs lead into, more than numbers do: notes, not references."""
        return {one for one, count in self.notes.items() if count > self._count(one)}

    def _count(self, container: etree._Element) -> int:
        return len(self.lists[container].printed) if container in self.lists else 0


def _collect_links(order: Mapping[etree._Element, int], by_id: Mapping[str, etree._Element]) -> _Links:
    links = _Links()
    for link in (element for element in order if element.tag == "a"):
        target = by_id.get(_fragment(link))
        entry = _entry_element(target) if target is not None else None
        container = entry.getparent() if entry is not None else None
        # A marker leads onward; what leads back is the entry's own link to where it is cited.
        if entry is None or container is None or order[entry] <= order[link] or _is_inside(link, entry):
            continue
        printed = printed_numbers(link)
        if printed is not None:
            group = links.lists.setdefault(container, EntryList([], is_linked=True))
            group.printed.setdefault(entry, []).extend(printed)
        elif _FOOTNOTE.fullmatch(_bare(link)):
            links.notes[container] += 1
    return links


def _linked_lists(
    links: _Links, order: Mapping[etree._Element, int], *, evident: set[etree._Element]
) -> list[EntryList]:
    """Return the lists that two entries or more are linked from, or that are evident from what they stand in."""
    found: list[EntryList] = []
    footnoted = links.footnoted
    for container, group in links.lists.items():
        is_evident = container in evident or any(one in evident for one in group.printed)
        if container not in footnoted and (len(group.printed) >= 2 or is_evident):
            group.entries = _completed(container, list(group.printed), order)
            found.append(group)
    return found


def printed_numbers(link: etree._Element) -> list[int] | None:
    """Return the numbers that a link prints; none of them for "Smith 2004", None for what is no marker."""
    text = _bare(link)
    if len(text) > _MAX_MARKER_CHARS or _OTHER_NUMBERED.search(_text_before(link)):
        return None
    noted = _NOTED.fullmatch(text)
    if noted:
        return [int(noted[1])]
    if _NUMERIC.fullmatch(text):
        return [int(number) for number in re.findall(r"\d+", text)]
    return [] if _YEARLY.search(text) and re.search(r"[^\W\d_]", text) else None


def _fragment(link: etree._Element) -> str:
    href = link.get("href") or ""
    return unquote(href.rpartition("#")[2]) if "#" in href else ""


def _bare(link: etree._Element) -> str:
    text = _opening_text(link, max_chars=_MAX_MARKER_CHARS)
    return lower_text(text).strip("[]()（）［］【】〔〕^ ").strip()


def _text_before(link: etree._Element) -> str:
    previous = link.getprevious()
    parent = link.getparent()
    text = previous.tail if previous is not None else parent.text if parent is not None else ""
    return (text or "")[-20:]


def _entry_element(target: etree._Element) -> etree._Element | None:
    """Return the entry that bears an id: the list item around it, else the block; None for no entry."""
    if target.tag == "a" and not _opening_text(target, max_chars=1):
        target = _anchored(target)
    chain = [target, *_climb(target)]
    for element in chain:
        if element.tag in {"body", "main", "html", "table", "ul", "ol", "dl"} or element.tag in HEADINGS:
            break
        if element.tag in _ENTRY_TAGS:
            return _definition_of(element) if element.tag == "dt" else element
    block = next((element for element in chain if element.tag in _BLOCK_ENTRY_TAGS), None)
    if block is None or next(block.iter(*HEADINGS), None) is not None:
        return None
    return block if len(_opening_text(block, max_chars=_MAX_ENTRY_CHARS)) <= _MAX_ENTRY_CHARS else None


def _anchored(anchor: etree._Element) -> etree._Element:
    """Return what an empty anchor stands before: its own block, or the one that follows."""
    following = anchor.getnext()
    if not (anchor.tail or "").strip() and following is not None and following.tag in {"p", "div", "li"}:
        return following
    return anchor


def _definition_of(term: etree._Element) -> etree._Element:
    following = term.getnext()
    return following if following is not None and following.tag == "dd" else term


def _climb(element: etree._Element) -> Iterator[etree._Element]:
    for at, ancestor in enumerate(element.iterancestors()):
        if at >= _MAX_CLIMB:
            return
        yield ancestor


def _is_inside(element: etree._Element, container: etree._Element) -> bool:
    return any(ancestor is container for ancestor in _climb(element))


def _opening_text(element: etree._Element, *, max_chars: int) -> str:
    """Return an element's text, cut off soon after `max_chars`: elements can hold a whole page."""
    pieces: list[str] = []
    length = 0
    for text in element.itertext():
        pieces.append(str(text))
        length += len(text)
        if length > max_chars:
            break
    return " ".join("".join(pieces).split())


def _completed(
    container: etree._Element, cited: list[etree._Element], order: Mapping[etree._Element, int]
) -> list[etree._Element]:
    """Add the entries that no marker leads to: the other items of the list, or what lies between."""
    tags = {entry.tag for entry in cited}
    siblings = [child for child in container.iterchildren(etree.Element) if child.tag in tags]
    if container.tag not in {"ol", "ul", "dl", "tbody", "table"}:
        first, last = min(order[one] for one in cited), max(order[one] for one in cited)
        patterned = any(one.get("id") for one in cited)
        siblings = [
            one
            for one in siblings
            if first <= order[one] <= last or (patterned and _looks_alike(one, cited[0]))
        ]
    return sorted({*siblings, *cited}, key=lambda one: order[one])


def _looks_alike(element: etree._Element, entry: etree._Element) -> bool:
    """Return whether ids differ in their digits only ("ref-3", "ref-12")."""
    one, other = element.get("id"), entry.get("id")
    return bool(one and other) and re.sub(r"\d+", "", one or "") == re.sub(r"\d+", "", other or "")


def _entry_holding(element: etree._Element, entries: set[etree._Element]) -> etree._Element | None:
    holder = next((one for one in (element, *_climb(element)) if one in entries), None)
    if holder is not None:
        return holder
    target = _entry_element(element)
    return target if target in entries else None


# --- What headings and names announce ----------------------------------------------------------------


def _is_list_heading(element: etree._Element) -> bool:
    if element.tag not in _HEADING_LIKE:
        return False
    if element.tag not in HEADINGS and (len(element) > 3 or len(element.text or "") > _MAX_HEADING_CHARS):
        return False
    text = _opening_text(element, max_chars=_MAX_HEADING_CHARS)
    if not text or len(text) > _MAX_HEADING_CHARS or not is_reference_list_heading(text):
        return False
    is_in_list = any(above.tag in {"nav", "li", "a", "td", "th", "p"} for above in _climb(element))
    return not is_in_list and _has_next(element)


def _has_next(element: etree._Element) -> bool:
    return next(_after(element), None) is not None


def _after(heading: etree._Element) -> Iterator[etree._Element]:
    """Yield what stands under a heading: its following siblings, or those of what holds the heading alone."""
    at = heading
    for _ in range(4):
        following = list(at.itersiblings(etree.Element))
        if any(one.tag not in UNREADABLE and _opening_text(one, max_chars=1) for one in following):
            yield from following
            return
        parent = at.getparent()
        if parent is None or parent.tag in {"body", "main", "article"}:
            return
        at = parent


def _entries_after(heading: etree._Element) -> list[etree._Element]:
    level = HEADINGS.get(str(heading.tag), 7)
    section: list[etree._Element] = []
    for element in _after(heading):
        within = [HEADINGS[str(one.tag)] for one in element.iter(*HEADINGS)]
        if any(one <= level for one in within) or (within and element.tag not in HEADINGS and level == 7):
            break
        section.append(element)
    lists = [one for element in section for one in _outermost_lists(element)]
    if lists:
        return [item for one in lists for item in one.iterchildren("li", "dd")]
    rows = [row for element in section if element.tag == "table" for row in element.iter("tr")]
    return rows or _paragraphs(section)


def _paragraphs(section: Sequence[etree._Element]) -> list[etree._Element]:
    """Return the innermost paragraphs of a section."""
    found: list[etree._Element] = []
    for element in section:
        blocks = [
            one for one in element.iter("p", "div") if next(one.iterdescendants("p", "div"), None) is None
        ]
        found += blocks or [element]
    silent = {*HEADINGS, *UNREADABLE}
    return [one for one in found if one.tag not in silent and len(_opening_text(one, max_chars=10)) > 10]


def _outermost_lists(element: etree._Element) -> list[etree._Element]:
    found: list[etree._Element] = []
    inside: set[etree._Element] = set()
    for one in element.iter("ol", "ul", "dl"):
        if one not in inside:
            found.append(one)
            inside.update(one.iter("ol", "ul", "dl"))
    return found


def _is_named_list(element: etree._Element) -> bool:
    if element.tag not in {"ol", "ul", "dl", "div", "section", "aside"}:
        return False
    names = f"{element.get('class') or ''} {element.get('id') or ''} {element.get('role') or ''}"
    return any(name.lower().replace("_", "-") in _LIST_NAMES for name in names[:500].split())


def _entries_in(container: etree._Element) -> list[etree._Element]:
    lists = _outermost_lists(container)
    return [item for one in lists for item in one.iterchildren("li", "dd")]


def _evident_elements(
    headings: Sequence[etree._Element], named: Sequence[etree._Element]
) -> set[etree._Element]:
    """Return all elements under a heading or name that says what they are."""
    roots = [*named, *(element for heading in headings for element in _after(heading))]
    found: set[etree._Element] = set()
    for root in roots:
        if root not in found:
            found.update(root.iter(etree.Element))
    return found
