"""From a file's structural units to a `Reading`: the steps that text formats have in common."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ingest.canonical import CanonicalTextBuilder, Marker, normalize_text
from ingest.markers import find_citations
from ingest.readers.reading import Reading
from ingest.records import BlockKind, Omission
from ingest.references import is_reference_list_heading, parse_reference_list, split_reference_list

Fragments = tuple[str | Marker, ...]


@dataclass(frozen=True, slots=True)
class Unit:
    """What will be a block: a heading, paragraph, list item, table row or entry of the reference list.

    Text may still hold line feeds: they are spaces in the end, but entries of a list begin at them.
    """

    kind: BlockKind
    fragments: Fragments
    level: int = 0

    @property
    def text(self) -> str:
        """The text of all fragments."""
        return "".join(piece if isinstance(piece, str) else piece.text for piece in self.fragments)


def text_unit(kind: BlockKind, text: str, *, level: int = 0) -> Unit:
    """Return a unit of plain text."""
    return Unit(kind, (text,), level)


_LABEL = re.compile(r"\s*(?:\[\^?(\d{1,4})\]:?|\((\d{1,4})\)|(\d{1,3})[.)](?=\s|[A-Z]))")
_LINK_DEFINITION = re.compile(r"\s*\[\d{1,4}\]:\s*\S")
#: What an entry shows that other text seldom does: a year, an address or an identifier.
_CITES = re.compile(
    r"\b(?:1[89]|20)\d\d[a-z]?\b|https?://|www\.|\bdoi\b|\b10\.\d{4,}/|\bPMID\b|\bn\.d\.", re.IGNORECASE
)
_FINISHED = re.compile(r"(?:[.!?…]|\S*(?://|www\.|10\.\d{4,}/)\S+)\s*$")
_CONTINUES = re.compile(r"\s*(?:[a-z(&]|https?:|www\.|doi|10\.\d|PM[CI]|Available|Accessed|Retrieved|\[)")


def mark_references(units: Sequence[Unit]) -> list[Unit]:
    """Return the units with the entries of the reference list made `reference` units, one entry each.

    The list stands under a heading that says so and ends at the next heading that is not below it. Its
    entries are list items, or else paragraphs; where entries bear numbers, text without one is none, and
    stays what it was. Lines of the form "[1]: ..." are entries wherever they stand.
    """
    marked: list[Unit] = []
    only_one = sum(_heads_references(unit) for unit in units) == 1
    at = 0
    while at < len(units):
        unit = units[at]
        at += 1
        if _heads_references(unit):
            marked.append(unit)
            end = _section_end(units, at, unit.level)
            marked += _mark_section(units[at:end], is_sure=only_one)
            at = end
        elif unit.kind == "paragraph" and _is_definition_list(unit):
            marked += [text_unit("reference", entry) for entry in _split_at_labels(unit.text)]
        else:
            marked.append(unit)
    return marked


def _heads_references(unit: Unit) -> bool:
    return unit.kind == "heading" and unit.level != 1 and is_reference_list_heading(unit.text)


def _section_end(units: Sequence[Unit], start: int, level: int) -> int:
    ends = (at for at in range(start, len(units)) if units[at].kind == "heading" and units[at].level <= level)
    return next(ends, len(units))


def _is_definition_list(unit: Unit) -> bool:
    lines = [line for line in unit.text.split("\n") if line.strip()]
    return bool(lines) and all(_LINK_DEFINITION.match(line) for line in lines)


def _mark_section(section: Sequence[Unit], *, is_sure: bool) -> list[Unit]:
    """Return the units of a section with its entries marked; unless sure, these must cite something."""
    whole = _join_nested_items(section)
    split = [part for unit in whole for part in _split_unit(unit)]
    candidates = [unit for unit in split if unit.kind in ("list_item", "paragraph")]
    if any(_label_of(unit.text) for unit in candidates):
        return _mark_labelled(split)
    if not is_sure and not any(_CITES.search(unit.text) for unit in candidates):
        return split
    if any(unit.kind == "list_item" for unit in candidates):
        return _mark_unlabelled(split, kind="list_item")
    return _mark_unlabelled(split, kind="paragraph")


def _join_nested_items(section: Sequence[Unit]) -> list[Unit]:
    """Make what is nested in an item of the list, such as its address, part of the item."""
    joined: list[Unit] = []
    for unit in section:
        last = joined[-1] if joined else None
        if unit.kind == "list_item" and unit.level > 0 and last is not None and last.kind == "list_item":
            joined[-1] = replace(last, fragments=(*last.fragments, " ", *unit.fragments))
        else:
            joined.append(unit)
    return joined


def _split_unit(unit: Unit) -> list[Unit]:
    if unit.kind != "paragraph" or "\n" not in unit.text:
        return [unit]
    parts = _split_at_labels(unit.text)
    if len(parts) == 1 and not _LABEL.match(unit.text) and _CITES.search(unit.text):
        parts = split_reference_list(unit.text.split("\n"))
    return [replace(unit, fragments=(part,)) for part in parts] if len(parts) > 1 else [unit]


def _split_at_labels(text: str) -> list[str]:
    """Split lines into entries: each begins with a label, or after an entry that is plainly finished."""
    entries: list[str] = []
    for line in text.split("\n"):
        if not line.strip():
            continue
        labelled = bool(entries) and _LABEL.match(entries[-1]) is not None
        over = (
            labelled and _FINISHED.search(entries[-1]) and not (_CONTINUES.match(line) or _CITES.search(line))
        )
        if not entries or _LABEL.match(line) or over:
            entries.append(line)
        else:
            entries[-1] += "\n" + line
    return entries


def _label_of(text: str) -> int | None:
    match = _LABEL.match(text)
    return int(next(filter(None, match.groups()))) if match else None


def _mark_labelled(section: Sequence[Unit]) -> list[Unit]:
    """Mark what bears a number; a count that starts again without citing anything is another list."""
    marked: list[Unit] = []
    highest = 0
    for unit in section:
        number = _label_of(unit.text) if unit.kind in ("list_item", "paragraph") else None
        if number is not None and (number > highest or _CITES.search(unit.text)):
            highest = max(highest, number)
            marked.append(replace(unit, kind="reference", level=0))
        else:
            marked.append(unit)
    return marked


def _mark_unlabelled(section: Sequence[Unit], *, kind: BlockKind) -> list[Unit]:
    """Mark units of one kind that cite something; if none does, the first ones that stand together."""
    cites = [unit.kind == kind and _CITES.search(unit.text) is not None for unit in section]
    if not any(cites):
        first = next((at for at, unit in enumerate(section) if unit.kind == kind), len(section))
        after = (at for at in range(first, len(section)) if section[at].kind != kind)
        end = next(after, len(section))
        cites = [first <= at < end for at in range(len(section))]
    elif kind == "list_item":
        first, last = cites.index(True), len(cites) - cites[::-1].index(True)
        cites = [unit.kind == kind and first <= at < last for at, unit in enumerate(section)]
    return [
        replace(unit, kind="reference", level=0) if cited else unit
        for unit, cited in zip(section, cites, strict=True)
    ]


def assemble_reading(
    units: Iterable[Unit],
    *,
    title: str | None,
    metadata: Mapping[str, str],
    omitted: Sequence[Omission],
    warnings: Sequence[str],
) -> Reading:
    """Build the canonical text of units in reading order, read the reference list and find the markers."""
    builder = CanonicalTextBuilder()
    for unit in units:
        builder.add(unit.kind, unit.fragments, level=unit.level)
    text = builder.text
    entries = [text[block.start : block.end] for block in builder.blocks if block.kind == "reference"]
    references = parse_reference_list(entries) if entries else ()
    found = find_citations(
        text,
        builder.blocks,
        numbers={reference.number for reference in references},
        marked=builder.markers,
    )
    repeated = [number for number, times in Counter(one.number for one in references).items() if times > 1]
    return Reading(
        title=normalize_text(title).strip() or None if title else None,
        text=text,
        blocks=tuple(builder.blocks),
        references=references,
        citations=found.citations,
        metadata=dict(metadata),
        omitted=tuple(omitted),
        warnings=(*warnings, *(_repeated(number) for number in repeated), *found.warnings),
    )


def _repeated(number: int) -> str:
    return f"The reference list has more than one entry numbered {number}; give each a number of its own."
