"""What a manifest may say, and how its text is changed without touching the rest of it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import ManifestError
from ingest.manifest import DocumentEntry, ReferenceEntry, parse_manifest, read_manifest
from ingest.manifest_text import (
    new_manifest,
    with_document,
    with_reference,
    with_reference_problems,
    without_document,
)

TEXT = """\
# Our garden clinic.
format = 1
title   =   "Garden"   # kept as typed

[[documents]]
doc_id = "bees"  # the first
path = "bees.md"

# --- From here on: sources ---

[[documents]]
doc_id = "salt"
path = 'salt.md'
kind = "source"
reference_number = 2

# What the articles cite.

[[references]]
number = 2
printed = "Alder B. Salt. 2019."
problems = [
  "No pages are printed.",  # asked the author
]
"""
ENTRY = DocumentEntry(
    doc_id="wasps", path="added/wasps-1.html", title='Wasps: "a\\b" \n — é', problems=("x",)
)


def ids(text: str) -> list[str]:
    return [entry.doc_id for entry in parse_manifest(text.encode(), name="m").documents]


def lines_gone(before: str, after: str) -> list[str]:
    kept = after.splitlines()
    return [line for line in before.splitlines() if line and line not in kept]


def test_a_new_entry_leaves_every_line_as_it_was_and_stands_with_its_kind() -> None:
    changed = with_document(TEXT, ENTRY)

    assert parse_manifest(changed.encode(), name="m").documents[-1] == ENTRY
    assert lines_gone(TEXT, changed) == []
    assert (
        changed.index('"wasps"')
        < changed.index("# What the articles cite.")
        < changed.index("[[references]]")
    )


def test_adding_and_removing_again_gives_the_same_text() -> None:
    assert without_document(with_document(TEXT, ENTRY), "wasps") == TEXT


@pytest.mark.parametrize("doc_id", ["bees", "salt"])
def test_removing_an_entry_takes_its_own_lines_only(doc_id: str) -> None:
    changed = without_document(TEXT, doc_id)

    entry = next(part for part in TEXT.split("[[documents]]") if f'"{doc_id}"' in part).split("\n\n")[0]
    assert set(lines_gone(TEXT, changed)) <= {*entry.splitlines(), "[[documents]]"}
    assert ids(changed) == [each for each in ("bees", "salt") if each != doc_id]


def test_all_entries_can_be_removed_and_the_comments_stay() -> None:
    changed = without_document(without_document(TEXT, "salt"), "bees")

    assert ids(changed) == []
    for comment in ("# Our garden clinic.", "sources ---", "# What the articles cite.", "# kept as typed"):
        assert comment in changed


def test_entries_written_in_one_line_are_changed_too() -> None:
    text = 'documents = [\n  {doc_id = "a", path = "a.md"},  # first\n]\ntitle = "T"\n'

    changed = without_document(with_document(text, ENTRY), "a")

    assert ids(changed) == ["wasps"]
    assert 'title = "T"' in changed


def test_a_manifest_without_documents_gets_its_first_one() -> None:
    changed = with_document(new_manifest("Größe"), ENTRY)

    manifest = parse_manifest(changed.encode(), name="m")
    assert (manifest.title, manifest.documents) == ("Größe", (ENTRY,))


def test_line_ends_of_another_system_are_kept() -> None:
    changed = with_document(TEXT.replace("\n", "\r\n"), ENTRY)

    assert changed.startswith("# Our garden clinic.\r\nformat = 1\r\n")
    assert ids(changed) == ["bees", "salt", "wasps"]


def test_a_reference_is_fixed_and_its_problems_are_added_to_once() -> None:
    text = with_reference(TEXT, ReferenceEntry(number=7, printed="Birch C. Tablets. 2021."))
    text = with_reference_problems(text, 2, ("This work has been retracted.", "No pages are printed."))

    references = parse_manifest(text.encode(), name="m").references
    assert [entry.number for entry in references] == [2, 7]
    assert references[0].problems == ("No pages are printed.", "This work has been retracted.")
    assert lines_gone(TEXT, with_reference_problems(TEXT, 2, ("No pages are printed.",))) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda: with_document(TEXT, ENTRY.model_copy(update={"doc_id": "bees"})),
        lambda: with_document(TEXT, ENTRY.model_copy(update={"path": "./salt.md"})),
        lambda: without_document(TEXT, "nobody"),
        lambda: with_reference(TEXT, ReferenceEntry(number=2, printed="Other.")),
        lambda: with_reference_problems(TEXT, 3, ("x",)),
        lambda: with_document("format = 2", ENTRY),
        lambda: with_document("documents = [", ENTRY),
    ],
)
def test_a_change_that_would_contradict_the_manifest_is_refused(change: object) -> None:
    with pytest.raises(ManifestError):
        change()  # type: ignore[operator]


_SLUG = st.from_regex(r"[a-z0-9]{1,6}", fullmatch=True)
_WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)


@given(st.lists(st.tuples(_SLUG, _WORDS), max_size=6, unique_by=lambda one: one[0]), st.randoms())
def test_any_sequence_of_changes_ends_in_what_it_should(
    entries: list[tuple[str, str]], order: object
) -> None:
    text = TEXT
    for doc_id, title in entries:
        text = with_document(text, DocumentEntry(doc_id=f"x-{doc_id}", path=f"{doc_id}.md", title=title))
    gone = entries[::2]
    order.shuffle(gone)  # type: ignore[attr-defined]
    for doc_id, _ in gone:
        text = without_document(text, f"x-{doc_id}")

    assert ids(text) == ["bees", "salt", *(f"x-{doc_id}" for doc_id, _ in entries[1::2])]
    assert lines_gone(TEXT, text) == []


# --- reading -----------------------------------------------------------------------------------------


def write(folder: Path, text: str, *names: str) -> Path:
    (folder / "corpus.toml").write_text(text, encoding="utf-8")
    for name in names:
        (folder / name).write_text("Some text.", encoding="utf-8")
    return folder


def test_a_folder_without_a_manifest_has_an_empty_one_with_its_name(tmp_path: Path) -> None:
    manifest = read_manifest(tmp_path)

    assert (manifest.title, manifest.documents) == (tmp_path.name, ())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[[documents]]\ndoc_id = "a"\npath = "../a.md"', "outside"),
        ('[[documents]]\ndoc_id = "a"\npath = "missing.md"', "there is no file"),
        ('[[documents]]\ndoc_id = "A B"\npath = "a.md"', "doc_id"),
        ('[[documents]]\ndoc_id = "a"\npath = "a.md"\ncolour = 1', "colour"),
        ('[[documents]]\ndoc_id = "a"\npath = "a.md"\nkind = "source"', "needs a reference_number"),
        ('[[documents]]\ndoc_id = "a"\npath = "a.md"\nreference_number = 1', "must have none"),
        ("title = ", "not valid TOML"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_refused_with_its_fault(
    tmp_path: Path, text: str, words: str
) -> None:
    with pytest.raises(ManifestError, match=words):
        read_manifest(write(tmp_path, text, "a.md"))


def test_a_corpus_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="CITEWELL_CORPUS_DIR"):
        read_manifest(tmp_path / "nowhere")
