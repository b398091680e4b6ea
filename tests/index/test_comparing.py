"""What differs between two versions, by documents, passages and numbers, and by what questions find."""

from pathlib import Path

from index.building import build_index
from index.comparing import RankingDiff, compare_content, compare_rankings
from index.content import ContentStore
from index.vector_cache import VectorCache
from tests.conftest import no_calibration, write_corpus
from tests.twins import TwinEmbedder


def build(corpus: Path, folder: Path) -> ContentStore:
    version = build_index(
        corpus,
        folder / "index",
        embedder=TwinEmbedder(),
        cache=VectorCache(folder / "vectors.sqlite"),
        calibrate=no_calibration,
    ).version
    return ContentStore(folder / "index" / version / "content.sqlite")


def test_documents_passages_and_numbers_that_come_go_or_change_are_told_apart(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus")
    before = build(corpus, tmp_path)
    (corpus / "ticks.txt").unlink()
    (corpus / "wasps.md").write_text(
        "# Wasps\n\nKeep calm [1].\n\n## References\n\n1. Elm F. Wasps. Garden Notes. 2015;2:5-6.\n"
    )
    stings = corpus / "bee-stings.md"
    stings.write_text(stings.read_text().replace("cold pack", "cold cloth"))

    diff = compare_content(before, build(corpus, tmp_path))
    assert (diff.documents_added, diff.documents_removed) == (("wasps",), ("ticks",))
    assert diff.documents_changed == ("bee-stings",)
    assert {each.doc_id for each in diff.passages_added} == {"wasps", "bee-stings"}
    assert {each.doc_id for each in diff.passages_removed} == {"ticks", "bee-stings"}
    assert (diff.references_added, diff.references_removed, diff.references_changed) == ((3,), (), ())


def test_a_version_does_not_differ_from_itself(tmp_path: Path) -> None:
    content = build(write_corpus(tmp_path / "corpus"), tmp_path)

    diff = compare_content(content, content)
    assert not any(getattr(diff, name) for name in diff.__slots__)


def test_questions_that_find_the_same_in_the_same_order_are_left_out() -> None:
    before = {"a": ["1", "2"], "b": ["1", "2"], "c": ["1"]}
    after = {"a": ["1", "2"], "b": ["2", "1"], "c": ["1", "3"]}

    found = compare_rankings(["a", "b", "c"], before=before.__getitem__, after=after.__getitem__)
    assert found == [RankingDiff("b", ("1", "2"), ("2", "1")), RankingDiff("c", ("1",), ("1", "3"))]
    assert [each.has_another_first for each in found] == [True, False]
