"""What a citation marker is, what it stands for, and which sentence it belongs to."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.canonical import CanonicalTextBuilder, Marker
from ingest.markers import FoundCitations, NotationStyle, find_citations, infer_notation, without_markers
from ingest.records import Block, Citation

TWELVE = range(1, 13)


def build(*paragraphs: str | Sequence[str | Marker]) -> CanonicalTextBuilder:
    builder = CanonicalTextBuilder()
    for paragraph in paragraphs:
        builder.add("paragraph", paragraph)
    return builder


def find(*paragraphs: str | Sequence[str | Marker], numbers: Sequence[int] = TWELVE) -> FoundCitations:
    builder = build(*paragraphs)
    return find_citations(builder.text, builder.blocks, numbers=numbers, marked=builder.markers)


def cited(
    *paragraphs: str | Sequence[str | Marker], numbers: Sequence[int] = TWELVE
) -> list[tuple[int, ...]]:
    return [citation.numbers for citation in find(*paragraphs, numbers=numbers).citations]


def sentences(*paragraphs: str) -> list[str]:
    builder = build(*paragraphs)
    found = find_citations(builder.text, builder.blocks, numbers=TWELVE)
    return [builder.text[one.sentence_start : one.sentence_end] for one in found.citations]


# --- Notations ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Rest helps [1].", [(1,)]),
        ("Rest helps [ 1 ].", [(1,)]),
        ("Rest helps [1, 3].", [(1, 3)]),
        ("Rest helps [1,3].", [(1, 3)]),
        ("Rest helps [1; 4].", [(1, 4)]),
        ("Rest helps [1–3].", [(1, 2, 3)]),
        ("Rest helps [1-3,5].", [(1, 2, 3, 5)]),
        ("Rest helps [1 – 3, 5].", [(1, 2, 3, 5)]),
        ("Rest helps [5, 2].", [(5, 2)]),
        ("Rest helps [2, 1–3].", [(2, 1, 3)]),
        ("Rest helps [1 and 3].", [(1, 3)]),
        ("Rest helps [1, 2, and 4].", [(1, 2, 4)]),
        ("Rest helps [1][2].", [(1,), (2,)]),
        ("Rest helps [1], [2].", [(1,), (2,)]),
        ("Rest helps [1]–[4].", [(1, 2, 3, 4)]),
        ("Rest helps [refs 1, 2].", [(1, 2)]),
        ("Rest helps [3, p. 12].", [(3,)]),
        ("Rest helps.[2]", [(2,)]),
        ("Rest helps.[2]Heat does.", [(2,)]),
        ("Rest[2] helps.", [(2,)]),
        ("Rest and vitamin C[2] help.", [(2,)]),
        ("Rest helps [^1].", [(1,)]),
        ("Rest helps［1］.", [(1,)]),
        ("Rest helps［１，３］.", [(1, 3)]),
        ("Rest helps【1】and heat〔2〕.", [(1,), (2,)]),
        ("In 2010 [1, 3] it helped 30% [2, 4].", [(1, 3), (2, 4)]),
        ("Conditions like these [3]: pain.", [(3,)]),
        ("(see [2])", [(2,)]),
        ("Rest helps.¹ Heat does.²", [(1,), (2,)]),
        ("Rest helps¹,³ and heat²⁻⁴ too.", [(1, 3), (2, 3, 4)]),
        ("Rest helps ¹² as well. Heat.³ Ice.⁴", [(12,), (3,), (4,)]),
    ],
)
def test_every_notation_is_read(text: str, expected: list[tuple[int, ...]]) -> None:
    assert cited(text) == expected


def test_parentheses_are_markers_where_the_whole_document_cites_so() -> None:
    text = "Rest helps (1). Heat does too (2, 3). Ice does not (4)."

    assert cited(text, numbers=range(1, 5)) == [(1,), (2, 3), (4,)]


def test_parentheses_are_none_beside_brackets() -> None:
    assert cited("Rest helps (1). Heat does too (2). Ice does not [3].") == [(3,)]


def test_digits_after_stops_are_markers_where_nothing_else_is() -> None:
    text = "Rest cures most cramps.1 Heat does too.2,3 Ice will not help.4"

    assert cited(text, numbers=range(1, 5)) == [(1,), (2, 3), (4,)]
    assert cited(text + " Yoga may [2].", numbers=range(1, 5)) == [(2,)]


def test_a_single_bracket_does_not_outweigh_a_text_full_of_superscripts() -> None:
    text = "Rest.¹ Heat.² Ice.³ Yoga.⁴ The second [2] arm was small."

    notation = infer_notation(text, build(text).blocks, numbers=TWELVE)

    assert notation is not None
    assert notation.style is NotationStyle.SUPERSCRIPTS


def test_headings_and_table_rows_are_searched_and_reference_entries_are_not() -> None:
    builder = CanonicalTextBuilder()
    builder.add("heading", "Rest [1]", level=2)
    builder.add("table_row", "heat | helps [2]")
    builder.add("reference", "[3] Fir A. Reprint of [1]. 2001.")

    found = find_citations(builder.text, builder.blocks, numbers=TWELVE)

    assert [one.numbers for one in found.citations] == [(1,), (2,)]


# --- Traps -------------------------------------------------------------------------------------------


def traps(notation: str) -> list[str]:
    """Return the trap lines of one section of the file beside this one."""
    lines = (Path(__file__).parent / "marker_traps.txt").read_text(encoding="utf-8")
    (section,) = re.findall(rf"^# {notation}\n(.*?)(?=^#|\Z)", lines, re.MULTILINE | re.DOTALL)
    return [line for line in section.split("\n") if line]


def test_the_list_of_traps_is_long_and_without_repeats() -> None:
    everything = traps("brackets") + traps("superscripts") + traps("parentheses")

    assert len(traps("brackets")) >= 150
    assert len(traps("superscripts")) >= 140
    assert len(everything) >= 320
    for notation in ("brackets", "superscripts", "parentheses"):
        assert len(set(traps(notation))) == len(traps(notation))


@pytest.mark.parametrize("trap", traps("brackets"))
def test_what_looks_like_a_bracketed_marker_is_none(trap: str) -> None:
    real = [f"Real sentence {number} is cited [{number}]." for number in TWELVE]

    assert cited(*real[:6], trap, *real[6:]) == [(number,) for number in TWELVE]


@pytest.mark.parametrize("trap", traps("superscripts"))
def test_what_looks_like_a_raised_marker_is_none(trap: str) -> None:
    real = "Rest helps.¹ Heat does.² Ice will not.³ Yoga may.⁴ Sleep does.⁵"

    assert cited(real, trap, numbers=range(1, 6)) == [(1,), (2,), (3,), (4,), (5,)]


def raised(number: int) -> str:
    return str(number).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))


@pytest.mark.parametrize("trap", traps("superscripts"))
@pytest.mark.parametrize("cited_before", [9, 40, 150])
def test_what_looks_like_a_raised_marker_is_none_however_long_the_list_is(
    trap: str, cited_before: int
) -> None:
    before = [f"Real sentence is cited.{raised(number)}" for number in range(1, cited_before + 1)]
    after = [f"Real sentence is cited.{raised(number)}" for number in range(cited_before + 1, 151)]

    assert cited(*before, trap, *after, numbers=range(1, 151)) == [(number,) for number in range(1, 151)]


@pytest.mark.parametrize("trap", traps("parentheses"))
def test_what_looks_like_a_marker_in_parentheses_is_none(trap: str) -> None:
    real = "Rest helps (1). Heat does (2). Ice will not (3). Yoga may (4). Sleep does (5)."

    assert cited(real, trap, numbers=range(1, 6)) == [(1,), (2,), (3,), (4,), (5,)]


@pytest.mark.parametrize("line", [*traps("brackets"), *traps("parentheses")])
def test_a_text_without_a_reference_list_cites_nothing(line: str) -> None:
    assert cited(line, "Rest helps [1]. Heat does (2). Ice will not.³", numbers=[]) == []


# --- Raised numbers glued to digits, units and letters -----------------------------------------------


def cited_among_raised(text: str, *, before: int, missing: int = 0, last: int = 60) -> list[tuple[int, ...]]:
    """Return what `text` cites after `before` cited entries of a list; those after it are cited as well."""
    numbers = [number for number in range(1, last + 1) if number != missing]
    real = [f"Real sentence is cited.{raised(number)}" for number in numbers]
    at = sum(number <= before for number in numbers)
    found = cited(*real[:at], text, *real[at:], numbers=range(1, last + 1))
    assert [found[at_real] for at_real in (*range(at), *range(at - len(real), 0))] == [(n,) for n in numbers]
    return found[at : len(found) - len(real) + at]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It lowers plasma T4⁵⁶, too.", [(56,)]),
        ("It binds to T4¹²,¹⁸. So it does.", [(12, 18)]),
        ("It resembles Rhombus-1³,³⁶,⁵² in shape.", [(3, 36, 52)]),
        ("The burden of PBX-99⁴² was low.", [(42,)]),
        ("It was made from mc²6030²⁷ then.", [(27,)]),
        ("Infection with COVID-19² was rare.", [(2,)]),
        ("It was so in 2008⁴.", [(4,)]),
        ("It was so until March 2010⁴², and later.", [(42,)]),
        ("It was so in 2011³ and later.", [(3,)]),
        ("The group was small (n = 34⁴²).", [(42,)]),
        ("It was made with Drawer 0.2¹⁸. So it was.", [(18,)]),
        ("The layer was 4 mm¹⁸).", [(18,)]),
        ("It is counted every 5 y¹⁰. So it is.", [(10,)]),
        ("It has been described in⁴⁴ and lasts.", [(44,)]),
        ("It was also seen in TGF-α²⁵. So it was.", [(25,)]),
        ("It was also seen in P6.p³². So it was.", [(32,)]),
        ("It differs from the score OHP-E³⁰.", [(30,)]),
        ("They have diabetes type 2¹⁴ or none.", [(14,)]),
        ("They have hepatitis C² or none.", [(2,)]),
        ("They were given vitamin C²³ or none.", [(23,)]),
        ("They were in Crohn's² and others.", [(2,)]),
        ("It took three weeks⁵ or more.", [(5,)]),
        ("It cured 30%² and (as said)³ helped.", [(2,), (3,)]),
        ("It held in 10 weeks (95% CI 2–5)³ or more.", [(3,)]),
    ],
)
def test_a_raised_number_that_can_be_no_power_is_a_marker(text: str, expected: list[tuple[int, ...]]) -> None:
    assert cited_among_raised(text, before=60) == expected


def test_a_doubtful_number_far_ahead_of_what_has_been_cited_is_none() -> None:
    assert cited_among_raised("It lowers plasma T4⁵⁶, too.", before=12) == []
    assert cited_among_raised("It lowers plasma T4¹³, too.", before=12) == [(13,)]


@pytest.mark.parametrize(
    ("text", "number"),
    [("It rises with age².", 2), ("There were 34⁵ such.", 5), ("It is of class 3².", 2), ("It is x¹².", 12)],
)
def test_a_number_that_may_well_be_a_power_counts_where_it_is_its_turn_and_nothing_else_cites_it(
    text: str, number: int
) -> None:
    assert cited_among_raised(text, before=number - 1, missing=number) == [(number,)]
    assert cited_among_raised(text, before=number - 1) == []
    assert cited_among_raised(text, before=number + 9, missing=number) == []


def test_a_pair_like_an_interval_counts_where_it_is_its_turn_and_nothing_else_cites_it() -> None:
    before, after = [f"Real [{n}]." for n in range(1, 5)], [f"Real [{n}]." for n in range(7, 9)]
    trap = "Teachers filled in rating scales [5, 6] at home."

    assert cited(*before, trap, *after) == [(1,), (2,), (3,), (4,), (5, 6), (7,), (8,)]
    assert cited(*before, trap, *after, "Real [6].") == [(1,), (2,), (3,), (4,), (7,), (8,), (6,)]


def test_a_list_that_a_narrow_column_broke_inside_a_number_is_read_whole() -> None:
    assert cited_among_raised("It helped in some⁷,⁵²,⁵ ⁶,⁵⁷ and in most.", before=60) == [(7, 52, 56, 57)]
    assert cited_among_raised("It helped in some⁷ ,⁵²⁻⁵ ⁶ and in most.", before=60) == [(7, *range(52, 57))]
    assert cited_among_raised("It helped in some.⁷,⁵² ⁵³ So it did.", before=60) == [(7, 52), (53,)]
    assert cited_among_raised("It helped in some⁷,⁵²,⁵", before=60) == []


def test_in_a_list_in_another_order_only_the_lightest_doubts_are_lifted() -> None:
    real = "Rest.⁹ Heat.³ Ice.⁷ Yoga.¹ Sleep.⁸ Food.⁴ Walks.²"

    found = cited(real, "It lowers plasma T4⁶, too. It rises with age⁵. There were 34⁵ such.")

    assert found == [(9,), (3,), (7,), (1,), (8,), (4,), (2,), (6,), (5,)]


# --- Numbers outside the list ------------------------------------------------------------------------


def test_a_number_without_an_entry_is_no_citation_and_is_reported() -> None:
    found = find("Rest helps [7]. Heat does [2].", numbers=range(1, 6))

    assert [one.numbers for one in found.citations] == [(2,)]
    assert found.warnings == (
        "[7] at offset 11 (“…Rest helps [7]. Heat does [2].…”) has no entry in the reference list of 1–5.",
    )


def test_the_reported_list_is_written_as_it_is() -> None:
    (warning,) = find("Rest helps [4]. Heat does [2].", numbers=[1, 2, 3, 7, 9, 10]).warnings

    assert "the reference list of 1–3, 7, 9–10." in warning


def test_a_marker_counts_whole_or_not_at_all() -> None:
    found = find("Rest helps [1, 7]. Heat does [4–6]. Ice [2].", numbers=range(1, 6))

    assert [one.numbers for one in found.citations] == [(2,)]
    assert len(found.warnings) == 2


def test_the_same_unknown_marker_is_reported_once_with_its_count() -> None:
    (warning,) = find("Rest [7]. " * 30 + "Ice [2].", numbers=range(1, 6)).warnings

    assert "(and 29 more like it)" in warning


def test_markers_of_a_text_without_a_list_are_reported_together() -> None:
    (warning,) = find("Rest helps [1]. Heat does [2].", numbers=[]).warnings

    assert warning.startswith("2 markers such as [1] at offset 11")
    assert "no reference list" in warning


def test_years_and_ordinary_text_are_not_reported() -> None:
    assert find("It was [2019] then [sic] and [0, 1]. Ice [2].", numbers=range(1, 6)).warnings == ()


def test_a_marker_that_opens_its_block_is_reported_as_a_label() -> None:
    found = find("Rest helps [1].", "[2] Heat does.")

    assert [one.numbers for one in found.citations] == [(1,)]
    assert "taken for a label" in found.warnings[0]


@pytest.mark.parametrize("unit", ["[", "(", "²", "[1,", "[1-999999999]", "【", "1,", "[1]–"])
def test_hostile_runs_are_read_in_reasonable_space(unit: str) -> None:
    text = "a " + unit * (400_000 // len(unit))

    found = find_citations(text, [Block("paragraph", 0, len(text))], numbers=range(1, 6))

    assert len(found.warnings) < 10


# --- Markers that the format identifies --------------------------------------------------------------


def test_given_markers_are_taken_with_their_brackets_and_not_found_twice() -> None:
    builder = build(["Rest helps [", Marker("1", (1,)), "]. Heat does [3]."])
    found = find_citations(builder.text, builder.blocks, numbers=TWELVE, marked=builder.markers)

    assert [(builder.text[one.start : one.end], one.numbers) for one in found.citations] == [
        ("[1]", (1,)),
        ("[3]", (3,)),
    ]


def test_given_parts_of_one_marker_are_joined_and_the_dash_is_filled() -> None:
    marked: list[str | Marker] = [
        "Rest [",
        Marker("2", (2,)),
        "–",
        Marker("5", (5,)),
        ", ",
        Marker("7", (7,)),
        "] helps.",
    ]

    assert cited(marked) == [(2, 3, 4, 5, 7)]


def test_beside_given_raised_numbers_the_text_is_not_searched() -> None:
    marked: list[str | Marker] = ["Rest helps.", Marker("1", (1,)), " The 95% interval was [2, 3] and [4]."]

    assert cited(marked) == [(1,)]


def test_a_given_marker_keeps_what_the_list_holds_and_the_rest_is_reported() -> None:
    found = find(["Rest ", Marker("[1, 9]", (1, 9)), " helps."], numbers=[1, 2])

    assert [one.numbers for one in found.citations] == [(1,)]
    assert len(found.warnings) == 1


# --- Sentences ---------------------------------------------------------------------------------------


def test_a_marker_belongs_to_the_sentence_that_it_stands_in() -> None:
    assert sentences("Rest helps [1]. Heat, too [2], helps. Ice does not.") == [
        "Rest helps [1].",
        "Heat, too [2], helps.",
    ]


def test_a_marker_after_the_stop_belongs_to_the_sentence_before_it() -> None:
    assert sentences("Rest helps. [1] Heat helps.[2][3] Ice does not.") == [
        "Rest helps. [1]",
        "Heat helps.[2][3]",
        "Heat helps.[2][3]",
    ]


def test_a_marker_in_parentheses_after_the_stop_belongs_to_the_sentence_before_it() -> None:
    builder = build("Rest helps. (1) Heat helps too. (2) Ice does not. (3)")
    found = find_citations(builder.text, builder.blocks, numbers=range(1, 4))

    spans = [builder.text[one.sentence_start : one.sentence_end] for one in found.citations]
    assert spans == ["Rest helps. (1)", "Heat helps too. (2)", "Ice does not. (3)"]


def test_a_marker_at_the_end_of_an_item_belongs_to_its_last_sentence() -> None:
    builder = CanonicalTextBuilder()
    builder.add("list_item", "Stretch the calf. Hold it for a minute [4]")
    builder.add("list_item", "Drink water")

    (citation,) = find_citations(builder.text, builder.blocks, numbers=TWELVE).citations

    assert builder.text[citation.sentence_start : citation.sentence_end] == "Hold it for a minute [4]"


# --- Text without markers ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Rest helps [1].", "Rest helps."),
        ("Rest helps [1] and heat [2, 3], too.", "Rest helps and heat, too."),
        ("Rest helps. [1] Heat does.[2] Ice.", "Rest helps. Heat does. Ice."),
        ("Rest helps [1], [2].", "Rest helps."),
        ("Rest helps [1][2] a lot.", "Rest helps a lot."),
        ("Rest helps (see [1]).", "Rest helps (see)."),
        ("Rest helps ([1]).", "Rest helps."),
        ("Rest[1]and heat [2].", "Rest and heat."),
        ("No marker here.", "No marker here."),
        ("Rest helps.¹ Heat²,³ does.", "Rest helps. Heat does."),
    ],
)
def test_markers_leave_no_trace(text: str, expected: str) -> None:
    citations = [Citation(at, end, (1,), 0, len(text)) for at, end in spans_of(text)]

    assert without_markers(text, citations, start=0, end=len(text)) == expected


def spans_of(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in re.finditer(r"\[[\d, ]+\]|[¹²³](?:,[¹²³])*", text)]


def test_only_markers_wholly_inside_the_span_are_removed() -> None:
    text = "Rest [1] helps [2] most."
    citations = find(text).citations

    assert without_markers(text, citations, start=0, end=15) == "Rest helps "
    assert without_markers(text, citations, start=6, end=24) == "1] helps most."


# --- Properties --------------------------------------------------------------------------------------

_WORDS = st.sampled_from(
    ["rest", "helps", "most", "people", "with", "cramps", "at night", "(often)", "10³", "m²", "2019"]
)
_CLAUSES = st.lists(_WORDS, min_size=2, max_size=8).map(" ".join)
_NUMBERS = st.lists(st.integers(1, 40), min_size=1, max_size=4, unique=True)


def render(numbers: Sequence[int], separator: str) -> str:
    return f"[{separator.join(map(str, numbers))}]"


@given(st.lists(st.tuples(_CLAUSES, _NUMBERS), min_size=1, max_size=8), st.sampled_from([", ", ",", "; "]))
def test_markers_written_into_a_text_are_read_back(
    parts: list[tuple[str, list[int]]], separator: str
) -> None:
    paragraphs = [f"Here {clause} again {render(numbers, separator)}." for clause, numbers in parts]

    found = find(*paragraphs, numbers=range(1, 41))

    assert [list(one.numbers) for one in found.citations] == [numbers for _, numbers in parts]
    assert found.warnings == ()


@given(st.integers(1, 30), st.integers(1, 9), st.sampled_from("-–—"))
def test_ranges_written_into_a_text_are_read_back(low: int, width: int, dash: str) -> None:
    assert cited(f"Here it is [{low}{dash}{low + width}].", numbers=range(1, 41)) == [
        tuple(range(low, low + width + 1))
    ]


@given(st.text(alphabet="[]()1239,;–- .abcXY¹²³⁻［】%=", max_size=120))
def test_whatever_is_found_lies_in_its_block_and_cites_what_is_listed(text: str) -> None:
    builder = build(text, "Rest [1].")
    found = find_citations(builder.text, builder.blocks, numbers=range(1, 4))

    for citation in found.citations:
        assert set(citation.numbers) <= {1, 2, 3}
        assert any(block.start <= citation.start < citation.end <= block.end for block in builder.blocks)
        assert citation.sentence_start <= citation.start < citation.end <= citation.sentence_end
    assert [one.start for one in found.citations] == sorted({one.start for one in found.citations})


@given(st.text(alphabet="ab [1],.(2)", max_size=80))
def test_text_without_markers_keeps_every_other_word(text: str) -> None:
    citations = find("Rest [1]. " + text).citations
    body = "Rest [1]. " + " ".join(text.split())
    body = body.strip()

    stripped = without_markers(body, citations, start=0, end=len(body))

    letters = [letter for letter in body if letter in "abRest"]
    assert [letter for letter in stripped if letter in "abRest"] == letters
    assert "  " not in stripped
