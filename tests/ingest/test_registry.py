"""Which reader reads a file, told by its content."""

import io
import zipfile

import pytest

from ingest.errors import UnreadableDocumentError
from ingest.readers.media_type import detect_media_type
from ingest.readers.registry import FORMATS, SUPPORTED_SUFFIXES, read_document


def archive(member: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as written:
        written.writestr(member, "x")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("data", "name", "expected"),
    [
        (b"%PDF-1.7\n...", "a.txt", "application/pdf"),
        (b"\n\n%PDF-1.4", "", "application/pdf"),
        (archive("word/document.xml"), "a.zip", "wordprocessingml.document"),
        (archive("word/document.xml")[:80], "a.docx", "wordprocessingml.document"),
        (archive("other.xml"), "a.docx", "application/zip"),
        (b"<!DOCTYPE html><p>x", "a.txt", "text/html"),
        (b"  <html lang='en'>", "a.md", "text/html"),
        (b"<!-- saved --><!doctype HTML>\n<head>", "", "text/html"),
        (b"<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'/>", "", "text/html"),
        (
            b"<?xml version='1.0'?><!DOCTYPE article PUBLIC 'JATS' 'x.dtd'><article/>",
            "",
            "application/jats+xml",
        ),
        (b"<article xmlns:xlink='x'><front/></article>", "", "application/jats+xml"),
        (b"<article><p>a page</p></article>", "", "text/html"),
        (b"<?xml version='1.0'?><rss/>", "", "application/xml"),
        (b"# Title\n\ntext", "a.md", "text/markdown"),
        (b"plain words", "a.markdown", "text/markdown"),
        (b"# One\n\n# Two\n", "a.txt", "text/plain"),
        (b"# One\n\ntext\n\n## Two\n\nmore", "", "text/markdown"),
        (b"See [this](https://example.org) and **that**.", "upload", "text/markdown"),
        (b"Only 1 # here and a * there.", "", "text/plain"),
        ("Wörter".encode("utf-16"), "", "text/plain"),
        (b"<3 this text", "", "text/plain"),
    ],
)
def test_content_decides_and_the_name_only_between_texts(data: bytes, name: str, expected: str) -> None:
    assert detect_media_type(data, name=name).endswith(expected)


@pytest.mark.parametrize("data", [b"", b" \n", b"\0" * 100])
def test_an_empty_file_is_refused_by_name(data: bytes) -> None:
    with pytest.raises(UnreadableDocumentError, match=r"'note\.txt' is empty"):
        read_document(data, name="note.txt")


def test_bytes_of_no_known_format_are_refused_with_the_formats_to_use() -> None:
    with pytest.raises(UnreadableDocumentError, match=r"89 50 4e 47.*plain text"):
        read_document(b"\x89PNG\r\n\x1a\n\0\0\0", name="scan.txt")


def test_a_known_but_unsupported_format_is_refused_with_those_that_are() -> None:
    with pytest.raises(UnreadableDocumentError, match=r"application/zip.*markdown \(\.md"):
        read_document(archive("other.xml"), name="a.zip")


def test_each_text_goes_to_its_reader() -> None:
    assert read_document(b"# Cramps\n\nThey *pass*.", name="a.md").text == "Cramps\n\nThey pass."
    assert read_document(b"Cramps\n\nThey *pass*.", name="a.txt").text == "Cramps\n\nThey *pass*."


def test_formats_and_their_suffixes_are_listed_once() -> None:
    assert len({one.media_type for one in FORMATS}) == len(FORMATS)
    assert len(set(SUPPORTED_SUFFIXES)) == len(SUPPORTED_SUFFIXES)
    assert {".md", ".txt"} <= set(SUPPORTED_SUFFIXES)
