"""Urgent-care notices: what to say first to a reader who describes an emergency, with the passage that says why."""

import re
from dataclasses import dataclass
from typing import Literal
from weakref import WeakKeyDictionary

from answer.phrases import stems
from answer.red_flags import RedFlag, red_flags
from index.searching import Searcher
from ingest.records import Passage

MAX_NOTICES = 3
#: How far down the ranking the passage that says why is looked for.
_RANKS_READ = 10
_WORD = re.compile(r"[a-z]+")
#: Passages that say why, by index and name of the flag; forgotten with the index.
_reasons: WeakKeyDictionary[Searcher, dict[str, str | None]] = WeakKeyDictionary()

#: Stands in every reply.
DISCLAIMER = (
    "These passages are general health information; they are not medical advice and cannot take the place of a "
    "doctor who knows you. Ask a doctor or pharmacist before you start, change or stop a treatment, and call your "
    "local emergency number if you think that it is an emergency."
)


@dataclass(frozen=True, slots=True)
class Notice:
    """Advice that a reply shows before anything else; `passage_id` is None where no passage says why."""

    kind: Literal["urgent_care"]
    text: str
    passage_id: str | None


def find_notices(question: str, searcher: Searcher) -> tuple[Notice, ...]:
    """Return a notice for each emergency that a question describes.

    Whether there is a notice depends on the question alone; the index only supplies the passage. A
    question that describes no emergency costs no search.

    Returns:
        At most `MAX_NOTICES`, most urgent first, no advice twice.
    """
    flags = list({flag.text: flag for flag in reversed(red_flags(question))}.values())
    most_urgent = sorted(flags, key=lambda flag: flag.urgency)[:MAX_NOTICES]
    return tuple(Notice("urgent_care", flag.text, _reason(flag, searcher)) for flag in most_urgent)


def _reason(flag: RedFlag, searcher: Searcher) -> str | None:
    """Return the id of the best passage that says why, or None; found once for each index that is open."""
    known = _reasons.setdefault(searcher, {})
    if flag.name not in known:
        known[flag.name] = _find_reason(flag, searcher)
    return known[flag.name]


def _find_reason(flag: RedFlag, searcher: Searcher) -> str | None:
    """Return the id of the best passage that says why, or None.

    Words decide, not the score: the nearest passage of an index that has nothing on the matter is near
    all the same.
    """
    ranked = searcher.search(flag.query, k=_RANKS_READ).ranked
    return next((hit.passage.passage_id for hit in ranked if _says_why(hit.passage, flag)), None)


def _says_why(passage: Passage, flag: RedFlag) -> bool:
    """Whether one sentence of a passage has a word of every group that the flag asks for."""
    for sentence in passage.sentences:
        text = passage.text_of(sentence)
        found = frozenset(stems(_WORD.findall(text.lower())))
        if all(found & group for group in flag.because):
            return True
    return False
