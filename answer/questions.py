"""Question sets: reading judged questions, and the ordinary questions that no health article answers."""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from ingest.errors import CorpusError


@dataclass(frozen=True, slots=True)
class JudgedQuestion:
    """One line of a question set (design section 9).

    Args:
        refs: Acceptable reference numbers; 0 is the article.
        nuggets: All groups must be shown; a group is shown when any of its patterns matches.
        notice: Kind of the notice that the question must get, None for none.
    """

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)

    id: str
    question: Annotated[str, Field(pattern=r"\S")]
    kind: str
    answerable: bool
    refs: tuple[int, ...] = ()
    nuggets: tuple[tuple[str, ...], ...] = ()
    notice: str | None = None


_QUESTION = TypeAdapter(JudgedQuestion)


def read_questions(path: Path) -> list[JudgedQuestion]:
    """Read a question set in JSON Lines.

    Raises:
        CorpusError: If a line is not such a question; the message names file and line.
    """
    questions = []
    # Not `splitlines`: JSON allows other separators, such as U+2028, within a string.
    for at, line in enumerate(path.read_bytes().split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            questions.append(_QUESTION.validate_json(line))
        except ValidationError as error:
            reasons = "; ".join(
                f"{'.'.join(map(str, each['loc'])) or 'the line'}: {each['msg']}" for each in error.errors()
            )
            raise CorpusError(
                f"{path}, line {at}: {reasons}. Correct the line; README names the fields."
            ) from error
    return questions


def read_judged(corpus_dir: Path) -> list[JudgedQuestion]:
    """Return the judged questions of a corpus, those of questions/*.jsonl; none where there are none.

    Raises:
        CorpusError: If a line is not such a question; the message names file and line.
    """
    paths = sorted((corpus_dir / "questions").glob("*.jsonl"))
    return [question for path in paths for question in read_questions(path)]


def offtopic_questions() -> list[str]:
    """Return everyday questions that no health article answers, one per line of the packaged list."""
    lines = files("answer").joinpath("offtopic_questions.txt").read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]
