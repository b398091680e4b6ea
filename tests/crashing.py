"""Uploading, building and swapping in a process of its own, which dies or whose disk refuses at a chosen call.

A server process has everything imported and forks for each run, so that hundreds of runs are affordable. What it
forks edits and builds a small corpus with the encoder's twin; `tests/failpoints.c` is preloaded into it.
"""

import contextlib
import ctypes
import gc
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from pydantic import TypeAdapter

from answer.features import FEATURE_NAMES
from index.building import BuildReport, build_index
from index.searching import Searcher
from index.snapshot import current_version, versions
from index.vector_cache import VectorCache
from ingest.corpus import list_entries
from service.job_store import JobStore, JobStoreError
from service.job_work import Workshop, work_on_jobs
from service.jobs import Task
from service.live_index import LiveIndex
from service.settings import Settings
from service.wiring import open_current, open_last_good, open_version
from tests.conftest import write_corpus
from tests.twins import TwinEmbedder

SHIM_SOURCE = Path(__file__).with_name("failpoints.c")
#: What a call may meet; the numbers are those of failpoints.c.
MODES = {"kill": 1, "torn write": 2, "full disk": 3, "I/O error": 4, "short write": 5, "read-only disk": 6}

WASPS = b"""\
# Wasps

Keep calm and move away slowly [1].

## References

1. Elm F. Wasps at the table. Garden Notes. 2015;2:5-6.
"""
TICKS = b"Ticks after gardening\n\nPull a tick out straight with fine tweezers, and at once.\n"
_QUESTIONS = (
    "How do I pull out a tick?",
    "What helps against a wasp?",
    "Do tablets stop sneezing?",
)
_EDITS = (("wasps", Task("add", name="wasps.md"), WASPS), ("ticks", Task("replace", doc_id="ticks"), TICKS))


def quick_calibration(searcher: Searcher, *, corpus_dir: Path) -> dict[str, Any]:
    """Stand in for a `Calibrator` whose model can be used: it believes every passage."""
    names = list(FEATURE_NAMES)
    return {
        "features": names,
        "intercept": 1.0,
        "weights": [0.0] * len(names),
        "passages": len(searcher.vectors),
    }


def write_small_corpus(folder: Path) -> Path:
    """Write the six documents, every one of them named by the manifest."""
    return write_corpus(folder)


def settings_in(folder: Path) -> Settings:
    """Return settings that keep everything in one folder."""
    return Settings(
        corpus_dir=folder / "corpus",
        index_dir=folder / "index",
        cache_dir=folder / "cache",
        state_dir=folder / "state",
    )


def build_with_twin(corpus_dir: Path, index_dir: Path, **options: Any) -> str:
    """Build a corpus with the twin, and return the version."""
    return _build(
        settings_in(index_dir.parent).model_copy(update={"corpus_dir": corpus_dir}), **options
    ).version


def _build(settings: Settings, **options: Any) -> BuildReport:
    return build_index(
        settings.corpus_dir,
        settings.index_dir,
        embedder=TwinEmbedder(),
        cache=VectorCache(settings.cache_dir / "vectors.sqlite"),
        calibrate=quick_calibration,
        **options,
    )


def _workshop(settings: Settings) -> Workshop:
    def build(
        progress: Callable[[str, int, int], None], *, activate_anyway: bool, even_if_fresh: bool
    ) -> BuildReport:
        return _build(settings, progress=progress, activate_anyway=activate_anyway)

    def fetch(target: str, *, number: int | None) -> Any:
        raise AssertionError(f"{target} is not fetched here")

    return Workshop(settings, fetch=fetch, build=build)


def _follow(settings: Settings) -> LiveIndex:
    embedder = TwinEmbedder()
    return LiveIndex(
        open_first=lambda: open_last_good(settings.index_dir, embedder, None),
        open_current=lambda: open_current(settings.index_dir, embedder, None),
        read_version=lambda: current_version(settings.index_dir),
        check_every_s=3600,
    )


def prepare(folder: Path) -> str:
    """Make the state that every run begins from: two versions, and a store of jobs. Return the version."""
    settings = settings_in(folder)
    corpus = write_small_corpus(settings.corpus_dir)
    first = (corpus / "ticks.txt").read_text()
    (corpus / "ticks.txt").write_text(first + "\nWatch the place for a month.\n")
    _build(settings)
    (corpus / "ticks.txt").write_text(first)
    version = _build(settings).version
    JobStore(settings.state_dir)
    return version


def run_everything(folder: Path, say: Callable[[str, str], None]) -> None:
    """Upload two documents, work on them, and swap to what was built, as the service and its worker do.

    Args:
        folder: As `prepare` made it.
        say: Told of every 202, and of the version that serves in the end.
    """
    settings = settings_in(folder)
    live = _follow(settings)
    for doc_id, task, data in _EDITS:
        with contextlib.suppress(JobStoreError):
            JobStore(settings.state_dir).accept(task, data)
            say("accepted", doc_id)
    with contextlib.suppress(JobStoreError):
        work_on_jobs(JobStore(settings.state_dir), _workshop(settings))
    live.check()
    say("served", live.current.version)
    say("answered", _answers(live.current.snapshot.searcher))


def _answers(searcher: Searcher) -> str:
    """Return a hash of what is found for a few questions: passages, their texts and their scores."""
    found = [
        (ranked.passage.passage_id, ranked.passage.text, ranked.score)
        for question in _QUESTIONS
        for ranked in searcher.search(question, k=5).ranked
    ]
    return hashlib.sha256(repr(found).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Recovered:
    """What was found after a run, and after the restart that followed it."""

    opened: str  # the version that came up before anything else was done
    opened_answers: str  # a hash of what it answered
    final: str  # the version that serves once all jobs are done
    final_answers: str
    documents: tuple[str, ...]
    states: tuple[str, ...]
    wasps_number: int | None  # the reference number that the new article's entry was given
    left_behind: tuple[str, ...]  # names of files that nothing accounts for


_RECOVERED = TypeAdapter(Recovered)


def recover(folder: Path) -> Recovered:
    """Start again after a run, see what serves, and let the jobs finish.

    Raises:
        CitewellError: If nothing can be served, which is a failure of the thing under test.
    """
    settings = settings_in(folder)
    live = _follow(settings)
    opened, opened_answers = live.current.version, _answers(live.current.snapshot.searcher)
    store = JobStore(settings.state_dir)
    for job in store.unfinished():
        if job.state == "queued":
            store.postpone(job, seconds=-1, reason="")
    work_on_jobs(store, _workshop(settings))
    live.check()
    content = live.current.snapshot.searcher.content
    present = {summary.doc_id for summary in content.summaries}
    return Recovered(
        opened=opened,
        opened_answers=opened_answers,
        final=live.current.version,
        final_answers=_answers(live.current.snapshot.searcher),
        documents=tuple(sorted(present & {entry.doc_id for entry in list_entries(settings.corpus_dir)})),
        states=tuple(job.state for job in store.recent(10)),
        wasps_number=content.numbers("wasps").get(1) if "wasps" in present else None,
        left_behind=tuple(_left_behind(folder)),
    )


def _left_behind(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        in_uploads = relative.parts[:2] == ("state", "uploads") and len(relative.parts) > 2
        if in_uploads or any(part.startswith(".building-") for part in relative.parts):
            yield relative.as_posix()


# --- processes -------------------------------------------------------------------------------------------


def compile_shim(folder: Path) -> Path | None:
    """Compile the failpoints, and return the library; None where there is no C compiler."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        return None
    library = folder / "failpoints.so"
    command = [compiler, "-O1", "-shared", "-fPIC", "-o", str(library), str(SHIM_SOURCE), "-ldl"]
    subprocess.run(command, check=True, capture_output=True)
    return library


#: What a call does, as failpoints.c counts it.
READS, CHANGES, WRITES = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Run:
    """What one run said: what was accepted, what served in the end, what kind of call each of its calls was."""

    accepted: tuple[str, ...]
    served: str | None
    answered: str | None  # a hash of what it answered
    calls: tuple[int, ...]
    killed: bool
    error: str | None


@dataclass(frozen=True, slots=True)
class Known:
    """A version that may serve, with a hash of what it answers; no edits for the one before the current one."""

    edits: frozenset[str] | None
    answers: str


def known_versions(folder: Path) -> dict[str, Known]:
    """Return the version before the one that every run begins from, and all that the edits can come to.

    The manifest lists documents in the order in which they came: an edit that had to wait comes after the other.
    """
    edits = {doc_id: (task, data) for doc_id, task, data in _EDITS}
    orders: list[tuple[str, ...]] = [(), ("wasps",), ("ticks",), ("wasps", "ticks"), ("ticks", "wasps")]
    found = {}
    for at, order in enumerate(orders):
        version = prepare(folder / str(at))
        settings = settings_in(folder / str(at))
        (older,) = set(versions(settings.index_dir)) - {version}
        found[older] = Known(None, _answers_of(settings.index_dir, older))
        store = JobStore(settings.state_dir)
        for doc_id in order:
            store.accept(*edits[doc_id])
        work_on_jobs(store, _workshop(settings))
        version = current_version(settings.index_dir)
        found[version] = Known(frozenset(order), _answers_of(settings.index_dir, version))
    return found


def _answers_of(index_dir: Path, version: str) -> str:
    return _answers(open_version(index_dir, version, TwinEmbedder(), None).snapshot.searcher)


def find_faults(run: Run, found: Recovered | str, known: Mapping[str, Known]) -> list[str]:
    """Return everything that is not as promised after a run and the restart that followed it."""
    if isinstance(found, str):
        return [f"nothing can be served: {found}"]
    accepted = frozenset(run.accepted)
    edits = known[found.final].edits if found.final in known else None
    lost = sorted(accepted - (edits or frozenset()) | accepted - set(found.documents))
    faults = [f"the run ended with {run.error}"] if run.error else []
    for when, version, answers in (
        ("in the run", run.served, run.answered),
        ("it came up and", found.opened, found.opened_answers),
        ("in the end", found.final, found.final_answers),
    ):
        if version is not None and version not in known:
            faults.append(f"{when} the unknown {version} served")
        elif version is not None and answers is not None and answers != known[version].answers:
            faults.append(f"{when} {version} answered as it never should")
    faults += ["in the end the oldest version serves"] if found.final in known and edits is None else []
    faults += [f"lost: {lost}"] if lost else []
    faults += [f"jobs are {found.states}"] if set(found.states) - {"succeeded"} else []
    faults += (
        [f"the new entry has number {found.wasps_number}"] if found.wasps_number not in (None, 3) else []
    )
    faults += [f"left behind: {found.left_behind}"] if found.left_behind else []
    return faults


class ForkServer:
    """A process with the failpoints preloaded that forks for every run."""

    def __init__(self, library: Path) -> None:
        environment = {
            **os.environ,
            "LD_PRELOAD": str(library),
            "OMP_NUM_THREADS": "1",
            "HF_HUB_OFFLINE": "1",
        }
        environment["PYTHONPATH"] = str(Path(__file__).parents[1])
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from tests.crashing import serve_forks; serve_forks()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        )

    def run(
        self, folder: Path, *, mode: str | None = None, at: int = 0, kill_after_s: float | None = None
    ) -> Run:
        """Run everything in a folder, with a fault at one call or a kill after some time."""
        how = MODES[mode] if mode else 0
        said = self._ask(
            {"do": "run", "folder": str(folder), "mode": how, "at": at, "kill_after_s": kill_after_s}
        )
        events = said["events"]
        return Run(
            accepted=tuple(value for name, value in events if name == "accepted"),
            served=next((value for name, value in events if name == "served"), None),
            answered=next((value for name, value in events if name == "answered"), None),
            calls=next((tuple(map(int, value)) for name, value in events if name == "calls"), ()),
            killed=said["signal"] == signal.SIGKILL,
            error=next((value for name, value in events if name == "error"), None),
        )

    def recover(self, folder: Path) -> Recovered | str:
        """Start again in a folder; return what went wrong if nothing can be served."""
        said = self._ask({"do": "recover", "folder": str(folder)})
        found = next((value for name, value in said["events"] if name == "recovered"), None)
        if found is None:
            return str(said)
        return _RECOVERED.validate_json(found)

    def stop(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        reply: dict[str, Any] = json.loads(self._process.stdout.readline())
        return reply


def serve_forks() -> None:
    """Fork for every request on stdin and say on stdout what came of it."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    with tempfile.TemporaryDirectory() as folder:
        # Everything that a run loads late is loaded before the first fork.
        prepare(Path(folder))
        run_everything(Path(folder), lambda _name, _value: None)
    # A collection would write to every object, and so copy every page that a fork shares with us.
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        request = json.loads(line)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            _in_child(request, writing)
        os.close(writing)
        if request.get("kill_after_s") is not None:
            time.sleep(request["kill_after_s"])
            os.kill(child, signal.SIGKILL)
        with os.fdopen(reading) as stream:
            lines = stream.read().splitlines()
        _, status = os.waitpid(child, 0)
        events = [json.loads(each) for each in lines]
        reply = {"events": events, "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0}
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()


def _in_child(request: Mapping[str, Any], writing: int) -> None:
    def say(name: str, value: str) -> None:
        os.write(writing, (json.dumps([name, value]) + "\n").encode())

    shim = ctypes.CDLL(None)
    random.seed(os.getpid())
    folder = Path(request["folder"])
    try:
        if request["do"] == "run":
            at = request["at"] if request["mode"] else 2**62
            shim.fp_arm(str(folder).encode(), ctypes.c_long(at), request["mode"])
            try:
                run_everything(folder, say)
            finally:
                shim.fp_disarm()
                say("calls", "".join(str(shim.fp_kind(ctypes.c_long(at))) for at in range(shim.fp_count())))
        else:
            found = recover(folder)
            say("recovered", _RECOVERED.dump_json(found).decode())
    except BaseException as error:  # noqa: BLE001  # whatever ends the run, the parent is told
        say("error", f"{type(error).__name__}: {error}")
        os._exit(1)
    os._exit(0)
