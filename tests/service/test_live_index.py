"""Following the pointer: swap to a good new version, go on with the old one when the new one is bad."""

import shutil
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from structlog.testing import capture_logs
from structlog.typing import EventDict

from index.snapshot import activate, current_version
from ingest.errors import SnapshotDamagedError, SnapshotNotFoundError
from service.app import create_app
from service.live_index import RETRY_AFTER_CHECKS, LiveIndex
from service.settings import Settings
from service.wiring import open_last_good
from tests.conftest import write_corpus
from tests.service.conftest import MAX_BODY_BYTES, build_corpus, open_serving
from tests.service.test_event_loop import WatchedEmbedder
from tests.twins import TwinEmbedder


@pytest.fixture(scope="module")
def two_versions(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """Return a folder with an older version and a newer, current one that knows of wasps."""
    folder = tmp_path_factory.mktemp("two-versions")
    corpus = write_corpus(folder / "corpus")
    old = build_corpus(corpus, folder / "index")
    (corpus / "wasps.md").write_text("# Wasps\n\nA wasp can sting more than once.\n")
    new = build_corpus(corpus, folder / "index")
    return folder / "index", old, new


@pytest.fixture
def index_dir(two_versions: tuple[Path, str, str], tmp_path: Path) -> Path:
    """A copy that serves the older version."""
    folder, old, _ = two_versions
    shutil.copytree(folder, tmp_path / "index")
    activate(tmp_path / "index", old)
    return tmp_path / "index"


@pytest.fixture
def old(two_versions: tuple[Path, str, str]) -> str:
    return two_versions[1]


@pytest.fixture
def new(two_versions: tuple[Path, str, str]) -> str:
    return two_versions[2]


def follow(index_dir: Path, embedder: TwinEmbedder | None = None) -> LiveIndex:
    return LiveIndex(
        open_current=lambda: open_serving(index_dir, embedder),
        read_version=lambda: current_version(index_dir),
        check_every_s=0.01,
    )


def damage(index_dir: Path, version: str) -> bytes:
    """Change one byte of a version and return the file as it was."""
    path = index_dir / version / "content.sqlite"
    before = path.read_bytes()
    path.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    return before


def flip_bit(path: Path, *, at: int) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])


def check_times(live: LiveIndex, times: int) -> list[EventDict]:
    """Check so many times and return what was logged."""
    with capture_logs() as logs:
        for _ in range(times):
            live.check()
    return list(logs)


def test_a_new_version_takes_over_and_says_so_once(index_dir: Path, old: str, new: str) -> None:
    live = follow(index_dir)
    activate(index_dir, new)

    logs = check_times(live, 3)

    assert live.current.version == new
    assert [(each["event"], each["old"], each["new"]) for each in logs] == [("index swapped", old, new)]


def test_the_same_version_is_not_opened_again(index_dir: Path) -> None:
    live = follow(index_dir)
    before = live.current

    assert check_times(live, 3) == []
    assert live.current is before


def test_whoever_holds_a_version_keeps_it_over_a_swap(index_dir: Path, old: str, new: str) -> None:
    live = follow(index_dir)
    held = live.current
    activate(index_dir, new)
    live.check()
    shutil.rmtree(index_dir / old)

    assert held.version == old
    assert len(held.snapshot.searcher.search("tick", k=50).ranked) < len(
        live.current.snapshot.searcher.search("tick", k=50).ranked
    )


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="the system does not list what is mapped")
def test_an_old_version_is_freed_when_its_last_reader_leaves(index_dir: Path, old: str, new: str) -> None:
    # The same content has the same version in every folder, and other tests may hold theirs.
    folder = f"{index_dir / old}/"

    def is_held() -> bool:
        mapped = folder in Path("/proc/self/maps").read_text()
        return mapped or any(
            folder in str(each.readlink()) for each in Path("/proc/self/fd").iterdir() if each.exists()
        )

    live = follow(index_dir)
    held = live.current
    freed = weakref.ref(held.snapshot.searcher)
    activate(index_dir, new)
    live.check()
    assert is_held()

    del held
    assert freed() is None
    assert not is_held()


def test_a_damaged_version_is_refused_with_one_line_and_the_old_one_goes_on(
    index_dir: Path, old: str, new: str
) -> None:
    live = follow(index_dir)
    damage(index_dir, new)
    activate(index_dir, new)

    logs = check_times(live, 3 * RETRY_AFTER_CHECKS)

    assert live.current.version == old
    assert [(each["event"], each["log_level"], each["version"]) for each in logs] == [
        ("new index refused", "warning", new)
    ]
    assert "citewell build" in logs[0]["reason"]


def test_after_a_damaged_version_the_next_good_one_is_taken(index_dir: Path, old: str, new: str) -> None:
    activate(index_dir, new)
    live = follow(index_dir)
    damage(index_dir, old)
    activate(index_dir, old)
    check_times(live, 2)
    assert live.current.version == new

    (index_dir.parent / "corpus").mkdir()
    corpus = write_corpus(index_dir.parent / "corpus", {"burns.md": "# Burns\n\nCool a burn with water.\n"})
    third = build_corpus(corpus, index_dir)
    live.check()

    assert live.current.version == third


@pytest.mark.parametrize("damaged", ["content.sqlite", "manifest.json", "CURRENT"])
def test_at_the_start_the_last_good_version_serves_where_the_current_one_is_damaged(
    index_dir: Path, old: str, new: str, damaged: str
) -> None:
    activate(index_dir, new)
    path = index_dir / damaged if damaged == "CURRENT" else index_dir / new / damaged
    flip_bit(path, at=3)
    embedder = TwinEmbedder()
    with capture_logs() as logs:
        live = LiveIndex(
            open_first=lambda: open_last_good(index_dir, embedder, None),
            open_current=lambda: open_serving(index_dir, embedder),
            read_version=lambda: current_version(index_dir),
            check_every_s=3600,
        )
        live.check()

    # Without its pointer nobody can tell which of the versions that have served was the last one.
    assert live.current.version == (new if damaged == "CURRENT" else old)
    assert "an older version serves" in [each["event"] for each in logs]
    flip_bit(path, at=3)
    check_times(live, RETRY_AFTER_CHECKS)
    assert live.current.version == new


def test_where_no_version_can_be_used_the_current_ones_fault_is_told(
    index_dir: Path, old: str, new: str
) -> None:
    activate(index_dir, new)
    for version in (old, new):
        damage(index_dir, version)

    with pytest.raises(SnapshotDamagedError, match=new):
        open_last_good(index_dir, TwinEmbedder(), None)


def test_a_damaged_version_that_was_mended_is_taken_without_a_restart(
    index_dir: Path, old: str, new: str
) -> None:
    live = follow(index_dir)
    intact = damage(index_dir, new)
    activate(index_dir, new)
    check_times(live, 2)
    assert live.current.version == old

    (index_dir / new / "content.sqlite").write_bytes(intact)
    check_times(live, RETRY_AFTER_CHECKS)

    assert live.current.version == new


def test_a_pointer_that_is_gone_is_reported_once_and_serving_goes_on(
    index_dir: Path, old: str, new: str
) -> None:
    live = follow(index_dir)
    pointer = index_dir / "CURRENT"
    pointer.unlink()

    logs = check_times(live, 5)

    assert live.current.version == old
    assert [each["event"] for each in logs] == ["new index refused"]
    activate(index_dir, new)
    live.check()
    assert live.current.version == new


def test_a_rollback_is_a_swap_like_any_other(index_dir: Path, old: str, new: str) -> None:
    activate(index_dir, new)
    live = follow(index_dir)

    activate(index_dir, old)
    live.check()

    assert live.current.version == old


def test_without_any_index_there_is_nothing_to_start_with(tmp_path: Path) -> None:
    with pytest.raises(SnapshotNotFoundError, match="citewell build"):
        follow(tmp_path)


def test_the_thread_swaps_by_itself_and_outlives_what_it_did_not_expect(
    index_dir: Path, old: str, new: str
) -> None:
    calls: list[str] = []
    opened = open_serving(index_dir)

    def read_version() -> str:
        calls.append("read")
        if len(calls) == 1:
            raise RuntimeError("not foreseen")
        return new

    live = LiveIndex(
        open_current=lambda: replace(
            opened, snapshot=replace(opened.snapshot, version=new if calls else old)
        ),
        read_version=read_version,
        check_every_s=0.001,
    )
    with capture_logs() as logs:
        live.start()
        while live.current.version == old:
            live._thread.join(0.001)
            assert live._thread.is_alive()
        live.stop()

    assert not live._thread.is_alive()
    assert [each["event"] for each in logs] == ["index check failed", "index swapped"]


def test_a_request_in_flight_finishes_on_the_version_it_began_with(
    index_dir: Path, old: str, new: str
) -> None:
    watched = WatchedEmbedder()
    embedders = iter([watched, TwinEmbedder()])
    live = LiveIndex(
        open_current=lambda: open_serving(index_dir, next(embedders)),
        read_version=lambda: current_version(index_dir),
        check_every_s=3600,
    )
    app = create_app(lambda: nullcontext(live), Settings(max_body_bytes=MAX_BODY_BYTES))
    question = {"question": "wasp"}

    with TestClient(app) as client, ThreadPoolExecutor(1) as pool:
        watched.started.clear()
        watched.let_go.clear()
        in_flight = pool.submit(client.post, "/v1/ask", json=question)
        assert watched.started.wait(timeout=60)
        activate(index_dir, new)
        live.check()
        second = client.post("/v1/ask", json=question).json()
        watched.let_go.set()
        first = in_flight.result().json()

    assert first["index"]["version"] == old
    assert second["index"]["version"] == new
    assert "wasps" not in {each["document"]["doc_id"] for each in first["passages"]}
    assert second["passages"][0]["document"]["doc_id"] == "wasps"
