"""Plain text: copied pages of several shapes, and texts written as such."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import UnreadableDocumentError
from ingest.readers.plain_text import read_plain_text
from ingest.readers.reading import Reading
from ingest.records import Document

NEWS_PAGE = """\
We use cookies to give you the best experience on our site. By clicking accept you agree to our use of cookies.
Accept all
Reject all

Skip to content
Menu
Home
News
Health
Sport

Night-time leg cramps: what doctors now recommend
By Paula Brandt
12 March 2023
Share
Save

Leg cramps at night wake up to a third of people over 60, a new survey suggests. Most can be eased at home.

Advertisement

Stretching helps
A short calf stretch before bed cut the number of cramps by half in one small trial, the researchers say.

Related: Why your legs twitch after a run

Dr Omar Haddad, a neurologist, said people should see a doctor if cramps come with weakness.

Advertisement

What not to do
Do not take quinine without a prescription. It can cause serious bleeding problems in some people.

Related articles
Five foods rich in magnesium
How much water is enough
The truth about salt tablets

More from Health
Sleep and the over-60s
Hip pain explained

Follow us on
Facebook
Twitter
Instagram

© 2023 Harbour News Group. All rights reserved.
Privacy policy
Terms of use
"""

CLINIC_PAGE = """\
Lakeside Physiotherapy

Home
Services
Prices
Contact

Frozen shoulder

Frozen shoulder is a condition in which the shoulder becomes stiff and painful over several months.

Symptoms

• Pain at night
• Stiffness
• Trouble dressing

How we treat it

We start with gentle exercises and heat. If pain stays severe, your doctor may offer a steroid injection.

When should I come in?

Come in if pain has lasted longer than three weeks or if you cannot lift your arm at all.

Book an appointment
Call us: 01632 960 123
hello@lakeside-physio.example

Opening hours
Mon-Fri 8-18

© 2024 Lakeside Physiotherapy
Privacy policy
"""

WRAPPED_DIGEST = """\
Restless legs: a digest

Restless legs syndrome is an urge to move the legs that comes on at rest
and eases with movement. It is commonest in the evening and it often keeps
people from falling asleep. About one person in twenty has it.

Iron stores should be checked first, because low ferritin makes symptoms
worse in many patients. Where ferritin is below 75 micrograms per litre, a
trial of iron is reasonable:

  - take iron with vitamin C,
  - avoid tea within two hours of the dose, since tannins keep the iron from
    being absorbed,
  - repeat the blood test after three months.

Drugs are for severe cases only. Gabapentin helps some, but it makes people
drowsy.

Best wishes,
Tom Ferris
tom@ferris.example
Tel. 01632 960 555
"""

ARTICLE_WITH_APPENDIX = """\
Vitamin D and muscle strength

Vitamin D supports muscle function in older adults [1]. Deficiency is common in winter [2, 3].

2 Methods

2.1 Search

We searched two databases and read every abstract twice [1].

2.2 Analysis

Effects were pooled with a random-effects model. Mean age was 71 [65, 80] years.

References

1. Alder P, Birch Q. Sunlight and strength. J Invented Med. 2011;4(2):10-19.
2. Cedar R. Winter levels. Arch Fict. 2015;9:1-4.
3. Dogwood S, Elm T. A survey of clinics. Imag Health. 2018;33(1):77-80. doi:10.5555/ih.2018.33

Appendix A. Search terms

We used the terms vitamin D, cholecalciferol, muscle strength and falls in every combination.

Abbreviations

BMD: bone mineral density
RCT: randomised controlled trial

Acknowledgements

We thank the librarians of the town library for their patience.

Funding

None.
"""

RAISED_MARKERS = """\
Growing pains in children

Growing pains affect up to a third of children.¹ They come in the evening and are gone by morning.² The
cause isn’t known,¹⁻³ and a child of 20 kg/m² is as likely to have them.

What helps?

Massage and warmth help most children.²,³ Paracetamol may be used for bad nights.

Sources

1. Fir A. Limb pain at night. Child Health Q. 2009;1:5.
2. Gum B, Holly C. Warmth and massage. Fam Pract Imag. 2013;2:6.
3. Ivy D. Review of growing pains. Pediatr Fict. 2020;3:7.

Was this page helpful?
Yes
No

About the author
Lee Moss
Lee Moss writes about families and health for several magazines and lives by the sea.
"""

LETTER = """\
From: Nina Okafor
To: Practice list
Subject: Cramps in pregnancy
Date: 4 May 2022

Dear colleagues,

Several of you asked about leg cramps in pregnancy. Magnesium is often tried, but the trials disagree.

Please do not recommend quinine.

Best,
Nina
"""

LOST_BULLETS = """\
Heat exhaustion

Heat exhaustion happens when the body loses too much water and salt. Watch out for these signs:

Heavy sweating

Cold, pale and clammy skin

Fast, weak pulse

Muscle cramps

What to do

Move to a cool place and loosen tight clothes. Sip water slowly [1].

References

[1] Juniper K. Heat illness. Summer Med. 2016;8:12-15. https://example.org/heat
"""


def read(text: str) -> Reading:
    return read_plain_text(text.encode())


def texts(reading: Reading, kind: str | None = None) -> list[str]:
    return [reading.text[one.start : one.end] for one in reading.blocks if kind in (None, one.kind)]


def headings(reading: Reading) -> list[tuple[int, str]]:
    return [(one.level, reading.text[one.start : one.end]) for one in reading.blocks if one.kind == "heading"]


def omitted(reading: Reading) -> list[str]:
    return [omission.text for omission in reading.omitted]


# --- Copied pages ------------------------------------------------------------------------------------


def test_a_news_page_loses_its_banner_menu_advertisements_links_and_footer() -> None:
    reading = read(NEWS_PAGE)

    assert headings(reading) == [
        (1, "Night-time leg cramps: what doctors now recommend"),
        (2, "Stretching helps"),
        (2, "What not to do"),
    ]
    assert len(texts(reading, "paragraph")) == 4
    assert texts(reading)[-1].startswith("Do not take quinine")
    assert reading.metadata == {"authors": "Paula Brandt", "published": "2023-03-12"}
    everything = "\n".join([reading.text, *omitted(reading)])
    assert all(line.strip() in everything for line in NEWS_PAGE.split("\n"))


def test_a_clinic_page_without_references_loses_its_menu_and_its_contact_lines() -> None:
    reading = read(CLINIC_PAGE)

    assert reading.title == "Frozen shoulder"
    assert [heading for _, heading in headings(reading)] == [
        "Frozen shoulder",
        "Symptoms",
        "How we treat it",
        "When should I come in?",
    ]
    assert texts(reading, "list_item") == ["Pain at night", "Stiffness", "Trouble dressing"]
    assert texts(reading)[-1].startswith("Come in if pain")
    assert not reading.references
    assert not reading.citations


def test_an_appendix_and_other_back_matter_behind_the_references_stay() -> None:
    reading = read(ARTICLE_WITH_APPENDIX)

    assert [reference.number for reference in reading.references] == [1, 2, 3]
    assert [one.numbers for one in reading.citations] == [(1,), (2, 3), (1,)]
    kept = [heading for _, heading in headings(reading)]
    assert kept[-4:] == ["Appendix A. Search terms", "Abbreviations", "Acknowledgements", "Funding"]
    assert omitted(reading) == []


def test_numbered_headings_give_their_own_levels() -> None:
    reading = read(ARTICLE_WITH_APPENDIX)

    assert headings(reading)[1:4] == [(2, "2 Methods"), (3, "2.1 Search"), (3, "2.2 Analysis")]
    assert any(block.section == ("2 Methods", "2.1 Search") for block in reading.blocks)


def test_raised_markers_are_read_and_the_author_box_is_left_out() -> None:
    reading = read(RAISED_MARKERS)

    assert [one.numbers for one in reading.citations] == [(1,), (2,), (1, 2, 3), (2, 3)]
    assert texts(reading)[-1].startswith("3. Ivy D.")
    assert any("Lee Moss writes" in text for text in omitted(reading))


def test_a_list_that_lost_its_bullets_is_a_list() -> None:
    reading = read(LOST_BULLETS)

    assert texts(reading, "list_item") == [
        "Heavy sweating",
        "Cold, pale and clammy skin",
        "Fast, weak pulse",
        "Muscle cramps",
    ]
    assert headings(reading)[1] == (2, "What to do")


def test_a_table_of_contents_below_the_title_is_left_out() -> None:
    prose = "Heel pain is worst with the first steps in the morning and eases after some walking."
    reading = read(
        "Home > Feet > Heels\n\nHeel pain\n\nSymptoms\nCauses\nTreatment\n\n"
        f"Symptoms\n\n{prose}\n\nCauses\n\n{prose}\n\nTreatment\n\n{prose}\n"
    )

    assert headings(reading) == [(1, "Heel pain"), (2, "Symptoms"), (2, "Causes"), (2, "Treatment")]
    assert omitted(reading)[1:] == ["Symptoms", "Causes", "Treatment"]


# --- Texts written as such ---------------------------------------------------------------------------


def test_hard_wrapped_lines_become_paragraphs_and_nothing_is_left_out() -> None:
    reading = read(WRAPPED_DIGEST)

    assert texts(reading, "paragraph")[0].endswith(
        "keeps people from falling asleep. About one person in twenty has it."
    )
    assert texts(reading, "list_item")[1] == (
        "avoid tea within two hours of the dose, since tannins keep the iron from being absorbed,"
    )
    assert omitted(reading) == []


def test_a_letter_is_kept_whole() -> None:
    reading = read(LETTER)

    assert reading.title is None
    assert texts(reading) == [line for line in LETTER.split("\n") if line]
    assert omitted(reading) == []


@pytest.mark.parametrize("bullet", ["•", "-", "*", "–", "◦", "▪"])
def test_every_bullet_makes_an_item_and_indents_make_depth(bullet: str) -> None:
    reading = read(f"Heat\n\nDo this:\n\n{bullet} rest\n    {bullet} lie down\n{bullet} drink\n")

    items = [
        (one.level, reading.text[one.start : one.end]) for one in reading.blocks if one.kind == "list_item"
    ]
    assert items == [(0, "rest"), (1, "lie down"), (0, "drink")]


def test_numbered_and_lettered_items_keep_their_labels() -> None:
    reading = read("Heat\n\nDo this in order now.\n\n1. Rest.\n2. Drink.\n   a) water\n   b) tea\n")

    assert texts(reading, "list_item") == ["1. Rest.", "2. Drink.", "a) water", "b) tea"]


def test_a_line_with_a_colon_above_a_list_is_a_heading_one_level_down() -> None:
    reading = read(
        "Cramps\n\nCramps pass within minutes, and most people need no treatment for them at all.\n\n"
        "Treatment\n\nAt Home:\n\n- rest\n\nPrevention\n\nDrink enough water on hot days and stretch "
        "before you go to bed.\n"
    )

    assert headings(reading) == [(1, "Cramps"), (2, "Treatment"), (3, "At Home:"), (2, "Prevention")]
    assert [one.section for one in reading.blocks if one.kind == "list_item"] == [("Treatment", "At Home:")]


def test_a_clause_that_introduces_a_list_is_no_heading() -> None:
    reading = read("Cramps\n\nThe usual causes are:\n\n- thirst\n- strain\n")

    assert headings(reading) == [(1, "Cramps")]


def test_underlined_lines_are_headings_and_the_line_below_is_left_out() -> None:
    reading = read("Cramps\n======\n\nThey pass.\n\nCauses\n------\n\nThirst is one.\n")

    assert headings(reading) == [(1, "Cramps"), (2, "Causes")]
    assert omitted(reading) == ["======", "------"]


def test_rows_with_tabs_become_table_rows() -> None:
    reading = read("Doses\n\nThe usual doses are these.\n\nDrug\tDose\nIron\t5 mg\n\nThat is all.\n")

    assert texts(reading, "table_row") == ["Drug | Dose", "Iron | 5 mg"]


@pytest.mark.parametrize(
    "entries",
    [
        "[1] Fir A. Rest. 2001.\n[2] Gum B. Heat. 2002.",
        "1. Fir A. Rest. 2001.\n2. Gum B. Heat. 2002.",
        "1) Fir A. Rest. 2001.\n\n2) Gum B. Heat. 2002.",
        "Fir A. Rest. 2001.\n\nGum B. Heat. 2002.",
        "• Fir A. Rest. 2001.\n• Gum B. Heat. 2002.",
        "[1] Fir A. Rest. 2001.\nhttps://example.org/a\n\n[2] Gum B. Heat. 2002.",
    ],
)
@pytest.mark.parametrize("heading", ["References", "SOURCES:", "Bibliography\n"])
def test_a_reference_list_is_read_in_every_layout(heading: str, entries: str) -> None:
    reading = read(
        f"Cramps\n\nRest helps [1]. Heat helps too, if one likes it [2].\n\n{heading}\n{entries}\n"
    )

    assert [reference.number for reference in reading.references] == [1, 2]
    assert len(texts(reading, "reference")) == 2
    assert [one.numbers for one in reading.citations] == [(1,), (2,)]


def test_a_section_with_markers_behind_the_list_stays_among_furniture() -> None:
    reading = read(
        "Cramps\n\nRest helps [1].\n\nReferences\n\n[1] Fir A. Rest. 2001.\n\nShare this page\nFacebook\n\n"
        "Update\n\nA later trial agrees with the first one [1].\n\nFollow us\nTwitter\n© 2020 Fir\n"
    )

    assert texts(reading)[-2:] == ["Update", "A later trial agrees with the first one [1]."]
    assert {"Facebook", "Twitter", "© 2020 Fir"} <= set(omitted(reading))


def test_what_follows_the_list_stays_where_nothing_is_furniture() -> None:
    reading = read(
        "Cramps\n\nRest helps [1].\n\nReferences\n\n[1] Fir A. Rest. 2001.\n\nWhat comes next\n\n"
        "Two more trials are under way, and their results are expected within the next few years.\n"
    )

    assert texts(reading)[-1].startswith("Two more trials")
    assert omitted(reading) == []


# --- Encodings and errors ----------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_unicode_encodings_are_read_without_a_warning(encoding: str) -> None:
    reading = read_plain_text("Müde Waden\n\nRuhe hilft.".encode(encoding))

    assert (reading.title, reading.warnings) == ("Müde Waden", ())


def test_windows_1252_is_read_with_a_warning() -> None:
    reading = read_plain_text("Müde Waden – immer\n\nRuhe hilft.".encode("cp1252"))

    assert reading.title == "Müde Waden – immer"
    assert "Windows-1252" in reading.warnings[0]


@pytest.mark.parametrize(
    "data", [b"", b" \n\t\n", b"\xef\xbb\xbf", b"a\0b\0c", bytes(range(1, 9)) * 40, b"\xff\xfea"]
)
def test_what_is_empty_or_no_text_is_refused_with_advice(data: bytes) -> None:
    with pytest.raises(UnreadableDocumentError, match=r"[Ss]upply"):
        read_plain_text(data)


# --- Properties --------------------------------------------------------------------------------------

_LINES = st.sampled_from(
    [
        "",
        "",
        "Cramps",
        "Rest helps [1]. Heat does too.",
        "- item [2]",
        "  * deeper",
        "1. First",
        "References",
        "a\tb",
        "[1] Fir A. 2001.",
        "2. Gum B. 2002.",
        "Share",
        "© 2020",
        "Note:",
        "Was this helpful?",
        "5 years",
        "====",
        "é¹",
    ]
)


@given(st.one_of(st.text(max_size=400), st.lists(_LINES, max_size=30).map("\n".join)))
def test_whatever_the_text_is_it_makes_a_valid_document(text: str) -> None:
    try:
        reading = read_plain_text(text.encode(errors="ignore"))
    except UnreadableDocumentError:
        return
    document = Document(
        "d", "t", "article", "full_text", reading.text, reading.blocks, reading.references, reading.citations
    )

    numbers = {reference.number for reference in document.references}
    assert all(set(one.numbers) <= numbers for one in document.citations)
    assert len(document.references) == sum(block.kind == "reference" for block in document.blocks)


@given(st.lists(_LINES, min_size=1, max_size=30))
def test_every_visible_character_is_in_the_text_or_among_what_was_left_out(lines: list[str]) -> None:
    text = "\n".join(["Cramps pass.", *lines])
    reading = read(text)

    found = sorted("".join([reading.text, *omitted(reading)]))

    bullets = "-*|"
    expected = sorted(one for one in text if not one.isspace() and one not in bullets)
    assert [one for one in found if not one.isspace() and one not in bullets] == expected
