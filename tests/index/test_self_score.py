from pathlib import Path

import pytest

from index.building import build_index
from index.searching import Searcher
from index.self_score import (
    Decline,
    SelfScore,
    cited_sentences,
    find_decline,
    rank_citations,
    score_citations,
)
from index.snapshot import current_version
from index.vector_cache import VectorCache
from tests.conftest import no_calibration, write_corpus
from tests.twins import TwinEmbedder

_MANIFEST = """
[[documents]]
doc_id = "article"
path = "article.md"
[[documents]]
doc_id = "first"
path = "first.md"
kind = "source"
reference_number = 1
[[documents]]
doc_id = "second"
path = "second.md"
kind = "source"
reference_number = 2
[[references]]
number = 1
printed = "Alder B. Salt water. Nose Journal. 2019."
[[references]]
number = 2
printed = "Birch C. Tablets. Pollen Letters. 2021."
[[references]]
number = 3
printed = "Cedar D. Gloves. Garden Notes. 2001."
"""
_REFERENCES = """
## References

1. Alder B. Salt water. Nose Journal. 2019.
2. Birch C. Tablets. Pollen Letters. 2021.
3. Cedar D. Gloves. Garden Notes. 2001.
"""


def open_index(tmp_path: Path, article: str) -> Searcher:
    files = {
        "corpus.toml": _MANIFEST,
        "article.md": f"# Hay fever\n\n{article}\n{_REFERENCES}",
        "first.md": "# Salt water\n\nSalt water rinses pollen from the nose.",
        "second.md": "# Tablets\n\nTablets relieve sneezing.",
    }
    embedder = TwinEmbedder(dim=512)
    build_index(
        write_corpus(tmp_path / "corpus", files),
        tmp_path / "index",
        embedder=embedder,
        cache=VectorCache(tmp_path / "vectors"),
        calibrate=no_calibration,
    )
    return Searcher.open(tmp_path / "index" / current_version(tmp_path / "index"), embedder=embedder)


def test_a_cited_sentence_is_judged_without_its_marker_by_the_sources_that_are_there(tmp_path: Path) -> None:
    searcher = open_index(tmp_path, "Rinse the nose [1]. Wear gloves [3]. Rest. Take both [2, 3].")

    found = [(each.text, each.references) for each in cited_sentences(searcher)]
    assert found == [("Rinse the nose.", (1,)), ("Take both.", (2,))]


def test_the_score_counts_how_often_the_cited_source_comes_first(tmp_path: Path) -> None:
    right = "Salt water rinses pollen [1]. Tablets relieve sneezing [2]."
    wrong = "Tablets relieve all sneezing [1]."

    # Three pairs: two sources come first, one second.
    score = score_citations(rank_citations(open_index(tmp_path, f"{right} {wrong}")))
    assert score.pairs == 3
    assert score.success_at_1 == pytest.approx(2 / 3, abs=1e-6)
    assert score.mrr_at_10 == pytest.approx((1 + 1 + 1 / 2) / 3, abs=1e-6)


def test_an_index_without_cited_sources_has_no_score(tmp_path: Path) -> None:
    assert score_citations(rank_citations(open_index(tmp_path, "Wear gloves [3]."))) == SelfScore(
        0, None, None
    )


def test_a_version_is_worse_only_if_the_test_takes_it_for_more_than_chance() -> None:
    before = {str(at): 1.0 for at in range(8)} | {"gone": 1.0}
    after = {str(at): 0.5 for at in range(8)} | {"new": 0.0}

    decline = find_decline(before, after, p_value=lambda differences: 0.01 * len(differences) / 8)
    assert decline == Decline(pairs=8, before=1.0, after=0.5, p_value=0.01)
    assert find_decline(before, after, p_value=lambda _: 0.05) is None
    assert find_decline(after, before, p_value=lambda _: 0.0) is None
    assert find_decline(before, {}, p_value=lambda _: 0.0) is None


def test_of_many_cited_sentences_a_sample_is_searched_for_and_always_the_same(tmp_path: Path) -> None:
    sentences = " ".join(f"Salt water rinses pollen from the nose {at} times [1]." for at in range(12))
    searcher = open_index(tmp_path, sentences)

    every, some = rank_citations(searcher), rank_citations(searcher, at_most=5)
    assert len(every) == 12
    assert list(some) == sorted(every)[:5]
