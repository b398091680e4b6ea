"""The public shape of requests and replies: the contract of the API, version 1."""

import unicodedata
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from ingest.records import BlockKind, DocumentKind, Fidelity

MAX_QUESTION_CHARS = 2_000
MAX_TOP_K = 50

AnswerMode = Literal["extractive", "generated", "none"]


def refuse_binary(text: str) -> str:
    """Refuse what is no text: control characters, halves of surrogate pairs, undecodable bytes."""
    for character in text:
        if character in "\t\n\r":
            continue
        if character == "\ufffd" or unicodedata.category(character) in ("Cc", "Cs"):
            raise ValueError(
                f"holds U+{ord(character):04X}, which is not text; send the question as plain UTF-8 text"
            )
    return text


Question = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_QUESTION_CHARS),
    AfterValidator(refuse_binary),
]
TopK = Annotated[int, Field(ge=1, le=MAX_TOP_K)]
Number = Annotated[int, Field(ge=1, le=1_000_000_000)]
DocId = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Filter(_Request):
    """Which passages may be used; two conditions must both hold."""

    documents: list[DocId] | None = Field(default=None, max_length=100, description="Only these documents.")
    references: list[Annotated[Number, Field(strict=True)]] | None = Field(
        default=None, max_length=100, description="Only passages that carry one of these reference numbers."
    )


class AskRequest(_Request):
    """A question."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"question": "What helps a calf cramp at night?", "top_k": 5},
                {"question": "Is quinine safe for cramps?", "filter": {"references": [3]}},
            ]
        }
    )

    question: Question = Field(description="In plain words, 1 to 2,000 characters after trimming.")
    top_k: Annotated[TopK, Field(strict=True)] = Field(default=5, description="How many passages to return.")
    filter: Filter | None = Field(default=None, description="Which passages may be used; all when left out.")
    answer: AnswerMode = Field(
        default="extractive",
        description="`extractive`: verbatim sentences; `generated`: a language model's, where one is set up; `none`.",
    )


class AskByAddress(_Request):
    """A question as the parts of an address, where every value is text."""

    question: Question = Field(
        description="In plain words, 1 to 2,000 characters after trimming.",
        examples=["What helps a calf cramp at night?"],
    )
    top_k: TopK = Field(default=5, description="How many passages to return.")
    documents: list[DocId] | None = Field(
        default=None, max_length=100, description="Only these documents; repeatable."
    )
    references: list[Number] | None = Field(
        default=None, max_length=100, description="Only passages with these numbers; repeatable."
    )
    answer: AnswerMode = Field(default="extractive", description="`extractive`, `generated` or `none`.")

    def as_request(self) -> AskRequest:
        """Return the same question as a body would ask it."""
        only = Filter(documents=self.documents, references=self.references)
        return AskRequest(question=self.question, top_k=self.top_k, filter=only, answer=self.answer)


class _Reply(BaseModel):
    model_config = ConfigDict(frozen=True)


class AnswerSentence(_Reply):
    """A sentence as it stands in its document."""

    text: str
    passage_id: str
    doc_id: str
    start: int = Field(description="Offset into the document's text, in Unicode code points.")
    end: int
    references: list[int] = Field(description="The reference numbers behind this sentence.")


class Answer(_Reply):
    """What answers the question."""

    kind: Literal["extractive"]
    text: str
    sentences: list[AnswerSentence]


class DocumentHead(_Reply):
    """The document that a passage stands in."""

    doc_id: str
    title: str
    kind: DocumentKind
    fidelity: Fidelity = Field(description="Whether its text is the full text, a digest or an abstract.")
    reference_number: int | None = Field(description="Of a source; null for an article.")


class Highlight(_Reply):
    """The part of a passage that bears on the question, as offsets into the passage's `text`."""

    start: int
    end: int


class Scores(_Reply):
    """What the score was made from."""

    dense: float = Field(description="Cosine of question and passage, -1 to 1.")
    lexical: float = Field(description="BM25, 0 or more.")
    late: float | None = Field(
        description="How well the passage's best sentence matches token by token, -1 to 1; null beyond the best few."
    )


class RankedPassage(_Reply):
    """One passage of a ranked list."""

    rank: int = Field(description="1 is best.")
    passage_id: str
    score: float = Field(description="0 to 1; compares only within one reply.")
    scores: Scores
    text: str
    highlights: list[Highlight]
    document: DocumentHead
    section: list[str] = Field(description="The headings above it, outermost first.")
    references: list[int] = Field(description="The reference numbers behind it, ascending.")
    start: int = Field(description="Offset into the document's text, in Unicode code points.")
    end: int
    page: int | None
    url: str | None = Field(description="The place in the source, where the source has an address.")


class Reference(_Reply):
    """One entry of the bibliography."""

    number: int
    text: str = Field(description="The entry as printed.")
    title: str | None
    authors: list[str]
    year: int | None
    container: str | None
    volume: str | None
    issue: str | None
    pages: str | None
    doi: str | None
    pmid: str | None
    pmcid: str | None
    url: str | None
    problems: list[str] = Field(
        description="What had to be corrected in the entry as printed, or is in doubt."
    )


class Notice(_Reply):
    """What a reader should know before anything else."""

    kind: Literal["urgent_care"]
    text: str
    passage_id: str | None = Field(description="The passage that says why, where there is one.")


class IndexStamp(_Reply):
    """Which version of the index answered."""

    version: str
    built_at: str


_EXAMPLE_REPLY: dict[str, Any] = {
    "question": "What happens if I stop baclofen suddenly?",
    "searched_as": None,
    "not_mentioned": [],
    "answerable": True,
    "confidence": 0.98,
    "answer": {
        "kind": "extractive",
        "text": "Stopping baclofen abruptly (suddenly) can cause seizures.",
        "sentences": [
            {
                "text": "Stopping baclofen abruptly (suddenly) can cause seizures.",
                "passage_id": "3f0c9a2be1d47a65",
                "doc_id": "medlineplus-baclofen",
                "start": 3210,
                "end": 3267,
                "references": [5],
            }
        ],
    },
    "passages": [
        {
            "rank": 1,
            "passage_id": "3f0c9a2be1d47a65",
            "score": 1.0,
            "scores": {"dense": 0.81, "lexical": 9.4},
            "text": "Stopping baclofen abruptly (suddenly) can cause seizures.",
            "highlights": [{"start": 0, "end": 57}],
            "document": {
                "doc_id": "medlineplus-baclofen",
                "title": "Baclofen: MedlinePlus Drug Information",
                "kind": "source",
                "fidelity": "digest",
                "reference_number": 5,
            },
            "section": ["Stopping baclofen"],
            "references": [5],
            "start": 3210,
            "end": 3267,
            "page": None,
            "url": "https://medlineplus.gov/druginfo/meds/a682530.html",
        }
    ],
    "references": [
        {
            "number": 5,
            "text": "MedlinePlus. Baclofen: MedlinePlus Drug Information. 2019 Oct.",
            "title": "Baclofen: MedlinePlus Drug Information",
            "authors": ["MedlinePlus"],
            "year": 2019,
            "container": None,
            "volume": None,
            "issue": None,
            "pages": None,
            "doi": None,
            "pmid": None,
            "pmcid": None,
            "url": "https://medlineplus.gov/druginfo/meds/a682530.html",
            "problems": [],
        }
    ],
    "notices": [],
    "disclaimer": "These passages are general health information; they are not medical advice.",
    "index": {"version": "8851d6ffcdbe83e9", "built_at": "2026-11-23T14:42:05+00:00"},
    "took_ms": 24.6,
}


class AskReply(_Reply):
    """Ranked passages with their reference numbers, and the answer if there is one."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [_EXAMPLE_REPLY]})

    question: str
    searched_as: str | None = Field(
        description="The question with its misspelled words put right; null where there were none."
    )
    not_mentioned: list[str] = Field(
        description="Uncommon words of the question that none of the indexed documents has, in any form or under "
        "another name. No answer is about them, whatever the confidence."
    )
    answerable: bool = Field(description="Whether the documents answer the question.")
    confidence: float = Field(description="Fitted probability that they do, 0 to 1.")
    answer: Answer | None = Field(description="Null when not answerable, or when none was asked for.")
    passages: list[RankedPassage] = Field(description="The nearest passages, also when none of them answers.")
    references: list[Reference] = Field(description="Exactly the entries whose numbers occur above.")
    notices: list[Notice]
    disclaimer: str
    index: IndexStamp
    took_ms: float


class CitingSentence(_Reply):
    """A sentence that cites a reference."""

    doc_id: str
    passage_id: str
    text: str
    start: int
    end: int


class ReferenceDetail(Reference):
    """One entry with what is indexed of it and who cites it."""

    passages: list["PassageText"] = Field(description="The passages of the source itself, in reading order.")
    cited_by: list[CitingSentence] = Field(description="Every sentence of an article that cites it.")
    index: IndexStamp


class PassageText(_Reply):
    """A passage without a rank."""

    passage_id: str
    doc_id: str
    text: str
    section: list[str]
    references: list[int]
    start: int
    end: int
    page: int | None


class PassageDetail(PassageText):
    """A passage with its document and its neighbours."""

    document: DocumentHead
    url: str | None
    previous: PassageText | None
    next: PassageText | None
    index: IndexStamp


class DocumentListing(DocumentHead):
    """A document without its text."""

    url: str | None
    licence: str | None
    retrieved_at: str | None
    sha256: str = Field(description="Hash of the canonical text in UTF-8.")
    passages: int = Field(description="How many passages it was cut into.")
    chars: int


class Block(_Reply):
    """A structural unit of a document's text."""

    kind: BlockKind
    start: int
    end: int
    section: list[str]
    level: int
    page: int | None


class Citation(_Reply):
    """A marker in a document's text."""

    start: int
    end: int
    printed: list[int] = Field(description="The numbers that the document prints.")
    references: list[int] = Field(
        description="The same in this index's bibliography; empty for a source's own list, which is not part of it."
    )
    sentence_start: int
    sentence_end: int


class PrintedReference(Reference):
    """An entry of a document's own list: `number` is the number that the document prints."""

    reference: int | None = Field(
        description="Its number in this index's bibliography; null for a source's own list."
    )


class Omission(_Reply):
    """Text of the file that is not part of the document, with the reason."""

    text: str
    reason: str


class DocumentDetail(_Reply):
    """A document whole."""

    doc_id: str
    title: str
    kind: DocumentKind
    fidelity: Fidelity
    reference_number: int | None
    url: str | None
    licence: str | None
    retrieved_at: str | None
    sha256: str
    text: str = Field(description="The canonical text; all offsets count its Unicode code points.")
    blocks: list[Block]
    citations: list[Citation]
    references: list[PrintedReference]
    passages: list[PassageText]
    omitted: list[Omission]
    index: IndexStamp


class References(_Reply):
    """The bibliography."""

    references: list[Reference]
    index: IndexStamp


class Documents(_Reply):
    """What is indexed."""

    documents: list[DocumentListing]
    index: IndexStamp


class SelfScore(_Reply):
    """How well the index finds the source behind its own cited sentences."""

    pairs: int
    success_at_1: float | None
    mrr_at_10: float | None


class QuarantinedFile(_Reply):
    """A file of the corpus that could not be read."""

    path: str
    reason: str


class ModelInfo(_Reply):
    """The encoder of an index."""

    model: str
    weights_sha256: str
    pooling: str
    dim: int
    max_tokens: int
    engine: str = Field(default="not recorded", description="What computed the vectors.")


class IndexInfo(IndexStamp):
    """The version that serves."""

    title: str
    documents: int
    passages: int
    sentences: int
    references: int
    model: ModelInfo
    self_score: SelfScore
    quarantined: list[QuarantinedFile]


class Health(_Reply):
    """Whether the service is up."""

    status: Literal["ok"]


class VersionInfo(_Reply):
    """What is running."""

    name: Literal["citewell"]
    version: str
    index: IndexStamp
    model: str
