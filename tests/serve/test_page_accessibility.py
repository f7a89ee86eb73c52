"""axe-core, from its npm package on disk, finds nothing: light, dark, at a desk, on a phone, in both languages."""

import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from pingze.corpus.fetch import npm_client
from pingze.errors import CorpusError
from tests.serve.page import bring, compose, opened, put, send

pytestmark = pytest.mark.slow

VERSION = "4.10.3"
RUN = "axe.run({ rules: { 'label-content-name-mismatch': { enabled: true } } })"
CHECKED = {
    "faulty": "黃昏明月似霜生，夜壓行雲白帝城。高影入槐西岸雪，雁樓橫笛夢中月。",
    "readings": "发短愁多不自知，白云深处有谁期。后来一夜江头雨，复向钟声寄所归。",
}


@pytest.fixture(scope="module")
def axe() -> str:
    """The library's text, packed by npm, which keeps what it fetched in its own cache."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            command = [
                *npm_client(),
                "pack",
                f"axe-core@{VERSION}",
                "--prefer-offline",
                "--loglevel=error",
            ]
            subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
            with tarfile.open(Path(folder) / f"axe-core-{VERSION}.tgz") as archive:
                member = archive.extractfile("package/axe.min.js")
                return member.read().decode()
        except (CorpusError, OSError, subprocess.SubprocessError) as error:
            pytest.skip(f"axe-core cannot be fetched: {error}")


@pytest.mark.parametrize(
    ("phone", "scheme", "language"), [(False, "dark", "en-US"), (True, "light", "zh-TW")]
)
def test_axe_finds_nothing(
    browser: Browser, address: str, axe: str, phone: bool, scheme: str, language: str
) -> None:
    with opened(browser, address, phone=phone, scheme=scheme, language=language) as page:
        found: dict[str, Any] = {}

        def look(view: str) -> None:
            found[view] = page.evaluate(RUN)

        page.evaluate(axe)
        look("first")
        page.click(".settings-button")
        look("settings")
        page.keyboard.press("Escape")
        if phone:
            page.click("#fold")
        page.click("#more > summary")
        page.fill("#acrostic", "春夏秋冬東南西北")
        page.locator(".remedy").first.wait_for()
        look("choices")
        page.fill("#acrostic", "春")
        if phone:
            page.click("#unfold")
        compose(page, poems=2)
        page.locator("#sheet [role=gridcell]").nth(7).click()
        page.locator(".alternative").first.wait_for()
        put(page, "月")
        page.locator("#sheet .locked[data-line='2'][data-position='3']").wait_for()
        look("composing")
        if phone:
            page.click(".close")
        send(page, "#make-card")
        page.locator("#card-preview img").wait_for()
        look("card")
        page.click("#close-card")
        send(page, "#entitle")
        look("entitling")
        page.click("#entitling .plain")
        page.click("[data-view-of=inside]")
        page.locator("#inside-reach .bar").first.wait_for()
        look("inside")
        page.click("[data-view-of=shelf]")
        look("shelf")
        page.click("[data-view-of=compose]")
        page.click("#see-verdict")
        for view, text in CHECKED.items():
            bring(page, text)
            page.locator("#mend").wait_for()
            look(view)
        page.click("#mend")
        page.locator("#faults li").first.wait_for()
        look("mended")
        page.click("#new-sheet")
        page.locator("#sheet .blank").first.wait_for()
        look("empty")
        page.goto(f"{address}/page/about.{language[:2]}.html")
        page.evaluate(axe)
        look("about")
    assert [
        (where, one["id"], [node["html"][:200] for node in one["nodes"]])
        for where, result in found.items()
        for one in result["violations"]
    ] == []
