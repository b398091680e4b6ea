"""The text of a Word paragraph: runs, fields, hyperlinks, tracked changes and notes."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from ingest.readers.superscripts import is_raisable, raise_text

_WORD: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MATH: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_COMPATIBILITY: Final = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_LEFT_OUT: Final = {
    f"{_WORD}del": "tracked deletion",
    f"{_WORD}moveFrom": "tracked move: the text stands elsewhere",
}
_CHARACTERS: Final = {
    f"{_WORD}tab": " ",
    f"{_WORD}br": "\n",
    f"{_WORD}cr": "\n",
    f"{_WORD}noBreakHyphen": "-",
    f"{_WORD}ptab": " ",
}
_NOTES: Final = {f"{_WORD}footnoteReference": "footnote", f"{_WORD}endnoteReference": "endnote"}
_OFF: Final = frozenset({"0", "false", "off", "none"})
_RAISED_FROM_HALF_POINTS: Final = 4


@dataclass(frozen=True, slots=True)
class NoteReference:
    """The place of a footnote or endnote in the text."""

    kind: str  # "footnote" or "endnote"
    identifier: str


Piece = str | NoteReference


@dataclass(slots=True)
class ParagraphText:
    """What a paragraph says.

    Args:
        pieces: Text and notes in order, raised numbers as Unicode superscripts.
        boxes: Paragraph elements of text boxes that are anchored in it.
        omitted: Text left out of it, with the reason.
    """

    pieces: list[Piece] = field(default_factory=list)
    boxes: list[etree._Element] = field(default_factory=list)
    omitted: list[tuple[str, str]] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The text of all pieces without the notes."""
        return "".join(piece for piece in self.pieces if isinstance(piece, str))


def word(name: str) -> str:
    """Return an element's or attribute's name in the namespace of WordprocessingML."""
    return _WORD + name


def paragraph_text(paragraph: etree._Element) -> ParagraphText:
    """Return the text of a `w:p` element."""
    result = ParagraphText()
    runs = list(_runs(paragraph, result))
    at = 0
    while at < len(runs):
        piece, raised = runs[at]
        end = at + 1
        while (
            isinstance(piece, str)
            and end < len(runs)
            and runs[end][1] == raised
            and isinstance(runs[end][0], str)
        ):
            piece += str(runs[end][0])
            end += 1
        # A marker is often cut into several runs; only the whole shows whether it can be raised.
        result.pieces.append(_raise(piece) if raised and isinstance(piece, str) else piece)
        at = end
    return result


def _raise(text: str) -> str:
    if not text.strip() or not is_raisable(text):
        return text
    lead = text[: len(text) - len(text.lstrip())]
    return lead + raise_text(text) + text[len(text.rstrip()) :]


def _runs(element: etree._Element, result: ParagraphText) -> Iterator[tuple[Piece, bool]]:
    for child in element.iterchildren(etree.Element):
        tag = str(child.tag)
        if tag == word("r"):
            yield from _run(child, result)
        elif tag in _LEFT_OUT:
            text = "".join(_plain(child))
            if text.strip():
                result.omitted.append((text, _LEFT_OUT[tag]))
        elif tag in {f"{_MATH}oMath", f"{_MATH}oMathPara"}:
            yield "".join(str(node.text or "") for node in child.iter(f"{_MATH}t")), False
        elif tag == word("pPr"):
            continue
        else:
            yield from _runs(child, result)


def _run(run: etree._Element, result: ParagraphText) -> Iterator[tuple[Piece, bool]]:
    properties = run.find(word("rPr"))
    if properties is not None and _is_on(properties, "vanish"):
        text = "".join(_plain(run))
        if text.strip():
            result.omitted.append((text, "hidden text"))
        return
    raised = properties is not None and _is_raised(properties)
    for child in run.iterchildren(etree.Element):
        tag = str(child.tag)
        if tag == word("t"):
            yield child.text or "", raised
        elif tag in _CHARACTERS:
            yield _CHARACTERS[tag], raised
        elif tag == word("sym"):
            yield _symbol(child), raised
        elif tag in _NOTES:
            yield NoteReference(_NOTES[tag], child.get(word("id"), "")), False
        else:
            result.boxes += _box_paragraphs(child)


def _box_paragraphs(element: etree._Element) -> list[etree._Element]:
    """Return the paragraphs of text boxes; of a drawing and its stand-in for old programs, the drawing's."""
    if element.tag == f"{_COMPATIBILITY}AlternateContent":
        choice = element.find(f"{_COMPATIBILITY}Choice")
        element = choice if choice is not None else element
    return [
        paragraph for box in element.iter(word("txbxContent")) for paragraph in box.iterchildren(word("p"))
    ]


def _plain(element: etree._Element) -> Iterator[str]:
    for node in element.iter(word("t"), word("delText")):
        yield node.text or ""


def _symbol(element: etree._Element) -> str:
    code = element.get(word("char"), "")
    try:
        character = chr(int(code, 16))
    except (ValueError, OverflowError):
        return ""
    # Symbol fonts keep their signs in the private area, where they mean nothing outside of the font.
    return "" if "\ue000" <= character <= "\uf8ff" or "\ud800" <= character <= "\udfff" else character


def _is_on(properties: etree._Element, name: str) -> bool:
    element = properties.find(word(name))
    return element is not None and element.get(word("val"), "true") not in _OFF


def _is_raised(properties: etree._Element) -> bool:
    align = properties.find(word("vertAlign"))
    if align is not None:
        return align.get(word("val")) == "superscript"
    position = properties.find(word("position"))
    value = position.get(word("val"), "0") if position is not None else "0"
    return value.lstrip("-").isdecimal() and int(value) >= _RAISED_FROM_HALF_POINTS
