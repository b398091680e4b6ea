"""The documents' own words for what a reader's question says otherwise: lay terms and abbreviations."""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path

import Stemmer

_WORD = re.compile(r"\w+(?:['’]\w+)?")
#: A short form in brackets: two to eight letters and digits that begin with a letter, two capitals at least.
_SHORT_FORM = re.compile(r"\(([A-Za-z][A-Za-z0-9-]{1,7})\)")
_LONG_FORM_WORDS = re.compile(r"[\w’'-]+")

Stems = tuple[str, ...]


class Wording:
    """Which wordings of readers an index knows a word of its own for."""

    def __init__(self, abbreviations: Mapping[str, str], lay_terms: Mapping[Stems, Sequence[str]]) -> None:
        self._abbreviations = dict(abbreviations)  # short form -> long form
        self._terms: dict[Stems, list[str]] = {stems: list(found) for stems, found in lay_terms.items()}
        for short, long in self._abbreviations.items():
            self._terms.setdefault(stems_of(long), []).append(short)
        self._longest = max((len(stems) for stems in self._terms), default=0)

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Wording":
        """Collect the abbreviations that texts define and the lay terms for what they say.

        The texts are gone through twice.
        """
        return cls(find_abbreviations(texts), _used_lay_terms(texts))

    @classmethod
    def read(cls, path: Path) -> "Wording":
        """Open a file that `write` made."""
        stored = json.loads(path.read_text(encoding="utf-8"))
        return cls(stored["abbreviations"], {tuple(stems): terms for stems, terms in stored["lay_terms"]})

    def write(self, path: Path) -> None:
        """Write the words to a file; the same words give the same bytes."""
        lay_terms = [
            [list(stems), [term for term in terms if term not in self._abbreviations]]
            for stems, terms in sorted(self._terms.items())
        ]
        stored = {
            "abbreviations": self._abbreviations,
            "lay_terms": [[stems, terms] for stems, terms in lay_terms if terms],
        }
        path.write_text(json.dumps(stored, ensure_ascii=False, sort_keys=True), encoding="utf-8")

    def expand(self, query: str) -> str:
        """Return a query with the documents' words for its own added in brackets, or as it was."""
        asked = stems_of(query)
        added: list[str] = []
        for term in [*self._long_forms(query), *self._terms_for(asked)]:
            if term not in added and not _contains(asked, stems_of(term)):
                added.append(term)
        return f"{query} ({', '.join(added)})" if added else query

    def _long_forms(self, query: str) -> list[str]:
        words = set(_WORD.findall(query))
        return [self._abbreviations[short] for short in sorted(words & self._abbreviations.keys())]

    def known_otherwise(self, query: str) -> frozenset[str]:
        """Return the stems of a query's words that stand for something that the documents have a word for."""
        asked = stems_of(query)
        lay = {stem for start, end in self._places(asked) for stem in asked[start:end]}
        return frozenset(lay).union(
            *(stems_of(word) for word in _WORD.findall(query) if word in self._abbreviations)
        )

    def _terms_for(self, asked: Stems) -> list[str]:
        """Return the terms for the wordings in a query, the longest wording at each place."""
        return [term for start, end in self._places(asked) for term in self._terms[asked[start:end]]]

    def _places(self, asked: Stems) -> list[tuple[int, int]]:
        """Return where the wordings in a query stand, half-open, the longest at each place."""
        found: list[tuple[int, int]] = []
        at = 0
        while at < len(asked):
            lengths = range(min(self._longest, len(asked) - at), 0, -1)
            length = next((n for n in lengths if asked[at : at + n] in self._terms), 0)
            if length:
                found.append((at, at + length))
            at += max(length, 1)
        return found


def stems_of(text: str) -> Stems:
    """Return the word stems of a text in order, stop words included."""
    # A Stemmer keeps state between calls and must not be shared between threads.
    return _stems(text, Stemmer.Stemmer("english"))


def _stems(text: str, stemmer: Stemmer.Stemmer) -> Stems:
    words = [word.lower().replace("’", "'") for word in _WORD.findall(text)]
    return tuple(stemmer.stemWords(words))


def readers_wordings() -> dict[str, list[str]]:
    """Return the packaged terms of documents, each with what readers say for it, as they are written."""
    sections = tomllib.loads(files("index").joinpath("lay_terms.toml").read_text(encoding="utf-8"))
    return {term: wordings for section in sections.values() for term, wordings in section.items()}


@cache
def lay_terms() -> Mapping[Stems, tuple[str, ...]]:
    """Return reader's wording, as stems -> the terms that documents use for it."""
    found: dict[Stems, list[str]] = {}
    for term, wordings in readers_wordings().items():
        for stems in dict.fromkeys(stems_of(wording) for wording in wordings):
            found.setdefault(stems, []).append(term)
    return {stems: tuple(terms) for stems, terms in found.items()}


def lay_words() -> list[str]:
    """Return the wordings of readers, so that a misspelled one can be put right."""
    return [wording for wordings in readers_wordings().values() for wording in wordings]


def find_abbreviations(texts: Iterable[str]) -> dict[str, str]:
    """Return short form -> long form for each "long form (SF)" in texts, the first definition of each.

    Source: Schwartz and Hearst, A Simple Algorithm for Identifying Abbreviation Definitions in Biomedical
    Text, PSB 2003.
    """
    found: dict[str, str] = {}
    for text in texts:
        for match in _SHORT_FORM.finditer(text):
            short = match.group(1)
            if sum(char.isupper() for char in short) < 2:
                continue
            long = _long_form(short, text[: match.start()].rpartition("\n")[2])
            if long is not None:
                found.setdefault(short, long)
    return dict(sorted(found.items()))


def _long_form(short: str, before: str) -> str | None:
    """Return the words at the end of a text that an abbreviation stands for, None when there are none."""
    letters = [char.lower() for char in short if char.isalnum()]
    words = list(_LONG_FORM_WORDS.finditer(before))[-min(len(letters) + 5, 2 * len(letters)) :]
    if not words:
        return None
    start = words[0].start()
    at = len(before)
    for place, letter in reversed(list(enumerate(letters))):
        at -= 1
        # Every letter stands in the long form, in order; the first begins a word.
        while at >= start and (
            before[at].lower() != letter or (place == 0 and at > 0 and before[at - 1].isalnum())
        ):
            at -= 1
        if at < start:
            return None
    long = before[at:].strip()
    return long if len(long) > len(short) else None


def _used_lay_terms(texts: Iterable[str]) -> dict[Stems, list[str]]:
    """Return the lay terms whose documents' term stands in a text."""
    unseen = {stems_of(term) for terms in lay_terms().values() for term in terms}
    by_first: dict[str, set[Stems]] = {}
    for stems in unseen:
        by_first.setdefault(stems[0], set()).add(stems)
    seen: set[Stems] = set()
    # One for all texts, for it remembers words.
    stemmer = Stemmer.Stemmer("english")
    for text in texts:
        stems = _stems(text, stemmer)
        for at, stem in enumerate(stems):
            seen.update(term for term in by_first.get(stem, ()) if stems[at : at + len(term)] == term)
    kept = {stems: [term for term in terms if stems_of(term) in seen] for stems, terms in lay_terms().items()}
    return {stems: terms for stems, terms in kept.items() if terms}


def _contains(stems: Stems, part: Stems) -> bool:
    return any(stems[at : at + len(part)] == part for at in range(len(stems) - len(part) + 1))
