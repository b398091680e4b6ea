"""A document's reference list: its heading, its entries, and the number that each one bears.

What one entry says of itself is read by `reference_entry`.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from ingest.canonical import normalize_text
from ingest.records import Reference
from ingest.reference_entry import parse_reference

__all__ = ["is_reference_list_heading", "parse_reference", "parse_reference_list", "split_reference_list"]

#: Headings of lists that a text's markers point into. "Further reading" and "Resources" are not among them: such
#: lists are not cited, and their numbers would clash with those of the list that is.
_HEADINGS = frozenset(
    """
    references|reference|reference list|references list|list of references|references cited|cited references
    references and notes|notes and references|references and sources|sources and references|references and links
    selected references|key references|main references|medical references|article references|web references
    bibliographic references|references and bibliography|references and further reading
    works cited|work cited|works consulted|literature|literature cited|cited literature|literature references
    bibliography|selected bibliography|sources|article sources|our sources|sources cited|sources consulted
    citations|citations and references|references and citations|cited works|cited sources|source
    literatur|literaturverzeichnis|literaturangaben|quellen|quellenangaben|quellenverzeichnis|referenzen
    références|références bibliographiques|bibliographie|références citées|notes et références
    referencias|referencias bibliográficas|bibliografía|fuentes|fuentes consultadas
    referências|referências bibliográficas|bibliografia|fontes
    riferimenti|riferimenti bibliografici|fonti|referenties|literatuur|literatuurlijst|bronnen
    referenser|källor|litteraturförteckning|referencer|referanser|kilder|litteratur|litteraturliste
    piśmiennictwo|źródła|literatura|použitá literatura|lähteet|viitteet|kirjallisuus|irodalom|kaynaklar|kaynakça
    daftar pustaka|referensi|βιβλιογραφία|список литературы|литература|источники|список літератури|література
    参考文献|參考文獻|引用文献|참고문헌|संदर्भ|المراجع
    """.strip()
    .replace("\n", "|")
    .split("|")
)
_HEADING_NUMBER = re.compile(
    r"^(?:section )?(?:\d{1,3}(?:\.\d{1,2})*|[ivx]{1,5}(?=[.)])|[a-z](?=[.)]))[.):]?\s+", re.I
)
_HEADING_ENDING = re.compile(r"(?:\s*[(\[]\d{1,4}[)\]])?[\s:.…]*$")


def is_reference_list_heading(text: str) -> bool:
    """Say whether a heading announces the list that a document's markers point into.

    A number before it ("7. References"), a count behind it ("Sources (12)"), a colon and marks of emphasis
    play no part. "Further reading" is no such heading: nothing cites the entries below it.
    """
    heading = unicodedata.normalize("NFC", normalize_text(text)).strip().strip("#*_ ").casefold()
    heading = _HEADING_ENDING.sub("", heading).strip("*_ ")
    heading = heading.replace("&", "and")
    return heading in _FOLDED_HEADINGS or _HEADING_NUMBER.sub("", heading) in _FOLDED_HEADINGS


_FOLDED_HEADINGS = frozenset(heading.strip().casefold() for heading in _HEADINGS)


@dataclass(frozen=True, slots=True)
class _LabelStyle:
    """One way to print an entry's number before it.

    `distinct` styles are hardly ever met at the start of a line for another reason; of the others, a run of
    numbers that follow each other is asked for.
    """

    pattern: re.Pattern[str]
    distinct: bool = False


_BULLET = r"\s*(?:[•*·▪◦–-]\s+)?"
_STYLES = (
    _LabelStyle(re.compile(_BULLET + r"\\?\[\^?([1-9]\d{0,3})\\?\](?!\()\s*[:.]?\s*"), distinct=True),
    _LabelStyle(re.compile(_BULLET + r"([1-9]\d{0,3})\\?\.(?:\)|(?=\s|[^\W\d_]|[\"“‘«]|$))\s*")),
    _LabelStyle(re.compile(_BULLET + r"\(([1-9]\d{0,3})\)[.:]?\s*(?=\S|$)")),
    _LabelStyle(re.compile(_BULLET + r"([1-9]\d{0,3})\)[.:]?\s*")),
    _LabelStyle(re.compile(r"\s*([¹²³⁴-⁹][⁰¹²³⁴-⁹]{0,2})\s*")),
    _LabelStyle(re.compile(r"\s*([1-9]\d{0,2})[:|]?\s+(?=\S)")),
    _LabelStyle(re.compile(r"\s*([1-9]\d{0,2})(?=[^\W\d_]{2})")),
)


@dataclass(frozen=True, slots=True)
class _Label:
    """A number at the start of a line, and where the text behind it begins."""

    line: int
    number: int
    end: int


def split_reference_list(lines: Sequence[str]) -> list[str]:
    """Return the entries of a reference list, each on one line with its printed label.

    Numbered entries begin where their labels stand, at the start of a line or, where a number is missing there,
    within one. Unnumbered ones are told apart by empty lines, else by hanging indents, else by what a line looks
    like. An unnumbered paragraph behind a finished numbered entry becomes an entry of its own.

    Args:
        lines: The lines or paragraphs below the heading, with their indents; an empty one separates.
    """
    labels = _labels_of(lines)
    if labels:
        return _split_numbered(lines, labels)
    entries: list[str] = []
    for paragraph in _paragraphs(lines):
        entries += _split_unnumbered(paragraph)
    return entries


def parse_reference_list(entries: Sequence[str]) -> tuple[Reference, ...]:
    """Return one reference per entry, in order, under the number that it prints or else its position.

    An entry without a number in a numbered list gets its position where no other entry prints that number,
    else the next one above all printed; a problem says so. A number that is printed on several entries stays
    on each of them, and each has a problem that says so: a marker with that number cannot be resolved.
    """
    printed = [entry for entry in entries if entry.strip()]
    labels = {label.line: label for label in _entry_labels(printed)}
    numbers = _numbers_of(len(printed), {line: label.number for line, label in labels.items()})
    counts = Counter(numbers)
    references: list[Reference] = []
    for line, (entry, number) in enumerate(zip(printed, numbers, strict=True)):
        label = labels.get(line)
        text = entry[label.end :] if label else entry
        reference = parse_reference(text if text.strip() else entry, number)
        problems = list(_number_problems(number, counts[number], missing=bool(labels) and label is None))
        references.append(replace(reference, problems=(*problems, *reference.problems)))
    return tuple(references)


def _number_problems(number: int, count: int, *, missing: bool) -> Iterable[str]:
    if missing:
        yield f"No number is printed before this entry of a numbered list; it is kept as {number}."
    if count > 1:
        yield f"The number {number} is printed before {count} entries of this list; a marker [{number}] is ambiguous."


def _numbers_of(count: int, printed: dict[int, int]) -> list[int]:
    """Give every entry, by its place from 0, the number that it prints or one that no entry prints."""
    taken = set(printed.values())
    numbers: list[int] = []
    for place in range(count):
        number = printed.get(place)
        if number is None:
            number = place + 1 if place + 1 not in taken else max(taken) + 1
            taken.add(number)
        numbers.append(number)
    return numbers


def _entry_labels(entries: Sequence[str]) -> list[_Label]:
    """Labels of entries that are already told apart: those of the style that most of them have."""
    best: list[_Label] = []
    for style in _STYLES:
        labels = _without_years(_labels_in_style(entries, style))
        if style in _STYLES[-2:] and not (len(labels) == len(entries) > 1 and _is_run(labels)):
            continue  # "5 ways to stretch" is a title
        if len(labels) * 2 >= len(entries) and len(labels) > len(best):
            best = labels
    return best


def _labels_in_style(lines: Sequence[str], style: _LabelStyle) -> list[_Label]:
    found = ((line, style.pattern.match(text)) for line, text in enumerate(lines))
    return [_Label(line, _as_number(match[1]), match.end()) for line, match in found if match]


def _as_number(digits: str) -> int:
    return int(unicodedata.normalize("NFKC", digits))


def _without_years(labels: list[_Label]) -> list[_Label]:
    """Leave out four-digit numbers that no neighbouring number explains: they are years."""
    numbers = {label.number for label in labels}
    return [one for one in labels if one.number < 1000 or {one.number - 1, one.number + 1} & numbers]


def _is_run(labels: Sequence[_Label]) -> bool:
    return all(after.number == before.number + 1 for before, after in pairwise(labels))


def _labels_of(lines: Sequence[str]) -> list[_Label]:
    """The labels that begin the entries of a list that may be hard-wrapped; none if it is not numbered."""
    best: list[_Label] = []
    visible = sum(bool(line.strip()) for line in lines)
    for style in _STYLES:
        labels = _without_years(_labels_in_style(lines, style))
        weak = style in _STYLES[-2:]
        if not style.distinct and (weak or len(labels) < visible):
            labels = _longest_run(labels)
        if len(labels) > max(len(best), 1) or (labels and not best and _stands_alone(labels[0], style)):
            best = labels
    return best


def _stands_alone(label: _Label, style: _LabelStyle) -> bool:
    return label.line == 0 and style not in _STYLES[-2:] and (style.distinct or label.number == 1)


#: A list may leave out a few numbers; a larger step is more likely a line that happens to begin with a number.
_LARGEST_STEP = 4


def _longest_run(labels: Sequence[_Label]) -> list[_Label]:
    """Those labels that count upwards best, so that a wrapped line that begins with a number is not among them.

    Each step by one is worth 1; a repeat, a few missing numbers or a new start at 1 are allowed but worth less.
    """
    worth: list[float] = []
    previous: list[int | None] = []
    latest: dict[int, int] = {}  # number -> place of its best label so far
    best_place: int | None = None
    for place, label in enumerate(labels):
        options = (
            [(0.0, None)] if best_place is None or label.number != 1 else [(worth[best_place], best_place)]
        )
        for step in range(_LARGEST_STEP + 1):
            before = latest.get(label.number - step)
            if before is not None:
                options.append((worth[before] + (1.0 if step == 1 else 0.2), before))
        value, before = max(options, key=lambda option: option[0])
        worth.append(value)
        previous.append(before)
        if label.number not in latest or value >= worth[latest[label.number]]:
            latest[label.number] = place
        if best_place is None or value > worth[best_place]:
            best_place = place
    chosen: list[_Label] = []
    while best_place is not None:
        chosen.append(labels[best_place])
        best_place = previous[best_place]
    return chosen[::-1]


def _split_numbered(lines: Sequence[str], labels: Sequence[_Label]) -> list[str]:
    starts = [label.line for label in labels]
    entries = [
        entry for paragraph in _paragraphs(lines[: starts[0]]) for entry in _split_unnumbered(paragraph)
    ]
    for label, stop in zip(labels, [*starts[1:], len(lines)], strict=True):
        own, *rest = _finished(_paragraphs(lines[label.line : stop]))
        following = next((after.number for after in labels if after.line == stop), None)
        entries += _split_run_together(own, label.number, before=following)
        entries += rest
    return entries


def _finished(paragraphs: Sequence[Sequence[str]]) -> list[str]:
    """Join each paragraph, and those that go on with the one before."""
    entries: list[str] = []
    for paragraph in paragraphs:
        text = _join(paragraph)
        if entries and (not _ENTRY_END.search(entries[-1]) or _CONTINUATION.match(text)):
            entries[-1] = _join([entries[-1], text])
        else:
            entries.append(text)
    return entries


def _split_run_together(text: str, number: int, *, before: int | None) -> list[str]:
    """Split what stands between two labels where the numbers missing between them are printed within it."""
    entries: list[str] = []
    wanted = number + 1
    while before is None or wanted < before:
        at = _inner_label(text, wanted)
        if at is None:
            break
        entries.append(text[:at].strip())
        text = text[at:]
        wanted += 1
    return [*entries, text.strip()]


def _inner_label(text: str, number: int) -> int | None:
    """Where the label `number` stands within a line, in the same notation as the line's own label."""
    opening = re.match(r"\s*(\\?\[\^?|\(|)\d{1,4}(\\?\]|\\?\.|\)|)", text)
    if opening is None or not (opening[1] or opening[2]):
        return None
    closing_then = r"\s*" if opening[1].endswith("[") else r"\s+(?=[^\W\da-z_]|[\"“‘«])"
    wanted = re.escape(opening[1]) + str(number) + re.escape(opening[2]) + closing_then
    bracketed = opening[1].endswith("[")
    for found in re.finditer(rf"(?<=\s){wanted}", text[opening.end() :]):
        at = opening.end() + found.start()
        if bracketed or _ENTRY_END.search(text[:at].rstrip()):
            return at
    return None


#: How a printed entry may end: a stop, a closing bracket or quotation mark, a number, a DOI or another address.
_ENTRY_END = re.compile(r"(?:[.!?)\]\d”\"’»>↩]|\bhttps?://\S+|\bwww\.\S+|\b10\.\d{4,9}/\S+)\s*$")
#: What can only go on with an entry: an address or identifier, or a note on where and when it was read.
_CONTINUATION = re.compile(
    r"(?i:https?://|www\.|doi\b|pmid\b|pmcid\b|10\.\d{4}|(?:available|accessed|retrieved|epub)\b|in:|pp?\. ?\d)"
    r"|[^\W\dA-Z_](?!\w*[A-Z])\w+\s|[,;.)&–-]"
)
_DATED = re.compile(
    r"\b(?:1[5-9]|20)\d\d[a-z]?\b|\bn\.\s?d\.|\bin press\b|\bforthcoming\b|https?://|www\.", re.I
)
_NAME_CORE = r"[^\W\d_a-z][\w'’‘-]*"
_ENTRY_START = re.compile(
    r"(?:[\"“‘«*_]*)(?:(?:van|von|de|der|den|di|da|dos|del|della|la|le|el|al|ter|ten)\s+){0,3}"
    rf"{_NAME_CORE}(?:\s{_NAME_CORE}){{0,2}}"
    r"(?:,\s*[^\W\d_a-z](?:\.|\s|-)|\s[^\W\d_a-z]{1,3}(?:[,.:;]|\s\()|,\s*[^\W\d_a-z][\w-]+(?:\s[^\W\d_a-z]\.)?[,.]"
    r"|[\w\s,&'’.()-]{0,120}?\(?(?:(?:1[5-9]|20)\d\d[a-z]?|n\.\s?d\.))"
)


def _paragraphs(lines: Sequence[str]) -> list[list[str]]:
    paragraphs: list[list[str]] = [[]]
    for line in lines:
        if line.strip():
            paragraphs[-1].append(line)
        elif paragraphs[-1]:
            paragraphs.append([])
    return [paragraph for paragraph in paragraphs if paragraph]


def _split_unnumbered(lines: Sequence[str]) -> list[str]:
    """Split lines without an empty one between them."""
    starts = _starts_by_indent(lines) or _starts_by_look(lines)
    return [_join(lines[start:stop]) for start, stop in pairwise([*starts, len(lines)])]


def _starts_by_indent(lines: Sequence[str]) -> list[int]:
    """Lines that stand further left than others; none unless the list has hanging indents."""
    indents = [len(line) - len(line.lstrip()) for line in lines]
    if len(set(indents)) == 1 or indents[0] != min(indents):
        return []
    return [place for place, indent in enumerate(indents) if indent == min(indents)]


def _starts_by_look(lines: Sequence[str]) -> list[int]:
    if all(_is_whole(line) for line in lines):
        return list(range(len(lines)))
    starts = [0]
    for place in range(1, len(lines)):
        so_far = " ".join(lines[starts[-1] : place]).rstrip()
        if _ENTRY_END.search(so_far) and _DATED.search(so_far) and _begins_entry(lines[place]):
            starts.append(place)
    return starts


def _is_whole(line: str) -> bool:
    """Say whether a line can be an entry by itself."""
    stripped = line.strip()
    return bool(_DATED.search(stripped) and _ENTRY_END.search(stripped)) and not _CONTINUATION.match(stripped)


def _begins_entry(line: str) -> bool:
    return bool(_ENTRY_START.match(line.strip())) and not _CONTINUATION.match(line.strip())


def _join(lines: Sequence[str]) -> str:
    """Join wrapped lines: no space behind a hyphen within a word, nor within an address or a DOI."""
    text = ""
    for line in (one.strip() for one in lines):
        glued = _HYPHENATED.search(text) and line[:1].islower()
        glued = (
            glued or _OPEN_ADDRESS.search(text) or (_ADDRESS.search(text) and line[:1] in tuple("-/_.=&?"))
        )
        text = text + line if glued or not text else f"{text} {line}"
    return text


_HYPHENATED = re.compile(r"[^\W\d_]-$")
_ADDRESS = re.compile(r"(?:https?://|www\.|\b10\.\d{4,9}/)\S*$")
_OPEN_ADDRESS = re.compile(r"(?:https?://|www\.|\b10\.\d{4,9}/)(?:\S*[/_=&?.-])?$")
