"""What was read once is not read again, and is the same."""

from pathlib import Path

import pytest

from ingest.errors import UnreadableDocumentError
from ingest.readers.reading import Reading
from ingest.readers.registry import read_document
from ingest.reading_cache import ReadingCache

PAGE = b"""\
<html><head><title>Blisters</title></head><body><main><h1>Blisters</h1><p>Leave it alone [1].</p>
<p>Cover it.</p><h2>References</h2><ol><li>Alder B. Salt water. Nose Journal. 2019;4:11-19.</li></ol>
</main></body></html>
"""


class Watched:
    """Reads, and counts how often."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, data: bytes, *, name: str) -> Reading:
        self.times += 1
        return read_document(data, name=name)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (PAGE, "a.html"),
        (b"# Rest\n\nRest well.\n", "b.md"),
        ("Tee\n\nGrün & heiß \U0001f375.\n".encode(), "c.txt"),
    ],
)
def test_what_comes_from_the_cache_is_what_the_reader_found(tmp_path: Path, data: bytes, name: str) -> None:
    watched = Watched()
    cache = ReadingCache(tmp_path / "cache" / "readings.sqlite", read=watched)

    first, again = cache.read(data, name=name), cache.read(data, name=f"elsewhere/{name}")
    assert first == again == read_document(data, name=name)
    assert watched.times == 1


def test_the_ending_counts_for_it_tells_markdown_from_plain_text(tmp_path: Path) -> None:
    cache = ReadingCache(tmp_path / "readings.sqlite")

    as_markdown, as_text = (cache.read(b"# Rest\n\nRest *well*.\n", name=name) for name in ("a.md", "a.txt"))
    assert as_markdown != as_text


def test_what_cannot_be_read_is_tried_again(tmp_path: Path) -> None:
    watched = Watched()
    cache = ReadingCache(tmp_path / "readings.sqlite", read=watched)

    for _ in range(2):
        with pytest.raises(UnreadableDocumentError):
            cache.read(b"", name="a.md")
    assert watched.times == 2


@pytest.mark.parametrize("damage", [b"no database", b""])
def test_a_damaged_cache_is_begun_afresh(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "readings.sqlite"
    watched = Watched()
    cache = ReadingCache(path, read=watched)
    expected = cache.read(PAGE, name="a.html")

    path.write_bytes(damage * 2_000)
    assert [cache.read(PAGE, name="a.html") for _ in range(2)] == [expected] * 2
    assert watched.times == 2


def test_a_damaged_entry_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "readings.sqlite"
    cache = ReadingCache(path)
    expected = cache.read(PAGE, name="a.html")
    path.write_bytes(path.read_bytes().replace(b"Leave it alone", b"Leave it alike"))

    assert cache.read(PAGE, name="a.html") == expected


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    cache = ReadingCache(tmp_path / "file" / "readings.sqlite")

    assert cache.read(PAGE, name="a.html") == read_document(PAGE, name="a.html")
