"""axe-core, from its npm package on disk, finds nothing serious or critical: light, dark, at a desk, on a phone."""

import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pingze.corpus.fetch import npm_client
from pingze.errors import CorpusError
from tests.serve.page import opened

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow

VERSION = "4.10.3"


@pytest.fixture(scope="module")
def axe() -> str:
    """The library's text, packed by npm, which keeps what it fetched in its own cache."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            command = [*npm_client(), "pack", f"axe-core@{VERSION}", "--prefer-offline", "--loglevel=error"]
            subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
            with tarfile.open(Path(folder) / f"axe-core-{VERSION}.tgz") as archive:
                member = archive.extractfile("package/axe.min.js")
                assert member is not None
                return member.read().decode()
        except (CorpusError, OSError, subprocess.SubprocessError) as error:
            pytest.skip(f"axe-core cannot be fetched: {error}")


@pytest.mark.parametrize(
    ("phone", "scheme"), [(False, "light"), (False, "dark"), (True, "light"), (True, "dark")]
)
def test_nothing_serious(browser: "Browser", address: str, axe: str, phone: bool, scheme: str) -> None:
    with opened(browser, address, phone=phone, scheme=scheme) as page:
        page.locator(".chip", has_text="五絕").click()
        page.click("#bounds > summary")
        page.click("#manner > summary")
        page.select_option("#count", "2")
        page.click("#go")
        page.locator("button.candidate").nth(1).wait_for()
        page.locator("#sheet [role=gridcell]").nth(7).click()
        page.locator(".alternative").first.wait_for()
        page.click("#see-inside")
        page.locator("#inside-reach .bar").first.wait_for()
        if phone:
            page.click("#fold")
        page.evaluate(axe)
        composing = page.evaluate("axe.run()")
        page.click("[data-view-of=check]")
        page.fill("#text", "山水山水山，水山水山水。")
        page.click("#checking [type=submit]")
        page.locator(".verdict").wait_for()
        for found in (composing, page.evaluate("axe.run()")):
            grave = [
                (one["id"], [node["html"][:200] for node in one["nodes"]])
                for one in found["violations"]
                if one["impact"] in ("serious", "critical")
            ]
            assert grave == []
