"""JATS XML: what journals and archives deliver, with every marker tied to its reference by the publisher."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from ingest.canonical import CanonicalTextBuilder, normalize_text
from ingest.errors import UnreadableDocumentError
from ingest.markers import find_citations
from ingest.readers.formulas import formula_text
from ingest.readers.jats_front import article_title, read_metadata
from ingest.readers.jats_references import JatsReferences, read_references
from ingest.readers.pointers import Fragment, Pointer, join_pointers
from ingest.readers.reading import Reading
from ingest.readers.superscripts import is_raisable, raise_text
from ingest.readers.xml_safety import parse_xml
from ingest.records import BlockKind, Omission

_DEEPEST_HEADING: Final = 6
_FORMULAS: Final = frozenset(
    {"inline-formula", "disp-formula", "chem-struct", "math", "tex-math", "disp-formula-group"}
)
_FLOATS: Final = frozenset(
    {"fig", "fig-group", "table-wrap", "table-wrap-group", "boxed-text", "chem-struct-wrap"}
)
_IMAGES: Final = frozenset({"graphic", "inline-graphic", "media", "inline-media"})
_LEFT_OUT: Final[Mapping[str, str]] = {
    "supplementary-material": "supplementary material",
    "inline-supplementary-material": "supplementary material",
    "alt-text": "a description of an image",
    "long-desc": "a description of an image",
    "permissions": "licence and copyright of a part",
    "bio": "about an author",
    "sig-block": "signature",
    "object-id": "identifier",
    "processing-meta": "for typesetters",
    "index-term": "for an index",
}
#: Blocks that may stand inside a paragraph and interrupt it.
_BLOCKS: Final = _FLOATS | {
    "list", "def-list", "disp-quote", "table", "verse-group", "speech", "statement", "preformat", "array",
    "p", "code", "supplementary-material", "question-wrap", "fn-group",
}  # fmt: skip
#: Containers that leave no mark of their own.
_TRANSPARENT: Final = frozenset({"app-group", "disp-quote", "verse-group", "alternatives", "question-wrap"})
#: Parts that print a heading which the publisher's style sheet adds when the file gives none.
_USUAL_HEADINGS: Final[Mapping[str, str]] = {
    "abstract": "Abstract",
    "trans-abstract": "Abstract",
    "ack": "Acknowledgments",
    "app": "Appendix",
    "fn-group": "Footnotes",
    "glossary": "Glossary",
    "ref-list": "References",
}


def read_jats(data: bytes) -> Reading:
    """Read a JATS article (NLM 1.0 to JATS 1.3, also inside an archive's envelope).

    Kept: title, abstracts, body, captions, table rows, boxes, formulas as text, footnotes, what follows
    the reference list, and the authors' notes on funding and interests. Left out, with the reason:
    supplementary material, images without text, affiliations, keywords, reviews that come in the same file.

    Markers are the `xref` elements that lead to an entry of the reference list, and stand for that entry
    whatever their text; a dash between two stands for those between.

    Raises:
        UnreadableDocumentError: When it is empty, too large, not well-formed, declares entities of its
            own, or holds no article or several.
    """
    article = _find_article(parse_xml(data))
    detached = list(article.iterchildren("sub-article", "response"))
    for part in detached:
        article.remove(part)
    references = read_references(list(article.iter("ref")))
    writer = _Writer(references)
    title = article_title(article)
    if title:
        writer.builder.add("heading", title, level=1)
    _write_article(writer, article)
    writer.omit_all(detached, "a separate text in the same file, such as a review or a reply")
    return _reading(writer, title, read_metadata(article))


def _find_article(root: etree._Element) -> etree._Element:
    articles = [root] if root.tag == "article" else list(root.iter("article"))
    if not articles:
        raise UnreadableDocumentError(
            f"The file is XML with the root element <{root.tag}>, but holds no JATS <article>. "
            "Supply the article's full-text XML, or its web page or PDF."
        )
    if len(articles) > 1:
        raise UnreadableDocumentError(
            f"The file holds {len(articles)} articles. Save each <article> as a file of its own."
        )
    return articles[0]


def _reading(writer: "_Writer", title: str | None, metadata: Mapping[str, str]) -> Reading:
    text, blocks = writer.builder.text, tuple(writer.builder.blocks)
    if not any(block.kind != "heading" for block in blocks):
        raise UnreadableDocumentError(
            "The article has no text but its title; the publisher delivers it as an image or not at all. "
            "Supply its web page or PDF."
        )
    references = writer.references.references
    numbers = {reference.number for reference in references}
    found = find_citations(text, blocks, numbers=numbers, marked=writer.builder.markers)
    return Reading(
        title=title,
        text=text,
        blocks=blocks,
        references=references,
        citations=found.citations,
        metadata=metadata,
        omitted=tuple(writer.omitted),
        warnings=(*writer.references.warnings, *writer.warnings, *found.warnings),
    )


# --- The order of the parts --------------------------------------------------------------------------


def _write_article(writer: "_Writer", article: etree._Element) -> None:
    meta = article.find("front/article-meta")
    if meta is not None:
        for abstract in meta.iterchildren("abstract", "trans-abstract"):
            writer.part(abstract)
    writer.floats = _floats_by_id(article)
    for part in article.iterchildren("body", "back"):
        writer.children(part, depth=0)
        writer.remaining_floats()
    if meta is not None:
        _write_notes(writer, meta)


def _floats_by_id(article: etree._Element) -> dict[str, etree._Element]:
    """Return the figures and tables that the file holds at its end; each belongs where it is first named."""
    return {
        child.get("id") or f"float {index}": child
        for group in article.iterchildren("floats-group", "floats-wrap")
        for index, child in enumerate(group.iterchildren(*_FLOATS))
    }


def _write_notes(writer: "_Writer", meta: etree._Element) -> None:
    notes = [note for note in meta.iterfind("author-notes/fn") if note.get("fn-type") not in _ADDRESS_NOTES]
    statements = list(meta.iterfind("funding-group/funding-statement"))
    if notes or statements:
        writer.builder.add("heading", "Author notes", level=2)
    for element in (*notes, *statements):
        writer.flow(element)
    for name, reason in _LEFT_OUT_OF_FRONT.items():
        writer.omit_all(meta.iter(name), reason)
    writer.omit_all(
        (note for note in meta.iterfind("author-notes/fn") if note.get("fn-type") in _ADDRESS_NOTES),
        "about an author",
    )


_ADDRESS_NOTES: Final = frozenset(
    {"equal", "present-address", "current-aff", "deceased", "corresp", "participating-researchers"}
)
_LEFT_OUT_OF_FRONT: Final[Mapping[str, str]] = {
    "aff": "affiliation",
    "corresp": "address of an author",
    "kwd-group": "keywords",
    "copyright-statement": "copyright",
    "custom-meta-group": "front matter",
}


# --- Blocks ------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Writer:
    """Writes elements into the canonical text, and notes what it leaves out."""

    references: JatsReferences
    builder: CanonicalTextBuilder = field(default_factory=CanonicalTextBuilder)
    omitted: list[Omission] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    floats: dict[str, etree._Element] = field(default_factory=dict)
    _footnotes: list[etree._Element] = field(default_factory=list)
    _named_floats: list[str] = field(default_factory=list)
    _known: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        self._known = frozenset(reference.number for reference in self.references.references)

    def children(self, parent: etree._Element, *, depth: int, in_float: bool = False) -> None:
        """Write a container's parts; `depth` counts the sections around it."""
        if (parent.text or "").strip():
            self.flow_text(parent.text or "")
        for child in parent.iterchildren(etree.Element):
            self.block(child, depth=depth, in_float=in_float)
            if (child.tail or "").strip():
                self.flow_text(child.tail or "")

    def block(self, element: etree._Element, *, depth: int, in_float: bool = False) -> None:
        """Write one element that stands by itself."""
        name = str(element.tag)
        if name in {"title", "label"}:
            return  # written by the part it heads
        if name in _LEFT_OUT:
            self.omit_all([element], _LEFT_OUT[name])
        elif name == "sec":
            self.section(element, depth=depth, in_float=in_float)
        elif name in _TRANSPARENT:
            self.children(element, depth=depth, in_float=in_float)
        else:
            self._writers().get(name, self.flow)(element)

    def _writers(self) -> dict[str, Callable[[etree._Element], None]]:
        return {
            **dict.fromkeys(_USUAL_HEADINGS, self.part),
            **dict.fromkeys(_FLOATS | {"statement", "table-wrap-foot", "speech"}, self.floating),
            "notes": self.part,
            "list": self.list_items,
            "def-list": self.definitions,
            "table": self.rows,
            "ref": self.entry,
        }

    def section(self, element: etree._Element, *, depth: int, in_float: bool) -> None:
        """Write a section; one in a box has no heading of its own in the section path."""
        if element.get("sec-type") == "supplementary-material":
            self.omit_all([element], "supplementary material")
            return
        heading = self._heading(element)
        if heading and in_float:
            self._add("paragraph", heading)
        elif heading:
            self._add("heading", heading, level=min(depth + 2, _DEEPEST_HEADING))
        self.children(element, depth=depth + 1, in_float=in_float)

    def part(self, element: etree._Element) -> None:
        """Write a part of the article with the heading that it has in print."""
        usual = _USUAL_HEADINGS.get(str(element.tag), "")
        is_nested = element.tag == "ref-list" and _is_in(element, "ref-list")
        heading = self._heading(element) or ([] if is_nested or not usual else [usual])
        if heading:
            self._add("heading", heading, level=3 if is_nested else 2)
        self.children(element, depth=1)

    def floating(self, element: etree._Element) -> None:
        """Write a figure, table or box: its label and caption as a paragraph, then what is in it."""
        caption = element.find("caption")
        title = element.find("title") if caption is None else caption.find("title")
        lead = _joined(self._inline_of(element.find("label")), self._inline_of(title))
        held = (
            []
            if caption is None
            else [child for child in caption.iterchildren(etree.Element) if child is not title]
        )
        if held and held[0].tag == "p" and not any(child.tag in _BLOCKS for child in held[0]):
            lead = _joined(lead, self._inline_of(held.pop(0)))
        self._add("paragraph", lead)
        for child in held:
            self.block(child, depth=0, in_float=True)
        for child in element.iterchildren(etree.Element):
            if child.tag not in {"caption", "title", "label"}:
                self.block(child, depth=0, in_float=True)

    def remaining_floats(self) -> None:
        """Write the figures and tables that no paragraph names."""
        for key in list(self.floats):
            self.floating(self.floats.pop(key))

    def list_items(self, element: etree._Element, *, level: int = 0) -> None:
        """Write a list, nested ones a level deeper."""
        self._add("paragraph", self._heading(element))
        for item in element.iterchildren("list-item"):
            label = self._inline_of(item.find("label"))
            for child in item.iterchildren(etree.Element):
                if child.tag == "list":
                    self.list_items(child, level=level + 1)
                elif child.tag != "label":
                    self.flow(child, kind="list_item", level=level, lead=label)
                    label = []

    def definitions(self, element: etree._Element) -> None:
        """Write a list of definitions, one item for each: "term: definition"."""
        self._add("paragraph", self._heading(element))
        for item in element.iterchildren("def-item", "def-list"):
            if item.tag == "def-list":
                self.definitions(item)
                continue
            term = self._inline_of(item.find("term"))
            for definition in item.iterchildren("def"):
                inline = self._inline_of(definition)
                self._add("list_item", [*term, ": ", *inline] if term else inline)

    def rows(self, table: etree._Element) -> None:
        """Write the rows of a table."""
        for row in table.iter("tr"):
            cells = [self._inline_of(cell) for cell in row.iterchildren("td", "th")]
            if any(_has_text(cell) for cell in cells):
                separated = [fragment for cell in cells for fragment in (" | ", *cell)]
                self._add("table_row", separated[1:])

    def entry(self, ref: etree._Element) -> None:
        """Write an entry of the reference list."""
        reference = self.references.by_element.get(ref)
        if reference is not None:
            self.builder.add("reference", f"{reference.number}. {reference.text}")

    def flow_text(self, text: str) -> None:
        """Write text that stands between blocks."""
        self._add("paragraph", [text])

    def flow(
        self,
        element: etree._Element,
        *,
        kind: BlockKind = "paragraph",
        level: int = 0,
        lead: Iterable[Fragment] = (),
    ) -> None:
        """Write running text, interrupted by the blocks that stand in it."""
        if element.tag in _FORMULAS | _IMAGES:
            self._add(kind, self._inline_child(element), level=level)
            return
        opening = _joined([*lead], self._inline_of(element.find("label")))
        pending: list[Fragment] = [element.text or ""]
        for child in element.iterchildren(etree.Element):
            if child.tag in _BLOCKS:
                if child.tag != "p" or _has_text(pending):
                    opening = self._flush(kind, opening, pending, level=level)
                pending = []
                self._interrupt(child, kind=kind, level=level, lead=opening)
                opening = []
            elif child.tag != "label":
                pending += self._inline_child(child)
            pending.append(child.tail or "")
        self._flush(kind, opening, pending, level=level)

    def _flush(
        self, kind: BlockKind, opening: list[Fragment], pending: list[Fragment], *, level: int
    ) -> list[Fragment]:
        self._add(kind, _joined(opening, pending), level=level)
        return []

    def _interrupt(self, child: etree._Element, *, kind: BlockKind, level: int, lead: list[Fragment]) -> None:
        if child.tag == "p":
            self.flow(child, kind=kind, level=level, lead=lead)
        elif child.tag == "list" and kind == "list_item":
            self.list_items(child, level=level + 1)
        else:
            self.block(child, depth=0, in_float=True)

    def omit_all(self, elements: Iterable[etree._Element], reason: str) -> None:
        """Note what is left out; what holds no text needs no note."""
        for element in elements:
            text = normalize_text("".join(map(str, element.itertext()))).strip()
            if text:
                self.omitted.append(Omission(text, reason))

    def _add(self, kind: BlockKind, fragments: Iterable[Fragment], *, level: int = 0) -> None:
        self.builder.add(kind, join_pointers(fragments, known=self._known), level=level)
        footnotes, self._footnotes = self._footnotes, []
        for footnote in footnotes:
            self.floating(footnote)
        named, self._named_floats = self._named_floats, []
        for name in named:
            if name in self.floats:
                self.floating(self.floats.pop(name))

    # --- Inline ---

    def _heading(self, element: etree._Element) -> list[Fragment]:
        return _joined(self._inline_of(element.find("label")), self._inline_of(element.find("title")))

    def _inline_of(self, element: etree._Element | None) -> list[Fragment]:
        if element is None:
            return []
        fragments: list[Fragment] = [element.text or ""]
        for child in element.iterchildren(etree.Element):
            inner = self._inline_child(child)
            fragments += [" ", *inner, " "] if child.tag in _BLOCKS or child.tag in _SPACED else inner
            fragments.append(child.tail or "")
        return fragments

    def _inline_child(self, element: etree._Element) -> list[Fragment]:
        name = str(element.tag)
        if name == "fn":
            self._footnotes.append(element)
            return []
        if name in _LEFT_OUT and name != "inline-supplementary-material":
            self.omit_all([element], _LEFT_OUT[name])
            return []
        render = self._renderers().get(name, self._inline_of)
        return render(element)

    def _renderers(self) -> dict[str, Callable[[etree._Element], list[Fragment]]]:
        return {
            **dict.fromkeys(_FORMULAS, self._formula),
            **dict.fromkeys(_IMAGES, self._image),
            **dict.fromkeys(("ext-link", "uri"), self._address),
            "xref": self._link,
            "sup": lambda element: _raised(self._inline_of(element)),
            "break": lambda _: [" "],
            "alternatives": self._alternatives,
        }

    def _address(self, element: etree._Element) -> list[Fragment]:
        inner = self._inline_of(element)
        return inner if _has_text(inner) else [element.get("href") or ""]

    def _alternatives(self, element: etree._Element) -> list[Fragment]:
        return next(filter(_has_text, map(self._inline_child, element)), [])

    def _link(self, element: etree._Element) -> list[Fragment]:
        targets = (element.get("rid") or "").split()
        inner = self._inline_of(element)
        self._named_floats += [target for target in targets if target in self.floats]
        numbers = [self.references.number_of[one] for one in targets if one in self.references.number_of]
        missing = [one for one in targets if one not in self.references.number_of]
        text = "".join(fragment if isinstance(fragment, str) else fragment.text for fragment in inner)
        if element.get("ref-type") == "bibr" and missing:
            self.warnings.append(f"The marker {text!r} leads to {missing[0]!r}, which no reference bears.")
        return [Pointer(text, tuple(dict.fromkeys(numbers)))] if numbers else inner

    def _formula(self, element: etree._Element) -> list[Fragment]:
        text = formula_text(element)
        if not text:
            images = [image.get("href") or "" for image in element.iter(*_IMAGES)]
            self.omitted.append(
                Omission(" ".join(filter(None, images)) or "formula", "a formula given as an image")
            )
        label = self._inline_of(element.find("label")) if element.tag == "disp-formula" else []
        return [f" {text} ", *label] if element.tag == "disp-formula" else [text]

    def _image(self, element: etree._Element) -> list[Fragment]:
        self.omit_all(element.iterchildren("alt-text", "long-desc"), "a description of an image")
        caption = element.find("caption")
        return [] if caption is None else [" ", *self._inline_of(caption)]


_SPACED: Final = frozenset(
    {"name", "surname", "given-names", "td", "th", "tr", "list-item", "title", "def", "term"}
)


def _joined(first: list[Fragment], second: list[Fragment]) -> list[Fragment]:
    return [*first, " ", *second] if first and second else [*first, *second]


def _has_text(fragments: Iterable[Fragment]) -> bool:
    return any(isinstance(fragment, Pointer) or fragment.strip() for fragment in fragments)


def _is_in(element: etree._Element, name: str) -> bool:
    return next(element.iterancestors(name), None) is not None


def _raised(fragments: list[Fragment]) -> list[Fragment]:
    text = "".join(fragment if isinstance(fragment, str) else fragment.text for fragment in fragments)
    if not is_raisable(text):
        return fragments
    return [
        raise_text(fragment)
        if isinstance(fragment, str)
        else Pointer(raise_text(fragment.text), fragment.numbers)
        for fragment in fragments
    ]
