from pathlib import Path

import pytest

from ingest.bibliography import DocumentReferences, number_references
from ingest.corpus import LEDGER_NAME, load_corpus, read_ledger
from ingest.errors import BibliographyError, ManifestError
from ingest.ledger import Ledger
from tests.conftest import write_corpus

ARTICLE = "# Ticks\n\nPull a tick out straight."


def manifest(*documents: str, references: str = "") -> dict[str, str]:
    """Return a corpus of a.md, b.md and a manifest with these entries."""
    entries = "".join(f"[[documents]]\n{entry}\n" for entry in documents)
    return {"corpus.toml": f"format = 1\n{entries}{references}", "a.md": ARTICLE, "b.md": ARTICLE}


REFERENCE = '[[references]]\nnumber = 1\nprinted = "Alder B. Salt water. Nose Journal. 2019."\n'
SOURCE = 'doc_id = "a"\npath = "a.md"\nkind = "source"\n'


# --- What is read -------------------------------------------------------------------------------------


def test_listed_documents_come_in_the_order_of_the_manifest_and_then_the_others(corpus_dir: Path) -> None:
    corpus = load_corpus(corpus_dir)

    assert [document.doc_id for document in corpus.documents] == [
        *("hay-fever", "saline", "tablets"),
        *("bee-stings", "blisters", "ticks"),
    ]
    assert corpus.title == "Garden health"
    assert corpus.quarantined == ()


def test_what_the_manifest_says_wins_over_what_the_file_says(tmp_path: Path) -> None:
    entry = 'doc_id = "a"\npath = "a.md"\ntitle = "Ours"\nurl = "https://example.org/a"\nfidelity = "digest"'
    corpus = load_corpus(write_corpus(tmp_path, manifest(entry)))

    listed, found = corpus.documents
    assert (listed.title, listed.url, listed.fidelity) == ("Ours", "https://example.org/a", "digest")
    assert (found.title, found.url, found.fidelity) == ("Ticks", None, "full_text")


def test_a_folder_without_a_manifest_is_a_corpus_of_articles(tmp_path: Path) -> None:
    corpus = load_corpus(
        write_corpus(tmp_path / "Our corpus", {"deep/er/a.md": ARTICLE, "b.txt": "Rest well."})
    )

    assert corpus.title == "Our corpus"
    assert [(each.doc_id, each.kind) for each in corpus.documents] == [("b", "article"), ("a", "article")]
    assert corpus.ledger == Ledger()


@pytest.mark.parametrize(
    "name",
    [
        *("README.md", "deep/Readme.txt", "LICENSE.txt", "changelog.md", "notice.txt"),
        *("questions/set.txt", ".hidden.md", ".git/a.md", "picture.png", "notes.json", "a.md.bak"),
    ],
)
def test_what_is_no_document_is_left_alone(tmp_path: Path, name: str) -> None:
    corpus = load_corpus(write_corpus(tmp_path, {"a.md": ARTICLE, name: "Some text."}))

    assert [document.doc_id for document in corpus.documents] == ["a"]


@pytest.mark.parametrize(
    ("name", "doc_id"),
    [
        ("Muscle Cramps (2024).md", "muscle-cramps-2024"),
        ("Übelkeit & Crème.md", "ubelkeit-creme"),
        ("痛み.md", "document"),
        ("--x--.MD", "x"),
        (f"{'long' * 40}.md", ("long" * 40)[:70]),
    ],
)
def test_the_doc_id_of_an_unlisted_file_is_made_from_its_name(tmp_path: Path, name: str, doc_id: str) -> None:
    corpus = load_corpus(write_corpus(tmp_path, {name: ARTICLE}))

    assert [document.doc_id for document in corpus.documents] == [doc_id]


def test_files_of_the_same_name_get_different_doc_ids(tmp_path: Path) -> None:
    files = dict.fromkeys(("a.md", "a.txt", "A-2.md", "x/a.md"), ARTICLE)
    listed = '[[documents]]\ndoc_id = "a"\npath = "x/a.md"\n'
    corpus = load_corpus(write_corpus(tmp_path, {**files, "corpus.toml": listed}))

    ids = [document.doc_id for document in corpus.documents]
    assert ids[0] == "a"
    assert len(set(ids)) == 4


def test_links_are_not_followed_when_a_folder_is_searched_and_that_is_said(tmp_path: Path) -> None:
    outside = write_corpus(tmp_path / "outside", {"secret.md": ARTICLE})
    folder = write_corpus(tmp_path / "corpus", {"a.md": ARTICLE})
    (folder / "link.md").symlink_to(outside / "secret.md")
    (folder / "linked").symlink_to(outside)
    (folder / "nowhere.pdf").symlink_to(tmp_path / "nowhere.pdf")
    (folder / "notes.log").symlink_to(outside / "secret.md")
    (folder / ".hidden.md").symlink_to(outside / "secret.md")

    corpus = load_corpus(folder)
    assert [document.doc_id for document in corpus.documents] == ["a"]
    assert [each.path for each in corpus.quarantined] == ["link.md", "linked", "nowhere.pdf"]
    assert corpus.quarantined[0].reason.startswith("link.md is a symbolic link, which is not followed")


def test_a_link_within_the_corpus_is_read_when_it_is_listed(tmp_path: Path) -> None:
    listed = manifest('doc_id = "c"\npath = "c.md"')
    folder = write_corpus(tmp_path, {"a.md": ARTICLE, **listed})
    (folder / "c.md").symlink_to(folder / "a.md")

    corpus = load_corpus(folder)
    assert [document.doc_id for document in corpus.documents] == ["c", "b"]
    assert corpus.quarantined == ()


# --- What cannot be read ------------------------------------------------------------------------------


def test_a_file_that_cannot_be_read_is_set_aside_and_the_others_go_on(tmp_path: Path) -> None:
    folder = write_corpus(tmp_path, {"a.md": ARTICLE, "empty.md": "", "c.txt": "Rest well."})
    (folder / "broken.xml").write_bytes(b"<article><front>")

    corpus = load_corpus(folder)
    assert [document.doc_id for document in corpus.documents] == ["a", "c"]
    assert [each.path for each in corpus.quarantined] == ["broken.xml", "empty.md"]
    assert all(each.reason for each in corpus.quarantined)


def test_a_file_that_may_not_be_opened_is_set_aside_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_corpus(tmp_path, {"a.md": ARTICLE, "b.md": ARTICLE})
    real = Path.read_bytes

    def read_bytes(path: Path) -> bytes:
        if path.name == "a.md":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(Path, "read_bytes", read_bytes)

    (quarantined,) = load_corpus(folder).quarantined
    assert quarantined.reason == "a.md cannot be opened: Permission denied. Put that right, then build again."


def test_warnings_begin_with_the_file_that_they_are_about(tmp_path: Path) -> None:
    text = f"{ARTICLE} It may help [7].\n\n## References\n\n1. Alder B. Salt water. Nose Journal. 2019."
    corpus = load_corpus(write_corpus(tmp_path, {"deep/a.md": text}))

    assert corpus.warnings
    assert all(warning.startswith("deep/a.md: ") for warning in corpus.warnings)


# --- The manifest -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            manifest('doc_id = "a"\npath = "a.md"', 'doc_id = "a"\npath = "b.md"'),
            "doc_id a occurs more than once",
        ),
        (
            manifest('doc_id = "a"\npath = "a.md"', 'doc_id = "b"\npath = "./a.md"'),
            "path a.md occurs more than",
        ),
        (manifest(references=REFERENCE * 2), "reference number 1 occurs more than once"),
        (manifest('doc_id = "a"\npath = "c.md"'), "a: there is no file c.md"),
        (manifest('doc_id = "a"\npath = "../a.md"'), "a: ../a.md is outside"),
        (manifest('doc_id = "a"\npath = "/etc/hostname"'), "a: /etc/hostname is outside"),
        (manifest('doc_id = "a"\npath = "."'), "there is no file ."),
        (manifest(SOURCE), "a: a source needs a reference_number"),
        (manifest('doc_id = "a"\npath = "a.md"\nreference_number = 1'), "an article must have none"),
        (manifest('doc_id = "A b"\npath = "a.md"'), "documents.0.doc_id: String should match pattern"),
        (manifest('doc_id = "a"\npath = "a.md"\nkindd = "source"'), "documents.0.kindd: Extra inputs"),
        (manifest('doc_id = "a"'), "documents.0.path: Field required"),
        (manifest(references='[[references]]\nnumber = 0\nprinted = "x"'), "references.0.number"),
        ({"corpus.toml": "format = 2"}, "format: Input should be 1"),
        ({"corpus.toml": "format = ["}, "is not valid TOML"),
        ({"corpus.toml": "format = 1"}, "holds no documents. Put files into it"),
        ({"readme.md": "Nothing"}, "holds no documents"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_refused_with_what_and_where(
    tmp_path: Path, files: dict[str, str], message: str
) -> None:
    with pytest.raises(ManifestError) as raised:
        load_corpus(write_corpus(tmp_path, files))

    assert message in str(raised.value)


def test_a_manifest_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "corpus.toml").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(ManifestError, match="is not valid TOML"):
        load_corpus(tmp_path)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="nowhere does not exist"):
        load_corpus(tmp_path / "nowhere")


def test_a_listed_link_that_leads_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.md").write_text(ARTICLE)
    folder = write_corpus(tmp_path / "corpus", manifest('doc_id = "c"\npath = "c.md"'))
    (folder / "c.md").symlink_to(tmp_path / "secret.md")

    with pytest.raises(ManifestError, match=r"c\.md is outside"):
        load_corpus(folder)


# --- References ---------------------------------------------------------------------------------------


def test_what_a_pinned_entry_does_not_say_is_read_from_how_it_is_printed(tmp_path: Path) -> None:
    references = f'{REFERENCE}title = "Water, salted"\n'
    (pinned,) = load_corpus(write_corpus(tmp_path, manifest(references=references))).pinned

    assert pinned.text == "Alder B. Salt water. Nose Journal. 2019."
    assert (pinned.title, pinned.authors, pinned.year) == ("Water, salted", ("Alder B",), 2019)


def test_an_article_that_prints_a_pinned_entry_gets_its_number(tmp_path: Path) -> None:
    printed = "\n\nSalt helps [1].\n\n## References\n\n1. Alder B. Salt water. Nose Journal. 2019.\n"
    files = {**manifest(references=REFERENCE.replace("number = 1", "number = 4")), "a.md": ARTICLE + printed}
    corpus = load_corpus(write_corpus(tmp_path, files))

    lists = [DocumentReferences(each.doc_id, each.references) for each in corpus.documents]
    assert number_references(corpus.pinned, lists, corpus.ledger).numbers["a"] == {1: 4}


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xfe", b'{"format": 1, "numbers": [{"number": 1}]}'])
def test_a_damaged_record_of_reference_numbers_stops_everything(tmp_path: Path, content: bytes) -> None:
    folder = write_corpus(tmp_path, {"a.md": ARTICLE})
    (folder / LEDGER_NAME).write_bytes(content)

    with pytest.raises(BibliographyError, match="Restore it from a copy"):
        load_corpus(folder)


def test_there_is_no_ledger_in_a_new_corpus(tmp_path: Path) -> None:
    assert read_ledger(tmp_path) == Ledger()
    assert list(tmp_path.iterdir()) == []
