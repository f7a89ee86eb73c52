"""Take the screenshots in docs/page, at three sizes and in two colour schemes.

    python -m tools.screenshots

Needs playwright and Chromium.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, Route, sync_playwright

from tools.build_site import build

FOLDER = Path(__file__).parents[1] / "docs" / "page"
SIZES = {"desktop": (1280, 860), "phone": (390, 844), "landscape": (844, 390)}
SECONDS = 120.0
FAULTY = "黃昏明月似霜生，夜壓行雲白帝城。\n高影入槐西岸雪，雁樓橫笛夢中月。"


def main() -> None:
    """Start a server, open the page in each size and colour scheme, and take its screenshots."""
    FOLDER.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "pingze", "serve", "--port", "0"]
    with (
        subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server,
        sync_playwright() as p,
    ):
        assert server.stderr is not None
        address = "http://" + server.stderr.readline().split("http://", 1)[1].split()[0]
        browser = p.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        try:
            for size in SIZES:
                for scheme in ("light", "dark"):
                    take(browser, address, size, scheme)
            static(browser, address)
        finally:
            browser.close()
            server.terminate()


def take(browser: Browser, address: str, size: str, scheme: str) -> None:
    """Take screenshots of the page in each of its uses."""
    # 1) Open it, with its first poem.
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
    page.locator("#sheet .rhymes").first.wait_for()
    save(page, f"{size}-{scheme}-first")
    # 2) An empty sheet, poems composed, and one revised.
    page.click("#new-sheet")
    page.locator("#sheet [data-line='1'][data-position='1']").focus()
    page.keyboard.insert_text("秋夜")
    page.locator("#sheet .blank .sign", has_text="●").first.wait_for()
    save(page, f"{size}-{scheme}-empty")
    page.click("#new-sheet")
    compose(page, "七律" if size == "desktop" else "七絕")
    page.evaluate("scrollTo(0, 0)")
    save(page, f"{size}-{scheme}-composing")
    page.locator("#candidates").scroll_into_view_if_needed()
    save(page, f"{size}-{scheme}-drafts")
    page.evaluate("scrollTo(0, 0)")
    page.locator("#sheet [role=gridcell]").nth(9).click()
    page.locator(".alternative").first.wait_for()
    save(page, f"{size}-{scheme}-revising")
    if size == "landscape":
        page.close()
        return
    # 3) Inside the model, and a card.
    page.click("[data-view-of=inside]")
    page.locator("#inside-reach .bar").first.wait_for()
    page.evaluate("scrollTo(0, 0)")
    save(page, f"{size}-{scheme}-inside")
    page.click("[data-view-of=compose]")
    if size == "phone":
        page.click(".close")
    page.click("#send")
    page.click("#make-card")
    page.locator(".papers .chip").nth(0 if scheme == "light" else 2).click()
    page.locator("#card-preview img").wait_for()
    save(page, f"{size}-{scheme}-card")
    page.click("#close-card")
    # 4) A pasted poem with faults.
    page.click("#bring")
    page.fill("#text", FAULTY)
    page.click("#bringing .seal-button")
    page.click("#see-verdict")
    page.locator("#faults .open-place").wait_for()
    page.wait_for_load_state("networkidle")
    page.evaluate("scrollTo(0, 0)")
    save(page, f"{size}-{scheme}-checking")
    page.click("#see-verdict")
    # 5) Other kinds of verse.
    kinds = (("long", "五排"), ("tune", "詞"), ("couplet", "對聯"), ("quoted", "集句"))
    for name, chip in kinds[: 4 if size == "desktop" else 2]:
        compose_kind(page, chip)
        save(page, f"{size}-{scheme}-{name}")
    page.close()


def static(browser: Browser, address: str) -> None:
    """Take a screenshot of the page without a server, at the link of the first poem."""
    page = browser.new_page(viewport={"width": 1000, "height": 860}, locale="en-US")
    page.goto(address)
    page.locator("#sheet .rhymes").first.wait_for()
    page.wait_for_function("location.hash.length > 200")
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder))
        page.goto(f"{Path(folder).as_uri()}/index.html{page.evaluate('location.hash')}")
        page.locator("body[data-ready]").wait_for()
        save(page, "static")


def compose(page: Page, form: str) -> None:
    """Compose poems in a form with a title, an acrostic and a poet's manner."""
    if page.locator("#fold").is_visible():
        page.click("#fold")
    page.locator(".chip", has_text=form).click()
    page.fill("#title", "秋夜")
    page.click("#more > summary")
    page.fill("#acrostic", "春夏秋冬")
    page.click("#more > summary")
    page.route("**/v1/fill", seeded)
    page.click("#go")
    page.locator(".draft").nth(2).wait_for()
    page.locator("#sheet .rhymes").first.wait_for()


def compose_kind(page: Page, chip: str) -> None:
    """Compose a long poem, a 詞, a couplet or a 集句 to a subject; a 集句 needs the corpus."""
    if page.locator("#fold").is_visible():
        page.click("#fold")
    if chip == "集句":
        page.locator(".chip", has_text="七絕").click()
    page.locator(".chip", has_text=chip).click()
    if chip == "五排":
        page.fill("#lines", "20")
    if chip == "詞":
        page.fill("#tune_search", "水調")
        clear = page.locator("#bound [data-name=acrostic] button")
        if clear.count():
            clear.click()
    page.fill("#title", "新春" if chip == "對聯" else "秋思")
    page.click("#go")
    page.locator("#sheet[aria-busy=false]").wait_for()
    page.wait_for_load_state("networkidle")  # its marks have come too
    page.evaluate("scrollTo(0, 0)")


def seeded(route: Route) -> None:
    """Have poems composed with the same seed each time the pictures are taken."""
    asked = json.loads(route.request.post_data or "{}")
    asked["sheet"]["seed"] = 1
    route.continue_(post_data=json.dumps(asked))


def save(page: Page, name: str) -> None:
    """Save a screenshot of the visible part of the page, if a document shows it."""
    documents = list(FOLDER.parents[1].glob("README*.md"))
    documents += FOLDER.parent.rglob("*.md")
    if not any(f"page/{name}.png" in file.read_text(encoding="utf-8") for file in documents):
        return
    page.screenshot(path=FOLDER / f"{name}.png")
    print(FOLDER / f"{name}.png")


if __name__ == "__main__":
    main()
