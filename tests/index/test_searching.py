from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index import parts, searching
from index.building import build_index
from index.coded_vectors import CodedVectorStore
from index.embedding import Embedder
from index.fusion import DENSE_WEIGHT, LATE_WEIGHT, LEXICAL_WEIGHT
from index.reranking import Reranker
from index.searching import (
    CONTENT_NAME,
    LATE_DEPTH,
    LEXICAL_NAME,
    SENTENCES_NAME,
    TOKENS_NAME,
    VECTORS_NAME,
    WORDING_NAME,
    OpenSnapshot,
    Searcher,
    SearchFilter,
    SearchResult,
    best_places,
    open_snapshot,
)
from index.snapshot import current_version
from index.vector_cache import VectorCache
from ingest.errors import IndexMismatchError, NotIndexedError, SnapshotDamagedError
from tests.conftest import no_calibration, write_corpus
from tests.twins import TwinEmbedder, TwinReranker


def bits(result: SearchResult) -> list[tuple[str, int, bytes]]:
    return [
        (hit.passage.passage_id, hit.rank, np.array([hit.score, hit.dense, hit.lexical]).tobytes())
        for hit in result.ranked
    ]


def documents_of(result: SearchResult) -> list[str]:
    return [hit.passage.doc_id for hit in result.ranked]


def build(tmp_path: Path, files: dict[str, str], *, embedder: Embedder | None = None) -> Path:
    """Build an index and return the folder of its version."""
    return build_from(write_corpus(tmp_path / "corpus", files), embedder=embedder)


def build_from(corpus: Path, *, embedder: Embedder | None = None) -> Path:
    """Build an index beside a corpus and return the folder of its version."""
    index = corpus.with_name("index")
    build_index(
        corpus,
        index,
        embedder=embedder or TwinEmbedder(),
        cache=VectorCache(corpus.with_name("vectors.sqlite")),
        calibrate=no_calibration,
    )
    return index / current_version(index)


def write_entry(folder: Path, *, authors: str) -> Path:
    """Write the six documents, the source of reference 1 by these authors, and return their folder."""
    corpus = write_corpus(folder)
    for name in ("corpus.toml", "hay-fever.md"):
        text = (corpus / name).read_text(encoding="utf-8")
        (corpus / name).write_text(text.replace("Alder B.", authors), encoding="utf-8")
    return corpus


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("How do I pull out a tick?", "ticks"),
        ("cold pack for swelling after a sting", "bee-stings"),
        ("cover an open blister", "blisters"),
        ("trial of antihistamine tablets in ninety people", "tablets"),
    ],
)
def test_the_document_that_anyone_would_name_comes_first(
    searcher: Searcher, query: str, expected: str
) -> None:
    assert documents_of(searcher.search(query, k=3))[0] == expected


def test_ranks_count_from_one_and_scores_never_rise(searcher: Searcher) -> None:
    ranked = searcher.search("salt water for the nose", k=8).ranked

    assert [hit.rank for hit in ranked] == list(range(1, 9))
    assert [hit.score for hit in ranked] == sorted((hit.score for hit in ranked), reverse=True)
    assert all(0 <= hit.score <= 1 for hit in ranked)


def test_the_score_is_made_of_the_passages_vector_its_words_and_its_tokens(searcher: Searcher) -> None:
    result = searcher.search("pull the tick out with tweezers", k=8)
    positions = [hit.position for hit in result.ranked]
    assert searcher.tokens is not None

    dense = [searcher.vectors.score(result.vector, np.array([at], dtype=np.int64))[0] for at in positions]
    # The same passage comes first by the query's own vector.
    with_first = searcher.vectors.score(searcher.vectors.vector(positions[0]), np.array(positions))
    near = (np.array(dense) + with_first) / 2
    lexical = searcher.lexical.scores(result.query)
    late = searcher.tokens.score_passages(result.tokens, np.array(positions)).passages.tolist()
    for hit, cosine, both, tokens in zip(result.ranked, dense, near, late, strict=True):
        words = lexical[hit.position] / lexical.max()
        assert (hit.dense, hit.lexical, hit.late) == (cosine, lexical[hit.position], tokens)
        assert hit.score == pytest.approx(
            DENSE_WEIGHT * (both + 1) / (max(near) + 1)
            + LEXICAL_WEIGHT * words
            + LATE_WEIGHT * (tokens + 1) / (max(late) + 1)
        )


def test_of_two_that_match_alike_the_one_nearer_to_the_best_comes_first(tmp_path: Path) -> None:
    files = {
        "a.md": "# One\n\nSoup for tired walkers by the gravel road.",
        "b.md": "# Two\n\nSoup for tired walkers with honey and ginger.",
        "c.md": "# Three\n\nHot soup for sore throats with honey and ginger.",
    }
    searcher = Searcher.open(build(tmp_path, files), embedder=TwinEmbedder())

    ranked = searcher.search("hot soup for sore throats", k=3).ranked

    assert [hit.passage.doc_id for hit in ranked] == ["c", "b", "a"]
    assert (ranked[1].dense, ranked[1].late) == pytest.approx((ranked[2].dense, ranked[2].late), abs=0.02)


def test_a_passage_brings_the_scores_of_its_sentences(searcher: Searcher) -> None:
    result = searcher.search("pull the tick out with tweezers", k=8)
    assert searcher.tokens is not None

    for hit in result.ranked:
        alone = searcher.tokens.score_passages(result.tokens, np.array([hit.position]))
        assert hit.sentence_scores == tuple(alone.sentences.tolist())


def test_tokens_are_compared_with_the_headings_above_a_passage_too(tmp_path: Path) -> None:
    files = {
        f"{name}.md": f"# Swelling\n\n## {heading}\n\nBoth legs swell in the evening."
        for name, heading in [("a", "Lipedema"), ("b", "Gout")]
    }
    searcher = Searcher.open(build(tmp_path, files), embedder=TwinEmbedder())

    for asked, other in (("Gout", "Lipedema"), ("Lipedema", "Gout")):
        ranked = searcher.search(f"{asked} legs swell", k=2).ranked
        late = {hit.passage.section[-1]: hit.late or 0.0 for hit in ranked}
        assert late[asked] > late[other]


def test_a_question_that_names_its_source_means_every_passage_of_it(tmp_path: Path) -> None:
    late: dict[str, list[float]] = {}
    for authors in ("Alder B.", "Willow W."):
        corpus = write_entry(tmp_path / authors / "corpus", authors=authors)
        searcher = Searcher.open(build_from(corpus), embedder=TwinEmbedder())
        ranked = sorted(searcher.search("What does Alder say?", k=50).ranked, key=lambda hit: hit.position)
        late[authors] = [hit.late or 0.0 for hit in ranked if hit.passage.doc_id == "saline"]

    assert late["Alder B."]
    assert all(own > other for own, other in zip(late["Alder B."], late["Willow W."], strict=True))


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (("Alder B. Salt. 2019.", "Salt"), "Alder B. Salt. 2019."),
        (("Alder " * 300, "Salt"), "Salt"),
        (("Alder " * 300, "Salt " * 300), ""),
    ],
)
def test_a_document_goes_by_the_first_name_that_there_is_room_for(names: tuple[str, str], found: str) -> None:
    assert parts.first_that_fits(names, TwinEmbedder()) == found


def test_what_the_documents_say_otherwise_or_spell_right_is_mentioned(tmp_path: Path) -> None:
    files = {"a.md": "# Pain\n\nParacetamol eases peripheral pain."}
    searcher = Searcher.open(build(tmp_path, files), embedder=TwinEmbedder())

    found = searcher.search("Does tylenol or paracetmol ease peripheral pain?", k=1)
    assert found.corrected == "Does tylenol or paracetamol ease peripheral pain?"
    assert searcher.unmentioned(found.corrected) == ()
    assert searcher.unmentioned("Does levetiracetam ease pain?") == ("levetiracetam",)


def test_beyond_the_best_few_tokens_are_not_compared(tmp_path: Path) -> None:
    files = {f"{at:03}.md": f"# Salt {at}\n\nSalt water number {at}." for at in range(LATE_DEPTH + 10)}
    searcher = Searcher.open(build(tmp_path, files), embedder=TwinEmbedder())

    ranked = searcher.search("salt water", k=LATE_DEPTH + 10).ranked

    compared = [hit.late is not None for hit in ranked]
    assert compared == [True] * LATE_DEPTH + [False] * 10


def test_what_is_not_compared_keeps_the_order_it_was_chosen_in(
    searcher: Searcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "LATE_DEPTH", 2)

    ranked = searcher.search("salt water for the nose", k=8).ranked
    rest = [hit for hit in ranked if hit.late is None]
    dense, lexical = max(hit.dense for hit in ranked), max(hit.lexical for hit in ranked)
    first = [0.7 * (hit.dense + 1) / (dense + 1) + 0.3 * hit.lexical / lexical for hit in rest]

    assert len(rest) == 6
    assert [hit.score for hit in rest] == pytest.approx(
        [(DENSE_WEIGHT + LEXICAL_WEIGHT) * each for each in first]
    )
    assert first == sorted(first, reverse=True)


def test_a_flooded_document_leaves_others_room_to_be_compared(tmp_path: Path) -> None:
    sections = "".join(f"## Salt {at}\n\nSalt water number {at}.\n\n" for at in range(LATE_DEPTH + 10))
    folder = build(tmp_path, {"a.md": f"# Salt\n\n{sections}", "b.md": "# Rest\n\nWater and much rest help."})
    searcher = Searcher.open(folder, embedder=TwinEmbedder())

    ranked = searcher.search("salt water", k=LATE_DEPTH + 11).ranked

    assert [hit.late is not None for hit in ranked if hit.passage.doc_id == "b"] == [True]


def test_an_index_too_large_for_tokens_is_searched_without_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "MOST_PASSAGES_COMPARED", 1)
    folder = build(tmp_path, FILES | {"b.md": "# Stings\n\nA cold pack helps."})
    searcher = Searcher.open(folder, embedder=TwinEmbedder())

    ranked = searcher.search("cold pack", k=2).ranked

    assert not (folder / TOKENS_NAME).exists()
    assert [(hit.passage.doc_id, hit.late) for hit in ranked] == [("b", None), ("a", None)]
    assert ranked[0].score == pytest.approx(1)


def test_an_index_of_very_many_passages_ranks_as_one_that_compares_them_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sections = {f"{at}.md": f"# Part {at}\n\nWord{at} and salt.\n\n## More\n\nRest{at}." for at in range(40)}
    compared = Searcher.open(build(tmp_path / "few", sections), embedder=TwinEmbedder())
    compared.tokens = None
    monkeypatch.setattr(parts, "MOST_PASSAGES_COMPARED", 1)
    folder = build(tmp_path / "many", sections)
    coded = Searcher.open(folder, embedder=TwinEmbedder())

    assert isinstance(coded.vectors, CodedVectorStore)
    assert not (folder / VECTORS_NAME).exists()
    for query in ("word7 salt", "rest12", "nothing of it"):
        found, expected = (each.search(query, k=5).ranked for each in (coded, compared))
        assert [hit.passage.passage_id for hit in found] == [hit.passage.passage_id for hit in expected]
        assert [hit.dense for hit in found] == pytest.approx([hit.dense for hit in expected], abs=1e-3)


@settings(max_examples=200)
@given(
    scores=st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.5]), max_size=300),
    k=st.integers(1, 12),
    looked_at_first=st.sampled_from([1, 2, 64]),
)
def test_the_best_places_are_those_of_all_scores_sorted(
    scores: list[float], k: int, looked_at_first: int
) -> None:
    ranked = sorted((at for at in range(len(scores)) if scores[at] > 0), key=lambda at: (-scores[at], at))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(searching, "_LOOKED_AT_FIRST", looked_at_first)
        found = best_places(np.array(scores, dtype=np.float32), k=k)

    assert found.tolist() == sorted(ranked[:k])


def test_a_query_is_searched_in_the_documents_own_words(tmp_path: Path) -> None:
    folder = build(
        tmp_path, {"a.md": "# Tablets\n\nDiuretics can cause cramps.\n\n## More\n\nTake them early."}
    )
    searcher = Searcher.open(folder, embedder=TwinEmbedder())

    result = searcher.search("are my water tabletts to blame", k=1)

    assert result.query == "are my water tablets to blame (diuretic)"
    assert result.ranked[0].passage.text == "Diuretics can cause cramps."


def test_equal_passages_come_in_order_of_document_and_offset(tmp_path: Path) -> None:
    text = "# {}\n\nPull it out.\n\n## One\n\nStay calm.\n\n## One\n\nStay calm.\n"
    folder = build(tmp_path, {f"{name}.md": text.format(name) for name in ("b", "a", "c")})
    searcher = Searcher.open(folder, embedder=TwinEmbedder())

    found = searcher.search("stay calm", k=9).ranked
    ranked = [hit for hit in found if hit.passage.text == "Stay calm."]
    assert len(ranked) == 6
    assert [(hit.passage.doc_id, hit.passage.start) for hit in ranked] == sorted(
        (hit.passage.doc_id, hit.passage.start) for hit in ranked
    )


def test_a_passage_that_repeats_a_better_one_goes_behind_the_others(tmp_path: Path) -> None:
    files = {f"{name}.md": f"# {name}\n\nSalt water helps a blocked nose." for name in ("a", "b")}
    folder = build(tmp_path, files | {"c.md": "# c\n\nSalt stings."})
    searcher = Searcher.open(folder, embedder=TwinEmbedder())

    ranked = searcher.search("salt water for the nose", k=3).ranked

    assert [hit.passage.doc_id for hit in ranked] == ["a", "c", "b"]
    assert ranked[1].score == ranked[2].score


def test_the_same_query_gives_the_same_bits_again_and_from_many_threads(searcher: Searcher) -> None:
    queries = ["salt water nose", "sting", "open blister water", "zebra", ""] * 8
    expected = {query: bits(searcher.search(query, k=8)) for query in queries}

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda query: bits(searcher.search(query, k=8)), queries))
    assert found == [expected[query] for query in queries]


def test_fewer_passages_are_the_head_of_more(searcher: Searcher) -> None:
    assert bits(searcher.search("nose", k=3)) == bits(searcher.search("nose", k=8))[:3]


def test_more_passages_than_there_are_gives_all_of_them_once(searcher: Searcher) -> None:
    positions = [hit.position for hit in searcher.search("nose", k=500).ranked]

    assert sorted(positions) == list(range(len(searcher.vectors)))


@pytest.mark.parametrize("query", ["", "   ", "?", "zzzz qqqq", "the of and"])
def test_a_query_that_shares_nothing_is_ranked_all_the_same(searcher: Searcher, query: str) -> None:
    ranked = searcher.search(query, k=3).ranked

    assert len(ranked) == 3
    assert {hit.lexical for hit in ranked} == {0.0}


def test_only_passages_of_the_documents_asked_for_are_returned(searcher: Searcher) -> None:
    result = searcher.search("nose", k=8, only=SearchFilter(documents=("ticks", "saline")))

    assert set(documents_of(result)) == {"ticks", "saline"}


def test_only_passages_that_carry_one_of_the_references_are_returned(searcher: Searcher) -> None:
    ranked = searcher.search("nose", k=8, only=SearchFilter(references=(1,))).ranked

    assert {hit.passage.doc_id for hit in ranked} == {"hay-fever", "saline"}
    assert all(1 in hit.passage.references for hit in ranked)


def test_two_conditions_must_both_hold(searcher: Searcher) -> None:
    both = SearchFilter(documents=("hay-fever", "ticks"), references=(1, 2))
    neither = SearchFilter(documents=("ticks",), references=(1,))

    ranked = searcher.search("nose", k=8, only=both).ranked
    assert [(hit.passage.doc_id, hit.passage.references) for hit in ranked] == [("hay-fever", (1, 2))]
    assert searcher.search("nose", k=8, only=neither).ranked == ()


def test_passages_that_are_left_out_are_not_found(searcher: Searcher) -> None:
    everything = searcher.search("nose", k=50).ranked
    best = everything[0].position

    without = searcher.search("nose", k=50, only=SearchFilter(left_out=(best,))).ranked

    assert {hit.position for hit in without} == {hit.position for hit in everything} - {best}


def test_what_is_left_out_is_left_out_of_what_a_filter_lets_pass(searcher: Searcher) -> None:
    within = searcher.content.positions_in("hay-fever")

    found = searcher.search(
        "nose", k=50, only=SearchFilter(documents=("hay-fever",), left_out=(within[0],))
    ).ranked

    assert {hit.position for hit in found} == set(within[1:])


@pytest.mark.parametrize("only", [SearchFilter(documents=()), SearchFilter(references=())])
def test_a_filter_that_names_nothing_lets_nothing_pass(searcher: Searcher, only: SearchFilter) -> None:
    assert searcher.search("nose", k=8, only=only).ranked == ()


def test_a_filter_changes_no_cosine_and_no_word_score(searcher: Searcher) -> None:
    free = {hit.position: (hit.dense, hit.lexical) for hit in searcher.search("nose spray", k=8).ranked}
    result = searcher.search("nose spray", k=8, only=SearchFilter(documents=("hay-fever",)))

    assert {hit.position: (hit.dense, hit.lexical) for hit in result.ranked}.items() <= free.items()


@pytest.mark.parametrize(
    ("only", "message"),
    [
        (SearchFilter(documents=("ticks", "nowhere")), "no document 'nowhere'"),
        (SearchFilter(references=(1, 9)), "no reference 9"),
    ],
)
def test_a_filter_that_names_what_is_not_indexed_is_an_error(
    searcher: Searcher, only: SearchFilter, message: str
) -> None:
    with pytest.raises(NotIndexedError, match=message):
        searcher.search("nose", k=8, only=only)


def test_a_misspelled_word_is_put_right_and_the_result_says_so(searcher: Searcher) -> None:
    result = searcher.search("Do antihistamien tablets help?", k=8)

    assert result.query == "Do antihistamine tablets help?"
    assert bits(result) == bits(searcher.search("Do antihistamine tablets help?", k=8))


# --- Reordering ---------------------------------------------------------------------------------------


class BackwardReranker:
    """Prefers what it is handed last."""

    depth = 3

    def score(self, query: str, texts: Sequence[str]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return np.arange(len(texts), dtype=np.float64)


def with_reranker(snapshot: OpenSnapshot, tmp_path: Path, reranker: Reranker) -> Searcher:
    plain = snapshot.searcher
    return Searcher(
        content=plain.content,
        vectors=plain.vectors,
        lexical=plain.lexical,
        spelling=plain._spelling,
        wording=plain._wording,
        tokens=plain.tokens,
        sentence_vectors=plain._sentence_vectors,
        embedder=plain.embedder,
        reranker=reranker,
    )


def test_a_reranker_reorders_the_best_and_leaves_the_rest(snapshot: OpenSnapshot, tmp_path: Path) -> None:
    plain = [hit.position for hit in snapshot.searcher.search("nose", k=8).ranked]
    reordered = with_reranker(snapshot, tmp_path, BackwardReranker()).search("nose", k=8).ranked

    assert [hit.position for hit in reordered] == [*plain[:3][::-1], *plain[3:]]
    assert [hit.rank for hit in reordered] == list(range(1, 9))


def test_what_a_reranker_finds_equal_goes_by_position(snapshot: OpenSnapshot, tmp_path: Path) -> None:
    searcher = with_reranker(snapshot, tmp_path, TwinReranker(depth=8))

    positions = [hit.position for hit in searcher.search("zebra", k=8).ranked]
    assert positions == sorted(positions)


# --- Opening ------------------------------------------------------------------------------------------

FILES = {"a.md": "# Ticks\n\nPull a tick out straight. Do not twist it."}


@pytest.mark.parametrize(
    "embedder",
    [TwinEmbedder(weights="b" * 64), TwinEmbedder(dim=32), TwinEmbedder(max_tokens=128)],
    ids=["weights", "dimension", "window"],
)
def test_a_snapshot_of_another_model_is_refused(tmp_path: Path, embedder: TwinEmbedder) -> None:
    folder = build(tmp_path, FILES)

    with pytest.raises(IndexMismatchError, match=r"was built with twin .* Run `citewell build`"):
        open_snapshot(folder, embedder=embedder)


def test_the_same_model_under_another_name_and_on_another_engine_is_accepted(tmp_path: Path) -> None:
    folder = build(tmp_path, FILES)
    embedder = TwinEmbedder()
    embedder.identity = replace(embedder.identity, model="moved", engine="twin 2")

    assert open_snapshot(folder, embedder=embedder).version == folder.name


@pytest.mark.parametrize(
    "name",
    [
        CONTENT_NAME,
        VECTORS_NAME,
        SENTENCES_NAME,
        f"{TOKENS_NAME}/codes.npy",
        f"{TOKENS_NAME}/weights.npy",
        WORDING_NAME,
        f"{LEXICAL_NAME}/vocabulary.json",
        "confidence.json",
    ],
)
def test_damage_to_any_part_is_found_when_a_snapshot_is_opened(tmp_path: Path, name: str) -> None:
    folder = build(tmp_path, FILES)
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 0x10
    (folder / name).write_bytes(content)

    with pytest.raises(SnapshotDamagedError, match=Path(name).name):
        open_snapshot(folder, embedder=TwinEmbedder())


@pytest.mark.parametrize("name", [CONTENT_NAME, VECTORS_NAME, SENTENCES_NAME, WORDING_NAME])
def test_a_disk_that_fails_while_verified_files_are_opened_is_no_fault_of_the_program(
    tmp_path: Path, name: str
) -> None:
    folder = build(tmp_path, FILES)
    (folder / name).write_bytes(b"no such thing")

    with pytest.raises(SnapshotDamagedError, match="Look at the disk"):
        Searcher.open(folder, embedder=TwinEmbedder())


def test_an_open_snapshot_answers_after_its_folder_is_gone(tmp_path: Path) -> None:
    folder = build(tmp_path, FILES)
    searcher = open_snapshot(folder, embedder=TwinEmbedder()).searcher
    before = bits(searcher.search("tick", k=1))
    folder.rename(tmp_path / "elsewhere")

    assert bits(searcher.search("tick", k=1)) == before
