"""Models of a hub: fetched by the real package from a hub on this machine, kept, verified, and uploaded."""

import hashlib
import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest

from pingze.errors import CheckpointError
from pingze.network import checkpoint
from tests import invented
from tests.cli.calling import Call, pingze

FILE = "/garden/plum/resolve/main/model.safetensors"
NOT_GIVEN = "is no file or folder here, and the model hub did not give it"
needs_hub = pytest.mark.skipif(find_spec("huggingface_hub") is None, reason="needs the extra hub")


class Hub(ThreadingHTTPServer):
    """A hub with one file, which keeps what it was asked for."""

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.content = content
        self.digest = hashlib.sha256(content).hexdigest()
        self.asked: list[tuple[str, str]] = []
        self.agents: set[str | None] = set()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Answer(BaseHTTPRequestHandler):
    """An answer with the headers of the Hugging Face Hub."""

    server: Hub

    def do_HEAD(self) -> None:
        self.server.asked.append((self.command, self.path))
        self.server.agents.add(self.headers["user-agent"])
        if self.path == FILE:
            self.send_response(200)
            self.send_header("x-repo-commit", "a" * 40)
            self.send_header("x-linked-etag", f'"{self.server.digest}"')
            self.send_header("etag", f'"{self.server.digest}"')
            self.send_header("content-length", str(len(self.server.content)))
        else:
            code = "EntryNotFound" if self.path.startswith("/garden/empty/") else "RepoNotFound"
            self.send_response(404)
            self.send_header("x-error-code", code)
            self.send_header("content-length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        self.do_HEAD()
        if self.path == FILE:
            self.wfile.write(self.server.content)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    path = invented.saved(tmp_path / "model.safetensors", invented.model())
    with Hub(path.read_bytes()) as made:
        thread = Thread(target=made.serve_forever)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def exported(home: Path, endpoint: str, model: str = "garden/plum", **more: str) -> Any:
    """Export a model of a hub: the exit status, and what is said on standard error."""
    environment = {"HF_HOME": str(home / "cache"), "HF_ENDPOINT": endpoint, "PYTHONUTF8": "1"}
    command = ("export", "--model", model, "--to", str(home / "out"))
    status, out, err = pingze(*command, cwd=home, **environment, **more)
    assert out == ""
    return status, err


@needs_hub
def test_a_model_is_fetched_once(hub: Hub, tmp_path: Path) -> None:
    for _ in range(2):
        status, err = exported(tmp_path, hub.address)
        assert status == 0, err
        loaded = checkpoint.load(tmp_path / "out")
        for name, tensor in invented.model().stored.items():
            np.testing.assert_array_equal(loaded.stored[name], tensor)
    # nothing else is asked for, such as a list for telemetry
    assert hub.asked == [("HEAD", FILE), ("GET", FILE), ("HEAD", FILE)]


@needs_hub
def test_the_hub_is_told_nothing_of_other_packages(hub: Hub, tmp_path: Path) -> None:
    assert exported(tmp_path, hub.address)[0] == 0
    (agent,) = hub.agents
    assert re.fullmatch(r"unknown/None; hf_hub/[\d.]+; python/[\d.]+", agent or "")


@needs_hub
def test_a_fetched_model_needs_no_network(hub: Hub, tmp_path: Path) -> None:
    assert exported(tmp_path, hub.address)[0] == 0
    hub.asked.clear()
    assert exported(tmp_path, "http://127.0.0.1:9")[0] == 0
    assert exported(tmp_path, hub.address, HF_HUB_OFFLINE="1")[0] == 0
    assert hub.asked == []


@needs_hub
def test_a_model_of_a_hub_composes(hub: Hub, tmp_path: Path) -> None:
    weights = files("pingze.network") / "weights" / "report.safetensors"
    hub.content = weights.read_bytes()
    hub.digest = hashlib.sha256(hub.content).hexdigest()
    environment = {"HF_HOME": str(tmp_path), "HF_ENDPOINT": hub.address, "PYTHONUTF8": "1"}
    command = ("compose", "--form", "五絕", "--seed", "1", "--model")
    composed = pingze(*command, "garden/plum", **environment)
    assert composed == pingze(*command, "report", PYTHONUTF8="1")
    assert composed[0] == 0


@needs_hub
@pytest.mark.parametrize("part", ["fetched", "kept"])
def test_a_file_whose_digest_differs_is_refused(hub: Hub, tmp_path: Path, part: str) -> None:
    changed = hub.content[:-1] + bytes([hub.content[-1] ^ 1])
    if part == "fetched":
        hub.content = changed
    else:
        assert exported(tmp_path, hub.address)[0] == 0
        (kept,) = (path for path in (tmp_path / "cache").rglob(hub.digest) if path.is_file())
        kept.write_bytes(changed)
    status, err = exported(tmp_path, hub.address)
    assert status == 2
    assert re.fullmatch(
        rf"pingze: \S+{hub.digest} is not what the model hub has, .* SHA-256 .*: delete it.*\n", err
    )


@needs_hub
@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("garden/nothing", "the model hub has no repository garden/nothing that you may use: .*"),
        (
            "garden/empty",
            "garden/empty " + NOT_GIVEN + ": 404 .*/model.safetensors.*",
        ),
        (
            "garden/a--b",
            "garden/a--b " + NOT_GIVEN + ": Cannot have -- or .*",
        ),
    ],
)
def test_what_the_hub_has_not_is_one_line(hub: Hub, tmp_path: Path, model: str, said: str) -> None:
    status, err = exported(tmp_path, hub.address, model)
    assert status == 2
    assert re.fullmatch(f"pingze: {said}\n", err)


@needs_hub
@pytest.mark.parametrize(
    "environment",
    [
        {"HF_HUB_OFFLINE": "1"},
        # the package tries for 23 seconds
        pytest.param({}, marks=pytest.mark.slow),
    ],
)
def test_no_network_is_one_line(tmp_path: Path, environment: dict[str, str]) -> None:
    status, err = exported(tmp_path, "http://127.0.0.1:9", **environment)
    assert status == 2
    said = "garden/plum " + NOT_GIVEN + ": .*cannot find the requested files .*"
    assert re.fullmatch(f"pingze: {said}\n", err, re.IGNORECASE)


def test_without_the_extra_it_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pingze.network.hub.find_spec", lambda name: None)
    said = r"^garden/plum is no file or folder here, .* pip install '\.\[hub\]'$"
    with pytest.raises(CheckpointError, match=said):
        checkpoint.load("garden/plum")


@pytest.mark.parametrize("model", ["plum", "./plum", "../plum", "garden/plum/tree", "/plum", "~/a"])
def test_another_name_is_none_of_a_hub(model: str) -> None:
    with pytest.raises(CheckpointError, match=r"^there is no model "):
        checkpoint.load(model)


# -- uploading --


@needs_hub
def test_push_uploads_what_export_wrote(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the card that a person has written beside it, but no hidden file."""
    import huggingface_hub
    from huggingface_hub.utils._paths import filter_repo_objects

    sent: dict[str, bytes] = {}

    def upload_folder(*, repo_id: str, folder_path: Path, ignore_patterns: list[str]) -> None:
        assert repo_id == "garden/plum"
        paths = [path for path in Path(folder_path).rglob("*") if path.is_file()]
        names = [path.relative_to(folder_path).as_posix() for path in paths]
        for name in filter_repo_objects(names, ignore_patterns=ignore_patterns):
            sent[name] = (Path(folder_path) / name).read_bytes()

    monkeypatch.setattr(huggingface_hub, "upload_folder", upload_folder)
    model = invented.saved(tmp_path / "model.safetensors", invented.model())
    folder = tmp_path / "shared"
    folder.mkdir()
    (folder / "README.md").write_text("mine", encoding="utf-8")
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_text("secret", encoding="utf-8")
    command = ("export", "--model", str(model), "--to", str(folder), "--push", "garden/plum")
    status, out, err = call(*command, "--onnx", str(folder / "step.onnx"))
    assert (status, out) == (0, "")
    assert err.endswith(f"uploaded {folder} to garden/plum\n")
    names = ["README.md", "config.json", "model.safetensors", "step.onnx", "vocab.txt"]
    assert sorted(sent) == names
    assert sent == {name: (folder / name).read_bytes() for name in names}
    assert sent["README.md"] == b"mine"


@needs_hub
def test_a_push_that_fails_is_one_line(hub: Hub, tmp_path: Path) -> None:
    path = tmp_path / "own.safetensors"
    path.write_bytes(hub.content)
    command = ("export", "--model", str(path), "--to", "out", "--push", "garden/nothing")
    environment = {"HF_HOME": str(tmp_path / "cache"), "HF_ENDPOINT": hub.address}
    status, _, err = pingze(*command, cwd=tmp_path, PYTHONUTF8="1", **environment)
    assert status == 2
    assert re.fullmatch("pingze: .*garden/nothing.*\n", err.splitlines(keepends=True)[-1])
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("--push garden/plum", "nothing to write: give --to FOLDER, which --push uploads"),
        ("--push garden/plum --onnx a.onnx", "nothing to write: give --to FOLDER"),
    ],
)
def test_push_needs_a_folder(call: Call, command: str, said: str) -> None:
    status, _, err = call("export", *command.split())
    assert status == 2
    assert said in err
