"""Finding the sentence of another document that says otherwise.

Two sentences speak of the same thing when both hold what the question turns on, its pivot; they differ when one of
them denies or doubts and the other does not. That is crude, and meant to be: a reader who is shown both sides with
their numbers can judge; one who is shown a single side cannot.
"""

import re
from collections.abc import Sequence

from answer.evidence import SentenceEvidence

#: How many of the best sentences say what a question turns on, and how many of them must hold it.
_LEADING, _HOLDING = 5, 3
#: The other side must match the question nearly as well as the first.
_MATCH_SHARE = 0.75
_DOUBT = re.compile(
    r"(?<!\w)(?:not?|never|neither|nor|cannot|lack(?:s|ed|ing)?|fail(?:s|ed)?|unlikely|unproven|ineffective|unclear"
    r"|unknown|uncertain\w*|doubt\w*|disput\w*|contradict\w*|refut\w*|insufficient\w*|inadequate\w*|unsuccessful\w*)"
    r"(?!\w)(?! only)",
    re.IGNORECASE,
)


def doubts(text: str) -> bool:
    """Return whether a sentence denies or doubts something."""
    return _DOUBT.search(text) is not None


def find_pivot(weights: dict[str, float], ranked: Sequence[SentenceEvidence]) -> str | None:
    """Return the rarest term of a question that most of its best sentences hold; None where there is none."""
    leading = ranked[:_LEADING]
    held = [term for term in weights if sum(term in each.covered for each in leading) >= _HOLDING]
    return max(held, key=lambda term: (weights[term], term), default=None)


def find_other_side(
    chosen: Sequence[SentenceEvidence],
    ranked: Sequence[SentenceEvidence],
    further: Sequence[SentenceEvidence],
    weights: dict[str, float],
) -> SentenceEvidence | None:
    """Return the best sentence that says otherwise than the best one chosen, when no chosen one does.

    Args:
        chosen: The sentences of the answer, best first.
        ranked: All sentences of the best passages, best first.
        further: Sentences of passages that rank lower, in any order.
        weights: Term of the question -> inverse document frequency.
    """
    pivot = find_pivot(weights, ranked)
    if pivot is None or not chosen:
        return None
    first = chosen[0]
    others = [each for each in (*ranked, *further) if _says_otherwise(each, first, pivot)]
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
        and doubts(each.text) != doubts(first.text)
    )
