"""JATS articles as plain values, read straight from the XML: the truth that readers are held against.

Nothing here uses a reader of ours. Markers are those that the publisher tied to references with `xref`, so an
article that cites by author and year becomes one that cites by number.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from lxml import etree


@dataclass(frozen=True, slots=True)
class TrueMarker:
    """A citation and all the numbers that it stands for, ascending."""

    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Raised:
    """Superscript text that is no citation, such as an exponent."""

    text: str


Piece = str | TrueMarker | Raised


@dataclass(frozen=True, slots=True)
class TrueBlock:
    """A heading (level 1 outermost), paragraph, list item or table row (its pieces hold tabs between cells)."""

    kind: str
    pieces: tuple[Piece, ...]
    level: int = 0


@dataclass(frozen=True, slots=True)
class TrueReference:
    """An entry of the reference list; `doi` in lower case, `first_author` a surname or an organisation."""

    number: int
    authors: tuple[str, ...]
    title: str
    source: str
    year: int | None
    volume: str
    issue: str
    pages: str
    doi: str | None
    rest: str  # what else is printed

    @property
    def first_author(self) -> str | None:
        """The surname of the first author, None where nobody is named."""
        return self.authors[0] if self.authors else None


@dataclass(frozen=True, slots=True)
class TrueArticle:
    """Title, body and reference list."""

    name: str
    title: str
    blocks: tuple[TrueBlock, ...]
    references: tuple[TrueReference, ...]


@dataclass(frozen=True, slots=True)
class TrueLink:
    """One `xref` to a reference: what stands before it (letters only), its own letters, and the number it means."""

    before: str
    own: str
    number: int
    implied: tuple[int, ...]  # those that a dash after it adds


def parse(path: Path) -> etree._Element:
    """Return the root of a JATS file."""
    parser = etree.XMLParser(
        load_dtd=False, no_network=True, resolve_entities=False, remove_comments=True, remove_pis=True
    )
    return etree.parse(str(path), parser).getroot()


def letters(text: str) -> str:
    """Return only the ASCII letters of a text, in lower case: what survives any way of setting it."""
    plain = unicodedata.normalize("NFKD", text).lower()
    return "".join(character for character in plain if "a" <= character <= "z")


def reference_numbers(root: etree._Element) -> dict[str, int]:
    """Return the number of every `ref` by its id: its label where that is a number, else its place."""
    numbers: dict[str, int] = {}
    for place, ref in enumerate(root.iter("ref"), start=1):
        label = (ref.findtext("label") or "").strip(" .[]()")
        numbers[ref.get("id", "")] = int(label) if label.isdigit() else place
    return numbers


def read_article(path: Path) -> TrueArticle:
    """Read title, body and references of a JATS file."""
    root = parse(path)
    numbers = reference_numbers(root)
    title = root.find(".//article-title")
    body = root.find("body")
    blocks = tuple(_blocks(body, numbers, 0)) if body is not None else ()
    references = tuple(_reference(ref, numbers[ref.get("id", "")]) for ref in root.iter("ref"))
    return TrueArticle(path.stem, _plain(title), blocks, references)


def read_links(path: Path) -> list[TrueLink]:
    """Return every `xref ref-type="bibr"` of a JATS file in order, with what it means."""
    root = parse(path)
    numbers = reference_numbers(root)
    links: list[TrueLink] = []
    for xref in root.iter("xref"):
        if xref.get("ref-type") != "bibr":
            continue
        holder = next(one for one in xref.iterancestors("p", "td", "th", "title", "term", "def"))
        before = letters(_text_until(holder, xref))
        for rid in (xref.get("rid") or "").split():
            if rid in numbers:
                links.append(
                    TrueLink(before[-30:], letters(_plain(xref)), numbers[rid], _implied(xref, numbers))
                )
    return links


def _implied(xref: etree._Element, numbers: dict[str, int]) -> tuple[int, ...]:
    following = xref.getnext()
    if following is None or following.tag != "xref" or not re.fullmatch(r"\W*[–—‐‑-]\W*", xref.tail or ""):
        return ()
    low, high = numbers.get(xref.get("rid", ""), 0), numbers.get(following.get("rid", ""), 0)
    return tuple(range(low + 1, high)) if re.search(r"\d", _plain(xref)) else ()


def _text_until(holder: etree._Element, stop: etree._Element) -> str:
    pieces: list[str] = []
    for event, element in etree.iterwalk(holder, events=("start", "end")):
        if element is stop:
            return "".join(pieces)
        if event == "start":
            pieces.append(element.text or "")
        elif element.tag in _FORMULAS:
            pieces = [element.tail or ""]  # a formula can be written in many ways
        elif element is not holder:
            pieces.append(element.tail or "")
    return "".join(pieces)


# --- Body --------------------------------------------------------------------------------------------

_LEFT_OUT = frozenset(
    {"supplementary-material", "disp-formula", "inline-formula", "graphic", "inline-graphic", "media", "fn"}
)
_FORMULAS = frozenset({"disp-formula", "inline-formula", "math", "tex-math"})
_INTERRUPTING = frozenset(
    {"fig", "table-wrap", "boxed-text", "list", "disp-quote", "fig-group", "table-wrap-group"}
)


def _blocks(parent: etree._Element, numbers: dict[str, int], level: int) -> Iterator[TrueBlock]:
    for child in parent.iterchildren(etree.Element):
        if child.tag == "title" and level:
            yield _block("heading", child, numbers, level)
        elif child.tag == "p":
            yield _block("paragraph", child, numbers)
            for inner in child.iterchildren(*_INTERRUPTING):
                yield from _float(inner, numbers)
        elif child.tag == "sec" and child.get("sec-type") != "supplementary-material":
            yield from _blocks(child, numbers, level + 1)
        elif child.tag in _INTERRUPTING:
            yield from _float(child, numbers)


def _float(element: etree._Element, numbers: dict[str, int]) -> Iterator[TrueBlock]:
    if element.tag == "list":
        for item in element.iter("list-item"):
            for paragraph in item.iterchildren("p"):
                yield _block("list_item", paragraph, numbers)
    elif element.tag == "disp-quote":
        for paragraph in element.iter("p"):
            yield _block("paragraph", paragraph, numbers)
    elif element.tag == "table-wrap":
        for row in element.iter("tr"):
            cells = [_pieces(cell, numbers) for cell in row.iterchildren("td", "th")]
            yield TrueBlock("table_row", tuple(piece for cell in cells for piece in ("\t", *cell))[1:])


def _block(kind: str, element: etree._Element, numbers: dict[str, int], level: int = 0) -> TrueBlock:
    return TrueBlock(kind, tuple(_pieces(element, numbers)), level)


@dataclass(slots=True)
class _Collector:
    pieces: list[str | int | Raised] = field(default_factory=list)

    def walk(self, element: etree._Element, numbers: dict[str, int]) -> None:
        self.pieces.append(element.text or "")
        for child in element.iterchildren(etree.Element):
            if child.tag == "xref" and child.get("ref-type") == "bibr":
                self.pieces += [numbers[rid] for rid in (child.get("rid") or "").split() if rid in numbers]
            elif child.tag == "sup" and child.find(".//xref") is None:
                self.pieces.append(Raised(_plain(child)))
            elif child.tag not in _LEFT_OUT | _INTERRUPTING:
                self.walk(child, numbers)
            self.pieces.append(child.tail or "")


_OPEN = re.compile(r"[\[(]\s*$")
_CLOSE = re.compile(r"^\s*[\])]")
_BETWEEN = re.compile(r"\s*[\])]?\s*([,;–—‐‑-]|and)?\s*[\[(]?\s*")
_DASHES = "–—‐‑-"


def _pieces(element: etree._Element, numbers: dict[str, int]) -> list[Piece]:
    collector = _Collector()
    collector.walk(element, numbers)
    between = ""
    pieces: list[Piece] = []
    group: list[int] = []
    separator = ""
    for piece in [*_merged(collector.pieces), ""]:
        is_between = isinstance(piece, str) and group and not separator
        match = _BETWEEN.fullmatch(str(piece)) if is_between else None
        if isinstance(piece, int):
            if separator and separator.strip() in _DASHES:
                group += range(group[-1] + 1, piece)
            group, separator = [*group, piece], ""
        elif match and piece:
            separator = match[1] or " "
            between = str(piece)
        else:
            if group:
                pieces.append(TrueMarker(tuple(sorted(set(group)))))
            if separator:
                pieces.append(between)
            group, separator = [], ""
            pieces.append(piece)
    return _folded(pieces)


def _merged(pieces: Sequence[str | int | Raised]) -> list[str | int | Raised]:
    merged: list[str | int | Raised] = []
    for piece in pieces:
        if isinstance(piece, int) and merged and isinstance(merged[-1], int):
            merged.append(",")
        if isinstance(piece, str) and merged and isinstance(merged[-1], str):
            merged[-1] += piece
        elif piece != "":
            merged.append(piece)
    return merged


def _folded(pieces: Sequence[Piece]) -> list[Piece]:
    """Fold white space, and take the printed brackets off the markers."""
    folded: list[Piece] = []
    for at, piece in enumerate(pieces):
        if not isinstance(piece, str):
            folded.append(piece)
            continue
        text = re.sub(r"\s+", " ", piece)
        if at + 1 < len(pieces) and isinstance(pieces[at + 1], TrueMarker):
            text = _OPEN.sub("", text)
        if at and isinstance(pieces[at - 1], TrueMarker):
            text = _CLOSE.sub("", text)
        folded.append(text)
    return folded


# --- References --------------------------------------------------------------------------------------


def _reference(ref: etree._Element, number: int) -> TrueReference:
    groups = [one for one in ref.iter("person-group") if one.get("person-group-type") != "editor"]
    names = (groups[0] if groups else ref).iter("name", "collab")
    pages = "–".join(filter(None, (ref.findtext(".//fpage"), ref.findtext(".//lpage"))))
    year = re.search(r"\d{4}", ref.findtext(".//year") or "")
    title, source = _plain(ref.find(".//article-title")), _plain(ref.find(".//source"))
    structured = bool(title or source)
    return TrueReference(
        number=number,
        authors=tuple(filter(None, map(_author, names))),
        title=(title or source).rstrip("."),
        source=source if title else "",
        year=int(year[0]) if year else None,
        volume=ref.findtext(".//volume") or "",
        issue=ref.findtext(".//issue") or "",
        pages=pages or ref.findtext(".//elocation-id") or "",
        doi=_doi(ref),
        rest="" if structured else _plain(next((one for one in ref if one.tag != "label"), None)),
    )


def _author(name: etree._Element) -> str:
    if name.tag == "collab":
        return _plain(name)
    return " ".join(filter(None, (_plain(name.find("surname")), _plain(name.find("given-names")))))


def _doi(ref: etree._Element) -> str | None:
    for element in ref.iter("pub-id", "ext-link", "comment"):
        text = f"{element.get('{http://www.w3.org/1999/xlink}href') or ''} {_plain(element)}"
        match = re.search(r"10\.\d{4,9}/\S+", text)
        if match:
            return unquote(match[0]).rstrip(".,;").lower()
    return None


def _plain(element: etree._Element | None) -> str:
    return "" if element is None else " ".join("".join(map(str, element.itertext())).split())
