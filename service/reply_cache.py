"""Replies kept as they were sent, so that a question that was just asked costs no encoding."""

import json
import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

from service import metrics, schemas
from service.serving_index import ServingIndex

#: Of the objects that hold a reply and its key.
_OVERHEAD_BYTES = 1_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is counted and written down of a reply, each time it is given."""

    answerable: bool
    notices: tuple[str, ...]  # their kinds
    version: str

    @classmethod
    def of(cls, reply: schemas.AskReply) -> "Outcome":
        """Return the outcome of a reply."""
        return cls(reply.answerable, tuple(notice.kind for notice in reply.notices), reply.index.version)


@dataclass(frozen=True, slots=True)
class KeptReply:
    """A reply without the time it took, which is its last field and is put in anew each time."""

    head: bytes  # the JSON object up to its last field
    outcome: Outcome

    @classmethod
    def of(cls, reply: schemas.AskReply) -> "KeptReply":
        """Keep a reply."""
        return cls(reply.model_dump_json(exclude={"took_ms"}).encode()[:-1], Outcome.of(reply))

    def body(self, *, took_ms: float) -> bytes:
        """Return the reply as it is sent."""
        return b'%b,"took_ms":%b}' % (self.head, json.dumps(took_ms).encode())


class ReplyCache:
    """Holds the replies that were asked for last, up to a number of bytes; safe to use from several threads.

    Two requests have the same reply when question, number of passages, filter, kind of answer and version are
    the same. Questions are compared as they are after trimming: case and punctuation may change an answer.
    """

    def __init__(self, *, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._replies: OrderedDict[Hashable, tuple[KeptReply, int]] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, asked: schemas.AskRequest, index: ServingIndex) -> KeptReply | None:
        """Return the reply that this question had from this version, if it is still kept."""
        if not self._max_bytes:
            return None
        key = _key(asked, index)
        with self._lock:
            found = self._replies.get(key)
            if found is not None:
                self._replies.move_to_end(key)
        metrics.count_cache("reply", hit=found is not None)
        return found[0] if found else None

    def keep(self, asked: schemas.AskRequest, index: ServingIndex, reply: KeptReply) -> None:
        """Keep a reply, and forget those not asked for longest where there is no room."""
        size = _size(asked, reply)
        if size > self._max_bytes:
            return
        with self._lock:
            _, before = self._replies.pop(key := _key(asked, index), (reply, 0))
            self._replies[key] = reply, size
            self._bytes += size - before
            while self._bytes > self._max_bytes:
                _, (_, oldest) = self._replies.popitem(last=False)
                self._bytes -= oldest


def _size(asked: schemas.AskRequest, reply: KeptReply) -> int:
    """Return about how many bytes a reply and its key take; Python keeps up to four for a character."""
    return len(reply.head) + 4 * len(asked.question) + _OVERHEAD_BYTES


def _key(asked: schemas.AskRequest, index: ServingIndex) -> Hashable:
    only = asked.filter or schemas.Filter()
    documents = None if only.documents is None else frozenset(only.documents)
    references = None if only.references is None else frozenset(only.references)
    return (index.version, index.built_at, asked.question, asked.top_k, documents, references, asked.answer)
