"""Where sentences end, and to which of them a marker belongs."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sentences import split_sentences


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in split_sentences(text)]


@pytest.mark.parametrize(
    "expected",
    [
        ["Rest helps.", "So does heat."],
        ["Does it hurt?", "Then stop!", "Really."],
        ["It was tried in trials, e.g. in Oslo, i.e. up north.", "It failed."],
        ["Heat vs. ice was tested.", "Ice lost."],
        ["Dr. Moss and Prof. Fir agreed.", "Mr. Gum did not."],
        ["Ivy et al. (2019) found none.", "Others did."],
        ["This was shown by Ivy et al. in mice.", "Men differ."],
        ["See Fig. 3 for the curve.", "It falls."],
        ["Take approx. 5 mg.", "Then wait."],
        ["Take 2.5 mg. twice a day.", "Stop if it itches."],
        ["The limit is 0.75 g/l.", "More is harmful."],
        ["Add 5 g.", "Stir well."],
        ["St. John's wort is a herb.", "It acts on the liver."],
        ["J. K. Rowan wrote it.", "Nobody read it."],
        ["She took vitamin D.", "It helped."],
        ["This is hepatitis B.", "The vaccine prevents it."],
        ["It struck at 5 p.m. on Monday.", "Nobody came."],
        ["The answer is no.", "The risk is small."],
        ["Ask for sample no. 5 of the batch.", "Keep it cold."],
        ["E. coli and S. aureus were grown.", "C. difficile was not."],
        ["He said “rest.”", "Then he left."],
        ["It hurt (very much).", "It stopped."],
        ["1. Stretch the calf.", "2. Drink water."],
        ["The tissue is healthy.", "pH was 7.4.", "mRNA was low."],
        ["It rose to 38.5 °C.", "Then it fell."],
        ["Give it i.v. or i.m. as needed.", "Wait."],
    ],
)
def test_a_text_is_split_where_a_reader_would_split_it(expected: list[str]) -> None:
    assert sentences(" ".join(expected)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Rest helps. [1] Heat helps too.", ["Rest helps. [1]", "Heat helps too."]),
        ("Rest helps.[1, 3] Heat helps too.", ["Rest helps.[1, 3]", "Heat helps too."]),
        ("Rest helps. [1] [2–4] Heat does.", ["Rest helps. [1] [2–4]", "Heat does."]),
        ("Rest helps.[1][2] Heat does.", ["Rest helps.[1][2]", "Heat does."]),
        ("Rest helps.¹ Heat does.²,³ Cold no.", ["Rest helps.¹", "Heat does.²,³", "Cold no."]),
        ("Rest helps. ¹ Heat does.", ["Rest helps. ¹", "Heat does."]),
        ("Does it? [3] It does. [^4] End.", ["Does it? [3]", "It does. [^4]", "End."]),
        ("Ruhe hilft.【1】 Wärme auch.", ["Ruhe hilft.【1】", "Wärme auch."]),
        ("Rest cures cramps.1,2 Heat does not.3", ["Rest cures cramps.1,2", "Heat does not.3"]),
        ("He said “rest.” [2] Then he left.", ["He said “rest.” [2]", "Then he left."]),
        ("Rest helps [1]. Heat does [2].", ["Rest helps [1].", "Heat does [2]."]),
        ("Ivy et al. [3] found none. End.", ["Ivy et al. [3] found none.", "End."]),
        ("Rest helps. [1]", ["Rest helps. [1]"]),
        ("[1] opens it. Then more.", ["[1] opens it.", "Then more."]),
    ],
)
def test_a_marker_after_a_stop_closes_the_sentence_before_it(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_an_empty_line_ends_a_sentence_and_a_single_line_feed_does_not() -> None:
    assert sentences("one line\nand its rest\n\n\nanother") == ["one line\nand its rest", "another"]


def test_who_writes_in_lower_case_still_gets_sentences() -> None:
    assert sentences("my legs hurt. what helps? rest does.") == ["my legs hurt.", "what helps?", "rest does."]


def test_a_megabyte_without_a_stop_is_one_sentence() -> None:
    assert len(split_sentences("word " * 200_000)) == 1


@pytest.mark.parametrize("unit", ["“", "[", "(", ".[1]", " “a. "])
def test_nothing_is_lost_in_long_runs_of_punctuation(unit: str) -> None:
    text = unit * 20_000

    covered = "".join(text[start:end] for start, end in split_sentences(text))

    assert covered.replace(" ", "") == text.replace(" ", "")


_PIECES = st.sampled_from(
    [
        "Rest",
        "helps",
        ".",
        "?",
        "!",
        " ",
        "\n",
        "\n\n",
        "[1]",
        "[2, 3]",
        "¹",
        "e.g.",
        "Dr.",
        "5",
        ".5",
        "“",
        "”",
        "…",
    ]
)


@given(st.one_of(st.text(max_size=300), st.lists(_PIECES, max_size=60).map("".join)))
def test_spans_are_trimmed_ordered_and_cover_all_that_is_visible(text: str) -> None:
    spans = split_sentences(text)

    assert all(start < end and text[start:end] == text[start:end].strip() for start, end in spans)
    assert all(first[1] <= second[0] for first, second in pairwise(spans))
    outside = list(text)
    for start, end in spans:
        outside[start:end] = " " * (end - start)
    assert not "".join(outside).strip()


@given(
    st.lists(
        st.sampled_from(["Rest helps", "Heat was tried", "Most people recover"]), min_size=1, max_size=6
    ),
    st.lists(st.sampled_from(["", " [1]", "[2]", " [1, 3]", " [1][2]", "¹", "¹,²"]), min_size=6, max_size=6),
)
def test_sentences_written_one_by_one_are_read_back(clauses: list[str], markers: list[str]) -> None:
    written = [f"{clause}.{marker}" for clause, marker in zip(clauses, markers, strict=False)]

    assert sentences(" ".join(written)) == written
