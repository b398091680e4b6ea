"""Markdown: structure, references in every form, and what is left out."""

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import UnreadableDocumentError
from ingest.readers.markdown import read_markdown
from ingest.readers.reading import Reading
from ingest.records import Document


def read(text: str) -> Reading:
    return read_markdown(text.encode())


def blocks(reading: Reading) -> list[tuple[str, int, str]]:
    return [(one.kind, one.level, reading.text[one.start : one.end]) for one in reading.blocks]


def test_structure_becomes_blocks_with_levels_and_sections() -> None:
    reading = read(
        "# Cramps\n\nThey *pass* **soon**.\n\n## Causes\n\n- thirst\n  - heat\n- strain\n\n### Rare ones\n\n"
        "3. nerves\n4. drugs\n\n> Ask a doctor.\n\n```\ncode  here\n```\n"
    )

    assert blocks(reading) == [
        ("heading", 1, "Cramps"),
        ("paragraph", 0, "They pass soon."),
        ("heading", 2, "Causes"),
        ("list_item", 0, "thirst"),
        ("list_item", 1, "heat"),
        ("list_item", 0, "strain"),
        ("heading", 3, "Rare ones"),
        ("list_item", 0, "3. nerves"),
        ("list_item", 0, "4. drugs"),
        ("paragraph", 0, "Ask a doctor."),
        ("paragraph", 0, "code here"),
    ]
    assert reading.title == "Cramps"
    assert reading.blocks[-1].section == ("Causes", "Rare ones")


def test_rows_of_a_table_are_joined_cell_by_cell_header_first() -> None:
    reading = read("# T\n\n| Drug | Dose |\n|---|---|\n| Iron | 5 mg |\n| `Zinc` | [2](#r) |\n")

    assert [text for kind, _, text in blocks(reading) if kind == "table_row"] == [
        "Drug | Dose",
        "Iron | 5 mg",
        "Zinc | [2]",
    ]


def test_texts_of_links_and_images_stay() -> None:
    reading = read(
        "# T\n\nSee [the trial](https://example.org/t) and ![a calf](c.png) and <https://example.org>.\n"
    )

    assert "See the trial and a calf and https://example.org." in reading.text


def test_raw_html_and_comments_are_left_out_with_the_reason() -> None:
    reading = read("# T\n\nRest <b>helps</b>.<!-- not yet -->\n\n<div>\nhidden\n</div>\n")

    assert "Rest helps." in reading.text
    assert "hidden" not in reading.text
    assert {(one.text, one.reason) for one in reading.omitted} >= {
        ("<!-- not yet -->", "raw HTML"),
        ("<div>\nhidden\n</div>", "raw HTML"),
    }


def test_raised_numbers_stay_raised() -> None:
    reading = read(
        "# T\n\nRest helps.<sup>1,2</sup> It rose 10<sup>3</sup> times.\n\n## References\n\n1. Fir\n2. Gum\n"
    )

    assert "Rest helps.¹,² It rose 10³ times." in reading.text
    assert [one.numbers for one in reading.citations] == [(1, 2)]


@pytest.mark.parametrize(
    "entries",
    [
        "1. Fir A. Rest. 2001.\n2. Gum B. Heat. 2002.",
        "- [1] Fir A. Rest. 2001.\n- [2] Gum B. Heat. 2002.",
        "[1] Fir A. Rest. 2001.\n[2] Gum B. Heat. 2002.",
        "[1] Fir A. Rest. 2001.\n\n[2] Gum B.\nHeat. 2002.",
        "[1]: https://example.org/a 'Fir 2001'\n[2]: https://example.org/b",
        "Fir A. Rest. 2001.\n\nGum B. Heat. 2002.",
        "* Fir A. Rest. 2001.\n* Gum B. Heat. 2002.",
        "1. Fir A. [Rest](https://doi.org/10.1000/a). 2001.\n2. Gum B. Heat. 2002.\n   - reprint",
    ],
)
def test_a_reference_list_is_read_in_every_form(entries: str) -> None:
    reading = read(
        f"# T\n\nRest helps [1]. Heat too [1, 2].\n\n## References\n\n{entries}\n\n## Appendix\n\nMore [2].\n"
    )

    assert [reference.number for reference in reading.references] == [1, 2]
    assert sum(block.kind == "reference" for block in reading.blocks) == 2
    assert [one.numbers for one in reading.citations] == [(1,), (1, 2), (2,)]
    assert blocks(reading)[-1] == ("paragraph", 0, "More [2].")


def test_the_address_behind_an_entry_stays_with_it() -> None:
    reading = read("# T\n\nRest [1].\n\n## Sources\n\n1. Fir A. [Rest](https://doi.org/10.1000/a). 2001.\n")

    assert "https://doi.org/10.1000/a" in reading.references[0].text


def test_numeric_link_definitions_are_references_wherever_they_stand() -> None:
    reading = read("# T\n\nRest helps [1].\n\n[1]: https://example.org/a\n[site]: https://example.org/s\n")

    assert "Rest helps [1]." in reading.text
    assert [one.numbers for one in reading.citations] == [(1,)]
    assert [one.text for one in reading.omitted] == ["[site]: https://example.org/s"]


def test_footnotes_are_references_under_their_numbers() -> None:
    reading = read(
        "# T\n\nHeat.[^2] Rest.[^1]\n\n[^1]: Fir A. Rest. 2001.\n\n[^2]: Gum B. Heat.\n    Reprint 2003.\n"
    )

    assert [(one.number, one.text) for one in reading.references] == [
        (1, "Fir A. Rest. 2001."),
        (2, "Gum B. Heat. Reprint 2003."),
    ]
    assert [one.numbers for one in reading.citations] == [(2,), (1,)]


def test_footnotes_with_names_are_numbered_as_defined() -> None:
    reading = read("# T\n\nHeat.[^gum] Rest.[^fir]\n\n[^fir]: Fir A. 2001.\n[^gum]: Gum B. 2002.\n")

    assert [one.numbers for one in reading.citations] == [(2,), (1,)]


def test_a_footnote_that_nobody_refers_to_is_kept() -> None:
    assert "Fir A. 2001." in read("# T\n\nHeat.\n\n[^1]: Fir A. 2001.\n").text


def test_beside_a_reference_list_footnotes_never_pass_for_its_entries() -> None:
    reading = read(
        "# T\n\nHeat [1]. Rest.[^1]\n\n[^1]: Only in adults.\n\n## References\n\n[1] Fir A. 2001.\n"
    )

    assert [reference.text for reference in reading.references] == ["Fir A. 2001."]
    assert "Only in adults." in reading.text
    assert [reading.text[one.start : one.end] for one in reading.citations] == ["[1]"]


def test_front_matter_gives_title_and_metadata() -> None:
    reading = read(
        '---\ntitle: "Cramps"\nauthor: [Ada Fir, Bo Gum]\ndate: 2024-05-06\n'
        "last_updated: 7 May 2025\nlang: en\n---\n\nRest.\n"
    )

    assert reading.title == "Cramps"
    assert blocks(reading)[0] == ("heading", 1, "Cramps")
    assert reading.metadata == {
        "authors": "Ada Fir; Bo Gum",
        "published": "2024-05-06",
        "last_updated": "2025-05-07",
        "language": "en",
    }
    assert reading.omitted[0].reason == "front matter"


def test_further_top_headings_go_one_level_down_with_all_below() -> None:
    reading = read("# Cramps\n\nHi.\n\n# Causes\n\n## Heat\n\nHot.\n")

    assert [(level, text) for kind, level, text in blocks(reading) if kind == "heading"] == [
        (1, "Cramps"),
        (2, "Causes"),
        (3, "Heat"),
    ]


@pytest.mark.parametrize("text", ["", "<!-- only this -->", "---\ntitle: a\n", "[a]: https://example.org\n"])
def test_a_file_without_text_is_refused_or_read_without_loss(text: str) -> None:
    try:
        reading = read(text)
    except UnreadableDocumentError as error:
        assert "upply" in str(error)  # noqa: PT017
    else:
        assert reading.blocks


def test_absurd_nesting_is_refused_and_not_cut_off() -> None:
    with pytest.raises(UnreadableDocumentError, match="Flatten"):
        read(">" * 200 + " deep\n")


@pytest.mark.parametrize("unit", ["[", "![", "[a", "[\n", "> [\n", "*[", "[^1", "`[", "[|"])
def test_thousands_of_brackets_that_nothing_closes_are_refused_before_they_are_parsed(unit: str) -> None:
    text = unit * 6_000

    with pytest.raises(UnreadableDocumentError, match="square brackets"), counted_calls() as calls:
        read(text)

    assert calls.total() < 100


def test_open_brackets_are_read_where_they_are_few_or_far_between_or_plain() -> None:
    text = "# T\n\n" + "Ages [18, 25) and [25, 30).\n\n" * 50 + "\\[" * 8_000 + "\n\n" + "[a] " * 30

    reading = read(text)

    assert reading.text.count("[18, 25)") == 50
    assert "[" * 8_000 in reading.text


def test_what_the_guard_lets_pass_is_parsed_in_work_that_grows_with_its_length() -> None:
    def work(length: int) -> int:
        with counted_calls() as calls:
            read("a " + ("[" * 20 + "\n\n") * (length // 22) + "[" * 40)
        return calls.total()

    assert work(8_800) < 2.5 * work(4_400)


@contextmanager
def counted_calls() -> Iterator[Counter[str]]:
    """Count the calls of Python functions by name."""
    calls: Counter[str] = Counter()

    def count(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            calls[frame.f_code.co_name] += 1

    previous = sys.getprofile()
    sys.setprofile(count)
    try:
        yield calls
    finally:
        sys.setprofile(previous)


_PIECES = st.sampled_from(
    [
        "# T\n",
        "\n",
        "Rest [1]. ",
        "- a\n",
        "  - b\n",
        "1. c\n",
        "## References\n",
        "[1]: x\n",
        "[^1]",
        "[^1]: n\n",
        "> q\n",
        "|a|b|\n|-|-|\n|1|2|\n",
        "```\n",
        "<b>",
        "<!--",
        "-->",
        "<sup>",
        "2",
        "</sup>",
        "[",
        "](#x)",
        "![",
        "---\n",
        "\t",
    ]
)


@given(st.one_of(st.text(max_size=200), st.lists(_PIECES, max_size=25).map("".join)))
def test_whatever_the_markdown_is_it_makes_a_valid_document(text: str) -> None:
    try:
        reading = read_markdown(text.encode(errors="ignore"))
    except UnreadableDocumentError:
        return
    document = Document(
        "d", "t", "article", "full_text", reading.text, reading.blocks, reading.references, reading.citations
    )

    numbers = {reference.number for reference in document.references}
    assert all(set(one.numbers) <= numbers for one in document.citations)
