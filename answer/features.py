"""What the confidence looks at: a handful of measurements of how far the passages serve a question."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from answer.aspects import Aspect

#: Stands for the cosine of a sentence that does not exist: no relation.
_UNRELATED = 0.0
#: Readings lie between plus and minus this, and so vary about as widely as the cosines do: all weights of the
#: confidence are held alike.
_READING_RANGE = 0.25
#: Log-odds well beyond this are of no consequence: the reading model is sure, and how sure says nothing more.
_SURE_LOG_ODDS = 6.0


@dataclass(frozen=True, slots=True)
class Features:
    """The measurements of one question; order and names are stored with the fit.

    The first two tell whether the subject is met at all. A near miss meets it: its fact is what is missing, which
    shows in the others. The last two are 0 in an index without tokens.
    """

    best_passage: float  # highest dense score of the judged passages, -1 to 1
    best_sentence: float  # highest cosine of a sentence in the best passages, -1 to 1
    #: How much further from the question the sentences are that show the aspect it asks for: 0 where the best
    #: sentence shows it or no known aspect is asked for, else negative.
    aspect_gap: float = 0.0
    #: Share of the question's term weight that one sentence has, headings included, 0 to 1.
    joint_terms: float = 0.0
    best_match: float = 0.0  # how well the best of the judged passages matches token by token, -1 to 1
    #: How much better that is than the judged passages match on average, 0 to 2: one that answers stands out from
    #: those that only speak of the same.
    lead: float = 0.0
    reading: float | None = None  # see `squash_log_odds`; None where no reading model has read the passages

    def as_array(self) -> NDArray[np.float64]:
        """Return shape (n_features,)."""
        measured = [getattr(self, name) for name in FEATURE_NAMES]
        return np.array(measured if self.reading is None else [*measured, self.reading], dtype=np.float64)


READING_NAME = "reading"
#: What is always measured; a reading model adds the one above.
FEATURE_NAMES = tuple(field.name for field in fields(Features) if field.name != READING_NAME)


def squash_log_odds(log_odds: float) -> float:
    """Return how sure a reading model is that there is an answer, -0.25 to 0.25; 0 where it cannot tell."""
    return _READING_RANGE * math.tanh(log_odds / _SURE_LOG_ODDS)


def aspect_gap(
    cosines: NDArray[np.float64], asked: Sequence[Aspect], shown: Sequence[frozenset[str]]
) -> float:
    """Return how far the worst served aspect lies behind the best sentence, 0 or less.

    Each aspect that is asked for is as near as the nearest sentence that shows it; one that no sentence shows is
    unrelated to everything.

    Args:
        cosines: Of the question with each sentence, shape (n_sentences,).
        asked: The aspects of the question.
        shown: For each sentence, the names of the aspects that it shows.
    """
    if not asked or not len(cosines):
        return 0.0
    nearest = [
        max(
            (float(cosine) for cosine, names in zip(cosines, shown, strict=True) if each.name in names),
            default=_UNRELATED,
        )
        for each in asked
    ]
    return min(0.0, min(nearest) - float(cosines.max()))
