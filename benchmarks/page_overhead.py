"""What the page at / adds to the API's own time, from Enter to a painted reply, measured in the browser.

    python -m benchmarks.page_overhead --questions 100

Starts a service of its own over the default corpus, unless it is given the address of one. No question is asked
twice, so that no reply comes out of a memory. The API's own time is what the browser's resource timing says of the
request, from its start to the last byte of the reply; whatever else passes between the key and the frame that shows
the reply is the page's, question by question, and is told in its parts: until the request leaves, from the last
byte to the reply's elements, and from there to the end of the frame that paints them. The last part holds the wait
for the next frame, up to 17 ms at 60 a second, which no page can leave out.
"""

import argparse
import random
import shutil
import statistics
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from answer.questions import read_questions
from benchmarks.serving import home_with, serving
from service.settings import read_settings

_ROOT = Path(__file__).parents[1]
_WARM_UP = 10  # nobody's first question pays for compiling scripts
_MEASURE = """async question => {
    const box = document.getElementById("question");
    const view = document.getElementById("view");
    view.replaceChildren();
    performance.clearResourceTimings();
    box.value = question;
    let made = null;
    const painted = new Promise((resolve, reject) => {
        const observer = new MutationObserver(() => {
            if (view.querySelector(".failure")) reject(new Error(view.textContent));
            if (!view.querySelector(".passages")) return;
            made = performance.now();
            observer.disconnect();
            // A task that is begun in a frame's callback runs when that frame has been painted.
            requestAnimationFrame(() => {
                const { port1, port2 } = new MessageChannel();
                port1.onmessage = () => resolve(performance.now());
                port2.postMessage(null);
            });
        });
        observer.observe(view, { childList: true });
    });
    const pressed = performance.now();
    box.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
    const ended = await painted;
    const asked = performance.getEntriesByType("resource").filter(each => each.name.endsWith("/v1/ask"));
    if (asked.length !== 1) throw new Error(`${asked.length} requests for one question`);
    const [{ startTime, responseEnd }] = asked;
    return {
        "from Enter to paint": ended - pressed,
        "the API's own": responseEnd - startTime,
        "the page adds": ended - pressed - (responseEnd - startTime),
        "- before the request": startTime - pressed,
        "- from reply to elements": made - responseEnd,
        "- from elements to paint": ended - made,
    };
}"""


def measure(page: Page, questions: Sequence[str]) -> list[Mapping[str, float]]:
    """Return the times of every question in ms, by name."""
    return [page.evaluate(_MEASURE, question) for question in questions]


def report(found: Sequence[Mapping[str, float]]) -> str:
    """Return a table: of every time its median and spread."""
    heads = f"{'ms':<26}{'median':>8}{'5 %':>8}{'25 %':>8}{'75 %':>8}{'95 %':>8}{'max':>8}"
    lines = [f"{len(found)} questions, each asked once", heads]
    for name in found[0]:
        values = [each[name] for each in found]
        cuts = statistics.quantiles(values, n=20, method="inclusive")
        shown = (statistics.median(values), cuts[0], cuts[4], cuts[14], cuts[18], max(values))
        lines.append(f"{name:<26}" + "".join(f"{value:>8.1f}" for value in shown))
    return "\n".join(lines)


@contextmanager
def _own_service() -> Iterator[str]:
    """Serve the default corpus from a folder of its own, which is removed at the end."""
    with home_with(_ROOT / "corpus", cache=read_settings().cache_dir) as home, serving(home) as service:
        yield f"http://127.0.0.1:{service.port}"


def _distinct_questions(count: int) -> list[str]:
    known = sorted({each.question for each in read_questions(_ROOT / "corpus" / "questions" / "dev.jsonl")})
    if count > len(known):
        raise SystemExit(f"There are {len(known)} questions; ask for at most {len(known) - _WARM_UP}.")
    return random.Random(20261126).sample(known, count)  # noqa: S311  # the same ones every time


def _run(address: str, count: int) -> None:
    questions = _distinct_questions(_WARM_UP + count)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        page.goto(address)
        measure(page, questions[:_WARM_UP])
        print(report(measure(page, questions[_WARM_UP:])))  # noqa: T201  # a benchmark's result
        browser.close()


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("address", nargs="?", help="of a running service; left out, one is started")
    parser.add_argument("--questions", type=int, default=100)
    arguments = parser.parse_args()
    if arguments.address:
        _run(arguments.address, arguments.questions)
    else:
        with _own_service() as address:
            _run(address, arguments.questions)


if __name__ == "__main__":
    main()
