"""The page that shows a link's poem without a server, in a real browser: from its folder, and from a plain server."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.serve.page import compose, lines, link, opened, send
from tests.serve.process import serving
from tools.build_site import build, bundle

TUNE = (
    "江上晚風吹雨",
    "山外歸人無數",
    "明月照孤舟",
    "一夜客愁難訴",
    "歸去",
    "歸去",
    "春在小橋深處",
)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def plain_server(folder: Path) -> Iterator[str]:
    """A server of a folder's files; its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_the_script_is_plain_and_holds_what_it_imports() -> None:
    script = bundle("reader")
    assert not re.search(r"^(import|export) ", script, re.M)
    assert {"link_js", "poem_js", "words_js"} <= set(re.findall(r"const (\w+) = await", script))


@pytest.mark.slow
def test_a_link_leads_to_the_page_without_a_server(browser: Browser, tmp_path: Path) -> None:
    public = "https://poems.example.org/poem/"
    with (
        serving(tmp_path, "--public-url", public) as server,
        opened(browser, server.address) as page,
    ):
        compose(page)
        poem = lines(page)
        send(page, "#link")
        page.wait_for_function(
            "() => document.querySelector('#news').textContent === '網址已複製。'"
        )
        copied: str = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(public + "#")
    build(tmp_path / "site")
    with plain_server(tmp_path / "site") as address:
        for there in ((tmp_path / "site" / "index.html").as_uri(), address + "/"):
            context = browser.new_context(locale="en-US")
            page, asked, troubles = context.new_page(), [], []
            page.on("request", lambda request, asked=asked: asked.append(request.url))
            page.on("pageerror", lambda error, troubles=troubles: troubles.append(error))
            page.goto(there + "#" + copied.partition("#")[2])
            page.locator("body[data-ready]").wait_for()
            assert lines(page) == poem
            assert page.locator("#sheet .rhymes").count() in (2, 3)
            assert page.locator("#sheet .sign", has_text=re.compile("[○●◐]")).count() > 10
            assert page.locator("#sheet .means", has_text=re.compile("[a-z]")).count() > 10
            assert (
                page.locator("pre").count() == 0
            )  # it asks for no command in a folder that is elsewhere
            for name in ("#copy", "#link", "#print"):
                assert page.locator(name).is_visible()
            source = page.locator("#source-page").get_attribute("href")
            assert page.locator("#source").is_visible() == bool(source)
            page.goto(there + link(*TUNE, form="如夢令"))
            page.reload()
            page.locator("#sheet h2", has_text="如夢令").wait_for()
            assert page.locator("#sheet .mark").all_inner_texts() == list("。。，。。。。")
            page.goto(there + "#damaged")
            page.reload()
            page.locator("#trouble", has_text="damaged").wait_for()
            assert [
                url
                for url in asked
                if not url.startswith((there.removesuffix("index.html"), "blob:"))
            ] == []
            assert troubles == []
            context.close()
