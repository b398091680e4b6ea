"""Reading the authors that stand at the head of a printed reference.

Persons come out as "Family Initials" or "Family Given", as reference lists of health journals print them,
whatever order and punctuation the style has; organisations come out as they are printed.
"""

import re
from dataclasses import dataclass

__all__ = ["AuthorList", "begins_with_authors", "read_authors"]


@dataclass(frozen=True, slots=True)
class AuthorList:
    """Authors in printed order, and where in the text what follows them begins."""

    names: tuple[str, ...]
    end: int
    complete: bool = True  # False if more names are printed than could be told apart


_UPPER = "[" + "".join(chr(code) for code in range(0x2000) if chr(code).isupper()) + "]"
_LETTER = r"[^\W\d_]"
_PARTICLE = (
    r"(?:[Vv]an|[Vv]on|[Dd]er|[Dd]en|[Dd]e|[Dd]i|[Dd]a|[Dd]o|[Dd]os|[Dd]as|[Dd]u|[Dd]el|[Dd]ella|[Ll]a|[Ll]e|[Ee]l"
    r"|[Aa]l|[Tt]er|[Tt]en|[Tt]e|[Zz]u|[Zz]ur|[Aa]f|[Aa]v|[Bb]in|[Ii]bn|[Ss]t\.?|[Mm]ac|[Yy])"
)
_WORD = rf"(?:[dDlLOo]['’])?{_UPPER}(?:['’]?{_LETTER}|[-‐‑]{_LETTER})+"
#: Capitals only are initials, not a second family name.
_NEXT_WORD = rf"\s(?:{_PARTICLE}\s){{0,2}}(?!{_UPPER}{{2,4}}(?!{_LETTER})){_WORD}"
_FAMILY = rf"(?:{_PARTICLE}[\s-]){{0,3}}(?:[aA]l-|[eE]l-)?{_WORD}(?:{_NEXT_WORD}){{0,3}}?"
_INITIAL = rf"{_UPPER}{_LETTER}{{0,2}}\."
_DOTTED = rf"{_INITIAL}(?:\s?[-‐‑]?\s?{_INITIAL}){{0,5}}"
_BARE = rf"{_UPPER}{{1,4}}(?:[-‐‑\s]{_UPPER}{{1,2}}){{0,2}}(?!{_LETTER})"
_GIVEN = rf"{_UPPER}(?:{_LETTER}|['’-])+(?:[\s-](?:{_UPPER}{_LETTER}*|{_UPPER}\.)){{0,3}}?"
_SUFFIX = r"(?:,?\s+(?:Jr|Sr|II|III|IV|2nd|3rd|4th)\b\.?)?"
#: What must follow a name that would otherwise stop short: "Mary Jane", "van Dyke Berg".
_AFTER = r"(?=\s*(?:$|[.,;:&(“\"]|(?:and|et|und|y)\b|(?:1[5-9]|20)\d\d))"

_PERSONS = {
    # Smith JA, Doe K-L
    "family_bare": re.compile(rf"(?P<family>{_FAMILY})\s+(?P<given>{_BARE}){_SUFFIX}"),
    # Smith, J. A., Doe, K.-L.
    "family_comma_dotted": re.compile(rf"(?P<family>{_FAMILY}),\s*(?P<given>{_DOTTED}){_SUFFIX}"),
    # Smith J. A., Doe K.
    "family_dotted": re.compile(rf"(?P<family>{_FAMILY})\s+(?P<given>{_DOTTED}){_SUFFIX}"),
    # Smith, JA, Doe, K
    "family_comma_bare": re.compile(rf"(?P<family>{_FAMILY}),\s*(?P<given>{_BARE}){_SUFFIX}"),
    # J. A. Smith, K. Doe
    "dotted_family": re.compile(rf"(?P<given>{_DOTTED})\s*(?P<family>{_FAMILY}){_SUFFIX}{_AFTER}"),
    # Smith, John A., and Jane Doe
    "family_comma_given": re.compile(
        rf"(?P<family>{_FAMILY}),\s*(?P<given>{_GIVEN}(?:\s{_UPPER}\.)?){_SUFFIX}{_AFTER}"
    ),
    # JA Smith, K Doe
    "bare_family": re.compile(rf"(?P<given>{_UPPER}{{1,3}})\s+(?P<family>{_FAMILY}){_SUFFIX}{_AFTER}"),
    # Jane A. Doe, John Smith
    "given_family": re.compile(rf"(?P<given>{_GIVEN})\s+(?P<family>{_FAMILY}){_SUFFIX}{_AFTER}"),
}
#: Styles that list further authors in the other order than the first: "Smith, John, and Jane Doe".
_ALSO = {
    "family_comma_given": ("given_family", "dotted_family", "family_comma_dotted"),
    "family_comma_dotted": ("dotted_family", "family_dotted", "family_bare", "family_comma_given"),
    "family_bare": ("family_dotted", "family_comma_dotted"),
    "family_dotted": ("family_comma_dotted", "family_bare"),
    "family_comma_bare": ("family_comma_dotted", "family_bare", "bare_family"),
    "dotted_family": ("given_family", "bare_family"),
    "bare_family": ("given_family", "dotted_family"),
    "given_family": ("dotted_family",),
}
_SEPARATOR = re.compile(
    r"\s*(?:[,;]+\s*(?:\.\s?\.\s?\.|…)\s*(?:&|and)?|[,;]+\s*(?:&|and\b|y\b|und\b|et\b(?!\s+al))?|&|and\b|und\b)\s*"
)
_ET_AL = re.compile(
    r"[\s,;]*(?:[*_]*\bet\.?\s+al\b[*_]*|\band\s+(?:others|colleagues)\b|…|\.\.\.)\.?", re.IGNORECASE
)
_ROLE = re.compile(r"[\s,.]*[(\[]?\b(?:eds?|editors?|hrsg|trans)\b\.?[)\]]?", re.IGNORECASE)
_YEAR_NEXT = r"\(?(?:1[5-9]|20)\d\d[a-z]?\b|\(?n\.\s?d\b|\((?:in press|forthcoming)"
#: A date in brackets behind more names, some of them misprinted.
_DATE_BEHIND_NAMES = re.compile(r"[,;]?\s[^()“\"?!]{1,400}?\s*(?P<date>\((?:1[5-9]|20)\d\d[a-z]?\))")
_MORE_NAMES = re.compile(r"\s*[,;&]")
#: What may stand behind the last author.
_BOUNDARY = re.compile(rf"\s*(?:$|[.:]|,?\s*(?:{_YEAR_NEXT})|[,;]?\s*[\"“‘«']|\()", re.IGNORECASE)
_GROUP_WORDS = (
    r"(?:Groups?|Consortium|Collaboration|Collaborators|Collaborative|Investigators|Committee|Network|Society|Team"
    r"|Panel|Association|Organi[sz]ation|Initiative|Task\sForce|Working\sParty|Study|Trialists)"
)
_GROUP = re.compile(
    rf"(?:(?:for|on\sbehalf\sof)\s+)?(?:the\s+)?(?:[\w'’&/-]+\s+){{0,12}}?{_GROUP_WORDS}\b[^.,;:(]{{0,60}}",
    re.I,
)


def read_authors(text: str) -> AuthorList | None:
    """Return the authors at the head of a reference; None if it does not begin with any that can be told.

    "et al." and the like are passed over. What follows the authors must be a stop, a colon, a year, a bracket or
    a quotation mark; else the words at the head are taken for something other than names.
    """
    return _read_persons(text) or _read_organisation(text)


def begins_with_authors(text: str) -> bool:
    """Say whether a text begins with names of persons, or of an organisation that is plainly one."""
    persons = _read_persons(text)
    if persons is not None and (persons.complete or len(persons.names) > 1):
        return True
    organisation = _read_organisation(text)
    return organisation is not None and _is_telling(organisation.names[0])


def _read_persons(text: str) -> AuthorList | None:
    readings = [reading for style in _PERSONS if (reading := _read_in_style(text, style)) is not None]
    return max(
        readings,
        key=lambda reading: (len(text[: reading.end].rstrip(" .")), len(reading.names)),
        default=None,
    )


def _read_in_style(text: str, style: str) -> AuthorList | None:
    first = _PERSONS[style].match(text)
    if first is None or (style in _NEVER_ALONE and not _is_followed(text, first, style)):
        return None
    names, at = [_name_of(first)], first.end()
    while (following := _next_author(text, at, style)) is not None:
        names.append(following[0])
        at = following[1]
    at = _behind(text, at)
    if _BOUNDARY.match(text, at) or (text[at - 1 : at] == "." and not _MORE_NAMES.match(text, at)):
        return AuthorList(tuple(names), at)
    date = _DATE_BEHIND_NAMES.match(text, at) if style not in _NEVER_ALONE else None
    return AuthorList(tuple(names), date.start("date"), complete=False) if date else None


#: Capitalised words are names of these styles only if another name follows; else they may be an organisation.
_NEVER_ALONE = frozenset({"given_family", "bare_family"})


def _is_followed(text: str, first: re.Match[str], style: str) -> bool:
    separator = _SEPARATOR.match(text, first.end())
    return separator is not None and _PERSONS[style].match(text, separator.end()) is not None


def _next_author(text: str, at: int, style: str) -> tuple[str, int] | None:
    separator = _SEPARATOR.match(text, at)
    if separator is None or separator.end() == at:
        return None
    start = separator.end()
    group = _GROUP.match(text, start)
    for one in (style, *_ALSO[style]):
        match = _PERSONS[one].match(text, start)
        if match is not None and not (group and group.end() > match.end()):
            return _name_of(match), match.end()
    loose = group or _LOOSE.match(text, start)
    return (loose[0].strip(), loose.end()) if loose else None


#: A misprinted name among others: "smith JA", "Smith J2"; or anything short that a proper name follows.
_LOOSE = re.compile(
    rf"(?:[\w'’-]+\s){{1,3}}?{_UPPER}{{1,4}}\d?(?=\s*[,.;:(])|[\w'’-]+(?:\s[\w'’-]+){{0,3}}(?=[,;]+\s*{_FAMILY}\s{_BARE}[,.;:\s])"
)


def _behind(text: str, at: int) -> int:
    for pattern in (_ET_AL, _ROLE):
        match = pattern.match(text, at)
        at = match.end() if match else at
    return at


def _name_of(match: re.Match[str]) -> str:
    given = match["given"].strip()
    if "." in given or len(given) <= 4:
        given = (
            re.sub(r"[.\s]", "", given) if re.fullmatch(rf"(?:{_UPPER}{_LETTER}?[.\s-]*)+", given) else given
        )
    return f"{match['family']} {given}".strip(" .-")


_ORGANISATION_WORDS = re.compile(
    r"\b(?:Organi[sz]ations?|Institutes?|Institutions?|Associations?|Societ(?:y|ies)|Cent(?:er|re)s?|Departments?"
    r"|Ministry|Minister|Clinic|Hospitals?|Universit\w+|College|Academy|Agency|Administration|Committee|Council"
    r"|Foundation|Federation|Groups?|Consortium|Collaboration|Collaborators|Investigators|Network|Program(?:me)?"
    r"|Services?|Library|Board|Bureau|Office|Commission|Trust|Task Force|Initiative|Union|Nations|Government|Team"
    r"|Panel|Authority|Alliance|Editors?|Staff|Service|Inc|Ltd|GmbH|LLC|Press|Trialists|Institut|Bundesamt)\b"
)
_SMALL_WORDS = frozenset(
    [
        "of",
        "for",
        "and",
        "the",
        "on",
        "in",
        "to",
        "de",
        "la",
        "le",
        "les",
        "des",
        "du",
        "et",
        "und",
        "der",
        "die",
        "das",
        "für",
        "y",
        "e",
        "&",
        "at",
        "with",
    ]
)
_ORGANISATION_END = re.compile(rf"\.?,?\s*(?=(?i:{_YEAR_NEXT}))|[.:]\s+(?=[^a-z\s])|,\s*(?=[\"“‘«])")
_LONGEST_ORGANISATION_CHARS = 160


def _read_organisation(text: str) -> AuthorList | None:
    """An organisation stands before a year in any case, before a title only if its name says what it is."""
    for end in _ORGANISATION_END.finditer(text, 0, _LONGEST_ORGANISATION_CHARS):
        name = text[: end.start()].strip(" ,")
        if not name or _is_initial(name):
            continue
        before_year = re.match(_YEAR_NEXT, text[end.end() :], re.IGNORECASE) is not None
        if _looks_like_organisation(name, before_year=before_year):
            return AuthorList((name,), end.start() + (text[end.start()] == "."))
        if not before_year:
            return None
    return None


def _is_initial(name: str) -> bool:
    """Whether a stop behind this belongs to an abbreviation: "U.S. Department …", "St. John …"."""
    return re.search(rf"(?:\b{_UPPER}|\.{_UPPER}|\bSt|\bDr|\bvs)$", name) is not None


def _looks_like_organisation(name: str, *, before_year: bool) -> bool:
    words = re.findall(r"[\w&'’.-]+", re.sub(r"\([^)]*\)", "", name))
    capitalised = all(not word[0].islower() or word in _SMALL_WORDS for word in words)
    if not words or not capitalised or words[0].isdigit():
        return False
    return before_year or _is_telling(name)


def _is_telling(name: str) -> bool:
    """Whether a name says itself that it is an organisation's."""
    return _ORGANISATION_WORDS.search(name) is not None or _is_coined(name.split(maxsplit=1)[0])


def _is_coined(word: str) -> bool:
    """Whether a word is an acronym or a made-up name: WHO, MedlinePlus, Drugs.com."""
    return (
        re.fullmatch(rf"{_UPPER}{{3,8}}|{_UPPER}{_LETTER}+{_UPPER}{_LETTER}+|\w+\.(?:com|org|gov|net)", word)
        is not None
    )
