"""Words of a question that no passage has: an answer cannot be about what the documents never name.

A near miss looks answerable to every score: "does levetiracetam reduce cramps" lies close to all that is said of what
reduces cramps. That none of the documents has the word says most about it, and a reader can judge that better than a
score: of "really" or "my sofa" it means nothing, of a medicine everything.
"""

import re
from collections.abc import Callable, Set
from functools import cache
from itertools import islice

from index.lexical import terms
from index.spelling import read_english_words
from index.wording import stems_of

_WORD = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*")
#: Shorter ones say little, but for abbreviations.
_MIN_CHARS = 4
#: What everybody says is missing from many documents, and its absence tells nothing: the most frequent words of
#: English, and any form of the most frequent of them.
_COMMON_WORDS, _COMMON_STEMS = 11_000, 6_000


def find_unmentioned(
    query: str, *, is_indexed: Callable[[str], bool], known_otherwise: Set[str]
) -> tuple[str, ...]:
    """Return the uncommon words of a query that no passage has, as they are written, each once and in order.

    Args:
        query: The question, its misspelled words put right.
        is_indexed: Whether a passage has a word, in any of its forms.
        known_otherwise: Stems of the words that stand for something that the documents have another word for.
    """
    found: dict[str, str] = {}
    for word in _WORD.findall(query):
        if not is_indexed(word) and _tells_something(word) and not known_otherwise & set(stems_of(word)):
            found.setdefault(word.lower(), word)
    return tuple(found.values())


def _tells_something(word: str) -> bool:
    is_short = len(word) < _MIN_CHARS and not (word.isupper() and len(word) > 1)
    return not (is_short or not terms(word) or "'" in word or "’" in word or _is_common(word.lower()))


def _is_common(word: str) -> bool:
    words, stems = _common()
    return word in words or stems.issuperset(stems_of(word))


@cache
def _common() -> tuple[frozenset[str], frozenset[str]]:
    """Return the most frequent words of English, and the stems of the most frequent of them."""
    words = list(islice(read_english_words(), _COMMON_WORDS))
    return frozenset(words), frozenset(stems_of(" ".join(words[:_COMMON_STEMS])))
