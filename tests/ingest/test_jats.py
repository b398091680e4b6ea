from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.errors import UnreadableDocumentError
from ingest.readers.jats import read_jats
from ingest.readers.jats_references import number_labels
from ingest.readers.reading import Reading
from ingest.readers.registry import read_document

SHARED_JATS = Path(__file__).parents[2].parent / "shared" / "real" / "jats"

REFERENCES = "".join(
    f"""<ref id="B{number}"><label>{number}</label><element-citation publication-type="journal">
    <person-group person-group-type="author"><name><surname>Author{letter}</surname>
    <given-names>A</given-names></name>
    </person-group><article-title>Finding {letter}</article-title><source>Journal of Samples</source>
    <year>{2000 + number}</year><volume>{number}</volume><fpage>1</fpage><lpage>9</lpage></element-citation>
    </ref>"""
    for number, letter in enumerate("ABCDEFGH", start=1)
)


def article(
    body: str = "<p>Some text.</p>", *, front: str = "", back: str = "", references: str = REFERENCES
) -> bytes:
    listed = f"<ref-list><title>References</title>{references}</ref-list>" if references else ""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
    <article xmlns:xlink="http://www.w3.org/1999/xlink" xml:lang="en"><front>
    <article-meta>{front}</article-meta></front>
    <body>{body}</body><back>{listed}{back}</back></article>""".encode()


def xref(number: int, text: str | None = None) -> str:
    return f'<xref ref-type="bibr" rid="B{number}">{number if text is None else text}</xref>'


def markers(reading: Reading) -> list[tuple[str, tuple[int, ...]]]:
    return [(reading.text[one.start : one.end], one.numbers) for one in reading.citations]


def blocks(reading: Reading, kind: str) -> list[str]:
    return [reading.text[one.start : one.end] for one in reading.blocks if one.kind == kind]


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        (f"pain [{xref(3)}] lasts", ("[3]", (3,))),
        (f"pain [{xref(3)}]–[{xref(7)}] lasts", ("[3]–[7]", (3, 4, 5, 6, 7))),
        (f"pain {xref(1, '[1]')}–{xref(4, '[4]')} lasts", ("[1]–[4]", (1, 2, 3, 4))),
        (f"pain [{xref(1)},{xref(3)}–{xref(5)}] lasts", ("[1,3–5]", (1, 3, 4, 5))),
        (f"pain<sup>{xref(2)},{xref(4)}-{xref(6)}</sup> lasts", ("²,⁴⁻⁶", (2, 4, 5, 6))),
        (f"pain {xref(2, '<sup>2</sup>')} lasts", ("²", (2,))),
        (f"pain ({xref(2, 'Author 2002')}; {xref(5, 'Poe 2005')})", ("(Author 2002; Poe 2005)", (2, 5))),
        (f"as {xref(2, 'Author (2002)')} saw", ("(2002)", (2,))),
        ('pain [<xref ref-type="bibr" rid="B2 B3 B4">2-4</xref>]', ("[2-4]", (2, 3, 4))),
        ('pain [<xref ref-type="bibr" rid="B2"/>]', ("[2]", (2,))),
        ('pain [<xref rid="B2">2</xref>]', ("[2]", (2,))),
    ],
)
def test_a_marker_is_all_that_is_printed_and_stands_for_all_that_it_means(
    printed: str, expected: tuple[str, tuple[int, ...]]
) -> None:
    reading = read_jats(article(f"<p>There is {printed}.</p>"))

    assert markers(reading) == [expected]


def test_links_to_figures_and_exponents_are_no_markers() -> None:
    reading = read_jats(
        article(f'<p>See <xref ref-type="fig" rid="F1">1</xref>, 10<sup>3</sup> [{xref(8)}].</p>')
    )

    assert "See 1, 10³ [8]." in reading.text
    assert markers(reading) == [("[8]", (8,))]


def test_a_marker_that_leads_nowhere_is_reported_and_cites_nothing() -> None:
    reading = read_jats(article('<p>Pain (<xref ref-type="bibr" rid="B99">Nobody 1999</xref>).</p>'))

    assert reading.citations == ()
    assert any("'B99'" in warning for warning in reading.warnings)


def test_references_come_from_their_markup() -> None:
    ref = """<ref id="B1"><label>1.</label><mixed-citation><name>
    <surname>Roe</surname> <given-names>AB</given-names></name>,
    <collab>The Sample Group</collab> (<year>2003</year>) <article-title>On <italic>calf</italic> pain</article-title>.
    <source>J Samples</source> <volume>4</volume>(<issue>2</issue>): <fpage>10</fpage>–<lpage>19</lpage>.
    <pub-id pub-id-type="doi">10.1000/XYZ.1</pub-id> <pub-id pub-id-type="pmid">1234567</pub-id>
    <ext-link xlink:href="https://www.ncbi.nlm.nih.gov/pmc/articles/PMC7654321/">full text</ext-link>
    </mixed-citation></ref>"""

    (reference,) = read_jats(article(references=ref)).references

    assert (reference.number, reference.authors, reference.year) == (1, ("Roe AB", "The Sample Group"), 2003)
    assert (reference.title, reference.container) == ("On calf pain", "J Samples")
    assert (reference.volume, reference.issue, reference.pages) == ("4", "2", "10–19")
    assert (reference.doi, reference.pmid, reference.pmcid) == ("10.1000/xyz.1", "1234567", "PMC7654321")
    assert reference.text.startswith("Roe AB, The Sample Group (2003) On calf pain. J Samples 4(2): 10–19.")


def test_an_entry_without_punctuation_is_written_out() -> None:
    reference = read_jats(article()).references[0]

    assert reference.text == "AuthorA A. Finding A. Journal of Samples. 2001;1:1–9."


def test_an_entry_without_markup_is_read_from_its_text() -> None:
    ref = '<ref id="B1"><mixed-citation>Roe A. On pain. J Samples. 2003;4:1-2. doi:10.1000/a.1</mixed-citation></ref>'

    (reference,) = read_jats(article(references=ref)).references

    assert (reference.year, reference.doi) == (2003, "10.1000/a.1")
    assert reference.text.startswith("Roe A. On pain.")


def test_a_printed_doi_that_lacks_its_beginning_is_corrected_and_reported() -> None:
    ref = """<ref id="B1"><element-citation><article-title>On pain</article-title><year>2003</year>
    <pub-id pub-id-type="doi">1000/a.1</pub-id></element-citation></ref>"""

    (reference,) = read_jats(article(references=ref)).references

    assert reference.doi == "10.1000/a.1"
    assert any("DOI" in problem for problem in reference.problems)


def test_an_entry_with_several_works_is_one_number_and_loses_nothing() -> None:
    one = "<mixed-citation id='B1{}'><article-title>Work {}</article-title>, <year>200{}</year>.</mixed-citation>"
    ref = f"<ref id='B1'><label>1</label>{one.format('a', 'one', 1)}{one.format('b', 'two', 2)}</ref>"

    reading = read_jats(article('<p>Pain [<xref ref-type="bibr" rid="B1b">1b</xref>].</p>', references=ref))

    assert [one.numbers for one in reading.citations] == [(1,)]
    assert reading.references[0].title == "Work one"
    assert "Work two" in reading.references[0].text
    assert any("2 works" in problem for problem in reading.references[0].problems)


def test_entries_without_labels_are_numbered_by_their_place() -> None:
    refs = REFERENCES.replace("<label>", "<!--").replace("</label>", "-->")

    assert [one.number for one in read_jats(article(references=refs)).references] == list(range(1, 9))


def test_labels_decide_the_number_where_they_are_printed() -> None:
    assert number_labels([4, 2, None, 7]) == ([4, 2, 8, 7], [])
    numbers, warnings = number_labels([1, 2, 1])
    assert numbers == [1, 2, 3]
    assert "numbered 1" in warnings[0]


def test_sections_give_the_path_of_headings() -> None:
    reading = read_jats(
        article("<sec><title>Care</title><sec><label>1.1</label><title>Rest</title><p>Sleep.</p></sec></sec>")
    )

    paragraph = next(one for one in reading.blocks if one.kind == "paragraph")
    assert paragraph.section == ("Care", "1.1 Rest")


def test_tables_lists_boxes_and_definitions_become_blocks() -> None:
    body = """<p>Before <list><list-item><p>Stretch</p><list><list-item><p>gently</p></list-item></list></list-item>
    </list> after.</p><table-wrap id="T1"><label>Table 1</label><caption><title>Doses.</title>
    <p>In milligrams.</p></caption>
    <table><tr><th>Drug</th><th>Dose</th></tr><tr><td>Salt</td><td/></tr></table><table-wrap-foot><fn>
    <label>a</label>
    <p>Daily.</p></fn></table-wrap-foot></table-wrap><boxed-text><label>Box 1</label><sec>
    <title>Key points</title><p>Rest.</p>
    </sec></boxed-text><def-list><def-item><term>Cramp</term><def><p>a painful spasm</p></def></def-item>
    </def-list>"""

    reading = read_jats(article(body))

    assert blocks(reading, "list_item") == ["Stretch", "gently", "Cramp: a painful spasm"]
    assert [one.level for one in reading.blocks if one.kind == "list_item"] == [0, 1, 0]
    assert blocks(reading, "table_row") == ["Drug | Dose", "Salt |"]
    paragraphs = blocks(reading, "paragraph")
    assert paragraphs[:2] == ["Before", "after."]
    assert {"Table 1 Doses. In milligrams.", "a Daily.", "Box 1", "Key points", "Rest."} <= set(paragraphs)


def test_formulas_are_text_and_an_image_of_one_is_reported() -> None:
    body = """<p>Here <inline-formula><math><msup><mi>x</mi><mn>2</mn></msup><mo>=</mo><mfrac><mn>1</mn>
    <mn>2</mn></mfrac>
    </math></inline-formula> and <inline-formula><inline-graphic xlink:href="e001.png"/>
    </inline-formula> stand.</p>"""

    reading = read_jats(article(body))

    assert "Here x² = 1/2 and stand." in reading.text
    assert any("image" in one.reason and "e001.png" in one.text for one in reading.omitted)


def test_a_figure_at_the_end_of_the_file_stands_where_it_is_first_named() -> None:
    body = '<p>See <xref ref-type="fig" rid="F1">Figure 1</xref>.</p><p>Last.</p>'
    data = article(body).replace(
        b"</article>",
        b'<floats-group><fig id="F1"><label>Figure 1</label><caption><p>A calf.</p></caption></fig>'
        b"</floats-group></article>",
    )

    assert blocks(read_jats(data), "paragraph") == ["See Figure 1.", "Figure 1 A calf.", "Last."]


def test_supplements_and_reviews_in_the_same_file_are_left_out_with_the_reason() -> None:
    data = article(
        "<p>Text.</p><supplementary-material><p>Spreadsheet.</p></supplementary-material>"
    ).replace(b"</article>", b"<sub-article><body><p>A review.</p></body></sub-article></article>")

    reading = read_jats(data)

    assert "Spreadsheet" not in reading.text
    assert "A review" not in reading.text
    assert {one.text for one in reading.omitted} == {"Spreadsheet.", "A review."}


def test_what_follows_the_references_is_kept() -> None:
    back = "<ack><p>Thanks.</p></ack><app-group><app><title>Appendix A</title><p>More.</p></app></app-group>"
    front = '<author-notes><fn fn-type="conflict"><p>No conflicts.</p></fn></author-notes>'

    reading = read_jats(article(back=back, front=front))

    assert blocks(reading, "paragraph")[-3:] == ["Thanks.", "More.", "No conflicts."]
    assert blocks(reading, "heading")[-3:] == ["Acknowledgments", "Appendix A", "Author notes"]


def test_the_front_tells_title_date_doi_licence_and_authors() -> None:
    front = """<article-id pub-id-type="doi">10.1000/j.1</article-id><title-group>
    <article-title>Calf <italic>pain</italic>
    <xref ref-type="fn" rid="n1">*</xref></article-title><subtitle>A sample</subtitle></title-group><contrib-group>
    <contrib contrib-type="author"><name><surname>Roe</surname><given-names>Ann</given-names></name></contrib>
    </contrib-group>
    <pub-date pub-type="ppub"><year>2011</year></pub-date><pub-date pub-type="epub"><day>4</day>
    <month>3</month><year>2010</year>
    </pub-date><permissions><license xlink:href="https://creativecommons.org/licenses/by/4.0/"><p>Open.</p>
    </license></permissions>
    <abstract><p>In short.</p></abstract>"""

    reading = read_jats(article(front=front))

    assert reading.title == "Calf pain: A sample"
    assert reading.metadata["published"] == "2010-03-04"
    assert reading.metadata["doi"] == "10.1000/j.1"
    assert reading.metadata["licence"] == "https://creativecommons.org/licenses/by/4.0/"
    assert reading.metadata["authors"] == "Roe Ann"
    assert reading.metadata["language"] == "en"
    assert blocks(reading, "heading")[1] == "Abstract"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"<html><p>x</p></html>", "no JATS"),
        (b"<set><article><body><p>x</p></body></article><article/></set>", "2 articles"),
        (article("", references=""), "no text"),
        (b"<article><body><p>cut", "not readable"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(data: bytes, said: str) -> None:
    with pytest.raises(UnreadableDocumentError, match=said):
        read_jats(data)


def test_an_article_in_an_archives_envelope_is_read() -> None:
    data = article("<p>Enveloped.</p>").partition(b"?>")[2]

    assert "Enveloped." in read_jats(b'<r xmlns="urn:x"><m>' + data + b"</m></r>").text


def test_jats_is_recognised_by_content_whatever_the_name() -> None:
    data = article("<p>Recognised.</p>").replace(
        b"<article ", b'<!DOCTYPE article PUBLIC "-//NLM//DTD JATS//EN" "j.dtd"><article '
    )

    assert "Recognised." in read_document(data, name="page.txt").text


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn")), max_size=12)
INLINE = st.recursive(
    TEXTS.map(escape) | st.integers(1, 8).map(xref),
    lambda inner: (
        st.builds("<{0}>{1}</{0}>".format, st.sampled_from(["sup", "italic", "fn", "named-content"]), inner)
        | st.lists(inner, max_size=3).map("".join)
    ),
    max_leaves=6,
)
BLOCKS = st.recursive(
    INLINE.map("<p>{}</p>".format),
    lambda inner: st.builds(
        "<{0}>{1}</{0}>".format,
        st.sampled_from(
            ["sec", "list", "list-item", "boxed-text", "table-wrap", "table", "tr", "td", "disp-quote", "fig"]
        ),
        st.lists(inner, max_size=3).map("".join),
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(BLOCKS)
def test_blocks_cover_all_text_and_citations_stay_inside_the_list(body: str) -> None:
    reading = read_jats(article(f"<p>Start.</p>{body}"))

    end = 0
    for block in reading.blocks:
        assert not reading.text[end : block.start].strip()
        assert block.start >= end
        end = block.end
    assert not reading.text[end:].strip()
    for citation in reading.citations:
        assert set(citation.numbers) <= {one.number for one in reading.references}


@pytest.mark.skipif(not SHARED_JATS.is_dir(), reason="the real articles are not here")
def test_real_articles_resolve_all_their_links_outside_supplements() -> None:
    for path in SHARED_JATS.iterdir():
        reading = read_jats(path.read_bytes())

        assert reading.title
        assert not [warning for warning in reading.warnings if "leads to" in warning]
