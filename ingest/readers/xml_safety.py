"""Parsing markup that nobody vouches for: bounded in size and depth, no network, no entities of its own."""

from html.entities import html5
from typing import Final

from lxml import etree

from ingest.errors import UnreadableDocumentError

#: Larger files are refused: no article comes near it, and the tree takes about ten times the file's size.
MAX_BYTES: Final = 32_000_000
#: How deep elements may be nested in XML; libxml2 itself stops at 256.
MAX_XML_DEPTH: Final = 100


def check_size(data: bytes, *, max_bytes: int = MAX_BYTES) -> None:
    """Refuse a file that is empty or too large.

    Raises:
        UnreadableDocumentError: With the size and what to do.
    """
    if not data.strip(b" \t\r\n\x00\xef\xbb\xbf"):
        raise UnreadableDocumentError(
            f"The file is empty ({len(data)} bytes, no text). Download it again or remove it from the corpus."
        )
    if len(data) > max_bytes:
        raise UnreadableDocumentError(
            f"The file has {len(data):,} bytes; at most {max_bytes:,} are read. "
            "Split it, or take out embedded images."
        )


def parse_xml(data: bytes) -> etree._Element:
    """Return the root element of an XML document, without comments, processing instructions and namespaces.

    Entities that XHTML and JATS define (such as `&nbsp;`) become their characters; the document type is
    not loaded.

    Raises:
        UnreadableDocumentError: When it is empty, too large, too deep, not well-formed, or declares
            entities of its own.
    """
    check_size(data)
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        strip_cdata=True,
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise UnreadableDocumentError(
            f"The file is not readable XML: {' '.join(error.msg.split())}. "
            "Download it again, or have its publisher mend it."
        ) from error
    _refuse_own_entities(root)
    _strip_namespaces(root)
    _refuse_depth(root)
    _replace_entities(root)
    return root


def _refuse_own_entities(root: etree._Element) -> None:
    doctype = root.getroottree().docinfo.internalDTD
    declared = [entity.name for entity in doctype.entities()] if doctype is not None else []  # type: ignore[attr-defined]  # not in the stubs
    if declared:
        raise UnreadableDocumentError(
            f"The file declares entities of its own ({', '.join(map(repr, declared[:3]))}), which can expand "
            "without bound or read other files. Write out the characters they stand for, and remove the "
            "declarations."
        )


def _strip_namespaces(root: etree._Element) -> None:
    for element in root.iter(etree.Element):
        element.tag = str(element.tag).rpartition("}")[2]
        for name in map(str, element.attrib):
            local = name.rpartition("}")[2]
            if local not in element.attrib:
                element.set(local, element.get(name, ""))


def _refuse_depth(root: etree._Element) -> None:
    depth = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > MAX_XML_DEPTH:
            raise UnreadableDocumentError(
                f"Elements are nested more than {MAX_XML_DEPTH} deep; no article needs that. "
                "Check where the file comes from."
            )


def _replace_entities(root: etree._Element) -> None:
    parents = {entity.getparent(): None for entity in root.iter(etree.Entity)}
    for parent in parents:
        if parent is not None:
            _replace_entities_in(parent)


def _replace_entities_in(parent: etree._Element) -> None:
    # Text is collected and joined once per stretch: a file may hold millions of entities in one paragraph.
    before: etree._Element | None = None
    pieces = [parent.text or ""]
    for child in list(parent):
        if isinstance(child.tag, str):
            _set_text(parent, before, pieces)
            before, pieces = child, [child.tail or ""]
        else:
            pieces += [_character(child), child.tail or ""]
            child.tail = None
            parent.remove(child)
    _set_text(parent, before, pieces)


def _set_text(parent: etree._Element, before: etree._Element | None, pieces: list[str]) -> None:
    if before is None:
        parent.text = "".join(pieces)
    else:
        before.tail = "".join(pieces)


def _character(entity: etree._Element) -> str:
    name = str(entity.text).strip("&;")
    character = html5.get(f"{name};")
    if character is None:
        raise UnreadableDocumentError(
            f"The file uses the entity &{name};, which is not a standard one. Write out its character."
        )
    return character
