import pytest
from lxml import etree

from ingest.errors import UnreadableDocumentError
from ingest.readers.xml_safety import MAX_BYTES, MAX_XML_DEPTH, check_size, parse_xml


def test_standard_entities_become_characters_without_the_document_type() -> None:
    root = parse_xml(b'<!DOCTYPE a PUBLIC "-//X//Y" "none.dtd"><a>x&nbsp;y<b/>&alpha;z</a>')

    assert root.text == "x\u00a0y"
    assert root[0].tail == "αz"


def test_names_lose_their_namespaces() -> None:
    root = parse_xml(b'<a xmlns="urn:x" xmlns:l="urn:l"><b l:href="u"/></a>')

    assert root.tag == "a"
    assert root[0].get("href") == "u"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b" \n\x00 ", "is empty"),
        (b"<a><b></a>", "not readable XML"),
        (b"<a>\x00</a>", "not readable XML"),
        ("<a>é</a>".encode("latin-1"), "not readable XML"),
        (b"<a>&nosuchname;</a>", "not readable XML"),
        (b'<!DOCTYPE a SYSTEM "x.dtd"><a>&nosuchname;</a>', "nosuchname"),
        (b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "entities of its own"),
        (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>', "entities of its own"),
        (b"<a>" * (MAX_XML_DEPTH + 1) + b"</a>" * (MAX_XML_DEPTH + 1), "nested"),
        (b"<a>" * 100_000, "not readable XML"),
    ],
)
def test_hostile_and_broken_files_are_refused_with_the_reason(data: bytes, said: str) -> None:
    with pytest.raises(UnreadableDocumentError, match=said):
        parse_xml(data)


def test_entities_that_multiply_are_refused_before_they_grow() -> None:
    levels = "".join(f'<!ENTITY e{at + 1} "{f"&e{at};" * 10}">' for at in range(12))
    bomb = f'<!DOCTYPE a [<!ENTITY e0 "lol">{levels}]><a b="&e12;">&e12;</a>'

    with pytest.raises(UnreadableDocumentError):
        parse_xml(bomb.encode())


def test_a_file_that_is_too_large_is_refused_with_its_size() -> None:
    with pytest.raises(UnreadableDocumentError, match=f"{MAX_BYTES + 1:,} bytes"):
        check_size(b"x" * (MAX_BYTES + 1))


def test_what_stands_around_entities_keeps_its_order() -> None:
    root = parse_xml(b"<!DOCTYPE a SYSTEM 'x.dtd'><a>&lt;1<b>&mdash;</b>2&nbsp;3<c/>4&deg;</a>")

    assert "".join(map(str, root.itertext())) == "<1—2\u00a034°"
    assert etree.tostring(root, encoding="unicode", with_tail=False).count("<c/>") == 1
