"""Measure in Chromium how long the page keeps a reader waiting.

    python -m lab.benchmarks.page

Times are processor times of the page's main thread, so that other work on the machine does not
count, and medians of five runs. Each is also given as a multiple of the time that a loop of a
million square roots takes in the same page, so that machines can be compared. With --walk, it walks
from an empty sheet to a 七律 with one couplet of another draft, counts the actions, and gives each wait
for the machine as a multiple of a default poem of the same server, all medians of nine turns. Needs
playwright and Chromium. Writes the figures `page.*`.
"""

import argparse
import json
import shutil
import statistics
import time
from collections.abc import Callable

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

from lab.benchmarks import machine
from lab.benchmarks.serve import serving
from lab.figures import record

TIMES = 5
TURNS = 9
OPTIONS = ["--no-sandbox", "--disable-background-networking"]
TRACED = ["toplevel", "devtools.timeline", "disabled-by-default-devtools.timeline"]
LOOP = """() => {
  const started = performance.now();
  let sum = 0;
  for (let n = 0; n < 1e6; n++) sum += Math.sqrt(n);
  return [performance.now() - started, sum][0];
}"""


def main() -> None:
    """Start a server, use the page several times, and record the medians."""
    parser = argparse.ArgumentParser(
        description="Measure how long the page keeps a reader waiting."
    )
    parser.add_argument("--walk", action="store_true", help="walk to a 七律 with a couplet kept")
    walks = parser.parse_args().walk
    with serving(machine.ROOT) as server, sync_playwright() as p:
        browser = p.chromium.launch(executable_path=shutil.which("chromium"), args=OPTIONS)
        if walks:
            seen = [walk(browser, server.address) for _ in range(TURNS)]
        else:
            seen = [measured(browser, server.address) for _ in range(TIMES)]
        browser.close()
    medians = {}
    for name in seen[0]:
        medians[name] = statistics.median(one[name] for one in seen)
    command = "python -m lab.benchmarks.page"
    if walks:
        command += " --walk"
    record(command, medians)


def walk(browser: Browser, address: str) -> dict[str, float]:
    """Walk from an empty sheet to a 七律 with a couplet of the second draft; count actions and time waits."""
    with httpx.Client(base_url=address, timeout=None) as client:
        started = time.perf_counter()
        client.post("/v1/fill", json={"sheet": {}}).raise_for_status()
        default_poem = time.perf_counter() - started
    context = browser.new_context(locale="zh-TW", reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.goto(address)
    page.locator("body[data-ready]").wait_for()
    page.click("#new-sheet")
    # 1) The actions: a form, a title, 作, and a couplet.
    page.locator(".chip", has_text="七律").click()
    page.fill("#title", "秋夜登樓")
    drafts = waited(page, lambda: page.click("#go"))
    rest = waited(
        page, lambda: page.locator(".draft >> nth=1").locator(".keep_couplet >> nth=2").click()
    )
    assert page.locator("#sheet .locked").count() == 14
    context.close()
    return {
        "page.walk_actions": 4,
        "page.walk_drafts_ratio": drafts / default_poem,
        "page.walk_rest_ratio": rest / default_poem,
    }


def waited(page: Page, act: Callable[[], None]) -> float:
    """Perform an action, and return the seconds until new drafts are there."""
    started = time.perf_counter()
    act()
    page.locator("#sheet[aria-busy=true]").wait_for()
    page.locator("#sheet[aria-busy=false]").wait_for()
    return time.perf_counter() - started


def measured(browser: Browser, address: str) -> dict[str, float]:
    """Measure the milliseconds to the first marked poem, and of the longest tasks."""
    context = browser.new_context(locale="zh-TW", reduced_motion="reduce")
    page = context.new_page()
    first = tasks(browser, address, lambda: arrive(page, address))
    loop = statistics.median(page.evaluate(LOOP) for _ in range(9))
    work = tasks(browser, address, lambda: work_at(page))
    context.close()
    times = {"first_poem": sum(first), "first_task": max(first), "work_task": max(work)}
    figures = {}
    for name, milliseconds in times.items():
        figures[f"page.{name}_ms"] = milliseconds
        figures[f"page.{name}_ratio"] = milliseconds / loop
    return figures


def tasks(browser: Browser, address: str, act: Callable[[], None]) -> list[float]:
    """Perform an action, and return the milliseconds of the main thread's tasks."""
    browser.start_tracing(categories=TRACED)
    act()
    events = json.loads(browser.stop_tracing())["traceEvents"]
    # 1) The processes that have the page, and the main thread of each.
    ours = set()
    main_threads = set()
    for event in events:
        arguments = event.get("args", {})
        if address in json.dumps(arguments):
            ours.add(event["pid"])
        if arguments.get("name") == "CrRendererMain":
            main_threads.add((event["pid"], event["tid"]))
    # 2) Their tasks.
    found = []
    for event in events:
        is_main = event["pid"] in ours and (event["pid"], event["tid"]) in main_threads
        if is_main and "tdur" in event and event["name"].endswith("RunTask"):
            found.append(event["tdur"] / 1000)
    return found


def arrive(page: Page, address: str) -> None:
    """Open the page, and wait until the poem on its sheet shows its marks."""
    page.goto(address)
    page.locator("#sheet .rhymes").first.wait_for()


def work_at(page: Page) -> None:
    """Compose, revise, make a card, and look inside."""
    page.locator(".chip", has_text="七律").click()
    page.select_option("#count", "2")
    page.click("#go")
    page.locator("#go", has_text="作").wait_for()
    page.locator("#sheet .rhymes").first.wait_for()
    page.locator("#sheet [role=gridcell]").nth(9).click()
    page.locator(".alternative").first.click()
    page.click("#send")
    page.click("#make-card")
    page.locator("#card-preview img").wait_for()
    page.click("#close-card")
    page.click("[data-view-of=inside]")
    page.locator("#inside-reach .bar").first.wait_for()
    page.fill("#next-temperature", "1.5")


if __name__ == "__main__":
    main()
