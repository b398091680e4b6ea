from pathlib import Path

import pytest

from answer.questions import JudgedQuestion, offtopic_questions, read_questions
from ingest.errors import CorpusError

LINE = '{"id": "q1", "question": "What helps?", "kind": "lookup", "answerable": true}'


def write(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "set.jsonl"
    path.write_bytes("\n".join(lines).encode())
    return path


def test_a_question_is_read_with_its_references_and_patterns(tmp_path: Path) -> None:
    line = (
        '{"id": "q1", "question": "Cold or warm?", "kind": "compare", "answerable": true, "refs": [0, 2], '
        '"nuggets": [["cold", "ice"], ["warm"]], "notice": "urgent_care"}'
    )

    assert read_questions(write(tmp_path, line)) == [
        JudgedQuestion(
            "q1", "Cold or warm?", "compare", True, (0, 2), (("cold", "ice"), ("warm",)), "urgent_care"
        )
    ]


def test_what_is_optional_may_be_missing_and_empty_lines_are_none(tmp_path: Path) -> None:
    (question,) = read_questions(write(tmp_path, "", LINE, "  ", ""))

    assert (question.refs, question.nuggets, question.notice) == ((), (), None)


def test_only_a_line_feed_ends_a_line(tmp_path: Path) -> None:
    separators = "\u2028\u2029\x85\x0c".replace("\x0c", "")
    (question,) = read_questions(write(tmp_path, LINE.replace("What helps?", f"What{separators}helps?")))

    assert question.question == f"What{separators}helps?"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "the line: Invalid JSON"),
        ("5", "the line"),
        ("[1, 2]", "the line"),
        (LINE.replace('"kind": "lookup", ', ""), "kind: Field required"),
        (LINE.replace("true", '"yes"'), "answerable: Input should be a valid boolean"),
        (LINE.replace('"What helps?"', "7"), "question: Input should be a valid string"),
        (LINE.replace("What helps?", "   "), "question: String should match"),
        (LINE.replace("}", ', "refs": "12"}'), "refs: Input should be a valid"),
        (LINE.replace("}", ', "refs": ["1"]}'), "refs.0: Input should be a valid integer"),
        (LINE.replace("}", ', "nuggets": ["cold"]}'), "nuggets.0: Input should be a valid"),
        (LINE.replace("}", ', "nugets": []}'), "nugets: Unexpected keyword argument"),
    ],
)
def test_a_line_that_is_no_question_is_named_with_its_fault(tmp_path: Path, line: str, message: str) -> None:
    path = write(tmp_path, LINE, line)

    with pytest.raises(CorpusError) as raised:
        read_questions(path)
    assert f"{path}, line 2: " in str(raised.value)
    assert message in str(raised.value)


def test_a_file_that_is_no_text_is_an_error_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "set.jsonl"
    path.write_bytes(b'{"id": "\xff"}')

    with pytest.raises(CorpusError, match="line 1: the line: Invalid JSON"):
        read_questions(path)


def test_the_everyday_questions_are_many_different_and_questions() -> None:
    questions = offtopic_questions()

    assert len(questions) >= 50
    assert len({question.lower() for question in questions}) == len(questions)
    assert not any(question.startswith("#") or question != question.strip() for question in questions)
