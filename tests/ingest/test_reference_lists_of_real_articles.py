"""Printed references of real articles, printed again in six styles, are split and read back."""

from pathlib import Path

import pytest

from benchmarks.reference_parsing import FIELDS, measure

JATS = Path(__file__).parents[2].parent / "shared" / "real" / "jats"
#: What must come back at least, in per cent; the rest of the table is in `benchmarks/reference_parsing.py`.
GOALS = {
    "split": 99.0,
    "tight": 97.0,
    "doi": 99.0,
    "year": 97.0,
    "author": 97.0,
    "title": 97.0,
    "volume": 97.0,
}


@pytest.mark.skipif(not JATS.is_dir(), reason="the real articles are not beside this checkout")
def test_split_doi_year_and_first_author_come_back_in_every_style() -> None:
    rows = measure(JATS)
    shares = {
        (row, name): 100 * counts[name] / counts[f"of {name}"]
        for row, counts in rows.items()
        for name in FIELDS
        if counts[f"of {name}"]
    }

    missed = {key: round(share, 1) for key, share in shares.items() if share < GOALS.get(key[1], 0)}
    assert shares
    assert missed == {}
