"""How soon the page is there, and that nothing on it holds the reader up, in a real browser.

Times are the processor's own on the page's main thread, so that what else the machine does is not counted.
"""

import json
from typing import TYPE_CHECKING

import pytest

from tests.serve.page import compose, opened

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow

FIRST_POEM = 1000
LONGEST_TASK = 100


def tasks(trace: bytes) -> list[float]:
    """Milliseconds of each task of the main threads of the traced pages."""
    events = json.loads(trace)["traceEvents"]
    main = {(e["pid"], e["tid"]) for e in events if e.get("args", {}).get("name") == "CrRendererMain"}
    found = [e for e in events if (e["pid"], e["tid"]) in main and e["name"].endswith("RunTask")]
    return [e["tdur"] / 1000 for e in found if "tdur" in e]


def test_the_first_poem_is_there_within_a_second(browser: "Browser", address: str) -> None:
    browser.start_tracing(categories=["toplevel", "disabled-by-default-devtools.timeline"])
    with opened(browser, address) as page:
        page.locator("#sheet .rhymes").first.wait_for()
    found = tasks(browser.stop_tracing())
    assert found
    assert sum(found) <= FIRST_POEM
    assert max(found) <= LONGEST_TASK


def test_no_task_is_long_while_a_person_works(browser: "Browser", address: str) -> None:
    with opened(browser, address) as page:
        browser.start_tracing(categories=["toplevel", "disabled-by-default-devtools.timeline"])
        compose(page, form="七律", poems=2)
        page.locator("#sheet [role=gridcell]").nth(9).click()
        page.locator(".alternative").first.click()
        page.click("#make-card")
        page.locator("#card-preview img").wait_for()
        page.click("#close-card")
        page.click("#see-inside")
        page.locator("#inside-reach .bar").first.wait_for()
        page.click("#another-unit")
        page.fill("#next-temperature", "1.5")
        found = tasks(browser.stop_tracing())
    assert found
    assert max(found) <= LONGEST_TASK
