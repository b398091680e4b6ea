"""One numbered bibliography per index: what gets which number, and that no number changes its meaning."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ingest.bibliography import DocumentReferences, Ledger, Numbering, number_references
from ingest.errors import BibliographyError
from ingest.records import Reference
from ingest.references import parse_reference

TITLES = (
    "Night cramps in nurses",
    "Salt and water in the calf",
    "Does stretching before sleep help",
    "Magnesium for pregnant rowers",
    "Cold rooms and stiff backs",
    "Hypokalaemia in divers",
    "Hyperkalaemia in divers",
    "A history of liniment, part I",
    "A history of liniment, part II",
)


def work(
    which: int, number: int = 1, *, doi: bool = True, pmid: bool = False, **changes: object
) -> Reference:
    """A printed entry of one of a few works that differ in title; all by one author in one year."""
    title = TITLES[which]
    text = f"Ames B. {title}. Limb 2004."
    made = Reference(number, text, title=title, authors=("Ames B",), year=2004)
    if doi:
        made = replace(made, doi=f"10.5555/limb.{which}", text=f"{text} doi:10.5555/limb.{which}")
    if pmid:
        made = replace(made, pmid=f"100{which}", text=f"{made.text} PMID: 100{which}")
    return replace(made, **changes)  # type: ignore[arg-type]


def printed_list(doc_id: str, *references: Reference) -> DocumentReferences:
    return DocumentReferences(doc_id, references)


def number(
    *lists: DocumentReferences, pinned: tuple[Reference, ...] = (), ledger: Ledger | None = None
) -> Numbering:
    return number_references(pinned, lists, ledger or Ledger())


def test_the_first_articles_own_numbers_are_kept() -> None:
    numbering = number(printed_list("a", work(0, 2), work(1, 5), work(2, 1)))

    assert numbering.numbers == {"a": {2: 2, 5: 5, 1: 1}}
    assert [entry.number for entry in numbering.entries] == [1, 2, 5]


def test_a_later_article_gets_the_known_number_for_what_is_known_and_the_next_free_one_for_the_rest() -> None:
    numbering = number(
        printed_list("a", work(0, 1), work(1, 2), work(2, 7)),
        printed_list("b", work(3, 1), work(1, 2), work(4, 3)),
    )

    assert numbering.numbers["b"] == {1: 8, 2: 2, 3: 9}
    assert numbering.ambiguities == ()


@pytest.mark.parametrize(
    "other",
    [
        work(0, 4, title="Another wording of night cramps for nurses", text="a"),
        work(0, 4, doi=False, text="b"),
        work(0, 4, doi=False, title="Night cramps in  NURSES.", text="c"),
        work(0, 4, doi=False, title="Night cramsp in nurses", text="d"),
        work(0, 4, doi=False, authors=("Ames BC", "Cole D"), text="e"),
    ],
)
def test_the_same_work_is_known_by_doi_or_by_title_first_author_and_year(other: Reference) -> None:
    numbering = number(printed_list("a", work(0, 1), work(1, 2)), printed_list("b", other))

    assert numbering.numbers["b"] == {4: 1}


@pytest.mark.parametrize(
    "other",
    [
        work(0, doi=False, year=2005),
        work(0, doi=False, year=None),
        work(0, doi=False, authors=("Cole D",)),
        work(0, doi=False, authors=()),
        work(0, doi=False, title="Night cramps in nurses and other workers of the ward"),
    ],
)
def test_another_year_author_or_title_is_another_work(other: Reference) -> None:
    numbering = number(printed_list("a", work(0, 1)), printed_list("b", replace(other, text="other")))

    assert numbering.numbers["b"] == {1: 2}


@pytest.mark.parametrize(("one", "other"), [(5, 6), (7, 8)])
def test_titles_that_differ_in_a_numeral_or_an_opposed_word_are_never_one(one: int, other: int) -> None:
    numbering = number(
        printed_list("a", work(one, 1, doi=False)), printed_list("b", work(other, 1, doi=False))
    )

    assert numbering.numbers["b"] == {1: 2}


def test_what_is_learnt_of_a_work_is_used_to_know_it_again() -> None:
    numbering = number(
        printed_list("a", work(0, 1, doi=False)),
        printed_list("b", work(0, 1, pmid=True)),
        printed_list("c", Reference(1, "Ames. PMID: 1000", pmid="1000")),
    )

    assert numbering.numbers["c"] == {1: 1}
    assert numbering.entries[0].doi == "10.5555/limb.0"


def test_the_same_title_under_another_doi_is_kept_apart_and_reported() -> None:
    other = replace(work(0, 3), doi="10.5555/else", text="else")

    numbering = number(printed_list("a", work(0, 1)), printed_list("b", other))

    assert numbering.numbers["b"] == {3: 2}
    assert len(numbering.ambiguities) == 1
    assert "reference 1" in numbering.ambiguities[0]


def test_one_doi_with_an_unrelated_title_is_kept_apart_and_reported() -> None:
    wrong = replace(work(3, 3), doi="10.5555/limb.0", text="Ames B. Magnesium. doi:10.5555/limb.0")

    numbering = number(
        printed_list("a", work(0, 1)), printed_list("b", wrong), printed_list("c", work(0, 1, text="x"))
    )

    assert numbering.numbers == {"a": {1: 1}, "b": {3: 2}, "c": {1: 1}}
    assert any("an identifier in common with reference 1" in one for one in numbering.ambiguities)


def test_identifiers_of_two_different_works_are_reported_and_none_is_picked() -> None:
    mixed = Reference(1, "Mixed", title=TITLES[0], doi="10.5555/limb.0", pmid="1001")

    numbering = number(printed_list("a", work(0, 1), work(1, 2, pmid=True)), printed_list("b", mixed))

    assert numbering.numbers["b"] == {1: 3}
    assert "references 1 and 2" in numbering.ambiguities[0]
    assert any("references 1 and 2" in problem for problem in numbering.entries[2].problems)


def test_the_same_statement_in_two_journals_is_two_works() -> None:
    one = work(0, 1, doi=False, volume="12", pages="3-9")
    other = work(0, 1, doi=False, volume="88", pages="401-7", text="in another journal")

    assert number(printed_list("a", one), printed_list("b", other)).numbers["b"] == {1: 2}


def two_alike() -> tuple[DocumentReferences, DocumentReferences]:
    """Two works of one title, author and year under different DOIs, and an entry that could be either."""
    return (
        printed_list("a", work(0, 1), replace(work(0, 2), doi="10.5555/twin", text="twin"), work(1, 3)),
        printed_list("b", work(0, 1, doi=False, text="either")),
    )


def test_an_entry_that_two_match_gets_its_own_number_and_is_reported() -> None:
    numbering = number(*two_alike())

    assert numbering.numbers["b"] == {1: 4}
    assert any("Reference 4" in one and "references 1 and 2" in one for one in numbering.ambiguities)


def test_an_ambiguous_entry_finds_its_own_number_again_and_stays_reported() -> None:
    first = number(*two_alike())

    again = number(*two_alike(), ledger=first.ledger)

    assert again == first
    assert number(*two_alike()[::-1], ledger=first.ledger).numbers == first.numbers


def test_entries_of_one_list_that_agree_share_a_number_and_a_problem_says_so() -> None:
    numbering = number(printed_list("a", work(0, 1), work(1, 2), work(0, 3)))

    assert numbering.numbers["a"] == {1: 1, 2: 2, 3: 1}
    assert "It stands more than once in the list of a: as [1] and [3]." in numbering.entries[0].problems


def test_entries_of_one_list_that_differ_never_share_a_number() -> None:
    other = work(0, 2, title="Night cramps in nurses: a trial", text="other")

    numbering = number(printed_list("a", work(0, 1), other))

    assert numbering.numbers["a"] == {1: 1, 2: 2}
    assert any("different entry" in one for one in numbering.ambiguities)


def test_a_printed_number_before_two_works_is_not_resolved_but_reported() -> None:
    numbering = number(printed_list("a", work(0, 1), work(1, 2), work(2, 2)))

    assert numbering.numbers["a"] == {1: 1}
    assert [entry.title for entry in numbering.entries] == [TITLES[0], TITLES[1], TITLES[2]]
    assert any("prints the number 2 before references 2 and 3" in one for one in numbering.ambiguities)


def test_a_printed_number_before_the_same_work_twice_is_resolved() -> None:
    assert number(printed_list("a", work(0, 1), work(0, 1))).numbers["a"] == {1: 1}


def test_a_clash_in_the_first_article_does_not_push_its_other_numbers_aside() -> None:
    numbering = number(printed_list("a", work(1, 1), work(2, 2), work(3, 3)), pinned=(work(0, 1),))

    assert numbering.numbers["a"] == {1: 4, 2: 2, 3: 3}


def test_entries_that_say_too_little_are_known_in_their_own_document_only() -> None:
    ibid = Reference(2, "Ibid.")
    lists = (printed_list("a", work(0, 1), ibid, replace(ibid, number=3)), printed_list("b", ibid))

    first = number(*lists)

    assert first.numbers == {"a": {1: 1, 2: 2, 3: 3}, "b": {2: 4}}
    assert number(*lists, ledger=first.ledger).numbers == first.numbers


def test_a_number_is_not_given_again_when_its_document_is_gone() -> None:
    first = number(printed_list("a", work(0, 1)), printed_list("b", work(1, 1), work(2, 2)))
    without_b = number(printed_list("a", work(0, 1)), printed_list("c", work(3, 1)), ledger=first.ledger)

    assert without_b.numbers["c"] == {1: 4}
    assert [entry.number for entry in without_b.entries] == [1, 4]


def test_a_reference_that_comes_back_gets_its_old_number() -> None:
    first = number(printed_list("a", work(0, 1)), printed_list("b", work(1, 1), work(2, 2)))
    without_b = number(printed_list("a", work(0, 1)), printed_list("c", work(3, 1)), ledger=first.ledger)
    back = number(printed_list("d", work(2, 9, doi=False, text="new print")), ledger=without_b.ledger)

    assert back.numbers["d"] == {9: 3}


def test_pinned_entries_are_in_the_bibliography_whether_or_not_they_are_listed() -> None:
    numbering = number(printed_list("a", work(0, 1)), pinned=(work(0, 4), work(1, 2)))

    assert numbering.numbers["a"] == {1: 4}
    assert [entry.number for entry in numbering.entries] == [2, 4]


def test_pinned_data_win_over_what_is_printed_and_what_is_missing_is_filled_in() -> None:
    pinned = work(0, 4, year=2005, container="Limb", text="pinned")
    printed = work(0, 1, container="Lmb", pages="3-9", problems=("Printed without its month.",))

    numbering = number(printed_list("a", printed), pinned=(pinned,))

    assert numbering.entries == (replace(pinned, pages="3-9", problems=("Printed without its month.",)),)


def test_a_correction_of_what_a_document_prints_is_told_in_the_bibliography() -> None:
    printed = parse_reference(
        "Ames, B. (2004). Night cramps in nurses. Limb, 1, 2. https://doi.org/5555/limb.0", 3
    )

    numbering = number(printed_list("a", printed), pinned=(work(0, 3),))

    assert numbering.entries[0].doi == "10.5555/limb.0"
    assert any("without its leading “10.”" in problem for problem in numbering.entries[0].problems)


def test_a_field_that_only_one_print_lacks_is_no_problem_of_the_bibliography() -> None:
    printed = parse_reference("Ames B. Night cramps in nurses. doi:10.5555/limb.0", 3)
    assert "No year could be read from the printed entry." in printed.problems

    numbering = number(printed_list("a", printed), printed_list("b", work(0, 1)))

    assert numbering.entries[0].year == 2004
    assert "No year could be read from the printed entry." not in numbering.entries[0].problems


def test_pinning_a_number_that_was_given_to_something_else_is_refused_with_the_next_free_one() -> None:
    ledger = number(printed_list("a", work(0, 1), work(1, 2))).ledger

    with pytest.raises(BibliographyError, match=r"gives number 2 .* was given to .* next free one is 3"):
        number(pinned=(work(2, 2),), ledger=ledger)


def test_pinning_a_work_under_a_second_number_is_refused() -> None:
    ledger = number(printed_list("a", work(0, 1), work(1, 2))).ledger

    with pytest.raises(BibliographyError, match="Give it 2 in the manifest"):
        number(pinned=(work(1, 7),), ledger=ledger)


@pytest.mark.parametrize("second", [work(1, 1), work(0, 2)])
def test_pinning_one_number_or_one_work_twice_is_refused(second: Reference) -> None:
    with pytest.raises(BibliographyError, match="two entries"):
        number(pinned=(work(0, 1), second))


def test_an_editor_may_correct_the_data_of_a_number() -> None:
    ledger = number(printed_list("a", work(0, 1)), pinned=(work(0, 1),)).ledger
    corrected = replace(work(0, 1), doi="10.5555/right", text="corrected", pmid="77")

    numbering = number(printed_list("a", work(0, 1)), pinned=(corrected,), ledger=ledger)

    assert numbering.numbers["a"] == {1: 1}
    assert numbering.entries[0].doi == "10.5555/right"
    assert number(printed_list("b", replace(corrected, number=8, text="y")), ledger=numbering.ledger).numbers[
        "b"
    ] == {8: 1}


def test_another_doi_under_a_title_that_only_begins_alike_is_no_correction() -> None:
    ledger = number(printed_list("a", work(0, 1))).ledger
    other = replace(work(0, 1), title="Night cramps in nurses and in sailors", doi="10.5555/x", text="x")

    with pytest.raises(BibliographyError):
        number(pinned=(other,), ledger=ledger)


def test_a_page_is_known_again_by_its_address_and_title() -> None:
    page = Reference(1, "Cramps. Limb Clinic.", title="Cramps", url="https://www.example.org/cramps/")
    again = Reference(3, "Limb Clinic: Cramps", title="Cramps", url="http://example.org/cramps#top")
    other = Reference(4, "Limb Clinic: Spasms", title="Spasms", url="http://example.org/cramps")

    assert number(printed_list("a", page), printed_list("b", again, other)).numbers["b"] == {3: 1, 4: 2}


def test_two_lists_of_one_document_are_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="more than one reference list"):
        number(printed_list("a"), printed_list("a"))


def test_the_ledger_survives_a_round_trip_through_json() -> None:
    ledger = number(*two_alike(), pinned=(work(4, 9),)).ledger

    assert Ledger.from_json(ledger.to_json()) == ledger
    assert Ledger.from_json(ledger.to_json()).to_json() == ledger.to_json()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"format": 2, "numbers": []}',
        '{"format": 1, "numbers": [{"number": 1}]}',
        '{"format": 1, "numbers": [{"number": "1", "text": "a", "prints": []}]}',
        '{"format": 1, "numbers": [{"number": 1, "text": "a", "prints": [], "colour": "red"}]}',
        '{"format": 1, "numbers": [{"number": 1, "text": "a", "prints": ["x"]},'
        ' {"number": 2, "text": "b", "prints": ["x"]}]}',
        '{"format": 1, "numbers": [{"number": 2, "text": "a", "prints": []},'
        ' {"number": 1, "text": "b", "prints": []}]}',
    ],
)
def test_a_damaged_ledger_is_refused_and_says_what_to_do(text: str) -> None:
    with pytest.raises(BibliographyError, match=r"(?i)restore"):
        Ledger.from_json(text)


def twin(number: int) -> Reference:
    """Another work of the same title, first author and year as work 0."""
    return replace(
        work(0, number), doi="10.5555/twin", text="Ames B. Night cramps in nurses. doi:10.5555/twin"
    )


entry_strategy = st.one_of(
    st.builds(
        work, st.integers(0, len(TITLES) - 1), st.integers(1, 12), doi=st.booleans(), pmid=st.booleans()
    ),
    st.builds(twin, st.integers(1, 12)),
)


@settings(max_examples=60)
@given(st.lists(st.lists(entry_strategy, max_size=6), max_size=4), st.randoms(use_true_random=False))
def test_numbers_of_known_entries_do_not_depend_on_the_order_of_documents(
    contents: list[list[Reference]], chance: object
) -> None:
    lists = [printed_list(f"d{place}", *references) for place, references in enumerate(contents)]
    first = number(*lists)
    shuffled = list(lists)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]

    again = number(*shuffled, ledger=first.ledger)

    assert dict(again.numbers) == dict(first.numbers)
    assert {one.number for one in again.entries} == {one.number for one in first.entries}


class Rebuilding(RuleBasedStateMachine):
    """Documents come, change and go in any order; the ledger is handed from build to build as JSON."""

    def __init__(self) -> None:
        super().__init__()
        self.documents: dict[str, tuple[Reference, ...]] = {}
        self.pinned: tuple[Reference, ...] = ()
        self.ledger = Ledger().to_json()
        self.meanings: dict[int, str | None] = {}
        self.dois: dict[int, str] = {}
        self.prints: dict[str, int] = {}

    @initialize(count=st.integers(0, 3))
    def pin(self, count: int) -> None:
        self.pinned = tuple(work(which, which + 1) for which in range(count))
        self.build()

    @rule(doc_id=st.sampled_from("abcd"), references=st.lists(entry_strategy, max_size=6))
    def put(self, doc_id: str, references: list[Reference]) -> None:
        self.documents.pop(doc_id, None)
        self.documents[doc_id] = tuple(references)
        self.build()

    @rule(doc_id=st.sampled_from("abcd"))
    def remove(self, doc_id: str) -> None:
        self.documents.pop(doc_id, None)
        self.build()

    @rule()
    def rebuild(self) -> None:
        self.build()

    def build(self) -> None:
        lists = [DocumentReferences(doc_id, references) for doc_id, references in self.documents.items()]
        before = Ledger.from_json(self.ledger)
        numbering = number_references(self.pinned, lists, before)
        self.check_ledger(before, numbering.ledger)
        for doc_id, references in self.documents.items():
            for reference in references:
                given_number = numbering.numbers[doc_id].get(reference.number)
                if given_number is not None:
                    self.check_meaning(reference, given_number)
        assert number_references(self.pinned, lists, before) == numbering
        settled = number_references(self.pinned, lists, numbering.ledger)
        assert settled.numbers == numbering.numbers
        self.ledger = numbering.ledger.to_json()

    def check_ledger(self, before: Ledger, after: Ledger) -> None:
        grown = {record.number: record for record in after.records}
        for record in before.records:
            assert record.prints <= grown[record.number].prints
            assert grown[record.number].identity.title == record.identity.title
            assert record.identity.doi in (None, grown[record.number].identity.doi)
            assert grown[record.number].note == record.note

    def check_meaning(self, reference: Reference, given_number: int) -> None:
        assert self.meanings.setdefault(given_number, reference.title) == reference.title
        assert self.prints.setdefault(reference.text, given_number) == given_number
        if reference.doi is not None:
            assert self.dois.setdefault(given_number, reference.doi) == reference.doi

    @invariant()
    def no_number_is_lost(self) -> None:
        assert set(self.meanings) <= {record.number for record in Ledger.from_json(self.ledger).records}


TestRebuilding = Rebuilding.TestCase
TestRebuilding.settings = settings(max_examples=40, stateful_step_count=15)
