"""Reading and writing what the field exchanges: BEIR folders, TREC topics, qrels and runs."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.measures import strictly_decreasing
from evaluation.ranking_sets import (
    format_run,
    read_beir_folder,
    read_corpus,
    read_qrels,
    read_query_ids,
    read_run,
    read_trec_set,
    with_unanswerable,
)
from ingest.errors import CorpusError

NAMES = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=6)


def beir(folder: Path, *, splits: tuple[str, ...] = ("test",), zipped: bool = False) -> Path:
    """Write a collection of three documents and three queries, one of them unjudged."""
    (folder / "qrels").mkdir(parents=True)
    docs = [{"_id": f"D{n}", "title": "", "text": f"text {n}"} for n in range(3)]
    queries = [{"_id": f"Q{n}", "text": f"query {n}"} for n in range(3)]
    for name, lines in (("corpus", docs), ("queries", queries)):
        content = "".join(json.dumps(line) + "\n" for line in lines)
        if zipped:
            with gzip.open(folder / f"{name}.jsonl.gz", "wt") as stream:
                stream.write(content)
        else:
            (folder / f"{name}.jsonl").write_text(content)
    for split in splits:
        (folder / "qrels" / f"{split}.tsv").write_text(
            "query-id\tcorpus-id\tscore\nQ0\tD0\t2\nQ0\tD1\t0\nQ9\tD1\t1\n"
        )
    return folder


@pytest.mark.parametrize("zipped", [False, True])
def test_a_beir_folder_is_read_zipped_or_not(tmp_path: Path, zipped: bool) -> None:
    found = read_beir_folder(beir(tmp_path / "small", zipped=zipped))

    assert (found.name, found.form, found.split) == ("small", "beir", "test")
    assert found.qrels == {"Q0": {"D0": 2, "D1": 0}, "Q9": {"D1": 1}}
    assert found.queries == {"Q0": "query 0"}
    assert found.unjudged == 2
    assert found.corpus is not None
    assert [each.name for each in read_corpus(found.corpus)] == ["D0", "D1", "D2"]


def test_test_is_the_split_unless_another_is_named(tmp_path: Path) -> None:
    folder = beir(tmp_path, splits=("dev", "test", "train"))

    assert read_beir_folder(folder).split == "test"
    assert read_beir_folder(folder, split="train").split == "train"


def test_a_split_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    folder = beir(tmp_path, splits=("odd", "other"))

    with pytest.raises(CorpusError, match=r"judgments for odd, other, not for test or dev.*--split"):
        read_beir_folder(folder)
    with pytest.raises(CorpusError, match="not for dev"):
        read_beir_folder(folder, split="dev")


def test_a_changed_file_changes_the_hash(tmp_path: Path) -> None:
    folder = beir(tmp_path)
    before = read_beir_folder(folder).sha256
    (folder / "corpus.jsonl").write_text('{"_id": "D0", "text": "other"}\n')

    assert read_beir_folder(folder).sha256 != before


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"_id": "a"}', "line 2: text is missing"),
        ('{"_id": "D0", "text": "again"}', "line 2: _id 'D0' stands twice"),
        ("{", "line 2: .*one JSON object a line"),
    ],
)
def test_a_faulty_line_of_a_corpus_is_named(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "corpus.jsonl"
    path.write_text('{"_id": "D0", "text": "first"}\n' + line + "\n")

    with pytest.raises(CorpusError, match=message):
        list(read_corpus(path))


def test_a_damaged_zip_is_refused(tmp_path: Path) -> None:
    folder = beir(tmp_path, zipped=True)
    path = folder / "queries.jsonl.gz"
    path.write_bytes(path.read_bytes()[:-12])

    with pytest.raises(CorpusError, match="cannot be read"):
        read_beir_folder(folder)


def test_trec_qrels_have_four_columns(tmp_path: Path) -> None:
    path = tmp_path / "qrels.txt"
    path.write_text("301 0 FR-1 1\n301\t0\tFR-2\t-1\n\n302 0 FR-1 0\n")

    assert read_qrels(path) == {"301": {"FR-1": 1, "FR-2": -1}, "302": {"FR-1": 0}}


@pytest.mark.parametrize("line", ["301 0 FR-1", "301 0 FR-1 yes", "301"])
def test_a_line_that_is_no_judgment_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "qrels.txt"
    path.write_text(f"301 0 FR-1 1\n{line}\n")

    with pytest.raises(CorpusError, match="line 2"):
        read_qrels(path)


@pytest.mark.parametrize(
    "topics",
    [
        "<top>\n<num> Number: 301\n<title> Salt\n water\n<desc> Description: long\n</top>\n"
        "<top><num>302</num><title>Dust</title></top>",
        "301\tSalt water\n302\tDust\n",
    ],
)
def test_topics_are_read_in_both_forms(tmp_path: Path, topics: str) -> None:
    (tmp_path / "topics.txt").write_text(topics)
    (tmp_path / "qrels.txt").write_text("301 0 a 1\n302 0 a 1\n")

    found = read_trec_set(tmp_path / "topics.txt", tmp_path / "qrels.txt")

    assert found.queries == {"301": "Salt water", "302": "Dust"}


@given(st.dictionaries(NAMES, st.dictionaries(NAMES, st.floats(-1e3, 1e3), min_size=1), min_size=1))
def test_a_run_that_was_written_is_read_back_the_same(
    tmp_path_factory: pytest.TempPathFactory, run: dict[str, dict[str, float]]
) -> None:
    path = tmp_path_factory.mktemp("run") / "run.trec"
    single = {
        query: strictly_decreasing(sorted(scores.items(), key=lambda pair: -pair[1]))
        for query, scores in run.items()
    }
    path.write_text(format_run(single, tag="t"), encoding="utf-8")

    found = read_run(path)

    assert {query: list(scores) for query, scores in found.items()} == {
        query: list(scores) for query, scores in single.items()
    }
    for query, scores in single.items():
        assert found[query] == pytest.approx(scores, rel=1e-8)


@pytest.mark.parametrize(
    ("line", "message"),
    [("q Q0 d 2 1.0 t", "stands twice"), ("q Q0 e 2 nan t", "no number"), ("q Q0 e 2 t", "not `query Q0")],
)
def test_a_faulty_line_of_a_run_is_named(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "run.trec"
    path.write_text(f"q Q0 d 1 2.0 t\n{line}\n")

    with pytest.raises(CorpusError, match=rf"line 2: .*{message}"):
        read_run(path)


def test_a_name_with_white_space_is_not_written_into_a_run() -> None:
    with pytest.raises(ValueError, match="white space"):
        format_run({"q": {"a b": 1.0}}, tag="t")


def test_documents_of_queries_named_unanswerable_are_left_out(tmp_path: Path) -> None:
    asked = read_beir_folder(beir(tmp_path / "small"))
    ids = tmp_path / "ids.txt"
    ids.write_text("Q9\n\n")

    partly = with_unanswerable(asked, read_query_ids(ids))

    assert partly.unanswerable == {"Q9"}
    assert partly.left_out == {"D1"}
    assert partly.sha256 != asked.sha256


def test_a_query_with_nothing_relevant_is_unanswerable_by_itself(tmp_path: Path) -> None:
    folder = beir(tmp_path / "small")
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nQ0\tD0\t1\nQ1\tD0\t0\n")

    partly = with_unanswerable(read_beir_folder(folder))

    assert partly.unanswerable == {"Q1"}
    assert partly.left_out == frozenset()


def test_a_query_loses_its_answer_with_the_documents_of_another(tmp_path: Path) -> None:
    folder = beir(tmp_path / "small")
    (folder / "qrels" / "test.tsv").write_text(
        "query-id\tcorpus-id\tscore\nQ0\tD0\t1\nQ1\tD0\t1\nQ2\tD1\t1\n"
    )

    assert with_unanswerable(read_beir_folder(folder), ["Q0"]).unanswerable == {"Q0", "Q1"}


@pytest.mark.parametrize(
    ("named", "complaint"),
    [(["Q7"], "such as 'Q7', are not judged"), ([], "0 of 2 judged queries"), (["Q0", "Q9"], "2 of 2")],
)
def test_refusal_needs_both_kinds_of_queries(tmp_path: Path, named: list[str], complaint: str) -> None:
    with pytest.raises(CorpusError, match=complaint):
        with_unanswerable(read_beir_folder(beir(tmp_path / "small")), named)
