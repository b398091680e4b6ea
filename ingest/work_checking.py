"""Whether a text is the work that was asked for: its title, first author, year and DOI against what is expected.

A service may return another article under the right identifier, and a page may have moved on; the text of a
wrong work under a reference's number would be worse than none.
"""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from rapidfuzz import fuzz

from ingest.readers.reading import Reading
from ingest.records import Reference
from ingest.reference_identity import (
    OTHER_TITLE_BELOW,
    SAME_TITLE_FROM,
    Identity,
    author_key,
    fold,
    identity_of,
    title_similarity,
)

__all__ = ["Check", "Verdict", "check_identity", "check_reading", "identity_of_reading"]

#: How far into a text its title is looked for where the file names none, and how like it must be there.
_HEAD_CHARS: Final = 4_000
_TITLE_IN_HEAD_FROM: Final = 92.0
_MIN_HEAD_TITLE_CHARS: Final = 15
#: A title that goes on where another ends is the same with its subtitle, if what they share is this many words.
_MIN_SHARED_WORDS: Final = 4
#: First online and in print may fall into two years.
_MAX_YEARS_APART: Final = 1
_WITHDRAWN_MARK: Final = re.compile(
    r"^\s*(?:retracted|withdrawn|removed)(?:\s+(?:article|paper))?\s*[:.–—-]\s*", re.I
)
_ABOUT_ANOTHER: Final = re.compile(
    r"\b(?:comments?|commentary|reply|response|letter|correction|corrigendum|erratum|addendum|retraction|protocol|re)\b"
)
_NEXT_PART: Final = re.compile(r"\s*(?:part\s)?(?:\d+|[ivx]+)\b")


class Verdict(Enum):
    """What a comparison comes to."""

    AGREES = "agrees"
    UNCONFIRMED = "unconfirmed"  # too little is known to tell
    CONTRADICTS = "contradicts"


@dataclass(frozen=True, slots=True)
class Check:
    """A verdict with its reason in words."""

    verdict: Verdict
    reason: str


def identity_of_reading(reading: Reading, *, url: str | None = None) -> Identity:
    """Return what identifies a text, by what it says of itself."""
    authors = tuple(filter(None, reading.metadata.get("authors", "").split("; ")))
    year = re.match(r"\d{4}", reading.metadata.get("published", ""))
    printed = Reference(
        number=1,
        text=reading.title or "untitled",
        title=reading.title,
        authors=authors,
        year=int(year[0]) if year else None,
        doi=reading.metadata.get("doi"),
        url=url or reading.metadata.get("url"),
    )
    return identity_of(printed)


def check_reading(reading: Reading, expected: Identity, *, url: str | None = None) -> Check:
    """Compare a text with the work that is expected.

    Where the file does not name its title or names another, as PDF files often do, the title is looked for in
    the first lines, with the first author's name.
    """
    check = check_identity(identity_of_reading(reading, url=url), expected)
    if check.verdict is Verdict.AGREES or "DOI" in check.reason:
        return check
    if _stands_in_head(reading, expected):
        return Check(Verdict.AGREES, "title and first author stand in its first lines")
    return check


def check_identity(found: Identity, expected: Identity) -> Check:
    """Compare two identities; DOI first, then title, first author and year."""
    if found.doi and expected.doi and found.doi != expected.doi:
        return Check(Verdict.CONTRADICTS, f"its DOI is {found.doi}, not {expected.doi}")
    if not found.title or not expected.title:
        return Check(Verdict.UNCONFIRMED, "there is no title to compare")
    same_doi = found.doi is not None and found.doi == expected.doi
    same_address = found.url is not None and found.url == expected.url
    if not _titles_agree(found.title, expected.title, lenient=same_doi or same_address):
        return Check(Verdict.CONTRADICTS, f"its title is “{found.title}”, not “{expected.title}”")
    if same_doi or same_address:
        return Check(Verdict.AGREES, f"{'DOI' if same_doi else 'address'} and title agree")
    return _check_author_and_year(found, expected)


def _check_author_and_year(found: Identity, expected: Identity) -> Check:
    agreed = ["title"]
    if found.first_author and expected.first_author:
        if not _same_author(found.first_author, expected.first_author):
            return Check(
                Verdict.CONTRADICTS, f"its first author is {found.first_author}, not {expected.first_author}"
            )
        agreed.append("first author")
    if found.year and expected.year:
        if abs(found.year - expected.year) > _MAX_YEARS_APART:
            return Check(Verdict.CONTRADICTS, f"it is of {found.year}, not {expected.year}")
        agreed.append("year")
    return Check(Verdict.AGREES, f"{' and '.join(agreed)} agree{'s' if len(agreed) == 1 else ''}")


def _titles_agree(found: str, expected: str, *, lenient: bool) -> bool:
    one, other = (_WITHDRAWN_MARK.sub("", title) for title in (found, expected))
    if title_similarity(one, other) >= SAME_TITLE_FROM:
        return True
    shorter, longer = sorted((fold(one), fold(other)), key=len)
    rest = longer[len(shorter) :]
    if longer.startswith(f"{shorter} ") and not (_ABOUT_ANOTHER.search(rest) or _NEXT_PART.match(rest)):
        return lenient or len(shorter.split()) >= _MIN_SHARED_WORDS
    about_another = bool(_ABOUT_ANOTHER.search(shorter)) != bool(_ABOUT_ANOTHER.search(longer))
    return lenient and not about_another and fuzz.token_set_ratio(shorter, longer) >= OTHER_TITLE_BELOW


def _same_author(found: str, expected: str) -> bool:
    """Say whether two names have a family name in common, in whichever order they are written."""
    return any(
        set(author_key(one).split()) <= set(fold(other).split())
        for one, other in ((found, expected), (expected, found))
    )


def _stands_in_head(reading: Reading, expected: Identity) -> bool:
    head, title = fold(reading.text[:_HEAD_CHARS]), fold(expected.title or "")
    if len(title) < _MIN_HEAD_TITLE_CHARS or not expected.first_author:
        return False
    at = fuzz.partial_ratio_alignment(title, head, score_cutoff=_TITLE_IN_HEAD_FROM)
    if at is None or _ABOUT_ANOTHER.search(head[max(0, at.dest_start - 40) : at.dest_start]):
        return False
    # Readers leave bylines out of the text.
    left_out = " ".join(omission.text for omission in reading.omitted)[:_HEAD_CHARS]
    names = {*head.split(), *fold(left_out).split()}
    same_figures = title_similarity(title, head[at.dest_start : at.dest_end]) > 0
    return same_figures and set(author_key(expected.first_author).split()) <= names
