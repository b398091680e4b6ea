"""Finding the sentence of another document that says otherwise.

Two sentences speak of the same thing when both hold what the question turns on, its pivot; they differ when one
claims an effect (causes, helps, prevents) and the other denies that there is one or that it is shown. That is crude,
and meant to be: a reader who is shown both sides with their numbers can judge; one who sees a single side cannot.
"""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from answer.evidence import SentenceEvidence

#: How many of the best sentences say what a question turns on, and how many of them must hold it.
_LEADING, _HOLDING = 5, 3
#: A pivot is in a quarter of the passages at most: what every passage is about tells no two claims apart.
_MIN_PIVOT_WEIGHT = math.log1p(3)
#: The other side must match the question nearly as well as the first.
_MATCH_SHARE = 0.75
_EFFECT = (
    r"(?:effective\w*|works?|help\w*|caus\w+|reduc\w+|prevent\w*|improv\w*|lower\w*|trigger\w*|bring\w*|results?"
    r"|recommend\w*|treat\w*|eas(?:e|es|ing)|reliev\w*|benefit\w*)"
)
_CLAIM = re.compile(rf"(?<!\w){_EFFECT}(?!\w)", re.IGNORECASE)
_DENIAL = re.compile(
    rf"(?<!\w)(?:(?:not|never|cannot)(?: \w+){{0,3}} (?:{_EFFECT}|verif\w+|confirm\w*|shown?|prov\w+|support\w*|suffice"
    r"|establish\w*|borne out)|(?:no|little|weak|insufficient|inadequate|lacks?|lacked|lacking)(?: \w+){0,2} "
    r"(?:effects?|evidence|benefits?|difference|support)|ineffective|unproven|disproved|refuted|contradict\w*"
    r"|unsuccessful)(?!\w)",
    re.IGNORECASE,
)


@lru_cache(maxsize=16_384)
def side_of(text: str) -> int:
    """Return 1 for a sentence that claims an effect, -1 for one that denies or doubts it, 0 for any other."""
    if _DENIAL.search(text):
        return -1
    return 1 if _CLAIM.search(text) else 0


def find_pivot(weights: dict[str, float], ranked: Sequence[SentenceEvidence]) -> str | None:
    """Return the rarest term of a question that most of its best sentences hold; None where there is none."""
    leading = ranked[:_LEADING]
    held = [
        term
        for term, weight in weights.items()
        if weight >= _MIN_PIVOT_WEIGHT and sum(term in each.covered for each in leading) >= _HOLDING
    ]
    return max(held, key=lambda term: (weights[term], term), default=None)


def find_other_side(
    chosen: Sequence[SentenceEvidence],
    ranked: Sequence[SentenceEvidence],
    further: Callable[[str], Iterable[SentenceEvidence]],
    weights: dict[str, float],
) -> SentenceEvidence | None:
    """Return the best sentence that says otherwise than the best one chosen, when no chosen one does.

    Args:
        chosen: The sentences of the answer, best first.
        ranked: All sentences of the best passages, best first.
        further: Gives the sentences of passages that rank lower and have a term, in any order.
        weights: Term of the question -> inverse document frequency.
    """
    pivot = find_pivot(weights, ranked)
    if pivot is None or not chosen or pivot not in chosen[0].own_terms:
        return None
    others = [each for each in (*ranked, *further(pivot)) if _says_otherwise(each, chosen[0], pivot)]
    if any(each in others for each in chosen):
        return None
    return max(
        others, key=lambda each: (each.match, -each.passage.position, -each.sentence.start), default=None
    )


def _says_otherwise(each: SentenceEvidence, first: SentenceEvidence, pivot: str) -> bool:
    return (
        each.passage.passage.doc_id != first.passage.passage.doc_id
        and pivot in each.own_terms
        and not each.is_lead_in
        and each.match >= _MATCH_SHARE * first.match
        and side_of(each.text) * side_of(first.text) == -1
    )
