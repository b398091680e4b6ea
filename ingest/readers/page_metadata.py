"""What a page says of itself in a line of its own: dates, reading time, who wrote it."""

import re
from datetime import date

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = r"(?P<month>[A-Za-z]{3,9})\.?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_DATES = (
    re.compile(rf"\b{_YEAR}[-/.](?P<number>\d{{1,2}})[-/.]{_DAY}(?!\d)"),
    re.compile(rf"\b{_DAY}(?:\s+of)?[\s-]+{_MONTH}[,\s-]+{_YEAR}\b"),
    re.compile(rf"\b{_MONTH}\s+{_DAY},?\s+{_YEAR}\b"),
    # With numbers only, day and month are told apart when one of them is above 12.
    re.compile(rf"\b(?P<first>\d{{1,2}})[/.](?P<second>\d{{1,2}})[/.]{_YEAR}\b"),
)
_LABELS = (
    (
        "last_updated",
        re.compile(r"\b(?:updated|modified|revised|reviewed|changed|last\s+review)\b", re.IGNORECASE),
    ),
    (
        "published",
        re.compile(r"\b(?:published|posted|created|first\s+published|publication|date)\b", re.IGNORECASE),
    ),
)
_READING_TIME = re.compile(
    r"\b(?:\d+|one|two|three|four|five|ten)[\s-]*(?:min(?:ute)?s?|hours?)\b(?=.{0,12}\bread)"
    r"|\bread(?:ing)?(?:\s+time)?\b.{0,12}?\b\d+\s*(?:min|hour|sec)",
    re.IGNORECASE,
)
_BYLINE = re.compile(
    r"(?P<role>(?:medically\s+|clinically\s+|expert\s+)?(?:written|reviewed|authored|edited|posted|published"
    r"|fact[\s-]checked|approved|checked)\s+by|by|authors?)\s*:?\s+(?P<names>[A-Z].{1,120})",
    re.IGNORECASE,
)
_PARTS = re.compile(r"\s+[|•·–—]\s+")
_FUTURE = re.compile(r"\b(?:next|due|until|expires?|valid)\b", re.IGNORECASE)
_MAX_CHARS = 120


def parse_date(text: str) -> str | None:
    """Return the first date in a text in ISO form; None if there is none, or day and month are in doubt."""
    for pattern in _DATES:
        for match in pattern.finditer(text):
            found = _iso_date(match.groupdict())
            if found is not None:
                return found
    return None


def _iso_date(parts: dict[str, str | None]) -> str | None:
    year = int(parts["year"] or 0)
    if parts.get("first"):
        first, second = int(parts["first"] or 0), int(parts["second"] or 0)
        if first <= 12 and second <= 12 and first != second:
            return None
        day, month = max(first, second), min(first, second)
    else:
        day = int(parts["day"] or 0)
        name = (parts.get("month") or "")[:3].lower()
        month = int(parts.get("number") or (_MONTHS.index(name) + 1 if name in _MONTHS else 0))
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return None


def is_metadata_line(line: str) -> bool:
    """Say whether a line gives nothing but a date, a reading time or the people behind the text."""
    text = line.strip()
    if not text or len(text) > _MAX_CHARS:
        return False
    return _is_dated(text) or _READING_TIME.search(text) is not None or byline_names(text) is not None


def _is_dated(text: str) -> bool:
    if parse_date(text) is None and not re.search(r"\b\d{1,2}[/.]\d{1,2}[/.]\d{4}\b", text):
        return False
    words = re.findall(r"[^\W\d_]+", text)
    return len(words) <= 8 and not text.endswith(".")


def byline_names(line: str) -> str | None:
    """Return who wrote or reviewed the text, as printed, if that is what the line says."""
    match = _BYLINE.fullmatch(line.strip())
    if match is None or re.search(r"[a-z]{3,}[.?:]$", line.rstrip()):
        return None
    words = match["names"].split()
    capitals = sum(word[:1].isupper() or not word[:1].isalpha() for word in words)
    return match["names"] if capitals >= 0.6 * len(words) else None


def read_metadata(lines: list[str]) -> dict[str, str]:
    """Return what such lines say, by the keys of `Reading.metadata`; the first of each kind counts."""
    metadata: dict[str, str] = {}
    for line in (part for whole in lines for part in _PARTS.split(whole)):
        found = parse_date(line)
        if found is not None and not _FUTURE.search(line):
            key = next((key for key, label in _LABELS if label.search(line)), "published")
            metadata.setdefault(key, found)
        names = byline_names(line)
        if names is not None and not re.match(
            r"\W*(?:\w+\s+)?(?:review|fact|check|approv)", line, re.IGNORECASE
        ):
            metadata.setdefault("authors", names)
    return metadata
