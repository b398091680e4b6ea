"""Documents come and go whole: files and manifest agree whenever anybody looks."""

import threading
from pathlib import Path
from typing import Any

import pytest

from ingest import corpus_editing, removals
from ingest.corpus import load_corpus
from ingest.corpus_editing import Added, NewDocument, add_document, find_reference, remove_document
from ingest.errors import CorpusError, ManifestError, UnreadableDocumentError
from ingest.manifest import read_manifest
from tests.conftest import write_corpus

NOW = "2026-02-03T04:05:06Z"
TEXT = b"# Frostbite\n\nWarm the hands slowly. Do not rub them with snow.\n"


def add(corpus: Path, data: bytes = TEXT, **changes: Any) -> Added:
    return add_document(corpus, NewDocument(data, **{"name": "notes.md", **changes}), now=NOW)


def tree(corpus: Path) -> dict[str, bytes]:
    return {
        path.relative_to(corpus).as_posix(): path.read_bytes()
        for path in corpus.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


def documents(corpus: Path) -> dict[str, str]:
    return {document.doc_id: document.title for document in load_corpus(corpus).documents}


def test_an_added_document_is_in_the_corpus_with_what_is_known_of_it(corpus_dir: Path) -> None:
    added = add(corpus_dir, licence="CC BY 4.0", url="https://cold.example/", retrieved_at="2026-02-03")

    entry = read_manifest(corpus_dir).documents[-1]
    assert added.entry == entry
    assert (entry.doc_id, entry.kind, entry.licence) == ("frostbite", "article", "CC BY 4.0")
    assert (corpus_dir / entry.path).read_bytes() == TEXT
    assert documents(corpus_dir)["frostbite"] == "Frostbite"


def test_a_folder_without_a_manifest_gets_one_and_its_other_files_stay_documents(tmp_path: Path) -> None:
    (tmp_path / "bees.md").write_text("# Bees\n\nScrape the sting out.\n")

    add(tmp_path)

    assert documents(tmp_path) == {"frostbite": "Frostbite", "bees": "Bees"}
    assert read_manifest(tmp_path).title == tmp_path.name


def test_a_file_that_cannot_be_read_changes_nothing(corpus_dir: Path) -> None:
    before = tree(corpus_dir)

    with pytest.raises(UnreadableDocumentError):
        add(corpus_dir, b"%PDF-1.7\nbroken", name="x.pdf")

    assert tree(corpus_dir) == before


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd.md",
        "/etc/ssh/id.md",
        "a\x00b.md",
        "..",
        "",
        "con.md",
        "a/b\\c.html",
        "\u202egpj.md",
    ],
)
def test_no_supplied_name_becomes_a_path(corpus_dir: Path, name: str) -> None:
    entry = add(corpus_dir, b"Plain words of advice, without a heading.\n", name=name).entry

    assert (corpus_dir / entry.path).parent == corpus_dir / "added"
    assert all(character.isalnum() or character in "-." for character in Path(entry.path).name)


def test_a_file_is_stored_under_the_ending_of_what_it_holds(corpus_dir: Path) -> None:
    page = b"<!doctype html><html><body><main><h1>Chilblains</h1><p>Keep the toes dry and warm.</p></main></html>"

    assert add(corpus_dir, page, name="page.pdf").entry.path.endswith(".html")


def test_the_same_file_is_recognised_under_any_name(corpus_dir: Path) -> None:
    first = add(corpus_dir)
    before = tree(corpus_dir)

    again = add(corpus_dir, name="other.txt", doc_id="other")

    assert (again.is_new, again.entry) == (False, first.entry)
    assert tree(corpus_dir) == before


def test_the_same_file_is_recognised_where_the_manifest_does_not_list_it(corpus_dir: Path) -> None:
    data = (corpus_dir / "bee-stings.md").read_bytes()

    assert add(corpus_dir, data).entry.doc_id == "bee-stings"


def test_documents_of_one_title_get_identifiers_of_their_own(corpus_dir: Path) -> None:
    ids = [add(corpus_dir, TEXT + b"More. " * at).entry.doc_id for at in range(3)]
    bees = add(corpus_dir, b"# Bee stings\n\nOther advice on stings.\n").entry.doc_id

    assert ids == ["frostbite", "frostbite-2", "frostbite-3"]
    assert bees == "bee-stings-2"


@pytest.mark.parametrize("doc_id", ["hay-fever", "bee-stings"])
def test_an_identifier_in_use_is_refused(corpus_dir: Path, doc_id: str) -> None:
    with pytest.raises(CorpusError, match=f"--replace {doc_id}"):
        add(corpus_dir, doc_id=doc_id)


@pytest.mark.parametrize("doc_id", ["../x", "A b", "", "x" * 81, "-x"])
def test_an_impossible_identifier_is_refused(corpus_dir: Path, doc_id: str) -> None:
    before = tree(corpus_dir)

    if doc_id:
        with pytest.raises(CorpusError, match="identifier"):
            add(corpus_dir, doc_id=doc_id)
        assert tree(corpus_dir) == before
    else:
        assert add(corpus_dir, doc_id=doc_id).entry.doc_id == "frostbite"


def test_a_missing_corpus_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="does not exist"):
        add(tmp_path / "nowhere")


# --- sources -----------------------------------------------------------------------------------------

SOURCE = (
    b"# Rinsing the nose with salt water\n\nBy Alder B. 2019.\n\nForty adults rinsed with warm salt water.\n"
)


@pytest.fixture
def unpinned(tmp_path: Path) -> Path:
    """A corpus whose numbers no manifest fixes."""
    article = (
        "# Hay fever\n\nRinsing helps [1]. Tablets help too [2].\n\n## References\n\n"
        "1. Alder B. Rinsing the nose with salt water. Nose Journal. 2019;4:11-19.\n"
        "2. Birch C, Cedar D. Antihistamine tablets in spring. Pollen Letters. 2021;7:3-9.\n"
    )
    return write_corpus(tmp_path / "unpinned", {"hay-fever.md": article})


def source(corpus: Path, data: bytes = SOURCE, **changes: Any) -> Added:
    return add(corpus, data, **{"kind": "source", "reference_number": 1, **changes})


def test_the_text_of_a_reference_is_added_under_its_number_which_is_fixed_from_then_on(
    unpinned: Path,
) -> None:
    added = source(unpinned)

    loaded = load_corpus(unpinned)
    assert added.entry.reference_number == 1
    assert [(one.number, one.year, one.title) for one in loaded.pinned] == [
        (1, 2019, "Rinsing the nose with salt water")
    ]
    assert {one.doc_id for one in loaded.documents if one.kind == "source"} == {added.entry.doc_id}


def test_the_text_of_another_work_is_refused_unless_told_to(unpinned: Path) -> None:
    before = tree(unpinned)

    with pytest.raises(CorpusError, match="not the text of reference 2"):
        source(unpinned, reference_number=2)
    assert tree(unpinned) == before

    assert source(unpinned, reference_number=2, unchecked=True).entry.reference_number == 2


def test_a_number_that_the_bibliography_does_not_have_is_refused_with_those_it_has(unpinned: Path) -> None:
    with pytest.raises(CorpusError, match="no reference 9; it has 1–2"):
        source(unpinned, reference_number=9)


def test_a_second_text_of_one_reference_is_refused_or_replaces_the_first(unpinned: Path) -> None:
    first = source(unpinned)
    longer = SOURCE + b"\nStinging was mild.\n"

    with pytest.raises(CorpusError, match=f"--replace {first.entry.doc_id}"):
        source(unpinned, longer)
    second = add(unpinned, longer, replaces=first.entry.doc_id)

    assert (second.entry.doc_id, second.entry.reference_number) == (first.entry.doc_id, 1)
    assert (unpinned / second.entry.path).read_bytes() == longer
    assert not (unpinned / first.entry.path).exists()
    assert SOURCE in tree(unpinned).values()


def test_a_text_whose_work_cannot_be_told_is_added_with_a_warning(unpinned: Path) -> None:
    added = source(unpinned, b"warm water was used, and stinging was mild.\n", name="x.txt")

    assert "could not be confirmed" in added.warnings[0] or "title" in added.warnings[0]


@pytest.mark.parametrize("changes", [{"kind": "article"}, {"reference_number": None}])
def test_kind_and_number_must_fit(unpinned: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(CorpusError, match="--kind source"):
        source(unpinned, **changes)


def test_a_retraction_is_written_to_the_document_and_to_its_reference(unpinned: Path) -> None:
    added = source(unpinned, problems=("This work has been retracted.",))

    assert "This work has been retracted." in added.warnings
    assert added.entry.problems == ("This work has been retracted.",)
    assert "This work has been retracted." in find_reference(unpinned, 1).problems
    assert any("has been retracted" in warning for warning in load_corpus(unpinned).warnings)


def test_the_same_file_in_another_role_is_refused(unpinned: Path) -> None:
    add(unpinned, SOURCE)

    with pytest.raises(CorpusError, match="in the corpus already"):
        source(unpinned)


# --- removing ----------------------------------------------------------------------------------------


def test_a_removed_document_is_out_of_the_corpus_and_its_file_and_entry_are_kept(corpus_dir: Path) -> None:
    data = (corpus_dir / "hay-fever.md").read_bytes()

    removed = remove_document(corpus_dir, "hay-fever", now=NOW)

    assert "hay-fever" not in documents(corpus_dir)
    assert (corpus_dir / removed.kept_at).read_bytes() == data
    assert 'doc_id = "hay-fever"' in (corpus_dir / removed.kept_at).with_name("entry.toml").read_text()


def test_the_references_that_the_manifest_fixes_stay(corpus_dir: Path) -> None:
    before = load_corpus(corpus_dir).pinned

    remove_document(corpus_dir, "saline", now=NOW)

    assert load_corpus(corpus_dir).pinned == before


def test_a_document_that_the_manifest_does_not_list_can_be_removed(corpus_dir: Path) -> None:
    remove_document(corpus_dir, "ticks", now=NOW)

    assert not (corpus_dir / "ticks.txt").exists()
    assert "ticks" not in documents(corpus_dir)


def test_an_unknown_document_is_refused_with_the_nearest(corpus_dir: Path) -> None:
    with pytest.raises(CorpusError, match="hay-fever"):
        remove_document(corpus_dir, "hayfever", now=NOW)


def test_a_document_that_comes_back_gets_its_identifier_back_and_another_does_not(corpus_dir: Path) -> None:
    first = add(corpus_dir).entry.doc_id
    remove_document(corpus_dir, first, now=NOW)

    other = add(corpus_dir, b"# Frostbite\n\nQuite other advice.\n").entry.doc_id
    back = add(corpus_dir).entry.doc_id

    assert (first, other, back) == ("frostbite", "frostbite-2", "frostbite")


def test_a_document_can_be_removed_twice_in_the_same_second(corpus_dir: Path) -> None:
    places = set()
    for _ in range(2):
        add(corpus_dir)
        places.add(remove_document(corpus_dir, "frostbite", now=NOW).kept_at)

    assert len(places) == 2
    assert all((corpus_dir / place).read_bytes() == TEXT for place in places)


# --- interruptions -----------------------------------------------------------------------------------


class PowerCutError(Exception):
    """Stands for the moment at which nothing goes on."""


def cut_power(*_args: object, **_kwargs: object) -> None:
    raise PowerCutError


def test_a_file_whose_entry_was_never_written_is_left_out_and_reported_and_can_be_added_again(
    corpus_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = documents(corpus_dir)
    with monkeypatch.context() as patch:
        patch.setattr(corpus_editing, "_store_manifest", cut_power)
        with pytest.raises(PowerCutError):
            add(corpus_dir)

    assert documents(corpus_dir) == before
    assert any("added/frostbite" in warning for warning in load_corpus(corpus_dir).warnings)
    assert add(corpus_dir).is_new
    assert load_corpus(corpus_dir).warnings == ()


@pytest.mark.parametrize("doc_id", ["hay-fever", "ticks"])
def test_a_removal_cut_off_before_the_file_was_moved_does_not_bring_it_back_as_an_article(
    corpus_dir: Path, monkeypatch: pytest.MonkeyPatch, doc_id: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(removals, "move_file", cut_power)
        with pytest.raises(PowerCutError):
            remove_document(corpus_dir, doc_id, now=NOW)

    assert doc_id not in documents(corpus_dir)
    add(corpus_dir)
    assert not (corpus_dir / "hay-fever.md").exists() or not (corpus_dir / "ticks.txt").exists()
    assert removals.pending_removals(corpus_dir) == []


def test_a_removal_cut_off_before_the_manifest_changed_has_not_happened(
    corpus_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(corpus_editing, "_store_manifest", cut_power)
        with pytest.raises(PowerCutError):
            remove_document(corpus_dir, "hay-fever", now=NOW)

    add(corpus_dir)
    assert "hay-fever" in documents(corpus_dir)
    assert removals.read_removals(corpus_dir) == []


def test_a_replacement_cut_off_before_the_old_file_was_moved_is_finished_later(
    corpus_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(removals, "move_file", cut_power)
        with pytest.raises(PowerCutError):
            add(corpus_dir, replaces="hay-fever")

    assert documents(corpus_dir)["hay-fever"] == "Frostbite"
    assert sum(title.startswith("Living") for title in documents(corpus_dir).values()) == 0
    remove_document(corpus_dir, "ticks", now=NOW)
    assert not (corpus_dir / "hay-fever.md").exists()


def test_documents_added_at_once_are_all_there(corpus_dir: Path) -> None:
    ready = threading.Barrier(6)
    failures: list[Exception] = []

    def work(at: int) -> None:
        ready.wait()
        try:
            add(corpus_dir, TEXT + b"x" * at)
        except Exception as error:  # noqa: BLE001  # whatever it is, the test must see it
            failures.append(error)

    threads = [threading.Thread(target=work, args=(at,)) for at in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    added = [entry for entry in read_manifest(corpus_dir).documents if entry.path.startswith("added/")]
    assert len({entry.doc_id for entry in added}) == 6


def test_a_manifest_that_cannot_be_written_is_reported_and_stays(
    corpus_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (corpus_dir / "corpus.toml").read_bytes()

    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(corpus_editing, "store_bytes", full)

    with pytest.raises(CorpusError, match="No space left"):
        add(corpus_dir)
    assert (corpus_dir / "corpus.toml").read_bytes() == before


@pytest.mark.parametrize("doc_id", ["hay-fever", "ticks"])
def test_a_replacement_cut_off_before_the_manifest_changed_leaves_the_old_document_in_place(
    corpus_dir: Path, monkeypatch: pytest.MonkeyPatch, doc_id: str
) -> None:
    before = documents(corpus_dir)
    with monkeypatch.context() as patch:
        patch.setattr(corpus_editing, "_store_manifest", cut_power)
        with pytest.raises(PowerCutError):
            add(corpus_dir, replaces=doc_id)

    assert documents(corpus_dir) == before
    add(corpus_dir, replaces=doc_id)
    assert documents(corpus_dir) == {**before, doc_id: "Frostbite"}
    assert removals.pending_removals(corpus_dir) == []
