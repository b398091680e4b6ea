"""All contenders in turn, round after round; one that fails is left out and named, and stops nobody else."""

import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from benchmarks.peers.contenders import Contender
from benchmarks.peers.environments import PeerError
from benchmarks.peers.running import Asked, Built
from benchmarks.rounds import Measured


class Runner(Protocol):
    """Does with a contender what is measured; each call raises `PeerError` where it cannot be done."""

    def install(self, contender: Contender) -> None:
        """Make sure that the contender can be run."""

    def build(self, contender: Contender) -> Built:
        """Build its index anew."""

    def ask(self, contender: Contender) -> Asked:
        """Ask the index that was built last, in a new process."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One contender over all rounds."""

    contender: Contender
    built: tuple[Built, ...]  # one entry for each round in which it was built
    asked: tuple[Asked, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The contenders that went all rounds, in their order, and why each of the others did not."""

    outcomes: tuple[Outcome, ...]
    failures: Mapping[str, str]


def compare(
    contenders: Sequence[Contender],
    runner: Runner,
    *,
    rounds: int,
    build_rounds: int,
    say: Callable[[str], None] = lambda _line: None,
) -> Comparison:
    """Measure every contender once a round, in turn, forwards and backwards.

    Args:
        contenders: Whom to compare.
        runner: Does the work.
        rounds: How often each is asked.
        build_rounds: In how many of these, from the first on, each builds its index anew; at least 1.
        say: Told what is done next.
    """
    failures: dict[str, str] = {}
    built: dict[str, list[Built]] = {each.name: [] for each in contenders}
    asked: dict[str, list[Asked]] = {each.name: [] for each in contenders}
    for each in contenders:
        with _left_out_if_it_fails(each, failures, say):
            say(f"{each.name}: install")
            runner.install(each)
    for at in range(rounds):
        for each in contenders[:: 1 if at % 2 == 0 else -1]:
            if each.name in failures:
                continue
            with _left_out_if_it_fails(each, failures, say):
                say(f"{each.name}: round {at + 1} of {rounds}")
                if at < build_rounds:
                    built[each.name].append(runner.build(each))
                asked[each.name].append(runner.ask(each))
    return Comparison(
        tuple(
            Outcome(each, tuple(built[each.name]), tuple(asked[each.name]))
            for each in contenders
            if each.name not in failures
        ),
        failures,
    )


@contextmanager
def _left_out_if_it_fails(
    contender: Contender, failures: dict[str, str], say: Callable[[str], None]
) -> Iterator[None]:
    try:
        yield
    except PeerError as error:
        failures[contender.name] = str(error)
        say(f"{contender.name} is left out: {error}")


def beside_best(
    values: Mapping[str, Sequence[float]],
    *,
    peers: Iterable[str],
    best: Callable[[Iterable[float]], float],
) -> list[Measured]:
    """Divide each value by the best that any peer reached in the same round.

    Args:
        values: Name -> one value a round, the same number for all.
        peers: Names of those that may be the best; when none of them is there, anyone may.
        best: `min` or `max`.
    """
    judged = [values[name] for name in peers if name in values] or list(values.values())
    yardstick = [best(of_round) for of_round in zip(*judged, strict=True)]
    return [
        Measured(name, tuple(found), tuple(each / by for each, by in zip(found, yardstick, strict=True)))
        for name, found in values.items()
    ]


def agreement(found: Sequence[Sequence[int]], reference: Sequence[Sequence[int]]) -> float:
    """Return the mean share of a question's passages that the reference found as well, whatever their order."""
    return statistics.mean(
        len(set(ours) & set(theirs)) / len(theirs) for ours, theirs in zip(found, reference, strict=True)
    )
