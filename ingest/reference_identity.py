"""When two printed references are the same work, when they are not, and when nobody can tell from the print.

Identifiers decide first; without a common one, title, first author and year together, or an address with its title.
"""

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from rapidfuzz import fuzz

from ingest.identifiers import normalize_doi
from ingest.records import Reference

#: Titles of the same first author and year are taken for one from this similarity on, 0 to 100. Of 687 titles of
#: real references, the most similar to each other that are different works reach 87; misprints of one title and
#: dropped articles stay above 90 (`benchmarks/reference_matching.py`). A missed match is a second number for one
#: work, a wrong one a wrong reference: so the line is drawn above all that differ.
SAME_TITLE_FROM = 90.0
#: Titles below this similarity cannot be those of one work, even if an identifier says so: 9 in 10 pairs of
#: unrelated titles are below 47 (token set ratio), and a title beside itself without its subtitle is at 100.
OTHER_TITLE_BELOW = 50.0


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells one work from all others, as far as it is known. Identifiers are in normal form."""

    title: str | None = None
    first_author: str | None = None
    year: int | None = None
    doi: str | None = None
    pmid: str | None = None
    pmcid: str | None = None
    url: str | None = None
    volume: str | None = None
    first_page: str | None = None

    @property
    def identifiers(self) -> frozenset[tuple[str, str]]:
        """The kind and value of each identifier that is known."""
        kinds = (("doi", self.doi), ("pmid", self.pmid), ("pmcid", self.pmcid))
        return frozenset((kind, value) for kind, value in kinds if value is not None)

    @property
    def is_telling(self) -> bool:
        """Whether another print of the same text can be trusted to mean the same work ("Ibid." cannot)."""
        described = self.title is not None and self.first_author is not None
        return bool(self.identifiers) or self.url is not None or described


class Likeness(Enum):
    """What a comparison of two identities comes to."""

    SAME = "same"
    DIFFERENT = "different"
    CONTRADICTORY = "contradictory"  # one field says same, another says different


def identity_of(reference: Reference) -> Identity:
    """Return what identifies a reference, its identifiers in normal form."""
    pages = re.match(r"\s*(?:pp?\.\s*)?([\w.]+)", reference.pages or "")
    return Identity(
        title=reference.title or None,
        first_author=reference.authors[0] if reference.authors else None,
        year=reference.year,
        doi=normalize_doi(reference.doi) or reference.doi.lower() if reference.doi else None,
        pmid=reference.pmid or None,
        pmcid=reference.pmcid.upper() if reference.pmcid else None,
        url=_bare_address(reference.url) if reference.url else None,
        volume=reference.volume or None,
        first_page=pages[1] if pages else None,
    )


def compare(one: Identity, other: Identity) -> Likeness:
    """Say whether two identities are the same work.

    The same are: those that share an identifier; those whose title, first author and year agree; those at one
    address under one title. Any other field that speaks against it makes the two contradictory.
    """
    shared = bool(one.identifiers & other.identifiers)
    if shared:
        contradicted = _identifiers_differ(one, other) or _titles_differ(one, other)
        return Likeness.CONTRADICTORY if contradicted else Likeness.SAME
    if not (_described_alike(one, other) or _at_one_address(one, other)):
        return Likeness.DIFFERENT
    contradicted = _identifiers_differ(one, other) or _placed_apart(one, other)
    return Likeness.CONTRADICTORY if contradicted else Likeness.SAME


def title_similarity(one: str, other: str) -> float:
    """Return how alike two titles are, 0 to 100, by letters and digits only.

    It is 0 where numerals or opposed words differ: "Part I" and "Part II", or "in hypokalaemia" and "in
    hyperkalaemia", are an edit or two apart and never the same work.
    """
    folded, other_folded = fold(one), fold(other)
    if _decisive_words(folded) != _decisive_words(other_folded):
        return 0.0
    return fuzz.ratio(folded, other_folded)


def same_first_author(one: str, other: str) -> bool:
    """Say whether two first authors can be one: the same family name, and the same first initial where known.

    "Ames BC" and "Ames Bertha" are one, "Ames BC" and "Ames D" are not. Of organisations, the names must agree.
    """
    (family, initial), (other_family, other_initial) = sorted(
        (_name_parts(one), _name_parts(other)), key=_size
    )
    if family == other_family:
        return not initial or not other_initial or initial == other_initial
    return bool(initial) and other_family.startswith(f"{family} {initial}")


def author_key(author: str) -> str:
    """Return the first word of the family name or organisation, the same for all forms of one name."""
    return _name_parts(author)[0].partition(" ")[0]


@lru_cache(maxsize=65_536)
def _name_parts(author: str) -> tuple[str, str]:
    """The family name (with a given name that is spelt out), folded and without particles; the first initial."""
    name = re.sub(r"\(.*?\)|\bet\s+al\b.*|,.*", " ", author)
    words = [word for word in re.split(r"[\s.]+", name) if word]
    initials: list[str] = []
    while len(words) > 1 and _INITIALS.fullmatch(words[-1]):
        initials.insert(0, words.pop())
    folded = [fold(word).replace(" ", "") for word in words]
    family = " ".join(word for word in folded if word and word not in _PARTICLES) or " ".join(folded)
    return family, fold(initials[0])[:1] if initials else ""


def _size(parts: tuple[str, str]) -> int:
    return len(parts[0])


@lru_cache(maxsize=65_536)
def fold(text: str) -> str:
    """Return text in lower case without accents, its words of letters and digits separated by one space."""
    spelt = "".join(_SPELLINGS.get(character, character) for character in text.casefold())
    decomposed = unicodedata.normalize("NFKD", spelt)
    bare = "".join(character for character in decomposed if not unicodedata.combining(character))
    return " ".join(re.findall(r"[^\W_]+", bare))


def fingerprint(text: str, *scope: str) -> str:
    """Return a short hash of a printed text, by its letters and digits, within an optional scope."""
    return hashlib.sha256("\n".join((*scope, fold(text))).encode()).hexdigest()[:20]


_SPELLINGS = {"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "ı": "i"}
_PARTICLES = frozenset(
    [
        "van",
        "von",
        "der",
        "den",
        "de",
        "di",
        "da",
        "do",
        "dos",
        "du",
        "del",
        "della",
        "la",
        "le",
        "el",
        "al",
        "ter",
        "ten",
        "af",
        "av",
        "zu",
        "zur",
    ]
)
_INITIALS = re.compile(r"[^\W\d_a-z]{1,4}(?:-[^\W\d_a-z])?")
#: One such word more, less or changed makes another title, however alike the rest is.
_DECISIVE = re.compile(
    r"\d+|\b[ivx]+\b|\b(?:hypo|hyper|pre|post|intra|inter|extra|micro|macro|mono|poly|brady|tachy|pro|anti|non)"
    r"|\b(?:no|not|with|without|men|women|boys|girls|male|female|males|females|adults?|child(?:ren)?|high|low"
    r"|acute|chronic|before|after|correction|corrigendum|erratum|retraction|retracted|reply|response|comment)\b"
)


def _decisive_words(folded: str) -> list[str]:
    return _DECISIVE.findall(folded)


def _described_alike(one: Identity, other: Identity) -> bool:
    if one.title is None or other.title is None or one.first_author is None or other.first_author is None:
        return False
    return (
        one.year is not None
        and one.year == other.year
        and same_first_author(one.first_author, other.first_author)
        and title_similarity(one.title, other.title) >= SAME_TITLE_FROM
    )


def _at_one_address(one: Identity, other: Identity) -> bool:
    if one.url is None or one.url != other.url or one.title is None or other.title is None:
        return False
    if one.year is not None and other.year is not None and one.year != other.year:
        return False
    if (
        one.first_author
        and other.first_author
        and not same_first_author(one.first_author, other.first_author)
    ):
        return False
    return title_similarity(one.title, other.title) >= SAME_TITLE_FROM


def _identifiers_differ(one: Identity, other: Identity) -> bool:
    values = dict(one.identifiers)
    return any(values.get(kind, value) != value for kind, value in other.identifiers)


def _titles_differ(one: Identity, other: Identity) -> bool:
    """Words in another order, or a subtitle left out, are no other title."""
    if one.title is None or other.title is None:
        return False
    return fuzz.token_set_ratio(fold(one.title), fold(other.title)) < OTHER_TITLE_BELOW


def _placed_apart(one: Identity, other: Identity) -> bool:
    """Whether volume or first page speak against it; under the very same title only both do.

    A statement may be published in several journals at once, with the same title, authors and year.
    """
    other_volume = None not in (one.volume, other.volume) and one.volume != other.volume
    other_page = None not in (one.first_page, other.first_page) and one.first_page != other.first_page
    if one.title and other.title and fold(one.title) == fold(other.title):
        return other_volume and other_page
    return other_volume or other_page


def _bare_address(url: str) -> str | None:
    """Return an address without scheme, `www.`, fragment and final slash; None for a resolver or a bare site."""
    bare = re.sub(r"^https?://(?:www\.)?|#.*$", "", url.strip(), flags=re.IGNORECASE).rstrip("/")
    host, _, path = bare.partition("/")
    if not path or re.fullmatch(r"(?:dx\.)?doi\.org", host.lower()):
        return None
    return f"{host.lower()}/{path}"
