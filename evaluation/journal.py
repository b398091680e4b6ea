"""Replies as they come in, so that an evaluation that was interrupted can go on where it stopped."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.errors import CitewellError


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back for one query: a JSON value, or why there is none; `took_ms` is wall time."""

    payload: Any
    failure: str | None
    took_ms: float


class Journal:
    """A file with one line per reply, beneath a line that says what was asked of whom."""

    def __init__(self, path: Path, key: Mapping[str, Any]) -> None:
        self._path = path
        self._key = json.loads(json.dumps(key))

    def begin(self, done: Mapping[str, Answered] | None = None) -> None:
        """Start afresh, with the replies given."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        lines = [json.dumps({"evaluation": self._key}), *(_line(*pair) for pair in (done or {}).items())]
        beside = self._path.with_name(f"{self._path.name}.new")
        beside.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        beside.replace(self._path)

    def resume(self) -> dict[str, Answered]:
        """Return what is there already, and go on after it; start afresh when there is nothing.

        Failed queries are asked again. A line that was being written when the end came counts for nothing.

        Raises:
            CitewellError: If the file belongs to another evaluation.
        """
        done: dict[str, Answered] = {}
        if self._path.exists():
            lines = self._path.read_text(encoding="utf-8", errors="replace").split("\n")
            self._check_key(lines[0])
            for line in filter(None, lines[1:-1]):
                stored = json.loads(line)
                if stored["failure"] is None:
                    done[stored["id"]] = Answered(stored["payload"], None, stored["took_ms"])
        self.begin(done)
        return done

    def add(self, query: str, answered: Answered) -> None:
        """Store one reply; it is in the operating system's hands when this returns."""
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(_line(query, answered) + "\n")

    def _check_key(self, line: str) -> None:
        try:
            found = json.loads(line)["evaluation"]
        except (ValueError, TypeError, KeyError):
            found = {}
        differing = sorted(name for name in {*found, *self._key} if found.get(name) != self._key.get(name))
        if differing:
            raise CitewellError(
                f"{self._path} belongs to another evaluation: {', '.join(differing)} differ. Name another --out, or "
                "leave --resume out to begin again."
            )


def _line(query: str, answered: Answered) -> str:
    stored = {
        "id": query,
        "payload": answered.payload,
        "failure": answered.failure,
        "took_ms": answered.took_ms,
    }
    return json.dumps(stored, ensure_ascii=False)


#: Puts queries, given with their texts, and yields each with what came back, in order; it never raises for one query.
Ask = Callable[[Mapping[str, str]], Iterable[tuple[str, Answered]]]


def ask_all(
    queries: Mapping[str, str],
    ask: Ask,
    *,
    journal: Journal | None = None,
    done: Mapping[str, Answered] | None = None,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> dict[str, Answered]:
    """Ask every query that is not done yet, in order, and return all replies in the order of the queries.

    Args:
        queries: Query -> text.
        ask: Answers all that is left.
        journal: Where replies are kept as they come in.
        done: Replies from before.
        progress: Called with (queries done, queries in all).
    """
    replies = dict(done or {})
    left = {query: text for query, text in queries.items() if query not in replies}
    progress(len(replies), len(queries))
    for query, answered in ask(left) if left else ():
        replies[query] = answered
        if journal is not None:
            journal.add(query, answered)
        progress(len(replies), len(queries))
    return {query: replies[query] for query in queries}


def one_by_one(ask: Callable[[str], Answered]) -> Ask:
    """Return an `Ask` that puts every query by itself."""
    return lambda queries: ((query, ask(text)) for query, text in queries.items())
