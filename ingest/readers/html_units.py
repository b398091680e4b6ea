"""A page's elements, walked once in reading order into the units that will be blocks.

The walk keeps its own stack, so that depth costs nothing. Which element a unit stands in stays known: links
lead to elements, and a reference list is recognised by what its entries stand in.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import unquote

from lxml import etree

from ingest.readers.formulas import formula_text
from ingest.readers.superscripts import is_raisable, raise_text
from ingest.records import BlockKind, Omission

HEADINGS: Final = {f"h{level}": level for level in range(1, 7)}
_BLOCKS: Final = frozenset(
    {
        "address", "article", "aside", "blockquote", "body", "button", "caption", "center", "dd", "details",
        "dialog", "dir", "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "header",
        "hgroup", "hr", "html", "legend", "li", "main", "menu", "nav", "ol", "p", "pre", "search", "section",
        "summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul", *HEADINGS,
    }
)  # fmt: skip
_LISTS: Final = frozenset({"ul", "ol", "dir", "menu", "dl"})
_NUMBERED_LINE: Final = re.compile(r"\s*(?:\[\d{1,3}\]|\d{1,3}[.)])\s*\S")
_SPACES: Final = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Link:
    """A link to a place in the same page."""

    text: str
    target: str  # the id
    is_raised: bool = False


@dataclass(frozen=True, slots=True)
class OutLink:
    """A link to another page."""

    text: str
    href: str


Piece = str | Link | OutLink


def text_of(pieces: Iterable[Piece]) -> str:
    """Return the text of pieces, white space as it is."""
    return "".join(piece if isinstance(piece, str) else piece.text for piece in pieces)


@dataclass(slots=True)
class HtmlUnit:
    """What will be a block, or a part of an entry of the reference list."""

    kind: BlockKind
    pieces: list[Piece]
    element: etree._Element  # the innermost block element
    level: int = 0

    @property
    def text(self) -> str:
        """Its text, white space folded."""
        return _SPACES.sub(" ", text_of(self.pieces)).strip()


@dataclass(slots=True)
class UnitWalk:
    """Walks an element into units.

    Args:
        left_out: Elements to skip, with the reason.
        ids: The ids that the page has; a link to one of them is a link within the page.
    """

    left_out: Mapping[etree._Element, str]
    ids: Collection[str]
    units: list[HtmlUnit] = field(default_factory=list)
    omitted: list[Omission] = field(default_factory=list)
    _pieces: list[Piece] = field(default_factory=list)
    _blocks: list[etree._Element] = field(default_factory=list)
    _term: list[Piece] = field(default_factory=list)
    _row: etree._Element | None = None  # the table row that the walk is in; it is one line
    _list_depth: int = 0
    _breaks: int = 0
    _flushes: int = 0
    _layout_tables: dict[etree._Element, bool] = field(default_factory=dict)

    def walk(self, root: etree._Element) -> list[HtmlUnit]:
        """Return the units of an element in reading order."""
        opened: list[tuple[etree._Element, int, int]] = []
        walker = etree.iterwalk(root, events=("start", "end"))
        for event, element in walker:
            if event == "start":
                if self._skip(element):
                    walker.skip_subtree()
                    continue
                self._start(element)
                opened.append((element, self._flushes, len(self._pieces)))
                self._text(element.text)
                continue
            if opened and opened[-1][0] is element:
                _, flushes, mark = opened.pop()
                self._end(element, mark if flushes == self._flushes else None)
            if element is not root:
                self._text(element.tail)
        self._flush()
        return self.units

    # --- Elements ---

    def _skip(self, element: etree._Element) -> bool:
        name = str(element.tag)
        if name == "math":
            self._pieces.append(f" {formula_text(element)} ")
            return True
        if element not in self.left_out:
            return name in UNREADABLE
        self._leave_out(element, self.left_out[element])
        if name in _BLOCKS and self._row is None:
            self._flush()
        return True

    def _start(self, element: etree._Element) -> None:
        name = str(element.tag)
        if name == "br":
            self._break()
        elif name == "img":
            self._image(element)
        elif name == "q":
            self._pieces.append("“")
        elif name in _BLOCKS and self._row is not None:
            begins_cell = name in {"td", "th"} and element.getprevious() is not None
            self._pieces.append(" | " if begins_cell else " ")
        elif name in _BLOCKS:
            self._flush()
            self._blocks.append(element)
            self._list_depth += name in _LISTS
            if name == "tr" and not self._is_in_layout_table(element):
                self._row = element

    def _end(self, element: etree._Element, mark: int | None) -> None:
        """End an element; `mark` is where its pieces begin, None when the unit they stood in is ended."""
        name = str(element.tag)
        if name in _BLOCKS and self._row is not None and element is not self._row:
            self._pieces.append(" ")
        elif name in _BLOCKS:
            self._end_block(element, name)
        elif name == "q":
            self._pieces.append("”")
        elif mark is not None and name == "sup":
            self._pieces[mark:] = _raised(self._pieces[mark:])
        elif mark is not None and name == "a":
            self._pieces[mark:] = self._linked(element, self._pieces[mark:])

    def _end_block(self, element: etree._Element, name: str) -> None:
        if name == "dt":
            self._keep_term()
        else:
            self._flush()
        if name == "dl" and self._term:
            self._emit(self._term, element)
            self._term = []
        if name == "tr":
            self._row = None
        self._list_depth -= name in _LISTS
        self._blocks.pop()

    def _linked(self, element: etree._Element, inner: list[Piece]) -> list[Piece]:
        href = (element.get("href") or "").strip()
        text = text_of(inner)
        target = unquote(href.rpartition("#")[2]) if "#" in href else ""
        if target and (href.startswith("#") or target in self.ids):
            return [Link(text, target)]
        if href.startswith(("http://", "https://", "//")):
            return [OutLink(text, href)]
        return inner

    def _break(self) -> None:
        self._breaks += 1
        if self._breaks > 1 and self._row is None:
            self._flush()
        else:
            self._pieces.append("\n")

    def _image(self, element: etree._Element) -> None:
        alternative = (element.get("alt") or "").strip()
        if alternative:
            self.omitted.append(Omission(alternative, "a description of an image"))

    # --- Text ---

    def _text(self, text: str | None) -> None:
        if not text:
            return
        if self._breaks and self._row is None and _NUMBERED_LINE.match(text):
            self._flush()  # lines with numbers of their own are not one paragraph
        self._breaks = 0 if text.strip() else self._breaks
        self._pieces.append(text)

    def _flush(self) -> None:
        """End the unit at hand."""
        pieces, self._pieces = self._pieces, []
        self._breaks = 0
        self._flushes += 1
        if self._blocks and _has_text(pieces):
            self._emit(pieces, self._blocks[-1])

    def _emit(self, pieces: list[Piece], block: etree._Element) -> None:
        kind, level = self._kind(block)
        if self._term and pieces is not self._term and kind == "list_item":
            pieces = [*self._term, ": ", *pieces]
            self._term = []
        if kind != "table_row" or any(not isinstance(one, str) or one.strip(" |\n") for one in pieces):
            self.units.append(HtmlUnit(kind, pieces, block, level))

    def _keep_term(self) -> None:
        pieces, self._pieces = self._pieces, []
        self._flushes += 1
        if _has_text(pieces):
            self._term = [*self._term, ", ", *pieces] if self._term else pieces

    def _kind(self, block: etree._Element) -> tuple[BlockKind, int]:
        name = str(block.tag)
        if name in HEADINGS:
            return "heading", HEADINGS[name]
        if name == "tr":
            return "table_row", 0
        if self._list_depth and name not in {"table", "caption", "figcaption", "td", "th"}:
            return "list_item", max(self._list_depth - 1, 0)
        return "paragraph", 0

    def _is_in_layout_table(self, row: etree._Element) -> bool:
        table = next(row.iterancestors("table"), None)
        if table is None:
            return True
        if table not in self._layout_tables:
            self._layout_tables[table] = is_layout_table(table)
        return self._layout_tables[table]

    def _leave_out(self, element: etree._Element, reason: str) -> None:
        text = _SPACES.sub(" ", " ".join(map(str, element.itertext()))).strip()
        if text and element.tag not in UNREADABLE:
            self.omitted.append(Omission(text, reason))


#: Elements that hold code or data, not text.
UNREADABLE: Final = frozenset(
    {
        "script", "style", "template", "head", "link", "meta", "svg", "canvas", "iframe", "object", "embed",
        "audio", "video", "map", "noscript", "noframes", "frame", "frameset",
    }
)  # fmt: skip


def is_layout_table(element: etree._Element) -> bool:
    """Return whether a table only places what is on the page: it holds tables or headings, or says so."""
    if element.tag != "table":
        return False
    if element.get("role") in {"presentation", "none"}:
        return True
    return any(inner is not element for inner in element.iter("table", *HEADINGS))


def _has_text(pieces: list[Piece]) -> bool:
    return any(not isinstance(piece, str) or piece.strip() for piece in pieces)


def _raised(pieces: list[Piece]) -> list[Piece]:
    raises = is_raisable(text_of(pieces))
    raised: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, str):
            raised.append(raise_text(piece) if raises else piece)
        elif isinstance(piece, OutLink):
            raised.append(replace(piece, text=raise_text(piece.text)) if raises else piece)
        else:
            text = raise_text(piece.text) if raises else piece.text
            raised.append(replace(piece, text=text, is_raised=True))
    return raised
