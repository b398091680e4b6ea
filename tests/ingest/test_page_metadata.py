"""Dates, reading times and bylines in lines of their own."""

import pytest

from ingest.readers.page_metadata import is_metadata_line, parse_date, read_metadata


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("08 Nov, 2025", "2025-11-08"),
        ("November 8, 2025", "2025-11-08"),
        ("8th of November 2025", "2025-11-08"),
        ("Sept. 3, 2021", "2021-09-03"),
        ("2024-05-06", "2024-05-06"),
        ("2024/5/6", "2024-05-06"),
        ("25/12/2023", "2023-12-25"),
        ("12/25/2023", "2023-12-25"),
        ("7/7/2023", "2023-07-07"),
        ("3/4/2023", None),
        ("31 February 2023", None),
        ("45 Foo 2023", None),
        ("in 2023", None),
    ],
)
def test_a_date_is_read_unless_day_and_month_are_in_doubt(text: str, expected: str | None) -> None:
    assert parse_date(text) == expected


@pytest.mark.parametrize(
    "line",
    [
        "Updated on: 3 May 2024",
        "Read time : 7 min",
        "5 minute read",
        "By Paula Brandt",
        "Medically reviewed by Bo Gum, MD",
    ],
)
def test_lines_about_the_text_are_recognised(line: str) -> None:
    assert is_metadata_line(line)


@pytest.mark.parametrize(
    "line",
    [
        "By far the most common cause is thirst.",
        "Rest for 7 minutes.",
        "On 3 May 2024 the rules for quinine changed.",
        "",
    ],
)
def test_sentences_that_hold_a_date_or_a_time_are_not(line: str) -> None:
    assert not is_metadata_line(line)


def test_every_part_of_a_line_is_read_and_the_first_of_each_kind_counts() -> None:
    lines = ["By Ada Fir | Published: 3 Jan 2023 | Updated: 4 February 2024", "Next review due: 4 March 2027"]

    assert read_metadata(lines) == {
        "authors": "Ada Fir",
        "published": "2023-01-03",
        "last_updated": "2024-02-04",
    }
