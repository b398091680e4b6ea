"""Question sets: reading judged questions, and the ordinary questions that no health article answers."""

import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from ingest.errors import CorpusError


@dataclass(frozen=True, slots=True)
class JudgedQuestion:
    """One line of a question set (design section 9).

    Args:
        refs: Acceptable reference numbers; 0 is the article.
        nuggets: All groups must be shown; a group is shown when any of its patterns matches.
        notice: Kind of the notice that the question must get, None for none.
    """

    id: str
    question: str
    kind: str
    answerable: bool
    refs: tuple[int, ...] = ()
    nuggets: tuple[tuple[str, ...], ...] = ()
    notice: str | None = None


def read_questions(path: Path) -> list[JudgedQuestion]:
    """Read a question set in JSON Lines.

    Raises:
        CorpusError: If a line is not such a question; the message names file and line.
    """
    questions = []
    for at, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
            fields["refs"] = tuple(fields.get("refs", ()))
            fields["nuggets"] = tuple(tuple(group) for group in fields.get("nuggets", ()))
            questions.append(JudgedQuestion(**fields))
        except (ValueError, TypeError) as error:
            raise CorpusError(
                f"{path}, line {at}: {error}. Correct the line; README names the fields."
            ) from error
    return questions


def offtopic_questions() -> list[str]:
    """Return everyday questions that no health article answers, one per line of the packaged list."""
    lines = files("answer").joinpath("offtopic_questions.txt").read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]
