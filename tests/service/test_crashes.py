"""Whatever dies on the way from an upload to a swap: the old or the new version serves, and nothing is lost.

`python -m benchmarks.crashes` does it at every call; here are a few of them.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.crashing import (
    READS,
    WRITES,
    ForkServer,
    Known,
    compile_shim,
    find_faults,
    known_versions,
    prepare,
)

#: One in so many calls; a prime, so that no kind of call is passed over for ever.
EVERY = 97

pytestmark = pytest.mark.slow


@dataclass
class Ground:
    """Where the runs are made."""

    server: ForkServer
    base: Path
    known: dict[str, Known]
    calls: tuple[int, ...] = ()


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    folder = tmp_path_factory.mktemp("crashes")
    library = compile_shim(folder)
    if library is None:
        pytest.skip("there is no C compiler, which the failpoints need")
    prepare(folder / "base")
    ground = Ground(ForkServer(library), folder / "base", known_versions(folder / "known"))
    shutil.copytree(ground.base, folder / "count")
    ground.calls = ground.server.run(folder / "count").calls
    yield ground
    ground.server.stop()


def test_a_run_without_a_fault_accepts_both_documents_and_serves_them(ground: Ground, tmp_path: Path) -> None:
    shutil.copytree(ground.base, tmp_path / "home")
    run = ground.server.run(tmp_path / "home")

    assert run.accepted == ("wasps", "ticks")
    assert run.served is not None
    assert ground.known[run.served].edits == frozenset({"wasps", "ticks"})
    assert find_faults(run, ground.server.recover(tmp_path / "home"), ground.known) == []


@pytest.mark.parametrize(
    ("mode", "first_kind"),
    [
        ("kill", 1),
        ("torn write", WRITES),
        ("full disk", 1),
        ("read-only disk", 1),
        ("I/O error", READS),
        ("short write", WRITES),
    ],
)
def test_a_fault_at_any_call_loses_nothing_and_mixes_nothing(
    ground: Ground, tmp_path: Path, mode: str, first_kind: int
) -> None:
    places = [at for at, kind in enumerate(ground.calls) if kind >= first_kind][::EVERY]
    assert len(places) > 3
    for at in places:
        home = tmp_path / str(at)
        shutil.copytree(ground.base, home)
        run = ground.server.run(home, mode=mode, at=at)
        faults = find_faults(run, ground.server.recover(home), ground.known)
        assert faults == [], f"{mode} at call {at}"


def test_a_kill_while_everything_goes_on_loses_nothing(ground: Ground, tmp_path: Path) -> None:
    for place in range(8):
        home = tmp_path / str(place)
        shutil.copytree(ground.base, home)
        run = ground.server.run(home, kill_after_s=0.1 * place)
        found = ground.server.recover(home)
        assert find_faults(run, found, ground.known) == []
