import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.canonical import CanonicalTextBuilder, Marker, normalize_text
from ingest.records import Document

KINDS = st.sampled_from(["heading", "paragraph", "list_item", "table_row", "reference"])


def test_white_space_and_invisible_characters_are_normalised() -> None:
    assert normalize_text("a\u00a0\n\t b\u200b\u00adc\x00") == "a bc"
    assert normalize_text(" a ") == " a "


@given(st.text() | st.text(alphabet="e\u0301\u200b\x01 ", max_size=6))
def test_normalised_text_is_nfc_and_stays_as_it_is(text: str) -> None:
    once = normalize_text(text)

    assert unicodedata.is_normalized("NFC", once)
    assert normalize_text(once) == once


@given(st.lists(st.tuples(KINDS, st.lists(st.text(max_size=12), max_size=4))))
def test_whatever_is_added_makes_a_valid_document_text(added: list[tuple[str, list[str]]]) -> None:
    builder = CanonicalTextBuilder()
    for kind, fragments in added:
        builder.add(kind, fragments, level=2 if kind == "heading" else 0)  # type: ignore[arg-type]

    document = Document("doc", "T", "article", "full_text", builder.text, tuple(builder.blocks))
    for block in document.blocks:
        content = document.text[block.start : block.end]
        assert content == content.strip() != ""


def test_neighbouring_items_stand_on_consecutive_lines_and_all_else_is_set_apart() -> None:
    builder = CanonicalTextBuilder()
    for kind, text in [("paragraph", "P"), ("list_item", "a"), ("list_item", "b"), ("table_row", "r")]:
        builder.add(kind, text)  # type: ignore[arg-type]

    assert builder.text == "P\n\na\nb\n\nr"


def test_a_heading_closes_those_of_its_level_and_below_and_the_title_is_in_no_section() -> None:
    builder = CanonicalTextBuilder()
    sections = []
    for level, text in [(1, "Title"), (2, "A"), (3, "A1"), (2, "B"), (4, "B deep")]:
        builder.add("heading", text, level=level)
        block = builder.add("paragraph", "text")
        assert block is not None
        sections.append(block.section)

    assert sections == [(), ("A",), ("A", "A1"), ("B",), ("B", "B deep")]


def test_a_heading_needs_a_level() -> None:
    with pytest.raises(ValueError, match="'A' has level 0"):
        CanonicalTextBuilder().add("heading", "A")


def test_white_space_alone_makes_no_block() -> None:
    builder = CanonicalTextBuilder()

    assert builder.add("paragraph", [" ", "\u200b\n"]) is None
    assert (builder.text, builder.blocks) == ("", [])


def test_a_marker_of_the_format_is_found_where_it_stands() -> None:
    builder = CanonicalTextBuilder()
    builder.add("paragraph", "Before.")
    builder.add("paragraph", ["Rest\n helps ", Marker(" 1,2", (1, 2)), "  often."])

    (marker,) = builder.markers
    assert builder.text[marker.start : marker.end] == "1,2"
    assert marker.numbers == (1, 2)
    assert builder.text == "Before.\n\nRest helps 1,2 often."
