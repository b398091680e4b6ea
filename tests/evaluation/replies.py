"""Replies and documents as the API shows them, to be scored in tests."""

from typing import Any

from evaluation.outcomes import DocumentView, read_document_view

ARTICLE_TEXT = "Salt water washes pollen away [1]. Tablets stop sneezing\nwithin an hour [2]. Age helps."
SALINE_TEXT = "Forty adults rinsed the nose. Pollen fell by half."
_FIRST = (0, 34)
_SECOND = (35, 76)


def document(doc_id: str = "hay-fever", **changes: Any) -> dict[str, Any]:
    """Return an article of three sentences, the first citing 1 and the second 2."""
    return {
        "doc_id": doc_id,
        "title": "Hay fever",
        "kind": "article",
        "reference_number": None,
        "text": ARTICLE_TEXT,
        "citations": [
            {"sentence_start": _FIRST[0], "sentence_end": _FIRST[1], "references": [1]},
            {"sentence_start": _SECOND[0], "sentence_end": _SECOND[1], "references": [2]},
        ],
        "passages": [
            {"passage_id": "a1", "text": ARTICLE_TEXT[slice(*_FIRST)]},
            {"passage_id": "a2", "text": ARTICLE_TEXT[35:]},
        ],
        **changes,
    }


def source() -> dict[str, Any]:
    """Return source 1."""
    return document(
        "saline",
        kind="source",
        title="Rinsing",
        reference_number=1,
        text=SALINE_TEXT,
        citations=[],
        passages=[{"passage_id": "s1", "text": SALINE_TEXT}],
    )


def views() -> dict[str, DocumentView]:
    """Return both documents."""
    return {each["doc_id"]: read_document_view(each) for each in (document(), source())}


def passage(passage_id: str, **changes: Any) -> dict[str, Any]:
    """Return one passage of a reply: `a1` and `a2` of the article, `s1` of the source."""
    article = {"doc_id": "hay-fever", "title": "Hay fever", "kind": "article", "reference_number": None}
    saline = {"doc_id": "saline", "title": "Rinsing", "kind": "source", "reference_number": 1}
    start, end, numbers, head = {
        "a1": (0, 34, [1], article),
        "a2": (35, len(ARTICLE_TEXT), [2], article),
        "s1": (0, len(SALINE_TEXT), [1], saline),
    }[passage_id]
    text = (SALINE_TEXT if head is saline else ARTICLE_TEXT)[start:end]
    return {
        "passage_id": passage_id,
        "document": head,
        "text": text,
        "start": start,
        "end": end,
        "references": numbers,
        "score": 0.5,
        **changes,
    }


def reply(
    *passages: dict[str, Any],
    confidence: float = 0.9,
    answer: tuple[int, int] | None = None,
    answer_references: tuple[int, ...] = (),
    **changes: Any,
) -> dict[str, Any]:
    """Return a reply; `answer` is a span of the article's text."""
    sentences = []
    if answer is not None:
        sentences = [
            {
                "text": ARTICLE_TEXT[slice(*answer)],
                "doc_id": "hay-fever",
                "start": answer[0],
                "end": answer[1],
                "references": list(answer_references),
            }
        ]
    used = sorted({number for each in (*passages, *sentences) for number in each["references"]})
    return {
        "answerable": confidence >= 0.5,
        "confidence": confidence,
        "answer": {"text": sentences[0]["text"], "sentences": sentences} if sentences else None,
        "passages": list(passages),
        "references": [{"number": number} for number in used],
        "notices": [],
        **changes,
    }
