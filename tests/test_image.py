"""The steps of the Dockerfile in a fresh folder and environment: what it copies is enough to install and to serve."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.environments import new_environment, programs
from tests.serve.process import SECONDS, free_port

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "serving.md"
pytestmark = pytest.mark.skipif(os.name == "nt", reason="the image is for Linux")


def steps() -> list[tuple[str, str]]:
    """Each instruction of the Dockerfile with its arguments, in order."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    found = []
    for line in text.splitlines():
        if line and not line.startswith("#"):
            instruction, _, arguments = line.partition(" ")
            found.append((instruction, arguments))
    return found


def step(instruction: str) -> str:
    """The arguments of an instruction that there is once."""
    (arguments,) = (rest for name, rest in steps() if name == instruction)
    return arguments


class Image(NamedTuple):
    """What the steps have made: a working folder, and the environment of its processes."""

    folder: Path
    environment: Mapping[str, str]

    def command(self, written: str) -> list[str]:
        """A command that the Dockerfile has as JSON, with the path of its program."""
        program, *arguments = json.loads(written)
        return [str(programs(self.folder.parent) / program), *arguments]

    def run(self, command: list[str]) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(command, check=False, **self.how())

    def how(self) -> dict[str, Any]:
        """How its processes run."""
        return {
            "cwd": self.folder,
            "env": self.environment,
            "stderr": subprocess.PIPE,
            "encoding": "utf-8",
        }


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """The folder and the environment after all COPY and RUN steps."""
    root = tmp_path_factory.mktemp("image")
    new_environment(root)
    own = {"PATH": f"{programs(root)}:/usr/bin:/bin", "HOME": "/nonexistent"}
    folder = root
    for instruction, arguments in steps():
        if instruction == "WORKDIR":
            folder = root / arguments.lstrip("/")
            folder.mkdir()
        elif instruction == "COPY":
            *sources, to = shlex.split(arguments)
            for source in sources:
                copy(ROOT / source, folder / to / source if to == "./" else folder / to)
        elif instruction == "RUN":
            kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
            subprocess.run(arguments, shell=True, cwd=folder, env=kept | own, check=True)
    return Image(folder, own)


def copy(source: Path, to: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, to, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copyfile(source, to)


@pytest.fixture(scope="module")
def served(image: Image) -> Iterator[tuple[int, "subprocess.Popen[str]"]]:
    """The port and the process of the entry point, with another port appended as `docker run` appends it."""
    port = free_port()
    command = image.command(step("ENTRYPOINT"))
    with subprocess.Popen([*command, "--port", str(port)], **image.how()) as process:
        try:
            assert process.stderr
            assert "http://" in process.stderr.readline()
            yield port, process
        finally:
            process.kill()


def health(image: Image, port: int) -> int:
    """The exit status of the image's health check."""
    check = step("HEALTHCHECK").partition(" CMD ")[2].replace(":8000", f":{port}")
    return image.run(image.command(check)).returncode


@pytest.mark.slow
def test_the_entry_point_composes_and_is_healthy(
    image: Image, served: tuple[int, "subprocess.Popen[str]"]
) -> None:
    port, process = served
    assert health(image, free_port()) != 0  # nobody serves there
    assert health(image, port) == 0
    body = json.dumps({"sheet": {"form": "五絕", "seed": 1}}).encode()
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/fill", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(asked, timeout=SECONDS) as answer:
        assert len(json.load(answer)["poems"][0]["lines"]) == 4
    process.send_signal(signal.SIGTERM)  # as `docker stop` does
    process.wait(timeout=SECONDS)
    assert process.stderr
    assert process.stderr.read() == ""


def test_its_user_is_not_root() -> None:
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", step("USER"))


def test_its_python_is_one_that_the_package_takes() -> None:
    assert step("FROM") == "python:3.11-slim"
    assert 'requires-python = ">=3.11"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_the_context_is_what_is_copied() -> None:
    copied = set()
    for instruction, arguments in steps():
        if instruction == "COPY":
            copied |= set(shlex.split(arguments)[:-1])
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in lines
    assert {line[1:] for line in lines if line.startswith("!")} == copied


def test_the_documented_options_are_those_of_serve() -> None:
    from pingze.cli import application_for

    runs = re.findall(r"^docker run .* pingze (--.*)$", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    assert runs
    for options in runs:
        command = ["serve", *options.split(), "--help"]
        application_for(["serve"])(command, standalone_mode=False)
