"""Which passages and answers show the facts that a judged question asks for."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from answer.questions import JudgedQuestion
from ingest.errors import CorpusError

#: A question names the article by this number, a source by its reference number.
ARTICLE = 0
_WHITE_SPACE = re.compile(r"\s+")


class Numbered(Protocol):
    """A document, or something of one, with the number that questions name it by."""

    @property
    def is_article(self) -> bool:
        """Whether the document is an article."""

    @property
    def reference_number(self) -> int | None:
        """The number of a source, None for an article."""


class NumberedText(Numbered, Protocol):
    """A passage of such a document."""

    @property
    def text(self) -> str:
        """What it says."""


class NumberedPassages(Numbered, Protocol):
    """Such a document with all of its passages."""

    @property
    def passages(self) -> tuple[tuple[str, str], ...]:
        """(passage_id, text), in reading order."""


@dataclass(frozen=True, slots=True)
class Nuggets:
    """The facts of one question: groups of alternatives; a group is shown when one alternative matches.

    A question without groups asks for its documents only: every passage of them is relevant.
    """

    refs: frozenset[int]
    groups: tuple[tuple[re.Pattern[str], ...], ...]

    @classmethod
    def of(cls, question: JudgedQuestion) -> "Nuggets":
        """Compile the patterns of a question.

        Raises:
            CorpusError: If one of them is no regular expression; the message names question and pattern.
        """
        groups = tuple(
            tuple(_compile(pattern, question.id) for pattern in group) for group in question.nuggets
        )
        return cls(frozenset(question.refs), groups)

    def shown_in(self, text: str) -> frozenset[int]:
        """Return the places of the groups that a text shows; runs of white space count as one space."""
        plain = _WHITE_SPACE.sub(" ", text)
        return frozenset(
            at for at, group in enumerate(self.groups) if any(pattern.search(plain) for pattern in group)
        )

    def accept(self, document: Numbered) -> bool:
        """Return whether the document (of a passage) is one of those that the question names."""
        number = ARTICLE if document.is_article else document.reference_number
        return number in self.refs

    def relevant(self, document: Numbered, text: str) -> bool:
        """Return whether text of a document is relevant: an acceptable document, and a group shown."""
        return self.accept(document) and (not self.groups or bool(self.shown_in(text)))

    def complete(self, passages: Iterable[NumberedText]) -> bool:
        """Return whether relevant passages together show every group."""
        relevant = [each for each in passages if self.relevant(each, each.text)]
        shown = frozenset[int]().union(*(self.shown_in(each.text) for each in relevant))
        return bool(relevant) and len(shown) == len(self.groups)


def _compile(pattern: str, question_id: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise CorpusError(
            f"Question {question_id}: the nugget {pattern!r} is no regular expression: {error}. Correct it."
        ) from error


def relevant_passages(nuggets: Nuggets, views: Iterable[NumberedPassages]) -> dict[str, int]:
    """Return passage_id -> 1 for every relevant passage of an index, shown or not."""
    return {
        passage_id: 1
        for view in views
        if nuggets.accept(view)
        for passage_id, text in view.passages
        if nuggets.relevant(view, text)
    }
