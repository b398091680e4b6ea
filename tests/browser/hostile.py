"""Text that tries to become a program, and a watch that says if it did."""

from pathlib import Path
from typing import Any

from playwright.sync_api import Dialog, Page

from tests.chromium import Visitor

#: Every line calls `ran` when it runs.
HOSTILE = (Path(__file__).parent / "hostile_texts.txt").read_text("utf-8").splitlines()


def listen(reader: Visitor, ran: list[Any]) -> None:
    """Note every text that runs."""

    def note(what: Any) -> None:
        ran.append(what)

    def dismiss(dialog: Dialog) -> None:
        ran.append(dialog.message)
        dialog.dismiss()

    reader.context.expose_function("ran", note)
    reader.page.on("dialog", dismiss)


def settle(page: Page) -> None:
    """Give what was put on the page the time to run if it could."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done, 300)))")
