"""What a PDF's compressed streams would take when unpacked, found out before pdfium unpacks them."""

import re
import zlib
from collections.abc import Iterable, Iterator

from ingest.errors import UnreadableDocumentError

_STREAM = re.compile(rb"(?<!end)stream\r?\n")
_DICTIONARY_BYTES = 4096
_FLATE = re.compile(rb"/(?:FlateDecode|Fl)\b")
_IMAGE = re.compile(rb"/Subtype\s*/Image\b")
_CHUNK_BYTES = 1 << 16


def check_streams(data: bytes, *, max_stream_bytes: int, max_total_bytes: int) -> None:
    """Refuse a PDF one of whose streams, or all of them together, unpack to more than is allowed.

    Images are not counted: reading text never unpacks them. Streams that do not unpack are left to pdfium.

    Raises:
        UnreadableDocumentError: With the limit that was passed.
    """
    total = 0
    for match in _STREAM.finditer(data):
        dictionary = data[max(0, match.start() - _DICTIONARY_BYTES) : match.start()]
        dictionary = dictionary[dictionary.rfind(b"obj") + 1 :]
        layers = len(_FLATE.findall(dictionary))
        if not layers or _IMAGE.search(dictionary):
            continue
        size = _unpacked_size(data, match.end(), layers, max_bytes=max_stream_bytes)
        total += size
        if size > max_stream_bytes or total > max_total_bytes:
            limit = max_stream_bytes if size > max_stream_bytes else max_total_bytes
            raise UnreadableDocumentError(
                f"The PDF holds compressed data that unpacks to more than {limit:,} bytes, which no page of "
                "text needs. If you trust the file, print it to a new PDF and add that."
            )


def _unpacked_size(data: bytes, start: int, layers: int, *, max_bytes: int) -> int:
    chunks: Iterable[bytes] = (data[at : at + _CHUNK_BYTES] for at in range(start, len(data), _CHUNK_BYTES))
    for _ in range(layers):
        chunks = _inflated(chunks)
    size = 0
    try:
        for chunk in chunks:
            size += len(chunk)
            if size > max_bytes:
                break
    except zlib.error:
        pass  # not a zlib stream, or damaged from here on: pdfium unpacks no more of it than we did
    return size


def _inflated(chunks: Iterable[bytes]) -> Iterator[bytes]:
    inflator = zlib.decompressobj()
    for chunk in chunks:
        pending = chunk
        while pending and not inflator.eof:
            yield inflator.decompress(pending, _CHUNK_BYTES)
            pending = inflator.unconsumed_tail
        if inflator.eof:
            return
