"""What a script and the command say to each other; it runs in every environment, so it needs Python alone.

A script is called with `build` or `ask`, a file of data, the folder of its index, and a file for its result:

    build  loads the model, times the way from the passages to an index on disk
    ask    opens that index as a new process does, gives its first answer, then times the questions one by one

The data are `{"passages": [...], "questions": [...], "k": 10}`; a passage is known by its place in the list.
"""

import json
import re
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

#: Answers a question with the places of the k nearest passages, best first.
Ask = Callable[[str, int], list[int]]
#: Asked before those that are timed: its answer is the first.
FIRST_QUESTION = "What helps a calf cramp at night?"
Model = TypeVar("Model")


def serve(
    *,
    load: Callable[[], Model],
    build: Callable[[Model, Sequence[str], Path], None],
    open_index: Callable[[Path], Ask],
) -> None:
    """Do what the command line says, and write the result as JSON.

    Args:
        load: Returns the encoder; its time is not that of a build.
        build: Embeds the passages and leaves an index of them, their texts included, in an empty folder.
        open_index: Loads the encoder and opens such a folder.
    """
    command, data, folder, result = sys.argv[1], *map(Path, sys.argv[2:5])
    given = json.loads(data.read_text(encoding="utf-8"))
    if command == "build":
        found = _build(load, build, given["passages"], folder)
    else:
        found = _ask(open_index(folder), given["questions"], given["k"])
    result.write_text(json.dumps(found), encoding="utf-8")


def _build(
    load: Callable[[], Model],
    build: Callable[[Model, Sequence[str], Path], None],
    passages: Sequence[str],
    folder: Path,
) -> dict[str, object]:
    model = load()
    began = time.perf_counter()
    build(model, passages, folder)
    return {"seconds": time.perf_counter() - began}


def _ask(ask: Ask, questions: Sequence[str], k: int) -> dict[str, object]:
    ask(FIRST_QUESTION, k)
    first = time.monotonic()  # the same clock in every process, so that whoever started this one can subtract
    found, took_ms = [], []
    for question in questions:
        began = time.perf_counter()
        places = ask(question, k)
        took_ms.append(1_000 * (time.perf_counter() - began))
        found.append(places)
    return {
        "first_answer_at": first,
        "question_ms": took_ms,
        "resident_mib": _resident_mib(),
        "found": found,
    }


def _resident_mib() -> float:
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    if found is None:
        raise RuntimeError("this system does not tell how much memory a process holds")
    return int(found[1]) / 1024
