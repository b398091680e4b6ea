"""This library beside txtai, Haystack, LlamaIndex, LangChain and Chroma: the same passages, questions and weights.

Run: python -m benchmarks.peers
     python -m benchmarks.peers --passages 5000 --questions 100 --build-rounds 1 --json peers.json
Each library runs through its own public calls in a virtual environment of its own, made below --folder when it is not
there yet (some 2 minutes and 1.7 GB each), always offline. All of them are kept to one thread.
"""

import argparse
import datetime
import json
import sys
from pathlib import Path

from benchmarks.encoding import mixed_passages, questions
from benchmarks.peers.comparing import compare
from benchmarks.peers.contenders import CONTENDERS
from benchmarks.peers.environments import describe
from benchmarks.peers.reporting import as_json, as_markdown
from benchmarks.peers.running import ProcessRunner
from benchmarks.performance import machine
from service import wiring
from service.settings import read_settings

_K = 10


def main() -> int:
    """Print the tables; return 1 when a contender had to be left out."""
    options = _options()
    chosen = [each for each in CONTENDERS if not options.only or each.name in options.only]
    embedder = wiring.make_embedder(read_settings())
    passages = mixed_passages(
        options.passages, fits=lambda text: embedder.count_tokens(text) <= embedder.identity.max_tokens
    )
    asked = questions(options.questions)
    build_rounds = min(options.build_rounds or options.rounds, options.rounds)
    about = (
        f"{len(passages)} passages of 5 to 160 words, {len(asked)} questions, the best {_K} for each; rounds: "
        f"{options.rounds}, of which with a build: {build_rounds}. One thread each. "
        f"{datetime.datetime.now(datetime.UTC):%d %B %Y}, {machine()}."
    )
    comparison = compare(
        chosen,
        ProcessRunner(options.folder.resolve(), passages=passages, questions=asked, k=_K),
        rounds=options.rounds,
        build_rounds=build_rounds,
        say=lambda line: print(line, file=sys.stderr, flush=True),  # noqa: T201
    )
    environments = {
        each.contender.name: describe(each.contender, options.folder) for each in comparison.outcomes
    }
    print(f"{about}\n\n{as_markdown(comparison, environments)}")  # noqa: T201  # what a benchmark is for
    if options.json:
        found = {"about": about, **as_json(comparison, environments)}
        options.json.write_text(json.dumps(found, indent=1), encoding="utf-8")
    return 1 if comparison.failures else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.peers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--passages", type=_positive, default=120)
    parser.add_argument("--questions", type=_positive, default=20)
    parser.add_argument("--rounds", type=_positive, default=3)
    parser.add_argument(
        "--build-rounds",
        type=_positive,
        help="build in the first so many rounds only; in all of them by default",
    )
    parser.add_argument(
        "--only",
        action="append",
        choices=[each.name for each in CONTENDERS],
        metavar="NAME",
        help="one line only; may be given several times: %(choices)s",
    )
    parser.add_argument("--folder", type=Path, default=Path("var/peers"), help="of environments and indexes")
    parser.add_argument("--json", type=Path, metavar="PATH", help="where to write every single value")
    return parser.parse_args()


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
