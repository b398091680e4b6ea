import ast
import json
import sys
import time
from pathlib import Path

import pytest

from benchmarks.peers import protocol, running
from benchmarks.peers.comparing import Comparison, agreement, beside_best, compare
from benchmarks.peers.contenders import CONTENDERS, PLAIN, Contender
from benchmarks.peers.environments import Environment, PeerError, describe, install, last_words
from benchmarks.peers.reporting import as_json, as_markdown
from benchmarks.peers.running import Asked, Built, ProcessRunner, run_module

SCRIPTS = Path(protocol.__file__).parent / "scripts"
OURS = {"answer", "evaluation", "index", "ingest", "service"}


def contender(name: str, *, is_ours: bool = False, is_dense: bool = True, script: str = "none") -> Contender:
    return Contender(
        name, script, name, ("numpy",), (), f"what {name} does", is_ours=is_ours, is_dense=is_dense
    )


class TwinRunner:
    """Answers from a table, the same in every round, and notes what it was asked to do."""

    def __init__(self, *, fails: dict[str, str] | None = None) -> None:
        self.fails = fails or {}
        self.calls: list[str] = []

    def install(self, contender: Contender) -> None:
        self._note("install", contender)

    def build(self, contender: Contender) -> Built:
        self._note("build", contender)
        return Built(passages_per_s=20.0 if contender.is_ours else 10.0, index_mb=1.5)

    def ask(self, contender: Contender) -> Asked:
        self._note("ask", contender)
        return Asked(2.0, (5.0, 7.0, 6.0), 300.0, ((0, 1), (2, 3)))

    def _note(self, doing: str, contender: Contender) -> None:
        self.calls.append(f"{doing} {contender.name}")
        if self.fails.get(contender.name) == doing:
            raise PeerError(f"cannot {doing}")


A, B, MINE = contender("a"), contender("b"), contender("mine", is_ours=True)


def test_every_round_runs_all_in_turn_forwards_and_then_backwards() -> None:
    runner = TwinRunner()

    compare([A, B], runner, rounds=2, build_rounds=2)

    assert runner.calls == [
        "install a", "install b",
        "build a", "ask a", "build b", "ask b",
        "build b", "ask b", "build a", "ask a",
    ]  # fmt: skip


def test_an_index_is_kept_after_the_rounds_that_build() -> None:
    found = compare([A], runner := TwinRunner(), rounds=3, build_rounds=1)

    assert runner.calls == ["install a", "build a", "ask a", "ask a", "ask a"]
    assert (len(found.outcomes[0].built), len(found.outcomes[0].asked)) == (1, 3)


@pytest.mark.parametrize("doing", ["install", "build", "ask"])
def test_one_that_fails_is_named_with_its_reason_and_stops_no_other(doing: str) -> None:
    found = compare([A, B], TwinRunner(fails={"a": doing}), rounds=2, build_rounds=1)

    assert found.failures == {"a": f"cannot {doing}"}
    assert [outcome.contender for outcome in found.outcomes] == [B]


def test_one_that_failed_is_not_tried_again() -> None:
    compare([A, B], runner := TwinRunner(fails={"a": "build"}), rounds=3, build_rounds=3)

    assert runner.calls.count("build a") == 1


def test_values_are_divided_by_the_best_peer_of_their_own_round() -> None:
    a, b, mine = beside_best({"a": [10, 40], "b": [20, 30], "mine": [5, 60]}, peers=["a", "b"], best=min)

    assert a.ratios == (1.0, 40 / 30)
    assert b.ratios == (2.0, 1.0)
    assert mine.ratios == (0.5, 2.0)


def test_a_peer_that_is_not_there_is_no_yardstick_and_without_any_the_best_of_all_is() -> None:
    [mine] = beside_best({"mine": [4.0]}, peers=["a"], best=min)

    assert mine.ratios == (1.0,)


def test_agreement_is_the_mean_share_of_passages_that_both_found() -> None:
    assert agreement([[1, 2], [3, 4]], [[2, 1], [4, 5]]) == pytest.approx((1 + 0.5) / 2)


def test_a_report_names_every_line_what_it_includes_and_who_was_left_out() -> None:
    found = compare([A, B, MINE], TwinRunner(fails={"b": "install"}), rounds=1, build_rounds=1)

    report = as_markdown(found, dict.fromkeys(("a", "mine"), Environment(1_500.4, 47, ("numpy 2",))))

    assert "| mine | 20 passages a second (20–20) | 2 × (2–2) |" in report
    assert "| a | 6 ms (6–6) | 1 × (1–1) |" in report
    assert "| a | 1.50 | 1500 | 47 | – | numpy 2 |" in report
    assert "- mine: what mine does" in report
    assert "- b: cannot install" in report


def test_only_those_that_rank_by_vectors_alone_are_compared_with_the_plain_one() -> None:
    hybrid = contender("hybrid", is_ours=True, is_dense=False)
    found = compare([contender(PLAIN), MINE, hybrid], TwinRunner(), rounds=1, build_rounds=1)

    values = as_json(found, dict.fromkeys((PLAIN, "mine", "hybrid"), Environment(1.0, 1, ())))

    assert [each["agreement"] for each in values["contenders"]] == [1.0, 1.0, None]
    assert json.loads(json.dumps(values))["contenders"][1]["asked"][0]["question_ms"] == [5.0, 7.0, 6.0]


def test_a_report_of_nothing_but_failures_still_names_them() -> None:
    assert as_markdown(Comparison((), {"a": "no such package"}), {}) == "Left out:\n\n- a: no such package"


def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str) -> dict[str, object]:
    """Run the protocol on a library that ranks by how many words are shared."""
    data, folder, result = tmp_path / "data.json", tmp_path / "index", tmp_path / "result.json"
    folder.mkdir(exist_ok=True)
    data.write_text(
        json.dumps({"passages": ["calf cramp", "hay fever"], "questions": ["fever?", "cramp?"], "k": 1})
    )

    def build(model: str, passages: object, folder: Path) -> None:
        (folder / "texts.json").write_text(json.dumps([model, passages]))

    def open_index(folder: Path) -> protocol.Ask:
        _, texts = json.loads((folder / "texts.json").read_text())
        return lambda question, k: sorted(
            range(len(texts)), key=lambda at: question.strip("?") not in texts[at]
        )[:k]

    monkeypatch.setattr(sys, "argv", ["script", command, str(data), str(folder), str(result)])
    protocol.serve(load=lambda: "model", build=build, open_index=open_index)
    found: dict[str, object] = json.loads(result.read_text())
    return found


def test_a_script_builds_and_then_asks_what_was_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = serve(tmp_path, monkeypatch, "build")
    asked = serve(tmp_path, monkeypatch, "ask")

    assert list(built) == ["seconds"]
    assert asked["found"] == [[1], [0]]
    assert sorted(asked) == ["first_answer_at", "found", "question_ms", "resident_mib"]


def test_a_process_is_timed_from_its_start_to_its_first_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(python: Path, module: str, arguments: list[str]) -> None:
        asked = {
            "first_answer_at": time.monotonic() + 3,
            "question_ms": [1.0],
            "resident_mib": 5.0,
            "found": [[0]],
        }
        built = {"seconds": 0.5}
        Path(arguments[3]).write_text(json.dumps(built if arguments[0] == "build" else asked))

    monkeypatch.setattr(running, "run_module", run)
    runner = ProcessRunner(tmp_path, passages=["one", "two"], questions=["?"], k=10)

    assert runner.build(A) == Built(passages_per_s=4.0, index_mb=0.0)
    assert runner.ask(A).first_answer_s == pytest.approx(3, abs=1)


def test_a_script_that_fails_gives_its_last_words_as_the_reason() -> None:
    with pytest.raises(PeerError, match=r"`missing build` failed: .*No module named"):
        run_module(Path(sys.executable), "benchmarks.peers.scripts.missing", ["build"])


def test_an_interpreter_that_is_not_there_is_a_reason_too(tmp_path: Path) -> None:
    with pytest.raises(PeerError, match=r"not run: .*No such file"):
        run_module(tmp_path / "bin" / "python", "benchmarks.peers.protocol", [])


def test_the_errors_of_an_installer_are_preferred_to_what_it_said_after_them() -> None:
    assert (
        last_words("ERROR: No matching distribution\n\n[notice] a new release\n")
        == "ERROR: No matching distribution"
    )
    assert last_words("Traceback\nValueError: no\n") == "ValueError: no"
    assert last_words("") == "it said nothing"


def test_an_environment_that_is_complete_is_left_as_it_is_and_measured(tmp_path: Path) -> None:
    packages = tmp_path / "a" / "lib" / "python3.11" / "site-packages"
    for name, version in (("numpy", "2.4.6"), ("pip", "26"), ("idna", "3")):
        (packages / f"{name}-{version}.dist-info").mkdir(parents=True)
        (packages / f"{name}-{version}.dist-info" / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
    (tmp_path / "a" / ".installed").write_text("torch==2.13.0\nnumpy")

    install(A, tmp_path)

    found = describe(A, tmp_path)
    assert (found.n_packages, found.versions) == (2, ("numpy 2.4.6",))
    assert 0 < found.size_mb < 0.01


@pytest.mark.parametrize("one", CONTENDERS, ids=lambda one: one.script)
def test_no_script_but_our_own_imports_our_library(one: Contender) -> None:
    tree = ast.parse((SCRIPTS / f"{one.script}.py").read_text("utf-8"))
    names = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }

    assert bool(names & OURS) == one.is_ours


def test_torch_is_held_to_the_build_without_graphics_libraries_in_every_environment() -> None:
    assert all("torch==2.13.0" in one.constraints for one in CONTENDERS)
