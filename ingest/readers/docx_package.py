"""The container of a Word file, checked before anything in it is unpacked or parsed."""

import io
import re
import zipfile
import zlib

from ingest.errors import UnreadableDocumentError

_OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
_MAX_ENTRIES = 10_000
_MAX_TOTAL_BYTES = 1_000_000_000
_MAX_XML_BYTES = 100_000_000  # one part; the text of the longest book takes a tenth
_MAX_RATIO = 200  # text in XML compresses 10 to 30 times
_RATIO_FROM_BYTES = 1_000_000
_MAIN_PART = "word/document.xml"
_XML_SUFFIXES = (".xml", ".rels")
_DECLARATION = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)


def check_package(data: bytes) -> None:
    """Refuse a Word file that is empty, encrypted, damaged or made to exhaust memory.

    Sizes are read from the archive's directory, and no part can unpack to more than is stated there.

    Raises:
        UnreadableDocumentError: With the reason and what to do.
    """
    if not data.strip(b"\0 \t\r\n"):
        raise UnreadableDocumentError(f"The Word file is empty ({len(data)} bytes). Supply it again.")
    _refuse_ole(data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            _refuse_bomb(entries)
            if _MAIN_PART not in archive.namelist():
                raise UnreadableDocumentError(
                    f"The file is a zip archive without {_MAIN_PART}, so no Word document. Supply a docx file."
                )
            for entry in entries:
                if entry.filename.lower().endswith(_XML_SUFFIXES):
                    _refuse_declarations(archive.read(entry), entry.filename)
    except (
        zipfile.BadZipFile,
        zipfile.LargeZipFile,
        zlib.error,
        NotImplementedError,
        EOFError,
        OSError,
    ) as error:
        raise UnreadableDocumentError(
            f"The Word file ({len(data):,} bytes) is truncated or damaged: {error}. Supply it again."
        ) from error
    except RuntimeError as error:  # zipfile's way to say that an entry is encrypted
        raise UnreadableDocumentError(
            "The Word file is protected by a password. Save a copy without one and add that."
        ) from error


def _refuse_ole(data: bytes) -> None:
    if not data.startswith(_OLE_MAGIC):
        return
    if _ENCRYPTED_PACKAGE in data:
        raise UnreadableDocumentError(
            "The Word file is protected by a password. Save a copy without one and add that."
        )
    raise UnreadableDocumentError(
        "The file is in the old binary format of Word (doc). Save it as docx and add that."
    )


def _refuse_bomb(entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > _MAX_ENTRIES:
        raise UnreadableDocumentError(
            f"The Word file holds {len(entries):,} parts; at most {_MAX_ENTRIES:,} are read. "
            "Check where it comes from."
        )
    total = sum(entry.file_size for entry in entries)
    if total > _MAX_TOTAL_BYTES:
        raise UnreadableDocumentError(
            f"The Word file unpacks to {total:,} bytes; at most {_MAX_TOTAL_BYTES:,} are read. "
            "Take out embedded media, or check where the file comes from."
        )
    for entry in entries:
        is_xml = entry.filename.lower().endswith(_XML_SUFFIXES)
        ratio = entry.file_size / max(entry.compress_size, 1)
        if is_xml and entry.file_size > _MAX_XML_BYTES:
            raise UnreadableDocumentError(
                f"The part {entry.filename!r} of the Word file unpacks to {entry.file_size:,} bytes; at most "
                f"{_MAX_XML_BYTES:,} are read. Split the document."
            )
        if entry.file_size > _RATIO_FROM_BYTES and ratio > _MAX_RATIO:
            raise UnreadableDocumentError(
                f"The part {entry.filename!r} of the Word file unpacks to {ratio:.0f} times its size, as no "
                "document does. Check where the file comes from."
            )


def _refuse_declarations(content: bytes, name: str) -> None:
    # Taking out zero bytes shows the declaration in UTF-16, too.
    if _DECLARATION.search(content) or _DECLARATION.search(content.replace(b"\0", b"")):
        raise UnreadableDocumentError(
            f"The part {name!r} of the Word file declares a document type or entities, which Word never "
            "writes and which can expand without bound. Check where the file comes from."
        )
