"""Reference numbers and quotations of a reply, checked against the documents they come from."""

from evaluation.outcomes import check_numbers, read_outcome
from tests.evaluation.replies import ARTICLE_TEXT, passage, reply, views


def faults(shown: dict[str, object]) -> tuple[str, ...]:
    return check_numbers(read_outcome(shown), views()).wrong


def test_a_right_reply_has_no_fault_and_every_part_of_it_is_checked() -> None:
    right = reply(passage("a1"), passage("a2"), passage("s1"), answer=(35, 76), answer_references=(2,))

    checked = check_numbers(read_outcome(right), views())

    assert checked.wrong == ()
    assert checked.checked == 3 + 1 + 1


def test_a_number_that_the_passage_does_not_cite_is_a_fault() -> None:
    (fault,) = faults(reply(passage("a1", references=[2])))

    assert "hay-fever 0–34 shows [2]" in fault
    assert "has [1]" in fault


def test_a_missing_number_is_a_fault() -> None:
    assert len(faults(reply(passage("a2", references=[])))) == 1


def test_a_source_that_shows_another_number_than_its_own_is_a_fault() -> None:
    assert len(faults(reply(passage("s1", references=[1, 2])))) == 1


def test_a_sentence_of_the_answer_with_its_neighbours_number_is_a_fault() -> None:
    wrong = reply(passage("a1"), answer=(35, 76), answer_references=(1,))

    assert len(faults(wrong)) == 1


def test_words_that_do_not_stand_there_are_a_fault() -> None:
    (fault,) = faults(reply(passage("a1", text=ARTICLE_TEXT[:34].replace("pollen", "dust"))))

    assert "not what its document says" in fault


def test_a_list_of_references_with_one_too_many_is_a_fault() -> None:
    (fault,) = faults(reply(passage("a1"), references=[{"number": 1}, {"number": 2}]))

    assert "lists references [1, 2]" in fault
