"""Free text as a reader types it, in a form that lists of phrases can be matched on.

A text becomes words (spelling checked, contractions written out) and marks; each word is compared by its
stem. A phrase is a few words with alternatives, gaps and names of other lists; `answer/urgent_care.toml`
explains the notation. Everything takes time in proportion to the length of the text.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import Stemmer
from rapidfuzz.distance import OSA
from rapidfuzz.process import extractOne

_TOKEN = re.compile(r"[a-z0-9]+(?:'[a-z]+)*|[.!?\n]+|[,;:–—…]+| -+ ")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff]")
_APOSTROPHES = str.maketrans("‘’ʼ`´", "'''''")
_ENDINGS = {"n't": " not", "'m": " am", "'re": " are", "'ve": " have", "'ll": " will", "'d": " had", "'s": ""}
_CONTRACTION = re.compile(r"(?:n't|'(?:m|re|ve|ll|d|s))\b")
_IS = re.compile(r"\b(i|he|she|it|what|that|there|who|here)'s\b")
#: A shorter word has too many real neighbours to be corrected.
_MIN_CORRECTED_CHARS = 5
_LONG_WORD_CHARS = 8
_MAX_GAP_WORDS = 3
#: A gap holds no denial: "chest but no pain" is not chest pain.
_GAP = rf"(?: (?!(?:no|not|without|never|nor|deni) )[a-z0-9]+){{0,{_MAX_GAP_WORDS}}}?"
_PATTERNS = {
    # Five or more of something that is counted: no dose in mg, no time, no age.
    "#5+": r"(?:[5-9]|[1-9]\d{1,2}|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenti|thirti|forti|fifti|sixti)"
    r"(?! (?:mg|mcg|ml|g|gram|milligram|microgram|hour|hr|h|minut|min|day|week|wk|month|year|time|am|pm|km|mile|am)\b)",
    "#year": r"(?:19|20)\d\d",
}
_ANY_FIRST = "#"


@dataclass(frozen=True, slots=True)
class Text:
    """A text as words and marks.

    Args:
        words: Lower-case words and the marks `.`, `?` (both end a sentence), `,` and `:`.
        stems: The stem of each word; a mark stands for itself.
    """

    words: tuple[str, ...]
    stems: tuple[str, ...]

    @property
    def joined(self) -> str:
        """The stems between single spaces, with one at either end."""
        return " " + "".join(f"{stem} " for stem in self.stems)


@dataclass(frozen=True, slots=True)
class Match:
    """Where a phrase of the list `name` stands: words `start` to `end`, half-open."""

    name: str
    start: int
    end: int


class Speller:
    """Reads a misspelled word as the word of a lexicon that is one slip away, two in a long word.

    The first letter must be right: few people miss it, and `never` is not a slow `fever`.
    """

    def __init__(self, lexicon: Iterable[str], *, known: Iterable[str]) -> None:
        targets: defaultdict[str, list[str]] = defaultdict(list)
        words = sorted({word for word in lexicon if len(word) >= _MIN_CORRECTED_CHARS})
        for word in words:
            targets[word[0]].append(word)
        self._targets = dict(targets)
        self._known_stems = frozenset(stems([*words, *known]))

    def correct(self, word: str) -> str:
        """Return the word meant, or the same word."""
        if len(word) < _MIN_CORRECTED_CHARS or not word.isalpha() or stems([word])[0] in self._known_stems:
            return word
        slips = 2 if len(word) >= _LONG_WORD_CHARS else 1
        found = extractOne(word, self._targets.get(word[0], []), scorer=OSA.distance, score_cutoff=slips)
        return found[0] if found else word


@dataclass(frozen=True, slots=True)
class Normalizer:
    """Turns what someone typed into a `Text`.

    Args:
        spellings: One typed word to what it stands for.
        rewrites: Several words to what they stand for, applied in this order.
    """

    spellings: Mapping[str, str]
    rewrites: Sequence[tuple[re.Pattern[str], str]]
    speller: Speller

    def normalize(self, question: str) -> Text:
        """Return the words and marks of a question."""
        text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", question)).lower().translate(_APOSTROPHES)
        text = _IS.sub(r"\1 is", text.replace("&", " and ").replace("w/o", "without").replace("w/", "with "))
        text = text.replace("can't", "cannot").replace("won't", "will not")
        text = _CONTRACTION.sub(lambda ending: _ENDINGS[ending.group()], text)
        tokens = [self._spell(token) for token in _TOKEN.findall(text)]
        text = " " + " ".join(token for token in tokens if token) + " "
        for pattern, replacement in self.rewrites:
            text = pattern.sub(replacement, text)
        words = text.split()
        return Text(tuple(words), tuple(stems(words)))

    def _spell(self, token: str) -> str:
        if token[0].isalnum():
            word = token.replace("'", "")
            return self.spellings.get(word) or self.speller.correct(word)
        if "?" in token:
            return "?"
        if token[0] in ".!\n":
            return "," if token.startswith("..") else "."
        return ":" if ":" in token else ","


def compile_rewrites(rewrites: Mapping[str, str]) -> list[tuple[re.Pattern[str], str]]:
    """Return patterns that replace whole words, for a `Normalizer`."""
    return [(re.compile(rf"(?<= ){re.escape(before)}(?= )"), after) for before, after in rewrites.items()]


class PhraseLists:
    """Named lists of phrases, found together in one pass over a text.

    Raises:
        ValueError: If a phrase names a list that does not exist, or itself.
    """

    def __init__(self, lists: Mapping[str, Sequence[str]]) -> None:
        self._lists = lists
        written = {c for list_ in lists.values() for p in list_ for e in p.split() for c in e.split("|")}
        self._stems = dict(zip(written, stems(tuple(written)), strict=True))
        self._patterns: dict[
            str, str
        ] = {}  # of any phrase of a list, which other phrases name again and again
        for name in lists:
            self._named(name, seen=())
        self._beginnings: dict[str, frozenset[str] | None] = {}  # of elements, as they are asked for
        self._by_first: defaultdict[str, list[_Phrase]] = defaultdict(list)
        for name, phrases in lists.items():
            for phrase in phrases:
                self._index(name, phrase)

    def words(self) -> set[str]:
        """Return every word that a phrase is made of."""
        return {word for word in self._stems if word.isalpha()}

    def find(self, text: Text) -> list[Match]:
        """Return all matches of all lists, by start and each once; those of one list may overlap."""
        joined, there = text.joined, frozenset(text.stems)
        at, matches = 0, dict[Match, None]()
        for position, stem in enumerate(text.stems):
            for phrase in (*self._by_first.get(stem, ()), *self._by_first.get(_ANY_FIRST, ())):
                if phrase.needs is None:
                    phrase.needs = self._needs_of(phrase)
                if any(need.isdisjoint(there) for need in phrase.needs):
                    continue
                # Compiled when a text first needs it: most of several thousand are never needed.
                pattern = phrase.pattern = phrase.pattern or re.compile(self._pattern_of(phrase))
                if found := pattern.match(joined, at):
                    matches[Match(phrase.name, position, position + found.group().count(" "))] = None
            at += len(stem) + 1
        return list(matches)

    def _index(self, name: str, phrase: str) -> None:
        for first, rest in self._expand_first(phrase, seen=(name,)):
            key = _ANY_FIRST if first.startswith("#") else self._stems[first]
            self._by_first[key].append(_Phrase(name, (first, *rest)))

    def _needs_of(self, phrase: "_Phrase") -> tuple[frozenset[str], ...]:
        """Return sets of stems of each of which a text must have one, to have the phrase."""
        found = (self._beginnings_of(element) for element in phrase.elements)
        return tuple(stems for stems in found if stems is not None)

    def _beginnings_of(self, element: str) -> frozenset[str] | None:
        """Return the stems that what stands for an element can begin with; None where that may be any."""
        if element not in self._beginnings:
            self._beginnings[element] = None if element == ".." else self._beginnings_of_choices(element)
        return self._beginnings[element]

    def _beginnings_of_choices(self, element: str) -> frozenset[str] | None:
        found: set[str] = set()
        for choice in element.split("|"):
            if choice.startswith("#"):
                return None
            if not choice.startswith("@"):
                found.add(self._stems[choice])
                continue
            for phrase in self._lists[choice[1:]]:
                below = self._beginnings_of(phrase.split()[0])
                if below is None:
                    return None
                found |= below
        return frozenset(found)

    def _pattern_of(self, phrase: "_Phrase") -> str:
        elements = (self._element(element, seen=(phrase.name,)) for element in phrase.elements)
        return "".join(elements) + "(?= )"

    def _expand_first(self, phrase: str, *, seen: tuple[str, ...]) -> list[tuple[str, list[str]]]:
        """Return each word that a phrase can begin with, and what follows it then."""
        head, *rest = phrase.split()
        expanded: list[tuple[str, list[str]]] = []
        for choice in head.split("|"):
            if choice.startswith("@"):
                for named in self._list(choice[1:], seen=seen):
                    below = self._expand_first(named, seen=(*seen, choice[1:]))
                    expanded.extend((first, [*more, *rest]) for first, more in below)
            else:
                expanded.append((choice, rest))
        return expanded

    def _element(self, element: str, *, seen: tuple[str, ...]) -> str:
        if element == "..":
            return _GAP
        return f"(?:{'|'.join(self._choice(choice, seen=seen) for choice in element.split('|'))})"

    def _choice(self, choice: str, *, seen: tuple[str, ...]) -> str:
        if choice.startswith("#"):
            return " " + _PATTERNS[choice]
        if not choice.startswith("@"):
            return " " + self._stems[choice]
        return self._named(choice[1:], seen=seen)

    def _named(self, name: str, *, seen: tuple[str, ...]) -> str:
        if name not in self._patterns:
            below = (*seen, name)
            phrases = (phrase.split() for phrase in self._list(name, seen=seen))
            any_of = "|".join("".join(self._element(part, seen=below) for part in each) for each in phrases)
            self._patterns[name] = f"(?:{any_of})"
        return self._patterns[name]

    def _list(self, name: str, *, seen: tuple[str, ...]) -> Sequence[str]:
        if name in seen or name not in self._lists:
            raise ValueError(f"@{name} (from {' > '.join(seen)}) names no other list; correct the name")
        return self._lists[name]


@dataclass(slots=True)
class _Phrase:
    """One phrase of the list `name`, beginning with a word that is written out.

    `needs`, sets of stems of each of which a text must have one, and the pattern are made when a text has its first
    word.
    """

    name: str
    elements: tuple[str, ...]
    needs: tuple[frozenset[str], ...] | None = None
    pattern: re.Pattern[str] | None = None


def stems(words: Sequence[str]) -> list[str]:
    """Return the stem of each word."""
    # A Stemmer keeps state between calls and must not be shared between threads.
    return list(Stemmer.Stemmer("english").stemWords(list(words)))
