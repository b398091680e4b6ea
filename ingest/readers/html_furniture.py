"""What of a web page is not its text: menus, banners, share bars, forms, hidden parts.

Told by what elements are (their tags and roles), by what their authors call them (their classes and ids), and
by how much of them is links. What holds the page's heading, a large part of its text, or what its markers
lead to, is never furniture, whatever it is called.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Final, NamedTuple

from lxml import etree

from ingest.readers.html_units import HEADINGS, UNREADABLE

_FURNITURE_TAGS: Final[Mapping[str, str]] = {
    "nav": "navigation",
    "form": "form",
    "button": "control",
    "select": "control",
    "input": "control",
    "textarea": "control",
    "dialog": "dialogue",
    "search": "search",
    "menu": "navigation",
}
_FURNITURE_ROLES: Final[Mapping[str, str]] = {
    "navigation": "navigation",
    "banner": "page header",
    "contentinfo": "page footer",
    "search": "search",
    "complementary": "beside the text",
    "dialog": "dialogue",
    "alertdialog": "dialogue",
    "alert": "notice of the site",
    "menu": "navigation",
    "menubar": "navigation",
    "toolbar": "control",
    "tablist": "control",
    "button": "control",
    "tooltip": "control",
    "doc-toc": "table of contents",
}
#: Words in classes and ids that name furniture; a name is split at hyphens, underscores and capitals.
_FURNITURE_WORDS: Final = frozenset(
    {
        "ad", "ads", "advert", "adverts", "advertisement", "advertising", "banner", "breadcrumb",
        "breadcrumbs", "byline", "carousel", "comment", "comments", "consent", "cookie", "cookies",
        "copyright", "cta", "disqus", "download", "editsection", "feedback", "follow", "footer",
        "gdpr", "hatnote", "jumbotron", "login", "masthead", "megamenu", "menu", "metabox", "modal",
        "nav", "navbar", "navbox", "navigation", "navigator", "newsletter", "noprint", "offcanvas",
        "overlay", "pager", "pagination", "partners", "payment", "popup", "print", "promo",
        "promotion", "rating", "recommendation", "recommendations", "recommended", "related",
        "share", "sharing", "sidebar", "sidenav", "signup", "skip", "social", "sponsor",
        "sponsored", "sticky", "subscribe", "subscription", "tags", "toc", "toolbar", "tooltip",
        "topbar", "trending", "widget",
    }
)  # fmt: skip
_FURNITURE_PHRASES: Final = re.compile(
    r"(?:about|bio|box|card|info|meta)[-_]?(?:the[-_]?)?author|author[-_]?(?:s[-_]?)?(?:bio|box|card|info|meta)"
    r"|(?:see|read|you)[-_]?(?:also|more|may)|more[-_]?(?:from|stories|articles)|back[-_]?to[-_]?top|screen[-_]?reader"
    r"|sr[-_]?only|visually[-_]?hidden|reading[-_]?time|last[-_]?reviewed|post[-_]?meta|entry[-_]?meta|site[-_]?header",
    re.IGNORECASE,
)
#: Whole class names; as words they would also mean an author's summary.
_AUTHOR_LINES: Final = frozenset(
    {
        "author",
        "authors",
        "author-list",
        "author-names",
        "contributors",
        "contrib-group",
        "affiliations",
        "affiliation",
    }
)
_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_HIDDEN_STYLE: Final = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
#: An element with this share of the page's text is not furniture, whatever its class.
_TOO_LARGE: Final = 0.35
_MIN_LINKS: Final = 3
_LINK_SHARE: Final = 0.75
_LINKED_BLOCKS: Final = frozenset({"ul", "ol", "div", "section", "table", "p", "aside", "header", "footer"})


class _Size(NamedTuple):
    chars: int  # letters and digits of all text
    linked_chars: int  # of these, in links to elsewhere
    links: int
    titles: int  # h1 elements
    headings: int


def find_main(body: etree._Element) -> etree._Element:
    """Return the element that holds the page's text: `main`, the one `article`, or the whole body."""
    everything = list(body.iter(etree.Element))
    for elements in (
        [one for one in everything if one.tag == "main" or one.get("role") == "main"],
        [one for one in everything if one.get("itemprop") == "articleBody" or one.get("role") == "article"],
        [one for one in everything if one.tag == "article"],
    ):
        sizes = {element: _letters(element) for element in _outermost(elements)}
        best = max(sizes, key=lambda one: sizes[one], default=None)
        # Teasers are articles too; the text is the one that outweighs all others together.
        if best is not None and sizes[best] * 2 > sum(sizes.values()):
            return best
    return body


def _outermost(elements: list[etree._Element]) -> Iterator[etree._Element]:
    every = set(elements)
    return (one for one in elements if not any(above in every for above in one.iterancestors()))


def find_furniture(
    root: etree._Element, *, protected: Collection[etree._Element]
) -> dict[etree._Element, str]:
    """Return the elements to leave out, outermost first, with the reason.

    Args:
        root: The element that holds the page's text.
        protected: Elements that must stay, such as entries of the reference list; so does all around them.
    """
    sizes = _sizes(root)
    kept = _with_ancestors(protected)
    found: dict[etree._Element, str] = {}
    walker = etree.iterwalk(root, events=("start",))
    for _, element in walker:
        reason = _reason(element, sizes, kept, root)
        if reason:
            found[element] = reason
        if reason or element.tag in UNREADABLE:
            walker.skip_subtree()
    return found


def is_hidden(element: etree._Element) -> bool:
    """Return whether a browser shows nothing of an element."""
    if element.get("hidden") is not None or (element.get("aria-hidden") or "").lower() == "true":
        return element.tag not in {"html", "body", "math", "svg"}
    return bool(_HIDDEN_STYLE.search(element.get("style") or ""))


def _reason(
    element: etree._Element,
    sizes: Mapping[etree._Element, _Size],
    kept: Collection[etree._Element],
    root: etree._Element,
) -> str | None:
    if element is root or element.tag in UNREADABLE:
        return None
    if is_hidden(element):
        return "hidden"
    if element in kept or element.tag in {"body", "main", "html"}:
        return None
    share = sizes[element].chars / max(sizes[root].chars, 1)
    is_large = share > _TOO_LARGE or sizes[element].titles > 0
    tag, role = str(element.tag), (element.get("role") or "").lower()
    kind = _FURNITURE_TAGS.get(tag) or _FURNITURE_ROLES.get(role)
    if kind:
        return None if tag == "form" and is_large else kind
    return None if is_large else _reason_by_look(element, sizes[element])


def _reason_by_look(element: etree._Element, size: _Size) -> str | None:
    if element.tag == "footer" or (element.tag == "header" and not size.headings):
        return f"page {element.tag}"
    if element.tag == "aside" and not _is_within_text(element, size):
        return "beside the text"
    if _is_named_furniture(element):
        return "page furniture"
    return "a block of links" if _is_block_of_links(element, size) else None


def _is_within_text(element: etree._Element, size: _Size) -> bool:
    """Return whether an aside is a box of the article: text in sentences, with few links."""
    return size.linked_chars * 3 < size.chars and element.find(".//p") is not None


def _is_named_furniture(element: etree._Element) -> bool:
    if element.tag in HEADINGS or element.tag in {"td", "th", "tr", "sup", "em", "strong", "b", "i"}:
        return False
    name = f"{element.get('class') or ''} {element.get('id') or ''}"[:500]
    if not name.strip():
        return False
    if any(one.lower().replace("_", "-") in _AUTHOR_LINES for one in name.split()):
        return True
    words = {word.lower() for word in _WORD.findall(name)}
    return bool(words & _FURNITURE_WORDS) or bool(_FURNITURE_PHRASES.search(name))


def _is_block_of_links(element: etree._Element, size: _Size) -> bool:
    if element.tag not in _LINKED_BLOCKS or size.links < _MIN_LINKS:
        return False
    return size.linked_chars > _LINK_SHARE * max(size.chars, 1) and not _is_announced(element)


def _is_announced(element: etree._Element) -> bool:
    """Return whether the text before leads into a list ("Common causes are:"): then it is text."""
    before, parent = element.getprevious(), element.getparent()
    if before is not None:
        text = (before.tail or "").strip() or "".join(map(str, before.itertext()))
    else:
        text = parent.text or "" if parent is not None else ""
    return text.rstrip().endswith((":", "："))


def _with_ancestors(elements: Collection[etree._Element]) -> set[etree._Element]:
    kept: set[etree._Element] = set()
    for element in elements:
        at: etree._Element | None = element
        while at is not None and at not in kept:
            kept.add(at)
            at = at.getparent()
    return kept


def _letters(element: etree._Element) -> int:
    return sum(len(str(text).strip()) for text in element.itertext())


def _sizes(root: etree._Element) -> dict[etree._Element, _Size]:
    """Measure every element once, from the inside out."""
    sizes: dict[etree._Element, _Size] = {}
    totals: list[list[int]] = []
    walker = etree.iterwalk(root, events=("start", "end"))
    for event, element in walker:
        if event == "start":
            is_text = element.tag not in UNREADABLE
            totals.append([len((element.text or "").strip()) if is_text else 0, 0, 0, 0, 0])
            if not is_text:
                walker.skip_subtree()
            continue
        chars, linked_chars, links, titles, headings = totals.pop()
        if element.tag == "a" and (element.get("href") or "").strip():
            linked_chars, links = chars, 1
        size = _Size(
            chars, linked_chars, links, titles + (element.tag == "h1"), headings + (element.tag in HEADINGS)
        )
        sizes[element] = size
        if totals:
            totals[-1] = [above + own for above, own in zip(totals[-1], size, strict=True)]
            totals[-1][0] += len((element.tail or "").strip())
    return sizes
