"""Articles as PDF in one and two columns, and how well `read_pdf` reads them back.

`render_pdf` sets an article as journals do: running heads, page numbers, justified and hyphenated text, a
reference list in smaller type. The commands:

    python -m benchmarks.rendering_pdf FOLDER        # markers and references of the JATS files of a folder
    python -m benchmarks.rendering_pdf --pages 2000  # time and memory for a long PDF made here

reportlab (a development dependency) does the typesetting.
"""

import argparse
import io
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote
from xml.sax.saxutils import escape

from lxml import etree
from rapidfuzz import fuzz
from reportlab.lib.enums import TA_CENTER, TA_JUSTIFY
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFError, TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Frame, FrameBreak, NextPageTemplate, PageTemplate, Paragraph
from reportlab.platypus.doctemplate import LayoutError

from ingest.errors import UnreadableDocumentError
from ingest.readers.pdf import read_pdf
from ingest.readers.reading import Reading

_MARGIN = 54.0  # points
_COLUMN_GAP = 18.0
_TITLE_HEIGHT = 110.0
_CONTEXT_CHARS = 16  # before a marker: enough to tell its place

# --- The article --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Marker:
    """A citation in an article's text, and the numbers it stands for, ascending."""

    numbers: tuple[int, ...]


Fragment = str | Marker


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and the paragraphs below it."""

    heading: str
    level: int  # 1 is outermost
    paragraphs: tuple[tuple[Fragment, ...], ...]


@dataclass(frozen=True, slots=True)
class PrintedReference:
    """An entry of the reference list as printed without its number, and what a reader must find in it."""

    number: int
    text: str
    doi: str | None = None
    year: int | None = None
    first_author: str | None = None  # surname


@dataclass(frozen=True, slots=True)
class Article:
    """What `render_pdf` sets."""

    title: str
    sections: tuple[Section, ...]
    references: tuple[PrintedReference, ...] = ()
    running_head: str = "Journal of Examples"


def marker_text(numbers: Sequence[int]) -> str:
    """Return numbers as they are printed in a marker: `1,3–5`."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(
        str(low) if low == high else f"{low}{'–' if high > low + 1 else ','}{high}" for low, high in runs
    )


# --- Typesetting --------------------------------------------------------------------------------------


def render_pdf(article: Article, *, columns: int, superscript: bool) -> bytes:
    """Set an article in type.

    Args:
        article: Title, sections and references.
        columns: 1 or 2; the title always spans the page.
        superscript: Whether markers are raised digits, else they are in brackets.

    Returns:
        The PDF, with running heads from the second page on and a number on each page.
    """
    if columns not in {1, 2}:
        raise ValueError(f"columns is {columns}; choose 1 or 2")
    try:
        return _set(article, columns, superscript=superscript, hyphenate=True)
    except LayoutError:
        # reportlab cannot cut some paragraphs at a page's end when they hold both hyphens and raised text.
        return _set(article, columns, superscript=superscript, hyphenate=False)


def _set(article: Article, columns: int, *, superscript: bool, hyphenate: bool) -> bytes:
    buffer = io.BytesIO()
    template = _template(buffer, article, columns)
    template.build(list(_flowables(article, superscript=superscript, hyphenate=hyphenate)))
    return buffer.getvalue()


def _fonts() -> tuple[str, str]:
    """Register and return the names of an upright and a bold font with Greek and mathematics, if there is one."""
    for regular, bold in (("DejaVuSerif", "DejaVuSerif-Bold"), ("Vera", "VeraBd")):
        try:
            for name in (regular, bold):
                pdfmetrics.registerFont(TTFont(name, f"{name}.ttf"))
        except TTFError:
            continue
        pdfmetrics.registerFontFamily(regular, normal=regular, bold=bold, italic=regular, boldItalic=bold)
        return regular, bold
    return "Times-Roman", "Times-Bold"


def _styles(*, hyphenate: bool) -> dict[str, ParagraphStyle]:
    regular, bold = _fonts()
    body = ParagraphStyle(
        "body", fontName=regular, fontSize=9, leading=11.5, alignment=TA_JUSTIFY, firstLineIndent=10,
        embeddedHyphenation=int(hyphenate), splitLongWords=1, uriWasteReduce=0.3, allowWidows=1, allowOrphans=1,
    )  # fmt: skip
    first = ParagraphStyle("first", parent=body, firstLineIndent=0)
    return {
        "title": ParagraphStyle(
            "title", fontName=bold, fontSize=16, leading=19, alignment=TA_CENTER, spaceAfter=10
        ),
        "body": body,
        "first": first,
        "reference": ParagraphStyle(
            "reference", parent=first, fontSize=7.5, leading=9.5, leftIndent=18, firstLineIndent=-18
        ),
        **{
            f"heading{level}": ParagraphStyle(
                f"heading{level}", fontName=bold, fontSize=12.5 - 1.25 * level, leading=14,
                spaceBefore=9, spaceAfter=4, keepWithNext=1,
            )
            for level in (1, 2, 3)
        },
    }  # fmt: skip


def _template(buffer: io.BytesIO, article: Article, columns: int) -> BaseDocTemplate:
    width, height = A4
    column_width = (width - 2 * _MARGIN - (columns - 1) * _COLUMN_GAP) / columns
    body_height = height - 2 * _MARGIN - 20

    def frames(body: float) -> list[Frame]:
        return [
            Frame(
                _MARGIN + at * (column_width + _COLUMN_GAP), _MARGIN, column_width, body,
                leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0,
            )
            for at in range(columns)
        ]  # fmt: skip

    title = Frame(
        _MARGIN, _MARGIN + body_height - _TITLE_HEIGHT, width - 2 * _MARGIN, _TITLE_HEIGHT,
        leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0,
    )  # fmt: skip
    regular, _ = _fonts()

    def decorate(canvas: object, document: BaseDocTemplate) -> None:
        canvas.setFont(regular, 8)  # type: ignore[attr-defined]
        canvas.drawCentredString(width / 2, 30, str(document.page))  # type: ignore[attr-defined]
        if document.page > 1:
            canvas.drawString(_MARGIN, height - 40, article.running_head)  # type: ignore[attr-defined]

    document = BaseDocTemplate(buffer, pagesize=A4, title=article.title, invariant=1)
    document.addPageTemplates(
        [
            PageTemplate("first", [title, *frames(body_height - _TITLE_HEIGHT)], onPage=decorate),
            PageTemplate("later", frames(body_height), onPage=decorate),
        ]
    )
    return document


def _flowables(article: Article, *, superscript: bool, hyphenate: bool) -> Iterator[object]:
    styles = _styles(hyphenate=hyphenate)
    yield NextPageTemplate("later")
    yield Paragraph(escape(article.title), styles["title"])
    yield FrameBreak()
    for section in article.sections:
        if section.heading:
            yield Paragraph(escape(section.heading), styles[f"heading{min(section.level, 3)}"])
        for at, fragments in enumerate(section.paragraphs):
            markup = _markup(fragments, superscript=superscript)
            yield Paragraph(_breakable(markup) if hyphenate else markup, styles["body" if at else "first"])
    if article.references:
        yield Paragraph("References", styles["heading1"])
    for reference in article.references:
        text = _breakable(escape(reference.text)) if hyphenate else escape(reference.text)
        yield Paragraph(f"{reference.number}. {text}", styles["reference"])


def _markup(fragments: Iterable[Fragment], *, superscript: bool) -> str:
    parts: list[str] = []
    for fragment in fragments:
        if isinstance(fragment, str):
            parts.append(escape(fragment))
        elif superscript:
            parts = [*parts[:-1], parts[-1].rstrip()] if parts else parts
            parts.append(f"<super size='6' rise='3.5'>{marker_text(fragment.numbers)}</super>")
        else:
            # With spaces, for reportlab cuts what has none in the middle of a number.
            parts.append(f"[{marker_text(fragment.numbers).replace(',', ', ')}]")
    return "".join(parts)


_LONG_WORD = re.compile(r"(?<![\w/.:@&#-])[a-z]{8,}(?![\w/:@;-])")
_SYLLABLE = re.compile(r"(?<=[a-z]{3})(?<=[aeiou])(?=[bcdfgklmnprstv][aeiou][a-z]{2})")


def _breakable(text: str) -> str:
    """Put soft hyphens into the long words of markup, so that lines end within words as they do in print."""
    return _LONG_WORD.sub(lambda match: _SYLLABLE.sub("\u00ad", match.group()), text)


# --- Articles from JATS -------------------------------------------------------------------------------

_SKIPPED = frozenset(
    {"fig", "table-wrap", "disp-formula", "inline-formula", "supplementary-material", "list", "boxed-text",
     "graphic", "inline-graphic", "fn", "disp-quote", "fig-group", "table-wrap-group", "media", "sub", "sup"}
)  # fmt: skip
_JOINS = re.compile(r"[\s,;\-–—‐‑()\[\]]*")
_RANGE = re.compile(r"\s*[–—‐‑-]\s*")


def article_from_jats(path: Path) -> Article:
    """Read title, sections and references of a JATS file, independently of the reader under test."""
    parser = etree.XMLParser(
        load_dtd=False, no_network=True, resolve_entities=False, remove_comments=True, remove_pis=True
    )
    root = etree.parse(str(path), parser).getroot()
    numbers: dict[str, int] = {}
    references: list[PrintedReference] = []
    for number, entry in enumerate(root.iter("ref"), start=1):
        numbers[entry.get("id", "")] = number
        references.append(_reference(entry, number))
    title = root.find(".//article-title")
    body = root.find("body")
    sections = tuple(_sections(body, numbers, 0)) if body is not None else ()
    cited = tuple(references)
    return Article(_plain(title) if title is not None else path.stem, sections, cited)


def _plain(element: etree._Element) -> str:
    return " ".join("".join(str(text) for text in element.itertext()).split())


def _sections(parent: etree._Element, numbers: dict[str, int], level: int) -> Iterator[Section]:
    heading = parent.find("title")
    paragraphs = [tuple(_fragments(child, numbers)) for child in parent.findall("p")]
    paragraphs = [fragments for fragments in paragraphs if _visible(fragments)]
    text = _plain(heading) if heading is not None and level else ""
    if text or paragraphs:
        yield Section(text, max(level, 1), tuple(paragraphs))
    for child in parent.findall("sec"):
        yield from _sections(child, numbers, level + 1)


def _visible(fragments: Sequence[Fragment]) -> bool:
    return any(isinstance(one, str) and len(one.strip()) > 3 for one in fragments)


@dataclass(slots=True)
class _Collector:
    """Text and markers of one paragraph in order."""

    pieces: list[str | int] = field(default_factory=list)

    def walk(self, element: etree._Element, numbers: dict[str, int]) -> None:
        self.pieces.append(element.text or "")
        for child in element:
            if child.tag == "xref" and child.get("ref-type") == "bibr":
                self.pieces += [numbers[rid] for rid in (child.get("rid") or "").split() if rid in numbers]
            elif child.tag not in _SKIPPED:
                self.walk(child, numbers)
            elif child.tag in {"sub", "sup"}:
                inner = [xref for xref in child.iter("xref") if xref.get("ref-type") == "bibr"]
                if inner:
                    self.walk(child, numbers)
                else:
                    self.pieces.append("".join(map(str, child.itertext())))
            self.pieces.append(child.tail or "")


def _fragments(element: etree._Element, numbers: dict[str, int]) -> list[Fragment]:
    collector = _Collector()
    collector.walk(element, numbers)
    fragments: list[Fragment] = []
    for piece in _coalesced(collector.pieces):
        before = fragments[-1] if fragments else None
        if isinstance(piece, int):
            fragments.append(Marker((piece,)))
        elif _JOINS.fullmatch(piece) and isinstance(before, Marker):
            fragments.append(piece)
        else:
            fragments.append(" ".join(("x" + piece + "x").split())[1:-1])
    return _joined_markers(fragments)


def _coalesced(pieces: Sequence[str | int]) -> Iterator[str | int]:
    text = ""
    for piece in pieces:
        if isinstance(piece, str):
            text += piece
            continue
        if text:
            yield text
        text = ""
        yield piece
    if text:
        yield text


def _joined_markers(fragments: Sequence[Fragment]) -> list[Fragment]:
    """Make one marker of neighbours that only commas, dashes or brackets part."""
    joined: list[Fragment] = []
    at = 0
    while at < len(fragments):
        fragment = fragments[at]
        if isinstance(fragment, str):
            joined.append(fragment)
            at += 1
            continue
        numbers = list(fragment.numbers)
        while at + 1 < len(fragments):
            following = fragments[at + 1]
            if isinstance(following, Marker):
                numbers += following.numbers
                at += 1
                continue
            after = fragments[at + 2] if at + 2 < len(fragments) else None
            if not isinstance(after, Marker) or not _JOINS.fullmatch(following):
                break
            if _RANGE.fullmatch(following) and numbers[-1] < after.numbers[0] <= numbers[-1] + 60:
                numbers += range(numbers[-1] + 1, after.numbers[0])
            numbers += after.numbers
            at += 2
        joined.append(Marker(tuple(sorted(set(numbers)))))
        at += 1
    return _without_brackets(joined)


def _without_brackets(fragments: Sequence[Fragment]) -> list[Fragment]:
    result = list(fragments)
    for at, fragment in enumerate(result):
        if not isinstance(fragment, Marker):
            continue
        before = result[at - 1] if at else ""
        after = result[at + 1] if at + 1 < len(result) else ""
        if isinstance(before, str) and isinstance(after, str):
            opener, closer = before.rstrip()[-1:], after.lstrip()[:1]
            if opener and opener + closer in {"[]", "()"}:
                result[at - 1] = before.rstrip()[:-1]
                result[at + 1] = after.lstrip()[1:]
    return result


def _reference(entry: etree._Element, number: int) -> PrintedReference:
    doi = entry.find(".//pub-id[@pub-id-type='doi']")
    year, surname = entry.find(".//year"), entry.find(".//surname")
    printed = entry.find("mixed-citation")
    text = _printed(printed) if printed is not None and printed.find(".//person-group") is None else ""
    if len(text) < 30 or not re.search(r"[A-Za-z] [A-Za-z]", text):
        text = _composed(entry)
    if doi is not None and doi.text and doi.text not in text:
        text = f"{text.rstrip('. ')}. doi:{doi.text.strip()}"
    year_digits = re.search(r"\d{4}", year.text or "") if year is not None else None
    found = re.search(r"\b10\.\d{4,9}/[^\s<>\"]+", text)
    return PrintedReference(
        number,
        text,
        doi=unquote(found.group()).rstrip(".)").lower() if found else None,
        year=int(year_digits.group()) if year_digits and year_digits.group() in text else None,
        first_author=_plain(surname) if surname is not None and _plain(surname) in text else None,
    )


def _printed(citation: etree._Element) -> str:
    """Return a citation with the space between the parts of a name that a publisher's style sheet adds."""
    parts: list[str] = []

    def walk(element: etree._Element) -> None:
        parts.append(element.text or "")
        for child in element:
            parts.append(" " if child.tag in {"given-names", "suffix"} else "")
            walk(child)
            parts.append(child.tail or "")

    walk(citation)
    return " ".join("".join(parts).split())


def _composed(entry: etree._Element) -> str:
    """Print structured data in the Vancouver way."""
    names = [
        " ".join(filter(None, (_field(name, "surname"), _initials(_field(name, "given-names")))))
        for name in [*entry.iter("name"), *entry.iter("string-name")]
    ]
    authors = ", ".join(names[:6]) + (", et al" if len(names) > 6 else "") or _field(entry, "collab")
    pages = "-".join(filter(None, (_field(entry, "fpage"), _field(entry, "lpage"))))
    place = _field(entry, "volume") + (f"({_field(entry, 'issue')})" if _field(entry, "issue") else "")
    when = ";".join(filter(None, (_field(entry, "year"), place)))
    parts = [
        authors,
        _field(entry, "article-title"),
        _field(entry, "source"),
        f"{when}:{pages}" if pages else when,
    ]
    composed = ". ".join(part.rstrip(". ") for part in parts if part)
    return (composed or _plain(entry)) + "."


def _field(entry: etree._Element, name: str) -> str:
    found = entry.find(f".//{name}")
    return _plain(found) if found is not None else ""


def _initials(given: str) -> str:
    return "".join(word[0] for word in re.split(r"[\s.-]+", given) if word) if not given.isupper() else given


# --- Measuring ----------------------------------------------------------------------------------------


@dataclass(slots=True)
class Score:
    """Counts over one or more readings."""

    markers: int = 0
    markers_found: int = 0
    markers_right: int = 0
    references: int = 0
    split_right: int = 0
    dois: int = 0
    dois_right: int = 0
    years: int = 0
    years_right: int = 0
    authors: int = 0
    authors_right: int = 0
    leaked_heads: int = 0

    def add(self, other: "Score") -> None:
        """Add the counts of another score."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def marker_f1(self) -> float:
        """Harmonic mean of precision and recall of markers."""
        total = self.markers + self.markers_found
        return 2 * self.markers_right / total if total else 1.0

    def row(self) -> str:
        """Return the figures on one line."""
        return (
            f"F1 {self.marker_f1:.4f} ({self.markers} markers)  split {_share(self.split_right, self.references)}"
            f"  DOI {_share(self.dois_right, self.dois)}  year {_share(self.years_right, self.years)}"
            f"  author {_share(self.authors_right, self.authors)}  leaked {self.leaked_heads}"
        )


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.4f} of {whole}" if whole else "-"


def score_reading(article: Article, reading: Reading) -> Score:
    """Compare what was read with what was set."""
    expected, found = Counter(_expected_markers(article)), Counter(_found_markers(reading))
    score = Score(
        markers=expected.total(), markers_found=found.total(), markers_right=(expected & found).total()
    )
    read = {reference.number: reference for reference in reading.references}
    for entry in article.references:
        got = read.get(entry.number)
        score.references += 1
        score.split_right += got is not None and _same_text(got.text, entry.text)
        score.dois += entry.doi is not None
        score.dois_right += bool(entry.doi and got and (got.doi or "").lower() == entry.doi)
        score.years += entry.year is not None
        score.years_right += bool(entry.year and got and got.year == entry.year)
        score.authors += entry.first_author is not None
        score.authors_right += bool(
            entry.first_author and got and got.authors and _key(entry.first_author) in _key(got.authors[0])
        )
    body = [reading.text[block.start : block.end] for block in reading.blocks]
    score.leaked_heads = sum(article.running_head in text or text.strip().isdigit() for text in body)
    return score


def _same_text(got: str, entry: str) -> bool:
    return fuzz.ratio(_key(got), _key(entry)) >= 99.0


def _key(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).casefold()


def _expected_markers(article: Article) -> Iterator[tuple[str, tuple[int, ...]]]:
    known = {reference.number for reference in article.references}
    for section in article.sections:
        for fragments in section.paragraphs:
            before = ""
            for fragment in fragments:
                if isinstance(fragment, str):
                    before += fragment
                elif set(fragment.numbers) <= known:
                    yield _key(before)[-_CONTEXT_CHARS:], fragment.numbers


def _found_markers(reading: Reading) -> Iterator[tuple[str, tuple[int, ...]]]:
    for block in reading.blocks:
        cited = [one for one in reading.citations if block.start <= one.start < block.end]
        before, at = "", block.start
        for citation in cited:
            before += reading.text[at : citation.start]
            at = citation.end
            yield _key(before)[-_CONTEXT_CHARS:], tuple(sorted(citation.numbers))


# --- Commands -----------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=Path("../shared/real/jats"))
    parser.add_argument(
        "--pages", type=int, help="make a PDF of so many pages and print time and peak memory"
    )
    parser.add_argument("--columns", type=int, choices=(1, 2))
    parser.add_argument(
        "--verbose", action="store_true", help="also print each marker and entry that is wrong"
    )
    parser.add_argument("--save", type=Path, help="folder to write the PDFs to")
    options = parser.parse_args(arguments)
    if options.pages:
        _print_long(options.pages)
        return 0
    paths = sorted([*options.folder.glob("*.xml"), *options.folder.glob("*.nxml")])
    if not paths:
        sys.stderr.write(f"There are no JATS files in {options.folder}; name another folder.\n")
        return 1
    for columns in [options.columns] if options.columns else [1, 2]:
        for superscript in (False, True):
            _print_scores(paths, columns, superscript=superscript, options=options)
    return 0


def _print_scores(
    paths: Sequence[Path], columns: int, *, superscript: bool, options: argparse.Namespace
) -> None:
    total = Score()
    for path in paths:
        article = article_from_jats(path)
        data = render_pdf(article, columns=columns, superscript=superscript)
        if options.save:
            (options.save / f"{path.stem}-{columns}{'s' if superscript else 'b'}.pdf").write_bytes(data)
        reading = read_pdf(data)
        score = score_reading(article, reading)
        total.add(score)
        _print(f"{path.name:28} {score.row()}")
        if options.verbose:
            _print_mistakes(article, reading)
    style = "superscript" if superscript else "brackets"
    _print(f"ALL, {columns} column(s), {style}: {total.row()}\n")


def _print_mistakes(article: Article, reading: Reading) -> None:
    expected, found = Counter(_expected_markers(article)), Counter(_found_markers(reading))
    for key in expected - found:
        _print(f"    missed {key}")
    for key in found - expected:
        _print(f"    false  {key}")
    read = {reference.number: reference for reference in reading.references}
    for entry in article.references:
        got = read.get(entry.number)
        if got is None or not _same_text(got.text, entry.text):
            _print(f"    entry {entry.number}: {entry.text}\n       got: {got.text if got else None}")
            continue
        if entry.doi and (got.doi or "").lower() != entry.doi:
            _print(f"    doi {entry.number}: {entry.doi} got {got.doi} of {got.text}")
        if entry.first_author and (not got.authors or _key(entry.first_author) not in _key(got.authors[0])):
            _print(
                f"    author {entry.number}: {entry.first_author} got {got.authors[:1]} of {got.text[:80]}"
            )
        if entry.year and got.year != entry.year:
            _print(f"    year {entry.number}: {entry.year} got {got.year} of {got.text}")


def _print_long(pages: int) -> None:
    data = _long_pdf(pages)
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started, started_cpu = time.perf_counter(), time.process_time()
    try:
        reading = read_pdf(data)
    except UnreadableDocumentError as error:
        _print(f"refused: {error}")
        return
    took_s, took_cpu_s = time.perf_counter() - started, time.process_time() - started_cpu
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    last_page = max(block.page or 0 for block in reading.blocks)
    _print(
        f"{last_page:,} pages, {len(data):,} bytes, {len(reading.text):,} characters: read in {took_s:.1f} s "
        f"({took_cpu_s:.1f} s of processor time); "
        f"peak memory {peak_kib / 1024:.0f} MiB ({before_kib / 1024:.0f} MiB before reading)"
    )


def _long_pdf(pages: int) -> bytes:
    """Make a PDF of two columns in another process, so that its memory is not counted."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "long.pdf"
        code = (
            f"from benchmarks.rendering_pdf import write_long_pdf; write_long_pdf({str(target)!r}, {pages})"
        )
        subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603
        return target.read_bytes()


_SENTENCE = "Calm stretching before sleep often eases the cramp that wakes an older runner at night."


def write_long_pdf(target: str, pages: int) -> None:
    """Write a PDF of exactly so many pages, each with two columns of invented text, a head and a number."""
    regular, _ = _fonts()
    canvas = Canvas(target, pagesize=A4, pageCompression=1)
    width, height = A4
    words = _SENTENCE.split()
    for page in range(1, pages + 1):
        canvas.setFont(regular, 8)
        canvas.drawString(_MARGIN, height - 40, "Journal of Examples")
        canvas.drawCentredString(width / 2, 30, str(page))
        canvas.setFont(regular, 9)
        for column in range(2):
            x = _MARGIN + column * ((width - 2 * _MARGIN + _COLUMN_GAP) / 2)
            for row in range(58):
                at = row * 7 % len(words)
                line = (words + words)[at : at + 7]
                canvas.drawString(x + (10 if row % 8 == 0 else 0), height - 80 - 11.5 * row, " ".join(line))
        canvas.showPage()
    canvas.save()


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
