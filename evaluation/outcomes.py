"""What came back for a question, in the shape of the API, whoever was asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ShownPassage:
    """One passage of a reply, best first."""

    passage_id: str
    doc_id: str
    title: str
    reference_number: int | None  # of its document; None for an article
    is_article: bool
    text: str
    start: int
    end: int
    references: tuple[int, ...]
    score: float


@dataclass(frozen=True, slots=True)
class ShownSentence:
    """One sentence of an extracted answer."""

    text: str
    doc_id: str
    start: int
    end: int
    references: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The reply to one question, or why there is none.

    `listed` are the numbers of the reply's own list of references.
    """

    failure: str | None = None
    answerable: bool = False
    confidence: float = 0.0
    answer: str | None = None
    sentences: tuple[ShownSentence, ...] = ()
    passages: tuple[ShownPassage, ...] = ()
    listed: tuple[int, ...] = ()
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CitedSpan:
    """A sentence of a document with the index's numbers that its marker stands for."""

    start: int
    end: int
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DocumentView:
    """A document as `GET /v1/documents/{doc_id}` shows it: what a reply's numbers are checked against."""

    doc_id: str
    title: str
    is_article: bool
    reference_number: int | None
    text: str
    cited: tuple[CitedSpan, ...]
    passages: tuple[tuple[str, str], ...]  # (passage_id, text), in reading order

    def numbers_between(self, start: int, end: int) -> tuple[int, ...]:
        """Return the numbers that text between two offsets must carry, ascending.

        Text of source n carries n and nothing else; text of an article carries what its sentences cite.
        """
        if not self.is_article:
            return () if self.reference_number is None else (self.reference_number,)
        cited = {
            number for span in self.cited if span.start < end and start < span.end for number in span.numbers
        }
        return tuple(sorted(cited))


def read_outcome(reply: Mapping[str, Any]) -> Outcome:
    """Return the outcome that a reply of `POST /v1/ask`, as JSON, stands for."""
    answer = reply["answer"]
    return Outcome(
        answerable=bool(reply["answerable"]),
        confidence=float(reply["confidence"]),
        answer=None if answer is None else str(answer["text"]),
        sentences=() if answer is None else tuple(_sentence(each) for each in answer["sentences"]),
        passages=tuple(_passage(each) for each in reply["passages"]),
        listed=tuple(int(each["number"]) for each in reply["references"]),
        notices=tuple(str(each["kind"]) for each in reply["notices"]),
    )


def _passage(shown: Mapping[str, Any]) -> ShownPassage:
    document = shown["document"]
    return ShownPassage(
        passage_id=shown["passage_id"],
        doc_id=document["doc_id"],
        title=document["title"],
        reference_number=document["reference_number"],
        is_article=document["kind"] == "article",
        text=shown["text"],
        start=shown["start"],
        end=shown["end"],
        references=tuple(shown["references"]),
        score=float(shown["score"]),
    )


def _sentence(shown: Mapping[str, Any]) -> ShownSentence:
    return ShownSentence(
        text=shown["text"],
        doc_id=shown["doc_id"],
        start=shown["start"],
        end=shown["end"],
        references=tuple(shown["references"]),
    )


def read_document_view(shown: Mapping[str, Any]) -> DocumentView:
    """Return the view that a reply of `GET /v1/documents/{doc_id}`, as JSON, stands for."""
    return DocumentView(
        doc_id=shown["doc_id"],
        title=shown["title"],
        is_article=shown["kind"] == "article",
        reference_number=shown["reference_number"],
        text=shown["text"],
        cited=tuple(
            CitedSpan(each["sentence_start"], each["sentence_end"], tuple(each["references"]))
            for each in shown["citations"]
        ),
        passages=tuple((each["passage_id"], each["text"]) for each in shown["passages"]),
    )


@dataclass(frozen=True, slots=True)
class NumberCheck:
    """How many passages and sentences of a reply were checked, and what is wrong with any of them."""

    checked: int
    wrong: tuple[str, ...]


def check_numbers(outcome: Outcome, views: Mapping[str, DocumentView]) -> NumberCheck:
    """Compare every reference number and every quotation of a reply with the documents they come from.

    Args:
        outcome: The reply.
        views: doc_id -> document, for every document of the reply.
    """
    shown: Sequence[ShownPassage | ShownSentence] = (*outcome.passages, *outcome.sentences)
    wrong = [fault for each in shown if (fault := _fault(each, views[each.doc_id]))]
    used = {number for each in shown for number in each.references}
    if tuple(sorted(used)) != outcome.listed:
        wrong.append(f"lists references {list(outcome.listed)}, but shows {sorted(used)}")
    return NumberCheck(checked=len(shown) + 1, wrong=tuple(wrong))


def _fault(shown: ShownPassage | ShownSentence, view: DocumentView) -> str | None:
    where = f"{shown.doc_id} {shown.start}–{shown.end}"
    expected = view.numbers_between(shown.start, shown.end)
    if tuple(shown.references) != expected:
        return f"{where} shows {list(shown.references)}, but its document has {list(expected)}"
    if view.text[shown.start : shown.end] != shown.text:
        return f"{where} is not what its document says there"
    return None
