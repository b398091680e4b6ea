import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.errors import UnreadableDocumentError
from ingest.readers.html import read_html
from ingest.readers.reading import Reading
from ingest.readers.registry import read_document

ENTRIES = (
    "Roe A. On calf pain. J Samples. 2001;1:2-3.",
    "Poe B. On rest. J Samples. 2002;2:3-4.",
    "Doe C. On salt. 2003.",
)
ORDERED = "<ol>" + "".join(f"<li>{entry}</li>" for entry in ENTRIES) + "</ol>"
LINKED = "<ol>" + "".join(f'<li id="r{at}">{entry}</li>' for at, entry in enumerate(ENTRIES, 1)) + "</ol>"


def page(body: str, *, head: str = "") -> bytes:
    start = f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">{head}</head>'
    return f"{start}<body>{body}</body></html>".encode()


def markers(reading: Reading) -> list[tuple[str, tuple[int, ...]]]:
    return [(reading.text[one.start : one.end], one.numbers) for one in reading.citations]


def blocks(reading: Reading, *kinds: str) -> list[str]:
    return [reading.text[one.start : one.end] for one in reading.blocks if not kinds or one.kind in kinds]


def link(number: int, text: str | None = None) -> str:
    return f'<a href="#r{number}">{number if text is None else text}</a>'


# --- Markers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        (f"pain [{link(2)}]", ("[2]", (2,))),
        (f"pain [{link(1)}–{link(3)}]", ("[1–3]", (1, 2, 3))),
        (f"pain<sup>{link(1)},{link(3)}</sup>", ("¹,³", (1, 3))),
        (f"pain<sup>{link(2, '[2]')}</sup>", ("[2]", (2,))),
        (f"pain{link(2, '<sup>2</sup>')}", ("²", (2,))),
        (f"pain ({link(2, 'Poe, 2002')}; {link(3, 'Doe, 2003')})", ("(Poe, 2002; Doe, 2003)", (2, 3))),
        (f"seen by {link(2, 'Poe (2002)')}", ("(2002)", (2,))),
    ],
)
def test_a_link_to_an_entry_is_a_marker_for_it(printed: str, expected: tuple[str, tuple[int, ...]]) -> None:
    reading = read_html(page(f"<p>There is {printed} here.</p><h2>References</h2>{LINKED}"))

    assert markers(reading) == [expected]


@pytest.mark.parametrize("printed", ["pain [2].", "pain<sup>2</sup>.", "pain.<sup>2</sup>"])
def test_markers_without_links_are_found_in_the_text(printed: str) -> None:
    more = "Rest [1]." if "[" in printed else "Rest.<sup>1</sup> Salt.<sup>3</sup>"
    reading = read_html(page(f"<p>There is {printed}</p><p>{more}</p><h2>References</h2>{ORDERED}"))

    assert (2,) in [numbers for _, numbers in markers(reading)]


def test_links_to_figures_tables_and_sections_are_no_markers() -> None:
    body = """<p>See Table <a href="#t1">1</a>, Figure <a href="#f2">2</a> and section <a href="#s3">3</a>.</p>
    <div id="t1">A table of doses.</div><div id="f2">A figure of a calf.</div><div id="s3">A section.</div>"""

    reading = read_html(page(body))

    assert reading.citations == ()
    assert reading.references == ()
    assert "See Table 1, Figure 2 and section 3." in reading.text


def test_a_numbered_link_that_leads_nowhere_is_reported() -> None:
    reading = read_html(page('<p>Pain <a href="#gone7">[7]</a> lasts.</p>'))

    assert any("#gone7" in warning for warning in reading.warnings)


def test_raised_text_that_cites_nothing_is_unicode() -> None:
    reading = read_html(
        page(
            "<p>About 10<sup>3</sup> mm<sup>2</sup>, Ca<sup>2+</sup>, CO<sub>2</sub>, the 19<sup>th</sup>.</p>"
        )
    )

    assert reading.text == "About 10³ mm², Ca²⁺, CO2, the 19th."


# --- Reference lists ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "listed",
    [
        f"<h2>References</h2>{ORDERED}",
        f"<h3>Sources:</h3><div><div>{ORDERED}</div></div>",
        f'<div class="reflist">{ORDERED}</div>',
        f'<section id="references">{ORDERED}</section>',
        f"<details><summary>References</summary>{ORDERED}</details>",
        f"<div><button>Sources</button><div>{ORDERED}</div></div>",
        "<p><strong>References</strong></p>"
        + "".join(f"<p>[{at}] {one}</p>" for at, one in enumerate(ENTRIES, 1)),
        "<h2>References</h2><p>" + "<br>".join(f"{at}. {one}" for at, one in enumerate(ENTRIES, 1)) + "</p>",
        "<h2>References</h2>" + "".join(f"<div>{at}. {one}</div>" for at, one in enumerate(ENTRIES, 1)),
        "<h2>References</h2><ul>"
        + "".join(f"<li>{at}. {one}</li>" for at, one in enumerate(ENTRIES, 1))
        + "</ul>",
        "<h2>References</h2><table>"
        + "".join(f"<tr><td>{at}.</td><td>{one}</td></tr>" for at, one in enumerate(ENTRIES, 1))
        + "</table>",
    ],
)
def test_a_list_is_found_by_its_heading_or_name(listed: str) -> None:
    reading = read_html(page(f"<p>There is pain [2].</p><p>And rest [3].</p>{listed}"))

    assert [one.number for one in reading.references] == [1, 2, 3]
    assert [one.year for one in reading.references] == [2001, 2002, 2003]
    assert markers(reading) == [("[2]", (2,)), ("[3]", (3,))]


def test_entries_are_found_by_what_leads_to_them_without_heading_or_name() -> None:
    entries = "".join(f'<p id="r{at}">{one}</p>' for at, one in enumerate(ENTRIES, 1))

    reading = read_html(page(f"<p>Pain [{link(1)}]. Rest [{link(3)}].</p><hr>{entries}<p>The end.</p>"))

    assert [one.number for one in reading.references] == [1, 2, 3]
    assert blocks(reading)[-1] == "The end."


def test_links_back_from_the_entries_are_dropped() -> None:
    entries = """<li id="n1"><span>^ <a href="#c1"><sup>a</sup></a> <a href="#c2"><sup>b</sup></a></span>
    Roe A. On pain. 2001.</li>
    <li id="n2"><a href="#c3">↑</a> Poe B. On rest. 2002. <a href="#c3">↩</a></li>"""
    body = """<p>Pain<sup id="c1"><a href="#n1">[1]</a></sup><sup id="c3"><a href="#n2">[2]</a></sup> and
    rest<sup id="c2"><a href="#n1">[1]</a></sup>.</p>"""

    reading = read_html(page(f'{body}<ol class="references">{entries}</ol>'))

    assert [one.text for one in reading.references] == ["Roe A. On pain. 2001.", "Poe B. On rest. 2002."]
    assert [numbers for _, numbers in markers(reading)] == [(1, 2), (1,)]


def test_notes_with_letters_are_text_and_do_not_disturb_the_numbers() -> None:
    body = f"""<p>Pain<sup><a href="#x1">[a]</a></sup> lasts [{link(1)}].</p><h2>Notes</h2><ol class="references">
    <li id="x1">By most counts.</li></ol><h2>References</h2>{LINKED}"""

    reading = read_html(page(body))

    assert [one.number for one in reading.references] == [1, 2, 3]
    assert "By most counts." in blocks(reading, "list_item")
    assert markers(reading) == [("[1]", (1,))]


def test_identifiers_are_taken_from_links_whose_labels_are_dropped() -> None:
    entry = """<li>Roe A. On pain. J Samples. 2001;1:2. [<a href="https://doi.org/10.1000/a.1">DOI</a>]
    [<a href="https://pubmed.ncbi.nlm.nih.gov/1234567/">PubMed</a>]</li>"""

    (reference,) = read_html(page(f"<p>Pain [1].</p><h2>References</h2><ol>{entry}</ol>")).references

    assert (reference.text, reference.doi, reference.pmid) == (
        "Roe A. On pain. J Samples. 2001;1:2.",
        "10.1000/a.1",
        "1234567",
    )


def test_a_list_that_goes_on_in_another_counts_on_from_its_start() -> None:
    reading = read_html(page(f'<p>Pain [4].</p><h2>References</h2><ol start="4">{ORDERED[4:]}'))

    assert [one.number for one in reading.references] == [4, 5, 6]


def test_numbers_are_those_that_the_markers_print() -> None:
    entries = '<ul class="references"><li id="r2">Poe B. On rest. 2002.</li><li id="r1">Roe A. On pain. 2001.</li></ul>'

    reading = read_html(page(f"<p>Pain [{link(1)}], rest [{link(2)}], salt [{link(1)}].</p>{entries}"))

    assert {one.number: one.year for one in reading.references} == {1: 2001, 2: 2002}


def test_text_after_the_list_is_kept() -> None:
    reading = read_html(
        page(f"<p>Pain [1].</p><h2>References</h2>{ORDERED}<h2>Appendix</h2><p>More text.</p>")
    )

    assert blocks(reading)[-2:] == ["Appendix", "More text."]


def test_a_list_outside_the_main_element_is_read() -> None:
    main = f"<main><h1>Pain</h1><p>{'Much text. ' * 9}[{link(2)}]</p></main>"
    body = f"{main}<section><h2>References</h2>{LINKED}</section>"

    reading = read_html(page(body))

    assert len(reading.references) == 3
    assert markers(reading) == [("[2]", (2,))]


# --- Structure ---------------------------------------------------------------------------------------


def test_headings_give_the_section_path_below_the_title() -> None:
    reading = read_html(
        page("<h1>Cramp</h1><h2>Care</h2><h3>Rest</h3><p>Sleep.</p><h2>Salt</h2><p>Little.</p>")
    )

    assert reading.title == "Cramp"
    assert [one.section for one in reading.blocks if one.kind == "paragraph"] == [("Care", "Rest"), ("Salt",)]


def test_lists_definitions_quotes_and_tables_become_blocks() -> None:
    body = """<ul><li>Stretch<ul><li>gently</li></ul>and often</li></ul><dl><dt>Cramp</dt><dd>a spasm</dd><dt>Rest</dt>
    <dd><p>sleep</p></dd></dl><blockquote><p>It hurts.</p></blockquote><table><caption>Doses</caption>
    <tr><th>Drug</th><th>Dose</th></tr><tr><td><p>Salt</p><p>plain</p></td><td></td></tr></table>"""

    reading = read_html(page(body))

    assert blocks(reading, "list_item") == ["Stretch", "gently", "and often", "Cramp: a spasm", "Rest: sleep"]
    assert [one.level for one in reading.blocks if one.kind == "list_item"][:3] == [0, 1, 0]
    assert blocks(reading, "paragraph") == ["It hurts.", "Doses"]
    assert blocks(reading, "table_row") == ["Drug | Dose", "Salt plain |"]


def test_a_table_that_only_places_things_is_no_table() -> None:
    reading = read_html(page("<table><tr><td><h2>Care</h2><p>Rest.</p></td></tr></table>"))

    assert [one.kind for one in reading.blocks] == ["heading", "paragraph"]


def test_two_line_breaks_part_paragraphs_and_one_does_not() -> None:
    reading = read_html(page("<div>One<br>line.<br><br>Another.</div>"))

    assert blocks(reading) == ["One line.", "Another."]


# --- Furniture ---------------------------------------------------------------------------------------

FURNITURE = [
    "<nav><p>Furniture</p></nav>",
    "<form><p>Furniture</p></form>",
    "<footer><p>Furniture</p></footer>",
    '<div role="navigation">Furniture</div>',
    '<div class="cookie-banner">Furniture</div>',
    '<div class="relatedPosts">Furniture</div>',
    '<div id="author-bio">Furniture</div>',
    '<ul><li><a href="/1">Furniture</a></li><li><a href="/2">Two</a></li><li><a href="/3">Three</a></li></ul>',
    "<p hidden>Furniture</p>",
    '<p aria-hidden="true">Furniture</p>',
    '<div style="color: red; display:none">Furniture</div>',
    '<aside><a href="/1">Furniture</a></aside>',
]


@pytest.mark.parametrize("furniture", FURNITURE)
def test_furniture_is_left_out_with_the_reason(furniture: str) -> None:
    reading = read_html(
        page(f"<h1>Cramp</h1><p>Rest helps most people.</p>{furniture}<p>So does water, in small sips.</p>")
    )

    assert "Furniture" not in reading.text
    assert any("Furniture" in one.text and one.reason for one in reading.omitted)
    assert blocks(reading, "paragraph") == ["Rest helps most people.", "So does water, in small sips."]


def test_what_stands_outside_the_main_element_is_left_out() -> None:
    reading = read_html(page("<p>Before.</p><main><p>Inside.</p></main><p>After.</p>"))

    assert reading.text == "Inside."
    assert [one.text for one in reading.omitted] == ["Before.", "After."]


@pytest.mark.parametrize(
    "body",
    [
        '<div class="content-with-sidebar"><h1>Cramp</h1><p>Kept text.</p></div>',
        "<p>Common causes are:</p><ul><li><a href='/1'>Kept text.</a></li>"
        "<li><a href='/2'>b</a></li><li><a href='/3'>c</a></li></ul>",
        "<article><header><h2>Care</h2></header><p>Kept text.</p></article>",
        "<article><aside><p>Kept text. It is a box of the article, in sentences.</p></aside>"
        "<p>More and more text.</p></article>",
        "<form id='aspnet'><h1>Cramp</h1><p>Kept text.</p></form>",
    ],
)
def test_text_is_not_taken_for_furniture(body: str) -> None:
    assert "Kept text." in read_html(page(body)).text


# --- What a page says of itself ----------------------------------------------------------------------


def test_metadata_comes_from_meta_elements_links_and_json() -> None:
    head = """<link rel="canonical" href="https://example.org/cramp"><link rel="license" href="https://example.org/by">
    <meta name="citation_doi" content="doi:10.1000/a.1"><meta name="citation_author" content="Ann Roe">
    <meta name="citation_author" content="Bo Poe">
    <meta property="article:published_time" content="2024-03-04T05:06:07Z">
    <script type="application/ld+json">{"@graph": [{"@type": "Article", "dateModified": "2025-01-02"}]}</script>"""

    metadata = read_html(page("<p>Text.</p>", head=head)).metadata

    assert metadata["url"] == "https://example.org/cramp"
    assert metadata["licence"] == "https://example.org/by"
    assert metadata["doi"] == "10.1000/a.1"
    assert metadata["authors"] == "Ann Roe; Bo Poe"
    assert (metadata["published"], metadata["last_updated"]) == ("2024-03-04", "2025-01-02")
    assert metadata["language"] == "en"


def test_the_title_is_the_heading_else_what_the_head_gives() -> None:
    head = '<meta property="og:title" content="From the head"><title>Window</title>'

    assert read_html(page("<h1>On the page</h1><p>x</p>", head=head)).title == "On the page"
    assert read_html(page("<p>x</p>", head=head)).title == "From the head"
    assert read_html(page("<p>x</p>", head="<title>Window</title>")).title == "Window"


# --- Encodings ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "warns"),
    [
        ("<p>Café – naïve</p>".encode(), False),
        ("\ufeff<p>Café – naïve</p>".encode(), False),
        ("\ufeff<p>Café – naïve</p>".encode("utf-16-le"), False),
        ("<p>Café – naïve</p>".encode("utf-16-be"), False),
        ('<meta charset="iso-8859-1"><p>Café – naïve</p>'.encode("cp1252"), False),
        ('<meta charset="utf-8"><p>Café – naïve</p>'.encode("cp1252"), True),
        ('<meta charset="iso-8859-1"><p>Café – naïve</p>'.encode(), True),
        ("<p>Ca\0fé – naïve</p>".encode(), True),
    ],
)
def test_any_encoding_is_read_and_a_wrong_declaration_reported(data: bytes, warns: bool) -> None:
    reading = read_html(data)

    assert reading.text == "Café – naïve"
    assert bool(reading.warnings) == warns


# --- Hostile and broken ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"<html><body><nav>Menu</nav><script>x()</script></body></html>", "no text"),
        (b"<p>" + b"\0" * 500 + b"x", "NULs"),
        (b"<div>" * 100_000 + b"deep", "deep"),
        (b'<!DOCTYPE html [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><p>&c;</p>', "entities of its own"),
        (b"x" * 32_000_001, "32,000,001 bytes"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(data: bytes, said: str) -> None:
    with pytest.raises(UnreadableDocumentError, match=said):
        read_html(data)


def test_deep_nesting_that_a_parser_bears_is_read() -> None:
    reading = read_html(page("<div>" * 1_500 + "Deep." + "</div>" * 1_500))

    assert reading.text == "Deep."


def test_unclosed_elements_do_not_lose_text() -> None:
    assert blocks(read_html(b"<body><h1>Cramp<p>One <b>two<p>three<ul><li>four<li>five")) == [
        "Cramp",
        "One two",
        "three",
        "four",
        "five",
    ]


def test_html_is_recognised_by_content_whatever_the_name() -> None:
    assert read_document(page("<p>Recognised.</p>"), name="article.txt").text == "Recognised."


TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn"), exclude_characters="<&"), max_size=8
)
TREES = st.recursive(
    TEXTS | st.integers(1, 3).map(link) | st.just(LINKED) | st.just("<h2>References</h2>"),
    lambda inner: st.builds(
        "<{0}>{1}</{0}>".format,
        st.sampled_from(
            [
                "p",
                "div",
                "sup",
                "a",
                "li",
                "ul",
                "dl",
                "dt",
                "dd",
                "table",
                "tr",
                "td",
                "b",
                "h1",
                "h2",
                "br",
                "q",
            ]
        ),
        st.lists(inner, max_size=4).map("".join),
    ),
    max_leaves=14,
)


@settings(max_examples=80, deadline=None)
@given(TREES)
def test_blocks_cover_all_text_and_citations_stay_inside_the_list(body: str) -> None:
    reading = read_html(page(f"<p>Start.</p>{body}"))

    end = 0
    for block in reading.blocks:
        assert block.start >= end
        assert not reading.text[end : block.start].strip()
        end = block.end
    assert not reading.text[end:].strip()
    for citation in reading.citations:
        assert set(citation.numbers) <= {one.number for one in reading.references}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text("abcdefgh", min_size=3, max_size=9), min_size=1, max_size=12))
def test_no_word_of_the_body_is_lost(words: list[str]) -> None:
    tags = ["p", "li", "td", "h2", "dd", "div", "blockquote", "span", "b"]
    body = "".join(f"<{tags[at % 9]}>{word}</{tags[at % 9]}> " for at, word in enumerate(words))

    text = read_html(page(body)).text

    assert all(word in text for word in words)
