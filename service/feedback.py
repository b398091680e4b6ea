"""What readers said of replies: whether they helped, and nothing that tells who asked what unless switched on."""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from ingest.durable_files import make_folder
from ingest.errors import CitewellError
from service.job_store import utc_now

__all__ = ["FeedbackError", "FeedbackStore"]

#: Strangers may send any number; the oldest give way.
MAX_KEPT = 100_000
_NAME = "feedback.sqlite"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS feedback (
    place INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, helpful INTEGER NOT NULL, version TEXT NOT NULL,
    passage_ids TEXT NOT NULL, question TEXT
)
"""


class FeedbackError(CitewellError):
    """Feedback cannot be stored."""


class FeedbackStore:
    """A file of feedback; safe to use from several threads."""

    def __init__(self, folder: Path, *, with_questions: bool, max_kept: int = MAX_KEPT) -> None:
        self._path = folder / _NAME
        self._with_questions = with_questions
        self._max_kept = max_kept

    def add(self, *, helpful: bool, version: str, passage_ids: Sequence[str], question: str | None) -> bool:
        """Store one piece of feedback, and return whether its question was stored with it.

        Raises:
            FeedbackError: If the disk refuses.
        """
        kept = question if self._with_questions else None
        row = [utc_now(), helpful, version, json.dumps(list(passage_ids)), kept]
        try:
            make_folder(self._path.parent)
            with closing(sqlite3.connect(self._path)) as connection, connection:
                connection.execute(_SCHEMA)
                connection.execute(
                    "INSERT INTO feedback (at, helpful, version, passage_ids, question) VALUES (?, ?, ?, ?, ?)",
                    row,
                )
                oldest = "DELETE FROM feedback WHERE place <= (SELECT max(place) FROM feedback) - ?"
                connection.execute(oldest, [self._max_kept])
        except (OSError, sqlite3.Error) as error:
            raise FeedbackError(
                f"Feedback cannot be stored in {self._path}: {error}. Free some space or mend the disk."
            ) from error
        return kept is not None
