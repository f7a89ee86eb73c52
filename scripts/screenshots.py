"""Pictures of the page at desktop and phone width, light and dark: docs/page/*.png. Needs playwright and a Chromium."""

import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

FOLDER = Path(__file__).parents[1] / "docs" / "page"
SIZES = {"desktop": (1280, 860), "phone": (390, 844)}
SECONDS = 120.0


def main() -> None:
    """Serve, open the page in each size and scheme, and take its pictures."""
    FOLDER.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "pingze", "serve", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server, sync_playwright() as p:
        assert server.stderr is not None
        address = "http://" + server.stderr.readline().split("http://", 1)[1].split()[0]
        browser = p.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        try:
            for size in SIZES:
                for scheme in ("light", "dark"):
                    take(browser, address, size, scheme)
        finally:
            browser.close()
            server.terminate()


def take(browser: Browser, address: str, size: str, scheme: str) -> None:
    """The page while a person composes, revises, and looks inside."""
    width, height = SIZES[size]
    page = browser.new_page(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        locale="zh-TW" if scheme == "light" else "en-US",
        reduced_motion="reduce",
    )
    page.set_default_timeout(SECONDS * 1000)
    page.goto(address)
    page.locator("body[data-ready]").wait_for()
    page.locator(".chip", has_text="七律" if size == "desktop" else "七絕").click()
    page.fill("#title", "秋夜")
    page.select_option("#poet", "李白")
    page.click("#manner > summary")
    page.fill("#seed", "7")
    page.click("#manner > summary")
    page.click("#go")
    page.locator("button.candidate").nth(2).wait_for()
    page.locator("#sheet .rhymes").first.wait_for()
    save(page, f"{size}-{scheme}-composing")
    page.locator("#sheet [role=gridcell]").nth(9).click()
    page.locator(".alternative").first.wait_for()
    if size == "phone":
        page.locator("#inspector").scroll_into_view_if_needed()
    save(page, f"{size}-{scheme}-revising")
    page.click("#see-inside")
    page.locator("#inside-reach .bar").first.wait_for()
    page.locator("#inside").evaluate("node => node.scrollIntoView()")
    save(page, f"{size}-{scheme}-inside")
    page.close()


def save(page: Page, name: str) -> None:
    """One picture of what is seen."""
    page.screenshot(path=FOLDER / f"{name}.png")
    print(FOLDER / f"{name}.png")


if __name__ == "__main__":
    main()
