"""What is written like a citation marker: the notations, and the texts that only look like one.

A part of `markers`, which decides what counts; import that one.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import pairwise

from ingest.raised_numbers import Doubt, judge_raised
from ingest.records import Block, BlockKind


class NotationStyle(Enum):
    """How a document writes its markers."""

    BRACKETS = "brackets"  # [1], [1, 3], [1–3], [^1], ［1］
    CORNER_BRACKETS = "corner_brackets"  # 【1】, 〔1〕
    SUPERSCRIPTS = "superscripts"  # ¹ ¹,³ ¹⁻³
    PARENTHESES = "parentheses"  # (1)
    AFTER_STOPS = "after_stops"  # "cramps.1,2 The": superscripts on a page copied as plain text


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something written like a marker; each range is its first and last number, both included."""

    start: int
    end: int
    ranges: tuple[tuple[int, int], ...]
    is_label: bool = False  # opens its block, like the number of an entry or of an affiliation
    is_given: bool = False  # identified by the format itself
    doubt: Doubt = Doubt.NONE  # `settle_doubts` decides with the whole document in view

    @property
    def is_single(self) -> bool:
        """Whether it stands for one number."""
        return len(self.ranges) == 1 and self.ranges[0][0] == self.ranges[0][1]

    @property
    def bounds(self) -> tuple[int, int] | None:
        """The two numbers of what could be an interval, None for anything shorter or longer."""
        ends = [
            number for low, high in self.ranges[:3] for number in ((low,) if low == high else (low, high))
        ]
        return (ends[0], ends[1]) if len(ends) == 2 else None

    def numbers(self, known: frozenset[int]) -> tuple[int, ...] | None:
        """Return what it stands for, in the order written and without repeats; None unless all is known."""
        numbers: dict[int, None] = {}
        for low, high in dict.fromkeys(self.ranges):
            # A range longer than the list must leave it; this also bounds the memory.
            if high - low >= len(known) or not known.issuperset(range(low, high + 1)):
                return None
            numbers.update(dict.fromkeys(range(low, high + 1)))
        return tuple(numbers)


DASHES = "‐‑‒–—−~～⁻-"  # the hyphen last, so that it can close a character class
_SEPARATOR = rf"(?:[,;，；、{DASHES}]|,?\s?(?:and|&)\s)"
_BODY = (
    r"\s?(?:[Rr]ef(?:erence)?s?\.?\s)?"
    rf"(?P<body>\d{{1,4}}(?:\s?{_SEPARATOR}\s?\d{{1,4}})*+)"
    r"(?:,\s?pp?\.\s?\d{1,5}(?:[–-]\d{1,5})?)?\s?"
)
_RAISED = "[⁰¹²³⁴-⁹]{1,4}"
_PATTERNS = {
    NotationStyle.BRACKETS: re.compile(rf"[\[［]\^?{_BODY}[\]］]"),
    NotationStyle.CORNER_BRACKETS: re.compile(rf"[【〔]{_BODY}[】〕]"),
    NotationStyle.SUPERSCRIPTS: re.compile(rf"(?P<body>{_RAISED}(?:\s?[,{DASHES}]\s?{_RAISED})*+)"),
    NotationStyle.PARENTHESES: re.compile(rf"[(（]{_BODY}[)）]"),
    NotationStyle.AFTER_STOPS: re.compile(
        rf"(?<=[a-z][a-z][a-z)”\"][.!?])(?P<body>\d{{1,3}}(?:[,{DASHES}]\d{{1,3}})*+)(?=\s{{1,3}}[A-Z“\"]|\s?\Z)"
    ),
}
_FROM_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_ITEM = re.compile(rf"(\d+)(?:\s?[{DASHES}]\s?(\d+))?(\s?[{DASHES}])?")
_BEFORE_CHARS, _AFTER_CHARS = 48, 24

_GLUED_AFTER = re.compile(r"-?[A-Za-z0-9_α-ω]")
_NEXT_SENTENCE = re.compile(r"[A-Z](?:[a-z]|\s)")
_CODE_BEFORE = re.compile(
    r"(?:(?:^|[^\w’'])[a-zα-ω](?:\([^()\s]{0,12}\))?|\w*_\w*|\S*://\S*|[\])]\s?\.\s?\w+)$"
)
_OPERATOR_BEFORE = re.compile(r"[=<>≤≥∈±×*/^≈∼+−]\s?$")
_OPERATOR_AFTER = re.compile(r"\s?[=<>≤≥×*/^+±]|\.[a-z_]+\(")
_CAPTION_BEFORE = re.compile(
    r"\b(?:Tables?|Fig(?:ures?|s?\.)?|Eqs?\.?|Equations?|Box|Appendix|Chapter|Section|Formula|Scheme|Panel|Step)\s?$"
)
_UNIT_AFTER = re.compile(
    r"\s?(?:%|°|(?:years?|months?|weeks?|days?|hours?|minutes?|seconds?|hrs?|min|[mkµμ]?g|mcg|[md]?L|ml|[mcµμ]m"
    r"|mmol|mEq|kcal|IU|mmHg|bpm|points?|fold)\b)"
)
#: What announces an interval, when nothing but a small word stands between it and the bracket.
_INTERVAL_BEFORE = re.compile(
    r"\b(?:c\.?i|cri|cis|hdi|hpd|loa|iqr|sd|se|intervals?|ranges?|ranged|ranging|interquartile|quartiles?"
    r"|percentiles?|limits|bounds?|scales?|scores?|scored|ratings?|rated|likert|median|means?|ages?|aged|between"
    r"|from|values?|domain|interior)\.?(?:\s(?:of|was|were|is|are|in|the|from|to|for|estimate))*[\s:=,;]*$",
    re.IGNORECASE,
)
_VALUE_BEFORE = re.compile(r"(\d+(?:\.\d+)?)\s?%?[,;:]?\s?$")

_VOLUME_BEFORE, _PAGES_AFTER = re.compile(r"\d\s?$"), re.compile(r"\s?[:,]\s?\d")
_ABBREVIATION_BEFORE = re.compile(
    r"\b(?:vol|page|table|figure|approx|ver|version|chap|note)\.$", re.IGNORECASE
)

_FIRST_OF_SERIES = re.compile(
    r"(?:^|[:—]|\b(?:either|both|namely|are|were|is|was|includ\w+|follow\w*|criteria|with|by|to|if|for|of))\s*$",
    re.IGNORECASE,
)
_NEXT_OF_SERIES = re.compile(r"(?:[,;:.]|\b(?:and|or))\s$")
_WORD_AFTER = re.compile(r"\s[^\W\d_]")


def scan_blocks(text: str, blocks: Sequence[Block], style: NotationStyle) -> list[Candidate]:
    """Return what is written in one notation and is none of the known traps, in order.

    What only the document can tell from a trap is among it, with its `doubt`.
    """
    found: list[Candidate] = []
    for block in blocks:
        content = text[block.start : block.end]
        judged = (
            replace(one, doubt=doubt) if (doubt := _doubt(content, one, style, block.kind)) else one
            for one in _candidates(content, style)
        )
        kept = [one for one in judged if one.doubt is not Doubt.REFUSED]
        found += [
            replace(one, start=block.start + one.start, end=block.start + one.end)
            for one in _join_ranges(content, _without_series(content, kept))
        ]
    return found


def _candidates(content: str, style: NotationStyle) -> Iterator[Candidate]:
    opening = 0  # where the text begins, past the markers that it begins with
    written = ((*match.span(), match["body"]) for match in _PATTERNS[style].finditer(content))
    for start, end, body in _mend(content, written) if style is NotationStyle.SUPERSCRIPTS else written:
        is_label = opening >= 0 and not content[opening:start].strip()
        opening = end if is_label else -1
        ranges = _parse_ranges(body)
        if ranges is not None:
            yield Candidate(start, end, ranges, is_label)


def _mend(content: str, written: Iterable[tuple[int, int, str]]) -> Iterator[tuple[int, int, str]]:
    """Join a list with the rest of its last number where a narrow column broke it: "⁵²,⁷¹,⁷ ⁶,⁷⁷" has a 76."""
    last: tuple[int, int, str] | None = None
    for start, end, body in written:
        is_rest = last is not None and start - last[1] == 1 and content[last[1]].isspace()
        if last and is_rest and _falls_at_its_end(last[2]) and _ascends(_numbers_in(last[2] + body)):
            last = last[0], end, last[2] + body
            continue
        if last is not None:
            yield last
        last = start, end, body
    # Where the text breaks off inside a number, the rest is out of reach: "⁵²,⁷¹,⁷" cites no 7.
    if last is not None and not (last[1] == len(content) and _falls_at_its_end(last[2])):
        yield last


def _falls_at_its_end(body: str) -> bool:
    numbers = _numbers_in(body)
    return len(numbers) > 2 and numbers[-1] < numbers[-2] and _ascends(numbers[:-1])


def _ascends(numbers: Sequence[int]) -> bool:
    return all(low < high for low, high in pairwise(numbers))


def _numbers_in(body: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", body.translate(_FROM_RAISED))]


def _parse_ranges(body: str) -> tuple[tuple[int, int], ...] | None:
    """Read "1, 3–5" as ((1, 1), (3, 5)); None for zeros, falling ranges and chains such as 1-2-3."""
    ranges: list[tuple[int, int]] = []
    for low, high, dangling in _ITEM.findall(body.translate(_FROM_RAISED)):
        first, last = int(low), int(high or low)
        if dangling or low[0] == "0" or high[:1] == "0" or first > last or (high and first == last):
            return None
        ranges.append((first, last))
    return tuple(ranges)


def _doubt(content: str, one: Candidate, style: NotationStyle, kind: BlockKind) -> Doubt:
    before = content[max(0, one.start - _BEFORE_CHARS) : one.start]
    after = content[one.end : one.end + _AFTER_CHARS]
    if style is NotationStyle.SUPERSCRIPTS:
        return judge_raised(before, after, one.ranges, in_table=kind == "table_row")
    if style is NotationStyle.AFTER_STOPS:
        is_trap = _ABBREVIATION_BEFORE.search(before) is not None
        return Doubt.REFUSED if is_trap else Doubt.NONE
    if _is_trap(before, after, style):
        return Doubt.REFUSED
    doubt = _interval_doubt(before, one)
    # Only brackets are as rare in prose as a turn in the order of citation.
    return Doubt.REFUSED if doubt and style is not NotationStyle.BRACKETS else doubt


def _is_trap(before: str, after: str, style: NotationStyle) -> bool:
    if style is NotationStyle.PARENTHESES and (_VOLUME_BEFORE.search(before) or _PAGES_AFTER.match(after)):
        return True
    return (
        (style is not NotationStyle.CORNER_BRACKETS and _is_glued(before, after))
        or _is_formula(before, after)
        or _CAPTION_BEFORE.search(before) is not None
        or _UNIT_AFTER.match(after) is not None
    )


def _is_glued(before: str, after: str) -> bool:
    """Say whether a word goes on behind it, as in [3]thymidine, unless a sentence begins there."""
    opens_sentence = before.endswith((".", "!", "?")) and _NEXT_SENTENCE.match(after)
    return _GLUED_AFTER.match(after) is not None and not opens_sentence


def _is_formula(before: str, after: str) -> bool:
    return bool(
        _CODE_BEFORE.search(before) or _OPERATOR_BEFORE.search(before) or _OPERATOR_AFTER.match(after)
    )


def _interval_doubt(before: str, one: Candidate) -> Doubt:
    """Judge two numbers that may be the ends of an interval: so announced, or around the value before them."""
    if one.bounds is None:
        return Doubt.NONE
    value = _VALUE_BEFORE.search(before)
    low, high = one.bounds
    if value is not None and low <= float(value[1]) <= high:
        return Doubt.REFUSED
    return Doubt.TURN if _INTERVAL_BEFORE.search(before) else Doubt.NONE


def _without_series(content: str, candidates: Sequence[Candidate]) -> list[Candidate]:
    """Drop counts such as "(1) rest, (2) ice and (3) heat": 1, 2, 3, ... each before the words it counts."""
    dropped: set[int] = set()
    series: list[int] = []
    for at, one in enumerate(candidates):
        if series and _counts(content, one, len(series) + 1, _NEXT_OF_SERIES):
            series.append(at)
        else:
            series = [at] if _counts(content, one, 1, _FIRST_OF_SERIES) else []
        if len(series) > 1:
            dropped.update(series)
    return [one for at, one in enumerate(candidates) if at not in dropped]


def _counts(content: str, one: Candidate, number: int, before: re.Pattern[str]) -> bool:
    return (
        one.ranges == ((number, number),)
        and before.search(content[max(0, one.start - _BEFORE_CHARS) : one.start]) is not None
        and _WORD_AFTER.match(content, one.end) is not None
    )


_BETWEEN_ENDS = re.compile(rf"\s?[{DASHES}]\s?")


def _join_ranges(content: str, candidates: Sequence[Candidate]) -> list[Candidate]:
    """Read "[1]–[3]" as one marker for 1 to 3."""
    joined: list[Candidate] = []
    for one in candidates:
        last = joined[-1] if joined else None
        if last is not None and _spans_range(content, last, one):
            joined[-1] = replace(last, end=one.end, ranges=((last.ranges[0][0], one.ranges[0][0]),))
        else:
            joined.append(one)
    return joined


def _spans_range(content: str, first: Candidate, last: Candidate) -> bool:
    return (
        first.is_single
        and last.is_single
        and first.ranges[0][0] < last.ranges[0][0]
        and last.start - first.end <= 3
        and _BETWEEN_ENDS.fullmatch(content, first.end, last.start) is not None
    )


@dataclass(frozen=True, slots=True)
class Notation:
    """How a document cites, and all that it writes so."""

    style: NotationStyle
    candidates: tuple[Candidate, ...]  # in order


def infer_notation(text: str, blocks: Sequence[Block], *, numbers: Collection[int]) -> Notation | None:
    """Return the one notation in which the document cites `numbers`, None where it shows no markers.

    Brackets come first. Superscripts are preferred to them only when they cite far more of the list, and
    the ambiguous notations need to cite half of it; one raised number in a long text is no notation. With no
    numbers at all, it is the first notation seen.
    """
    searched = [block for block in blocks if block.kind != "reference"]
    scanned = {style: scan_blocks(text, searched, style) for style in NotationStyle}
    style = _choose_style(text, scanned, frozenset(numbers))
    return Notation(style, tuple(scanned[style])) if style else None


def _choose_style(
    text: str, scanned: Mapping[NotationStyle, Sequence[Candidate]], known: frozenset[int]
) -> NotationStyle | None:
    seen = {
        style: [one for one in found if not one.is_label and one.doubt is Doubt.NONE]
        for style, found in scanned.items()
    }
    plain = (NotationStyle.BRACKETS, NotationStyle.CORNER_BRACKETS, NotationStyle.SUPERSCRIPTS)
    if not known:
        return next((style for style in plain if seen[style]), None)
    cited = {style: _distinct_numbers(found, known) for style, found in seen.items()}
    bracketed = max(plain[:2], key=lambda style: cited[style])
    raised = cited[NotationStyle.SUPERSCRIPTS]
    if raised >= 3 and raised > 2 * cited[bracketed]:
        return NotationStyle.SUPERSCRIPTS
    if cited[bracketed]:
        return bracketed
    if raised >= 2 or 4 * raised >= len(known):
        return NotationStyle.SUPERSCRIPTS
    ambiguous = (NotationStyle.PARENTHESES, NotationStyle.AFTER_STOPS)
    consistent = (style for style in ambiguous if _cites_consistently(text, seen[style], known))
    return next(consistent, next((style for style in plain[:2] if seen[style]), None))


def _distinct_numbers(found: Sequence[Candidate], known: frozenset[int]) -> int:
    return len({number for one in found for number in one.numbers(known) or ()})


_CLAUSE_END = re.compile(r"\s?(?:[.,;:!?)]|$)")


def _cites_consistently(text: str, found: Sequence[Candidate], known: frozenset[int]) -> bool:
    """Say whether a notation cites half of the list, hardly anything else, and mostly where clauses end."""
    valid = [one for one in found if one.numbers(known)]
    closing = [
        one
        for one in valid
        if _CLAUSE_END.match(text[one.end : one.end + 2])
        or text[max(0, one.start - 2) : one.start].rstrip().endswith(".")
    ]
    return (
        bool(valid)
        and 5 * len(valid) >= 4 * len(found)
        and 2 * _distinct_numbers(valid, known) >= len(known)
        and 2 * len(closing) >= len(valid)
    )
