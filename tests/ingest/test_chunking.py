import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index.embedding import Embedder
from ingest.canonical import CanonicalTextBuilder
from ingest.chunking import ChunkLimits, chunk_document
from ingest.corpus import load_corpus
from ingest.markers import find_citations
from ingest.readers.reading import Reading
from ingest.readers.registry import read_document
from ingest.records import BODY_KINDS, BlockKind, Document, DocumentKind, Passage, Reference, passage_id
from tests.twins import count_tokens

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared"
#: Printed number -> number of the index.
NUMBERS = {printed: printed + 10 for printed in range(1, 6)}
LIMITS = ChunkLimits(window_tokens=60, target_tokens=30, context_tokens=20)


def make_document(
    *content: tuple[str, str],
    kind: DocumentKind = "article",
    number: int | None = None,
    doc_id: str = "doc",
) -> Document:
    """Return a document of these blocks; markers such as [1] count as citations. Headings have level 2."""
    builder = CanonicalTextBuilder()
    for block_kind, text in content:
        builder.add(cast(BlockKind, block_kind), text, level=2 if block_kind == "heading" else 0)
    found = find_citations(builder.text, builder.blocks, numbers=set(NUMBERS))
    references = tuple(Reference(printed, f"Entry {printed}") for printed in NUMBERS)
    return Document(
        doc_id,
        "The title",
        kind,
        "full_text",
        builder.text,
        tuple(builder.blocks),
        references=references,
        citations=found.citations,
        reference_number=number,
    )


def chunk(
    document: Document, *, limits: ChunkLimits = LIMITS, numbers: Mapping[int, int] = NUMBERS
) -> list[Passage]:
    return chunk_document(document, numbers=numbers, count_tokens=count_tokens, limits=limits)


def words(count: int, word: str = "calm") -> str:
    return " ".join([word] * count)


def shown_by(document: Document, passage: Passage) -> list[str]:
    return [document.text[each.start : each.end] for each in passage.sentences]


# --- Arbitrary documents ------------------------------------------------------------------------------

_marker = st.sampled_from(["[1]", " [2]", "[1, 3]", " [2–4]", "[9]", "[1"])
_word = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=9)
_long_word = st.builds(lambda piece, times: piece * times, _word, st.integers(1, 40))
_sentence = st.builds(
    lambda parts, end: " ".join(parts) + end,
    st.lists(st.one_of(_word, _long_word, _marker, st.just("calm sleep")), min_size=1, max_size=16),
    st.sampled_from([".", "?", ".[1]", ". [2, 3]", ":", "", "…", "。"]),
)
_text = st.lists(_sentence, min_size=1, max_size=4).map(" ".join)
_kind = st.sampled_from(["heading", "paragraph", "paragraph", "list_item", "table_row", "reference"])
_documents = st.lists(st.tuples(_kind, _text), max_size=8).map(lambda blocks: make_document(*blocks))
_limits = st.sampled_from(
    [LIMITS, ChunkLimits(), ChunkLimits(24, 8, 16), ChunkLimits(50, 45, 5), ChunkLimits(40, 30, 0)]
)
thorough = settings(max_examples=20, suppress_health_check=list(HealthCheck))


@thorough
@given(_documents, _limits)
def test_every_passage_is_its_span_and_its_sentences_lie_in_it_in_order(
    document: Document, limits: ChunkLimits
) -> None:
    for passage in chunk(document, limits=limits):
        assert passage.text == document.text[passage.start : passage.end]
        assert passage.sentences[0].start == passage.start
        assert passage.sentences[-1].end == passage.end
        ends = [passage.start]
        for sentence in passage.sentences:
            assert not document.text[ends[-1] : sentence.start].strip()
            assert sentence.start < sentence.end
            ends.append(sentence.end)


@thorough
@given(_documents, _limits)
def test_every_character_of_the_body_is_in_exactly_one_passage(
    document: Document, limits: ChunkLimits
) -> None:
    times = Counter(
        at for passage in chunk(document, limits=limits) for at in range(passage.start, passage.end)
    )
    for block in document.blocks:
        expected = 1 if block.kind in BODY_KINDS else 0
        for at in range(block.start, block.end):
            if not document.text[at].isspace():
                assert times[at] == expected


@thorough
@given(_documents, _limits)
def test_no_passage_crosses_a_heading_and_each_knows_its_section(
    document: Document, limits: ChunkLimits
) -> None:
    for passage in chunk(document, limits=limits):
        inside = [b for b in document.blocks if b.start < passage.end and passage.start < b.end]
        assert {block.kind for block in inside} <= BODY_KINDS
        assert {block.section for block in inside} == {passage.section}


@thorough
@given(_documents, _limits)
def test_what_is_embedded_never_exceeds_the_window(document: Document, limits: ChunkLimits) -> None:
    for passage in chunk(document, limits=limits):
        assert count_tokens(passage.embedding_text) <= limits.window_tokens


@thorough
@given(_documents)
def test_a_passage_id_names_one_passage_by_its_content(document: Document) -> None:
    passages = chunk(document)

    assert len({passage.passage_id for passage in passages}) == len(passages)
    for passage in passages:
        assert passage.passage_id == passage_id(document.doc_id, passage.start, passage.text)


@thorough
@given(_documents)
def test_a_passage_carries_exactly_the_numbers_its_sentences_cite(document: Document) -> None:
    passages = chunk(document)

    for passage in passages:
        assert set(passage.references) == {n for each in passage.sentences for n in each.references}
    cited = {NUMBERS[n] for c in document.citations for n in c.numbers if _is_in_body(document, c.start)}
    assert {number for passage in passages for number in passage.references} == cited


def _is_in_body(document: Document, at: int) -> bool:
    return any(block.start <= at < block.end and block.kind in BODY_KINDS for block in document.blocks)


@thorough
@given(_documents)
def test_the_same_document_is_cut_the_same_way_again(document: Document) -> None:
    assert chunk(document) == chunk(document)


# --- Worked examples ----------------------------------------------------------------------------------


def test_headings_and_the_reference_list_are_in_no_passage() -> None:
    document = make_document(
        ("heading", "Care"), ("paragraph", "Rest."), ("heading", "References"), ("reference", "[1] Entry")
    )

    assert [passage.text for passage in chunk(document)] == ["Rest."]


def test_short_blocks_of_a_section_share_a_passage_until_it_is_full() -> None:
    document = make_document(*[("paragraph", f"{words(9)}.")] * 5)  # 10 tokens and 2 special ones each

    # 2 x 12 = 24 tokens fit into 30, a third would make 36.
    assert [len(passage.sentences) for passage in chunk(document)] == [2, 2, 1]


def test_a_long_paragraph_is_cut_between_sentences() -> None:
    document = make_document(
        ("paragraph", " ".join(f"{word.capitalize()} is {words(8)}." for word in "abcdef"))
    )

    assert [passage.text.count(".") for passage in chunk(document)] == [2, 2, 2]
    assert all(passage.text.endswith(".") for passage in chunk(document))


def test_a_sentence_longer_than_a_passage_is_cut_at_spaces_and_keeps_its_numbers_on_every_piece() -> None:
    document = make_document(("paragraph", f"Start {words(70)} end [2]."))

    passages = chunk(document)
    assert len(passages) > 2
    assert {passage.references for passage in passages} == {(12,)}
    assert set(" ".join(passage.text for passage in passages).split()) == {"Start", "calm", "end", "[2]."}


def test_a_text_without_any_space_is_cut_as_well() -> None:
    document = make_document(("paragraph", "痛み、" * 60))

    passages = chunk(document)
    assert len(passages) > 1
    assert "".join(passage.text for passage in passages) == "痛み、" * 60


def test_markers_stay_in_the_text_and_are_not_embedded() -> None:
    (passage,) = chunk(make_document(("heading", "Care"), ("paragraph", "Rest helps [1], sleep too [2, 3].")))

    assert passage.text == "Rest helps [1], sleep too [2, 3]."
    assert passage.embedding_text == "Care\nRest helps, sleep too."


def test_the_numbers_of_an_article_are_those_of_the_index() -> None:
    (passage,) = chunk(make_document(("paragraph", "Rest helps [3]. Sleep too [1, 2]. Food does not.")))

    assert [sentence.references for sentence in passage.sentences] == [(13,), (11, 12), ()]
    assert passage.references == (11, 12, 13)


def test_a_printed_number_that_stands_for_no_single_entry_gives_no_number() -> None:
    document = make_document(("paragraph", "Rest helps [1]. Sleep too [2, 3]."))

    (passage,) = chunk(document, numbers={1: 7, 3: 4})
    assert [sentence.references for sentence in passage.sentences] == [(7,), (4,)]


def test_a_source_carries_its_own_number_and_never_those_that_it_prints() -> None:
    document = make_document(("paragraph", "Rest helps [3]. Sleep too."), kind="source", number=5)

    (passage,) = chunk(document)
    assert passage.references == (5,)
    assert [sentence.references for sentence in passage.sentences] == [(5,), (5,)]


def test_a_source_without_a_number_carries_none() -> None:
    (passage,) = chunk(make_document(("paragraph", "Rest helps [3]."), kind="source"))

    assert passage.references == ()


def test_a_lead_in_stays_with_the_first_item_of_its_list() -> None:
    document = make_document(
        ("paragraph", f"{words(12)}."), ("paragraph", "Take these along:"), ("list_item", words(10, "water"))
    )

    assert [passage.text.split("\n")[0] for passage in chunk(document)] == [
        f"{words(12)}.",
        "Take these along:",
    ]


def test_a_lead_in_is_context_of_the_items_that_did_not_fit_beside_it() -> None:
    items = [("list_item", words(12, word)) for word in ("water", "bread", "salt")]
    document = make_document(("heading", "Packing"), ("paragraph", "Take these along [1]:"), *items)

    first, *others = chunk(document)
    assert first.embedding_text.count("Take these along") == 1
    assert [each.embedding_text.split("\n")[0] for each in others] == ["Packing > Take these along:"]
    assert all(each.references == () for each in others)


def test_two_sections_of_the_same_name_share_no_passage() -> None:
    document = make_document(
        ("heading", "Summary"), ("paragraph", "Rest."), ("heading", "Summary"), ("paragraph", "Sleep.")
    )

    assert [passage.text for passage in chunk(document)] == ["Rest.", "Sleep."]


def test_a_reference_between_two_paragraphs_is_in_no_passage() -> None:
    document = make_document(("paragraph", "Rest."), ("reference", "[1] Entry"), ("paragraph", "Sleep."))

    assert [passage.text for passage in chunk(document)] == ["Rest.", "Sleep."]


def test_a_paragraph_ends_the_reach_of_a_lead_in() -> None:
    document = make_document(
        ("paragraph", "Take these along:"),
        ("list_item", words(20, "water")),
        ("paragraph", f"{words(20)}."),
        ("list_item", words(20, "bread")),
    )

    assert chunk(document)[-1].embedding_text == words(20, "bread")


def test_the_head_of_a_table_is_context_of_the_rows_that_do_not_stand_beside_it() -> None:
    rows = [("table_row", f"{words(9, word)} | 5 mg") for word in ("red", "blue", "pale")]
    document = make_document(("table_row", "Pill | Dose"), *rows)

    head, *others = [passage.embedding_text.split("\n")[0] for passage in chunk(document)]
    assert head == "Pill | Dose"
    assert others == ["Pill | Dose"] * len(others) != []


def test_context_that_does_not_fit_loses_its_outermost_part_first() -> None:
    builder = CanonicalTextBuilder()
    builder.add("heading", words(15, "outer"), level=2)
    builder.add("heading", words(10, "inner"), level=3)
    builder.add("paragraph", "Rest.")
    document = Document("doc", "T", "article", "full_text", builder.text, tuple(builder.blocks))

    (passage,) = chunk(document)
    assert passage.embedding_text == f"{words(10, 'inner')}\nRest."
    assert passage.section == (words(15, "outer"), words(10, "inner"))


def test_a_passage_is_on_the_page_on_which_it_starts() -> None:
    builder = CanonicalTextBuilder()
    builder.add("paragraph", f"{words(26)}.", page=4)
    builder.add("paragraph", f"{words(20)}.", page=5)
    document = Document("doc", "T", "article", "full_text", builder.text, tuple(builder.blocks))

    assert [passage.page for passage in chunk(document)] == [4, 5]


def test_a_document_without_body_text_has_no_passages() -> None:
    assert chunk(make_document(("heading", "Empty"))) == []


@pytest.mark.parametrize("target", [0, 41])
def test_a_target_that_leaves_no_room_for_context_is_refused(target: int) -> None:
    with pytest.raises(ValueError, match=f"target_tokens is {target}; choose 1 to .* 40"):
        ChunkLimits(window_tokens=60, target_tokens=target, context_tokens=20)


@pytest.mark.parametrize("window", [16, 64, 128, 256, 512, 8192])
def test_there_are_limits_for_the_window_of_every_encoder(window: int) -> None:
    limits = ChunkLimits.within(window)
    document = make_document(("heading", words(30)), ("paragraph", f"{words(700)}."))

    assert limits.window_tokens == window
    assert all(count_tokens(each.embedding_text) <= window for each in chunk(document, limits=limits))


def test_the_limits_of_the_default_encoder_are_the_measured_ones() -> None:
    assert ChunkLimits.within(256) == ChunkLimits()


def test_a_counter_that_no_piece_can_satisfy_is_an_error_and_not_an_endless_loop() -> None:
    with pytest.raises(ValueError, match="target_tokens is 5"):
        chunk_document(
            make_document(("paragraph", "Rest.")),
            numbers={},
            count_tokens=lambda text: len(text) + 10,
            limits=ChunkLimits(60, 5, 20),
        )


# --- Real documents with the real tokenizer -----------------------------------------------------------


def as_document(reading: Reading, name: str) -> Document:
    return Document(
        re.sub(r"\W+", "-", name.lower()),
        reading.title or name,
        "article",
        "full_text",
        reading.text,
        reading.blocks,
        references=reading.references,
        citations=reading.citations,
    )


def real_documents() -> Iterator[Document]:
    yield from load_corpus(ROOT / "corpus").documents
    for folder in (SHARED / "seed", SHARED / "real" / "jats"):
        for path in sorted(folder.glob("*.*")):
            yield as_document(read_document(path.read_bytes(), name=path.name), path.stem)


@pytest.mark.slow
def test_real_documents_are_covered_and_fit_the_window_of_the_real_encoder(real_embedder: Embedder) -> None:
    assert os.environ["HF_HUB_OFFLINE"] == "1"
    embedder = real_embedder
    limits = ChunkLimits.within(embedder.identity.max_tokens)
    too_long, uncovered, cut = [], [], 0
    for document in real_documents():
        numbers = {reference.number: reference.number for reference in document.references}
        passages = chunk_document(
            document, numbers=numbers, count_tokens=embedder.count_tokens, limits=limits
        )
        cut += len(passages)
        too_long += [
            (document.doc_id, passage.start)
            for passage in passages
            if embedder.count_tokens(passage.embedding_text) > limits.window_tokens
        ]
        covered = {at for passage in passages for at in range(passage.start, passage.end)}
        uncovered += [
            (document.doc_id, at)
            for block in document.blocks
            if block.kind in BODY_KINDS
            for at in range(block.start, block.end)
            if at not in covered and not document.text[at].isspace()
        ]

    assert cut > 0
    assert (too_long, uncovered) == ([], [])
