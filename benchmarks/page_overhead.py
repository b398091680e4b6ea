"""What the page adds to the API's own time, from Enter to a painted reply, measured in the browser.

    python -m benchmarks.page_overhead http://127.0.0.1:8000 --rounds 5

Every question of the corpus's suggestions is asked `rounds` times; the API's own time is what the browser's resource
timing says of the request, from its start to the last byte of the reply.
"""

import argparse
import shutil
import statistics
from typing import Any

from playwright.sync_api import Page, sync_playwright

_MEASURE = """async question => {
    const box = document.getElementById("question");
    const view = document.getElementById("view");
    view.replaceChildren();
    performance.clearResourceTimings();
    const shown = new Promise(resolve => {
        const observer = new MutationObserver(() => {
            if (!view.querySelector(".passages")) return;
            observer.disconnect();
            requestAnimationFrame(() => setTimeout(resolve));  // the frame with it has been drawn
        });
        observer.observe(view, { childList: true, subtree: true });
    });
    box.value = question;
    const began = performance.now();
    box.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
    await shown;
    const ended = performance.now();
    const asked = performance.getEntriesByType("resource").find(each => each.name.endsWith("/v1/ask"));
    return { whole_ms: ended - began, api_ms: asked.responseEnd - asked.startTime };
}"""


def measure(page: Page, questions: list[str], *, rounds: int) -> list[dict[str, Any]]:
    """Return the whole time and the API's own for every question of every round."""
    return [page.evaluate(_MEASURE, question) for _ in range(rounds) for question in questions]


def _line(name: str, values: list[float]) -> str:
    ordered = sorted(values)
    p95 = ordered[int(0.95 * (len(ordered) - 1))]
    return f"{name:<22} median {statistics.median(ordered):6.1f} ms   p95 {p95:6.1f} ms   max {ordered[-1]:6.1f} ms"


def main() -> None:
    """Measure a running service and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("address", nargs="?", default="http://127.0.0.1:8000")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        page.goto(arguments.address)
        questions = page.request.get(f"{arguments.address}/suggestions.json").json()["questions"]
        measure(page, questions, rounds=1)  # nobody's first click pays for compiling scripts twice
        found = measure(page, questions, rounds=arguments.rounds)
        browser.close()
    api = [each["api_ms"] for each in found]
    whole = [each["whole_ms"] for each in found]
    print(f"{len(found)} questions, from Enter to a painted reply")  # noqa: T201  # a benchmark's result
    for line in (
        _line("whole", whole),
        _line("the API's own time", api),
        _line("the page adds", [each["whole_ms"] - each["api_ms"] for each in found]),
    ):
        print(line)  # noqa: T201  # a benchmark's result


if __name__ == "__main__":
    main()
