"""An abstract from a service as a small JATS article, so that it is read like every other document."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import lxml.html
from lxml import etree

from ingest.errors import FetchingError
from ingest.reference_identity import Identity

__all__ = ["abstract_article", "plain_markup"]

_HEADINGS: Final = frozenset({"h1", "h2", "h3", "h4", "h5", "h6", "title"})
_BREAKS: Final = frozenset({"p", "sec", "div", "br", "li", "list-item"})
_RAISED: Final = frozenset({"sup", "sub"})
_CONTROLS: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_USUAL_HEADING: Final = re.compile(r"(?:abstract|summary)\s*[:.]?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Piece:
    kind: str  # "text", "sup", "sub", "heading" or "break"
    text: str = ""


def plain_markup(markup: str) -> str:
    """Return a title or name without the tags and entities that services leave in it."""
    return " ".join("".join(piece.text for piece in _pieces(markup)).split())


def abstract_article(identity: Identity, authors: Sequence[str], markup: str) -> bytes:
    """Return a JATS article that holds an abstract and what is known of its work.

    Args:
        identity: Its title, year and DOI are written down, as far as they are known.
        authors: As in `Reference.authors`, "Family Initials" each.
        markup: The abstract with HTML tags, as Europe PMC sends it, or JATS tags, as Crossref does.

    Raises:
        FetchingError: If there is no text in it.
    """
    article = etree.Element("article", {"article-type": "abstract"})
    meta = etree.SubElement(etree.SubElement(article, "front"), "article-meta")
    if identity.doi:
        etree.SubElement(meta, "article-id", {"pub-id-type": "doi"}).text = identity.doi
    if identity.title:
        group = etree.SubElement(meta, "title-group")
        etree.SubElement(group, "article-title").text = _clean(identity.title)
    group = etree.SubElement(meta, "contrib-group")
    for author in authors:
        contributor = etree.SubElement(group, "contrib", {"contrib-type": "author"})
        etree.SubElement(contributor, "string-name").text = _clean(author)
    if identity.year:
        etree.SubElement(etree.SubElement(meta, "pub-date"), "year").text = str(identity.year)
    _fill(etree.SubElement(meta, "abstract"), list(_pieces(markup)))
    return etree.tostring(article, xml_declaration=True, encoding="utf-8", pretty_print=False)


def _fill(abstract: etree._Element, pieces: Sequence[_Piece]) -> None:
    section, paragraph = abstract, None
    for piece in pieces:
        if piece.kind == "heading":
            section, paragraph = etree.SubElement(abstract, "sec"), None
            etree.SubElement(section, "title").text = piece.text
        elif piece.kind == "break":
            paragraph = None
        elif paragraph is not None or piece.text.strip():
            paragraph = etree.SubElement(section, "p") if paragraph is None else paragraph
            _append(paragraph, piece)
    if not any("".join(map(str, one.itertext())).strip() for one in abstract.iter("p")):
        raise FetchingError("The abstract that the service sent has no text.")


def _append(paragraph: etree._Element, piece: _Piece) -> None:
    if piece.kind in _RAISED:
        etree.SubElement(paragraph, piece.kind).text = piece.text
    elif len(paragraph):
        paragraph[-1].tail = (paragraph[-1].tail or "") + piece.text
    else:
        paragraph.text = (paragraph.text or "") + piece.text


def _pieces(markup: str) -> Iterator[_Piece]:
    # Crossref writes JATS tags with a prefix, which the HTML parser would keep in their names.
    bare = re.sub(r"(</?)jats:", r"\1", _clean(markup))
    # <title> is text only to an HTML parser, wherever it stands.
    bare = re.sub(r"(</?)title\b", r"\1h4", bare)
    yield from _walk(lxml.html.fragment_fromstring(bare, create_parent="div"), depth=0)


def _walk(element: etree._Element, *, depth: int) -> Iterator[_Piece]:
    tag = element.tag if isinstance(element.tag, str) else ""
    whole = " ".join("".join(map(str, element.itertext())).split()) if tag in _HEADINGS | _RAISED else ""
    if tag in _HEADINGS:
        if whole and not _USUAL_HEADING.fullmatch(whole):
            yield _Piece("heading", whole)
    elif tag in _RAISED:
        yield _Piece(tag, whole)
    elif tag:
        yield from _walk_inside(element, is_block=tag in _BREAKS, depth=depth)
    if depth and element.tail:
        yield _Piece("text", element.tail)


def _walk_inside(element: etree._Element, *, is_block: bool, depth: int) -> Iterator[_Piece]:
    if is_block:
        yield _Piece("break")
    if element.text:
        yield _Piece("text", element.text)
    for child in element:
        yield from _walk(child, depth=depth + 1)
    if is_block:
        yield _Piece("break")


def _clean(text: str) -> str:
    return _CONTROLS.sub("", text)
