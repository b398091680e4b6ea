import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.content import Content, ContentStore, write_content
from ingest.canonical import CanonicalTextBuilder
from ingest.chunking import ChunkLimits, chunk_document
from ingest.errors import NotIndexedError
from ingest.records import Document, Omission, Reference
from tests.twins import count_tokens


def make_document(doc_id: str, *paragraphs: str, number: int | None = None) -> Document:
    builder = CanonicalTextBuilder()
    for paragraph in paragraphs:
        builder.add("heading", "Part", level=2)
        builder.add("paragraph", paragraph)
    return Document(
        doc_id,
        f"Title of {doc_id}",
        "source" if number else "article",
        "digest",
        builder.text,
        tuple(builder.blocks),
        references=(Reference(1, "Entry", authors=("Alder B",), problems=("no year",)),),
        reference_number=number,
        url="https://example.org/a",
        omitted=(Omission("Menu", "furniture"),),
    )


def make_content(*documents: Document) -> Content:
    passages = [
        passage
        for document in documents
        for passage in chunk_document(document, numbers={}, count_tokens=count_tokens, limits=ChunkLimits())
    ]
    return Content(
        documents,
        tuple(passages),
        (Reference(2, "Two", doi="10.5555/2"), Reference(7, "Sieben – „ü“")),
        {"a": {1: 2}},
    )


CONTENT = make_content(make_document("a", "One.", "Two."), make_document("s", "Three.", number=7))
PASSAGES = tuple(CONTENT.passages)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ContentStore:
    path = tmp_path_factory.mktemp("content") / "content.sqlite"
    write_content(path, CONTENT)
    return ContentStore(path)


def test_everything_comes_back_as_it_was_written(store: ContentStore) -> None:
    assert tuple(store.document(each.doc_id) for each in CONTENT.documents) == CONTENT.documents
    assert tuple(store.all_passages()) == PASSAGES
    assert store.references == CONTENT.references
    assert (store.numbers("a"), store.numbers("s")) == ({1: 2}, {})


@settings(max_examples=12)
@given(text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip))
def test_any_text_comes_back_as_it_was_written(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    content = make_content(make_document("a", f"Start {text} end."))
    path = tmp_path_factory.mktemp("any") / "content.sqlite"
    write_content(path, content)
    store = ContentStore(path)

    assert store.document("a") == content.documents[0]
    assert tuple(store.all_passages()) == tuple(content.passages)
    store.close()


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_content(tmp_path / name, CONTENT)

    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_passages_come_in_the_order_asked_for_also_twice(store: ContentStore) -> None:
    wanted = np.array([2, 0, 2], dtype=np.int64)

    found = store.passages([int(at) for at in wanted])
    assert found == [PASSAGES[at] for at in wanted]
    assert store.passages([]) == []


def test_passages_let_go_of_are_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("index.content._KEPT", 1)
    write_content(tmp_path / "content.sqlite", CONTENT)
    store = ContentStore(tmp_path / "content.sqlite")

    for _ in range(2):
        assert store.passages([0, 1, 2]) == list(PASSAGES[:3])
    assert store._passages.find(range(3)).keys() == {2}


def test_references_come_in_order_of_number_and_those_that_there_are_not_are_left_out(
    store: ContentStore,
) -> None:
    for _ in range(2):
        assert store.references_of([7, 5, 2, 7]) == list(CONTENT.references)
    assert store.references_of([]) == []


def test_more_can_be_asked_for_than_are_read_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("index.content._AT_ONCE", 2)
    write_content(tmp_path / "content.sqlite", CONTENT)
    store = ContentStore(tmp_path / "content.sqlite")

    assert (store.passages([2, 1, 0]), list(store.all_passages())) == (list(PASSAGES[::-1]), list(PASSAGES))
    assert store.passage_ids() == {each.passage_id: at for at, each in enumerate(PASSAGES)}
    assert store.n_passages == 3


def test_passages_that_are_cut_while_they_are_written_are_the_same(tmp_path: Path) -> None:
    for name, passages in (("one", PASSAGES), ("two", iter(PASSAGES))):
        write_content(tmp_path / name, replace(CONTENT, passages=passages))

    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_passage_is_found_by_its_id_and_by_its_document(store: ContentStore) -> None:
    assert [store.position_of(each.passage_id) for each in PASSAGES] == [0, 1, 2]
    assert (store.positions_in("a"), store.positions_in("s")) == ([0, 1], [2])


def test_passages_are_found_by_the_number_they_carry(store: ContentStore) -> None:
    assert (store.positions_citing(7), store.positions_citing(2)) == ([2], [])


def test_a_summary_counts_passages_and_characters(store: ContentStore) -> None:
    first, second = store.summaries

    assert (first.doc_id, first.kind, first.n_passages, first.n_chars) == ("a", "article", 2, 22)
    assert (second.doc_id, second.reference_number, second.n_passages) == ("s", 7, 1)
    assert first.sha256 == CONTENT.documents[0].sha256
    assert [each.tolist() for each in store.layout()] == [[0, 0, 1], [1, 1, 1]]


def test_what_is_not_indexed_is_named_with_what_is(store: ContentStore) -> None:
    with pytest.raises(NotIndexedError, match=r"no document 'b' in this index. It holds: a, s"):
        store.document("b")
    with pytest.raises(NotIndexedError, match="no document 'b'"):
        store.positions_in("b")
    with pytest.raises(NotIndexedError, match="no passage '0000'"):
        store.position_of("0000")
    with pytest.raises(NotIndexedError, match=r"no reference 5 in this index. It has: 2, 7"):
        store.positions_citing(5)


def test_it_can_be_read_from_several_threads_and_after_its_folder_is_gone(tmp_path: Path) -> None:
    write_content(tmp_path / "content.sqlite", CONTENT)
    store = ContentStore(tmp_path / "content.sqlite")
    (tmp_path / "content.sqlite").unlink()

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda at: store.passages([at % 3])[0], range(200)))
    assert found == [PASSAGES[at % 3] for at in range(200)]
    store.close()


def test_a_disk_that_refuses_is_an_os_error(tmp_path: Path) -> None:
    connection_file = tmp_path / "content.sqlite"
    connection_file.mkdir()

    with pytest.raises(OSError, match=r"content\.sqlite"):
        write_content(connection_file, CONTENT)


def test_damage_met_while_reading_is_an_os_error_and_a_slip_of_ours_is_not(tmp_path: Path) -> None:
    path = tmp_path / "content.sqlite"
    write_content(path, CONTENT)
    intact = path.read_bytes()

    path.write_bytes(b"no database" * 1_000)
    with pytest.raises(OSError, match=r"content\.sqlite: file is not a database"):
        ContentStore(path)
    path.write_bytes(intact)
    store = ContentStore(path)
    store.close()
    with pytest.raises(sqlite3.ProgrammingError):
        list(store.all_passages())


def test_two_documents_of_one_id_are_refused(tmp_path: Path) -> None:
    twice = replace(CONTENT, documents=(CONTENT.documents[0], CONTENT.documents[0]), passages=())

    with pytest.raises(sqlite3.IntegrityError):
        write_content(tmp_path / "content.sqlite", twice)
