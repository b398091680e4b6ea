"""Markdown files: CommonMark with tables, front matter and footnotes."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock, reference
from markdown_it.token import Token
from mdit_py_plugins.footnote import footnote_plugin
from mdit_py_plugins.front_matter import front_matter_plugin

from ingest.canonical import Marker, normalize_text
from ingest.errors import UnreadableDocumentError
from ingest.readers.assembly import Unit, assemble_reading, mark_references, text_unit
from ingest.readers.page_metadata import parse_date
from ingest.readers.reading import Reading
from ingest.readers.superscripts import is_raisable, raise_text
from ingest.readers.text_encoding import decode_text
from ingest.records import BlockKind, Omission
from ingest.references import is_reference_list_heading

#: The parser leaves out what is nested deeper, so such a file is refused; no article comes near.
_MAX_NESTING = 30


def read_markdown(data: bytes) -> Reading:
    """Read a markdown file.

    Emphasis is dropped, the text of links and images is kept; an ordered item keeps its number. The title is
    the first heading of level 1, else the front matter's. Further headings of level 1, and then all others,
    go one level down, so that only the title has level 1. Raw HTML is left out.

    Raises:
        UnreadableDocumentError: If it is not text, holds none, is nested beyond sense, or opens thousands of
            brackets that nothing closes.
    """
    decoded = decode_text(data)
    env: dict[str, Any] = {}
    _refuse_open_brackets(decoded.text)
    tokens = _parser().parse(decoded.text.lstrip("\ufeff"), env)
    walk = _Walk(footnotes=_footnote_numbers(tokens))
    walk.read(tokens)
    for label, target in env.get("references", {}).items():
        walk.omitted.append(Omission(f"[{label.lower()}]: {target['href']}", "address of a link"))
    front_matter = _read_front_matter(tokens)
    title, units = _with_title(walk.units, front_matter.get("title"))
    units = _with_footnotes(mark_references(units), walk.notes)
    if not units:
        raise UnreadableDocumentError(
            "The markdown file holds no text besides front matter, link addresses and raw HTML. Supply the "
            "document's text, or the HTML as an .html file."
        )
    return assemble_reading(
        units,
        title=title,
        metadata=_metadata(front_matter),
        omitted=walk.omitted,
        warnings=decoded.warnings,
    )


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"maxNesting": _MAX_NESTING + 10}).enable("table")
    parser.use(front_matter_plugin).use(footnote_plugin)
    # Footnotes stay where they are defined, so that those nobody refers to are seen too.
    parser.disable(["footnote_tail", "footnote_inline"])
    parser.block.ruler.at("reference", _definition_with_words)
    return parser


_BRACKET_OR_BLANK_LINE = re.compile(r"\\.|[\[\]]|\n[ \t\r>]*(?=\n)")
_MAX_OPEN_BRACKETS = 20  # at one place; those beyond count towards the next limit
_MAX_BRACKETS_BEYOND = 5_000


def _refuse_open_brackets(text: str) -> None:
    """Refuse what no article holds, before the parser looks for the end of a link behind every bracket."""
    depth = beyond = 0
    for found in _BRACKET_OR_BLANK_LINE.finditer(text):
        if found[0] == "[":
            depth += 1
            beyond += depth > _MAX_OPEN_BRACKETS
        elif found[0] == "]":
            depth = max(0, depth - 1)
        elif found[0][0] == "\n":
            depth = 0
        if beyond > _MAX_BRACKETS_BEYOND:
            line = text.count("\n", 0, found.start()) + 1
            raise UnreadableDocumentError(
                f"Up to line {line:,}, the markdown opens {beyond:,} square brackets inside more than "
                f"{_MAX_OPEN_BRACKETS} others that are still open. Close them, or write \\[ for a plain bracket."
            )


_NUMERIC_DEFINITION = re.compile(r"\[\d{1,4}\]:")
_ANY_DEFINITION = re.compile(r"\[[^\]]{1,200}\]:")


def _definition_with_words(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:  # noqa: FBT001
    """Parse a link definition; one with a number for a label is a reference, and `[1]` its marker."""
    if not _NUMERIC_DEFINITION.match(_line(state, start_line)):
        return reference(state, start_line, end_line, silent)
    if not silent:
        after = start_line + 1
        while (
            after < end_line and not _ANY_DEFINITION.match(_line(state, after)) and not state.isEmpty(after)
        ):
            after += 1
        state.line = after
        state.push("paragraph_open", "p", 1)
        token = state.push("inline", "", 0)
        token.content = state.getLines(start_line, after, state.blkIndent, keepLastLF=False).strip()
        token.children = []
        state.push("paragraph_close", "p", -1)
    return True


def _line(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]


def _footnote_numbers(tokens: Sequence[Token]) -> dict[str, int]:
    """Number the footnotes: as their labels say if all are numbers, else in the order of definition."""
    labels = [token.meta["label"] for token in tokens if token.type == "footnote_reference_open"]
    distinct = list(dict.fromkeys(labels))
    if all(label.isdecimal() and 0 < int(label) < 10_000 for label in distinct):
        return {label: int(label) for label in distinct}
    return {label: number for number, label in enumerate(distinct, 1)}


@dataclass(slots=True)
class _Walk:
    """Reads the parser's tokens in order; what it collects is in the first three fields."""

    footnotes: Mapping[str, int]
    units: list[Unit] = field(default_factory=list)
    notes: dict[int, list[str | Marker]] = field(default_factory=dict)
    omitted: list[Omission] = field(default_factory=list)
    _lists: int = 0
    _label: str = ""  # of the item that has just begun
    _note: int | None = None
    _cells: list[Sequence[str | Marker]] = field(default_factory=list)
    _in_row: bool = False
    _keeps_addresses: bool = False  # where they are part of what is printed: in references

    def read(self, tokens: Sequence[Token]) -> None:
        """Collect the units of all tokens."""
        heading_level = 0
        for token in tokens:
            if token.level > _MAX_NESTING:
                raise UnreadableDocumentError(
                    f"The markdown nests lists or quotations more than {_MAX_NESTING} deep. Flatten it."
                )
            if token.type == "heading_open":
                heading_level = int(token.tag[1:])
            elif token.type == "heading_close":
                heading_level = 0
            elif token.type == "inline":
                self._read_inline(token, heading_level)
            elif token.type in ("fence", "code_block"):
                self._add("paragraph", [token.content])
            elif token.type == "html_block":
                self.omitted.append(Omission(token.content.strip(), "raw HTML"))
            elif token.type == "front_matter":
                self.omitted.append(Omission(token.content.strip(), "front matter"))
            else:
                self._read_structure(token)

    def _read_structure(self, token: Token) -> None:
        match token.type:
            case "bullet_list_open" | "ordered_list_open":
                self._lists += 1
            case "bullet_list_close" | "ordered_list_close":
                self._lists -= 1
            case "list_item_open":
                self._label = f"{token.info}{token.markup} " if token.info else ""
            case "tr_open":
                self._in_row = True
            case "tr_close":
                self._close_row()
            case "footnote_reference_open":
                self._note = self.footnotes[token.meta["label"]]
            case "footnote_reference_close":
                self._note = None

    def _close_row(self) -> None:
        joined = [piece for cell in self._cells for piece in (" | ", *cell)][1:]
        self._in_row, self._cells = False, []
        self._add("table_row", joined)

    def _read_inline(self, token: Token, heading_level: int) -> None:
        if heading_level:
            self._keeps_addresses = is_reference_list_heading(token.content)
        pieces = list(self._inline_pieces(token.children or []))
        if heading_level:
            self._add("heading", pieces, level=heading_level)
        elif self._in_row:
            self._cells.append(pieces)
        elif self._lists and self._note is None:
            self._add("list_item", [self._label, *pieces], level=self._lists - 1)
            self._label = ""
        else:
            self._add("paragraph", pieces)

    def _add(self, kind: BlockKind, pieces: Sequence[str | Marker], *, level: int = 0) -> None:
        unit = Unit(kind, tuple(pieces), level)
        if not normalize_text(unit.text).strip():
            return
        if self._note is None:
            self.units.append(unit)
        else:
            self.notes.setdefault(self._note, []).extend((" ", *pieces))

    def _inline_pieces(self, children: Sequence[Token]) -> Iterator[str | Marker]:
        raised: list[str] | None = None
        link: tuple[str, list[str]] | None = None
        for child in children:
            if child.type == "html_inline" and re.fullmatch(r"<sup\b[^>]*>", child.content):
                raised = []
            elif child.type == "html_inline" and child.content == "</sup>" and raised is not None:
                text = "".join(raised)
                raised = None
                yield raise_text(text) if is_raisable(text) else text
            elif child.type == "link_open":
                link = (str(child.attrs.get("href", "")), [])
            elif child.type == "link_close" and link is not None:
                text = self._link_text(*link)
                link = None
                if raised is None:
                    yield text
                else:
                    raised.append(text)
            elif isinstance(piece := self._inline_piece(child), Marker):
                yield piece
            elif link is not None:
                link[1].append(piece)
            elif raised is not None:
                raised.append(piece)
            else:
                yield piece
        yield "".join(raised or [])

    def _inline_piece(self, token: Token) -> str | Marker:
        match token.type:
            case "softbreak" | "hardbreak":
                return "\n"
            case "footnote_ref":
                label = token.meta["label"]
                return Marker(f"[^{label}]", (self.footnotes[label],))
            case "html_inline":
                if re.fullmatch(r"<br\s*/?>", token.content):
                    return "\n"
                self.omitted.append(Omission(token.content, "raw HTML"))
                return ""
            case _:
                return token.content

    def _link_text(self, href: str, pieces: Sequence[str]) -> str:
        text = "".join(pieces)
        if re.fullmatch(r"\d{1,4}(?:\s?[,;–-]\s?\d{1,4})*", text.strip()):
            return f"[{text.strip()}]"  # a number that leads somewhere is a marker
        shown = href.removeprefix("mailto:")
        if (self._keeps_addresses or self._note is not None) and shown not in text and "://" in shown:
            return f"{text} {shown}"
        return text


def _with_title(units: Sequence[Unit], front_title: str | None) -> tuple[str | None, list[Unit]]:
    """Return the title, and the units with it as the only heading of level 1, where there is one."""
    tops = [at for at, unit in enumerate(units) if unit.kind == "heading" and unit.level == 1]
    if not tops and front_title:
        return front_title, [text_unit("heading", front_title, level=1), *units]
    if not tops and units and units[0].kind == "heading":
        return units[0].text, [replace(units[0], level=1), *units[1:]]
    if len(tops) <= 1:
        return (units[tops[0]].text if tops else None), list(units)
    return units[tops[0]].text, [
        replace(unit, level=min(unit.level + 1, 6)) if unit.kind == "heading" and at != tops[0] else unit
        for at, unit in enumerate(units)
    ]


def _with_footnotes(units: list[Unit], notes: Mapping[int, Sequence[str | Marker]]) -> list[Unit]:
    """Append footnotes as references under their numbers; beside a reference list they are but notes."""
    if not any(unit.kind == "reference" for unit in units):
        return [
            *units,
            *(Unit("reference", (f"[{number}]", *text)) for number, text in sorted(notes.items())),
        ]
    plain = [replace(unit, fragments=tuple(map(_as_note, unit.fragments))) for unit in units]
    return [
        *plain,
        *(Unit("paragraph", (f"Note {number}:", *text)) for number, text in sorted(notes.items())),
    ]


def _as_note(piece: str | Marker) -> str | Marker:
    """Write "[note 1]" for "[^1]", which would pass for a marker of the reference list."""
    is_footnote = isinstance(piece, Marker) and piece.text.startswith("[^")
    return f"[note {piece.numbers[0]}]" if isinstance(piece, Marker) and is_footnote else piece


_FRONT_MATTER_FIELD = re.compile(r"^([A-Za-z][\w -]*?)\s*:\s*(.*?)\s*$")
_FRONT_MATTER_ITEM = re.compile(r"^\s*-\s+(.*?)\s*$")
_FIELDS = {
    "title": "title",
    "date": "published",
    "published": "published",
    "publishdate": "published",
    "updated": "last_updated",
    "lastupdated": "last_updated",
    "lastmod": "last_updated",
    "modified": "last_updated",
    "lang": "language",
    "language": "language",
    "url": "url",
    "canonical": "url",
    "canonicalurl": "url",
    "doi": "doi",
    "licence": "licence",
    "license": "licence",
    "author": "authors",
    "authors": "authors",
}


def _read_front_matter(tokens: Sequence[Token]) -> dict[str, str]:
    """Read the simple fields of YAML front matter; lists become their items joined by "; "."""
    content = next((token.content for token in tokens if token.type == "front_matter"), "")
    fields: dict[str, str] = {}
    current: str | None = None
    for line in content.split("\n"):
        if found := _FRONT_MATTER_FIELD.match(line):
            current = _FIELDS.get(re.sub(r"[\s_-]", "", found[1]).lower())
            if current and found[2]:
                fields[current] = "; ".join(_scalars(found[2]))
        elif current and (item := _FRONT_MATTER_ITEM.match(line)):
            fields[current] = "; ".join(filter(None, (fields.get(current), _unquoted(item[1]))))
    return fields


def _scalars(value: str) -> list[str]:
    inner = value[1:-1] if value.startswith("[") and value.endswith("]") else ""
    return [_unquoted(item) for item in inner.split(",")] if inner else [_unquoted(value)]


def _unquoted(value: str) -> str:
    value = value.strip()
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value


def _metadata(fields: Mapping[str, str]) -> dict[str, str]:
    metadata = {key: value for key, value in fields.items() if key != "title" and value}
    for key in ("published", "last_updated"):
        date = parse_date(metadata.pop(key, ""))
        if date is not None:
            metadata[key] = date
    return metadata
