"""A browser at a page that a real `pingze serve` serves: what every test of the page starts from."""

import base64
import json
import os
import re
import shutil
import subprocess
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

from tests.serve.process import SECONDS

OPTIONS = ["--no-sandbox", "--disable-background-networking"]
Open = Callable[..., Page]
"""The fixture `open_page`."""
Serve = Callable[[Path], str]
"""The fixture `serve_corpus`."""


def executable() -> str | None:
    """Where the system's Chromium is."""
    return (
        shutil.which("chromium")
        or shutil.which("chromium-browser")
        or shutil.which("google-chrome")
    )


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium; skips where there is none."""
    path = executable()
    if path is None:
        pytest.skip("no Chromium is installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=OPTIONS)
        yield browser
        browser.close()


@contextmanager
def without_chinese_fonts(browser: Browser, folder: Path) -> Iterator[Browser]:
    """Another browser of the same kind, which finds one font, and in it no Chinese; skips where there is none."""
    chinese, all_fonts = (_fonts(which) for which in (":lang=zh", ":"))
    (folder / "fonts").mkdir()
    for font in sorted(all_fonts - chinese)[:1]:
        shutil.copy(font, folder / "fonts")
    if not any((folder / "fonts").iterdir()):
        pytest.skip("no font without Chinese is installed")
    configuration = f'<?xml version="1.0"?><fontconfig><dir>{folder / "fonts"}</dir></fontconfig>'
    (folder / "fonts.conf").write_text(configuration, encoding="utf-8")
    environment = {**os.environ, "FONTCONFIG_FILE": str(folder / "fonts.conf")}
    other = browser.browser_type.launch(executable_path=executable(), args=OPTIONS, env=environment)
    yield other
    other.close()


def _fonts(which: str) -> set[Path]:
    """The files of the fonts that fontconfig finds."""
    if shutil.which("fc-list") is None:
        return set()
    said = subprocess.run(
        ["fc-list", which, "file"], capture_output=True, text=True, check=True
    ).stdout
    return {Path(line.rstrip(": ")) for line in said.splitlines()}


@contextmanager
def opened(
    browser: Browser,
    address: str,
    *,
    phone: bool = False,
    scheme: str = "light",
    language: str = "zh-TW",
    after: str = "",
    refused: int = 0,
) -> Iterator[Page]:
    """The page, ready; at the end nothing was asked of another server, and the console holds no error.

    `refused` requests are expected to fail: the browser itself tells of each.
    """
    size = {"width": 390, "height": 844} if phone else {"width": 1280, "height": 860}
    context = browser.new_context(
        viewport=size,
        color_scheme=scheme,
        locale=language,
        reduced_motion="reduce",
        accept_downloads=True,
    )
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=address)
    context.set_default_timeout(SECONDS * 1000)
    page = context.new_page()
    troubles, asked = list[str](), list[str]()
    page.on("console", lambda message: troubles.extend([message.text] * (message.type == "error")))
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    again(page, address + "/" + after)
    yield page
    context.close()
    assert len([text for text in troubles if "Failed to load resource" in text]) == refused
    assert [text for text in troubles if "Failed to load resource" not in text] == []
    outside = [url for url in asked if not url.startswith((address, f"blob:{address}"))]
    assert outside == []


def link(*verse: str, form: str, title: str = "", locks: str | None = None, **asked: str) -> str:
    """Make the part of the page's address that holds a poem and what was asked for, as page/link.js does."""
    facts = [form, "", "", title, "", "", "", ""]
    text = json.dumps([" ".join(verse), facts, asked, *([] if locks is None else [locks])])
    return "#" + base64.urlsafe_b64encode(zlib.compress(text.encode(), wbits=-15)).decode().rstrip(
        "="
    )


def again(page: Page, address: str = "") -> None:
    """Go to an address, or reload the page, and wait until it is ready."""
    page.goto(address) if address else page.reload()
    page.locator("body[data-ready]").wait_for()


def count(page: Page, selector: str, number: int) -> None:
    """Wait until so many elements are there."""
    expect(page.locator(selector)).to_have_count(number, timeout=SECONDS * 1000)


def says(page: Page, selector: str, text: str | re.Pattern[str]) -> None:
    """Wait until an element says the text, among what else it says."""
    expect(page.locator(selector)).to_contain_text(text, timeout=SECONDS * 1000)


def compose(page: Page, form: str = "五絕", poems: int = 1) -> None:
    """Compose poems, and wait until all are there, the first with its marks."""
    if page.locator("#fold").is_visible():
        page.click("#fold")
    page.locator(".chip", has_text=form).click()
    page.select_option("#count", str(poems))
    page.click("#go")
    says(page, "#news", re.compile("得詩|Poems:"))
    # ◎ stands there before the verdict
    page.locator("#sheet .sign", has_text=re.compile("[○●◐]")).first.wait_for()
    says(page, "#go", re.compile("作|Compose"))


@contextmanager
def answers_held(page: Page, path: str) -> Iterator[None]:
    """What is asked of a path of the API waits until this ends; what was not called off is then answered in order."""
    held: list[Route] = []
    page.route(f"**/v1/{path}", lambda route: held.append(route))
    yield
    # what was called off is known by its answer
    page.evaluate("async () => { await fetch('/v1/health'); }")
    for route in [each for each in held if not each.request.failure]:
        with page.expect_response(f"**/v1/{path}"):
            route.continue_()
    page.unroute(f"**/v1/{path}")


def type_at(page: Page, line: int, position: int, characters: str) -> None:
    """Type characters on the sheet, from a place on, as an input method hands them over."""
    page.locator(f"#sheet [data-line='{line}'][data-position='{position}']").focus()
    page.keyboard.insert_text(characters)


def bring(page: Page, text: str) -> None:
    """Lay the poems of a text on the desk, and wait until the first is judged."""
    page.click("#bring")
    page.fill("#text", text)
    with page.expect_response("**/v1/read"):
        page.click("#bringing .seal-button")
    page.locator("#bringing").wait_for(state="hidden")


def send(page: Page, how: str) -> None:
    """Press one of the buttons by which a poem is passed on."""
    page.click("#send")
    page.click(how)


def put(page: Page, characters: str) -> None:
    """Put characters of one's own in the place that is open, by its field, and on from there."""
    page.fill("#own", characters)
    page.press("#own", "Enter")


def choose(page: Page, setting: str, value: str) -> None:
    """Choose one of the settings: language, script or theme."""
    page.click(".settings-button")
    page.select_option(f"#{setting}", value)
    page.keyboard.press("Escape")


def lines(page: Page) -> list[str]:
    """The lines of the poem on the sheet."""
    return [
        "".join(row.locator(".character").all_inner_texts())
        for row in page.locator("#sheet .line").all()
    ]
