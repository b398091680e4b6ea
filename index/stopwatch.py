"""Where the time of one request goes: a stage names itself, and whoever wants to know hands out a dict."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class _Frame:
    """A running stage, and how much of its time belongs to stages within it."""

    inner_s: float = 0.0


_spent_s: ContextVar[dict[str, float] | None] = ContextVar("spent_s", default=None)
_running: ContextVar[_Frame | None] = ContextVar("running", default=None)


@contextmanager
def measuring(spent_s: dict[str, float]) -> Iterator[None]:
    """Add the seconds of every stage that runs in this context to a dict, under the stage's name."""
    token = _spent_s.set(spent_s)
    try:
        yield
    finally:
        _spent_s.reset(token)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Time a stage, without the stages within it; costs next to nothing where nobody measures."""
    spent_s = _spent_s.get()
    if spent_s is None:
        yield
        return
    outer, frame = _running.get(), _Frame()
    token = _running.set(frame)
    started = time.perf_counter()
    try:
        yield
    finally:
        took_s = time.perf_counter() - started
        _running.reset(token)
        spent_s[name] = spent_s.get(name, 0.0) + took_s - frame.inner_s
        if outer is not None:
            outer.inner_s += took_s
