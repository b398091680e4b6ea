import unicodedata

import pytest

from ingest.records import Block, Citation, Document, Passage, Reference, Sentence, passage_id


def make_document(text: str, *blocks: Block, **fields: object) -> Document:
    return Document("doc", "Title", "article", "full_text", text, blocks, **fields)  # type: ignore[arg-type]


def make_passage(
    text: str, *, start: int = 0, end: int | None = None, references: tuple[int, ...] = ()
) -> Passage:
    end = start + len(text) if end is None else end
    return Passage("id", "doc", text, start, end, text, (Sentence(start, end),), references=references)


def test_a_document_holds_blocks_with_white_space_between_them() -> None:
    document = make_document("One.\n\nTwo.", Block("paragraph", 0, 4), Block("paragraph", 6, 10))

    assert [document.text[block.start : block.end] for block in document.blocks] == ["One.", "Two."]


@pytest.mark.parametrize(
    "text", [unicodedata.normalize("NFD", "café"), "one\r\ntwo"], ids=["not NFC", "carriage return"]
)
def test_text_that_is_not_canonical_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="doc: canonical text must be NFC"):
        make_document(text, Block("paragraph", 0, len(text)))


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ([(0, 4), (3, 10)], "block at 3 overlaps"),
        ([(0, 4), (6, 11)], "block at 6 overlaps its neighbour or the end"),
        ([(6, 10), (0, 4)], "text before offset 6 is in no block"),
        ([(0, 4)], "text after offset 4 is in no block"),
        ([(6, 10)], "text before offset 6 is in no block"),
        ([], "text after offset 0 is in no block"),
    ],
)
def test_blocks_that_overlap_or_leave_text_out_are_refused(
    blocks: list[tuple[int, int]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        make_document("One.\n\nTwo.", *(Block("paragraph", start, end) for start, end in blocks))


def test_an_article_has_no_reference_number() -> None:
    with pytest.raises(ValueError, match="an article has no reference number"):
        make_document("One.", Block("paragraph", 0, 4), reference_number=1)


def test_a_block_a_reference_and_a_citation_refuse_what_they_cannot_be() -> None:
    with pytest.raises(ValueError, match="spans 3 to 3"):
        Block("paragraph", 3, 3)
    with pytest.raises(ValueError, match="reference number 0"):
        Reference(0, "text")
    with pytest.raises(ValueError, match="marker at 7"):
        Citation(7, 10, (), 0, 10)


def test_the_hash_of_a_document_is_that_of_its_text() -> None:
    one, same, other = (make_document(text, Block("paragraph", 0, 4)) for text in ("One.", "One.", "Two."))

    assert one.sha256 == same.sha256 != other.sha256


@pytest.mark.parametrize("references", [(2, 1), (1, 1)])
def test_the_references_of_a_passage_ascend_without_repeats(references: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="must ascend"):
        make_passage("One.", references=references)


def test_a_passage_fits_its_span_and_is_not_empty() -> None:
    with pytest.raises(ValueError, match="does not fit its span"):
        make_passage("One.", end=5)
    with pytest.raises(ValueError, match="is empty"):
        make_passage("  ")


def test_a_passage_id_depends_on_document_span_and_text_and_on_nothing_else() -> None:
    same = [passage_id("doc", 5, "text"), passage_id("doc", 5, "text")]
    others = [passage_id("dox", 5, "text"), passage_id("doc", 6, "text"), passage_id("doc", 5, "texts")]

    assert len(set(same)) == 1
    assert len({*same, *others}) == 4
    assert all(len(each) == 16 for each in same)
