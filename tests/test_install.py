"""With exactly the extras that the documents name, each of their commands runs, or says in one line which it misses.

The slow tests build those of base and serve. `make test-install EXTRAS='train train,plots corpus'`
builds others, which takes minutes, and fetches the corpus.
"""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests import invented
from tests.environments import new_environment
from tests.test_documents import DOCUMENTS, RUN, blocks, commands

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
SETS = os.environ.get("PINGZE_TEST_EXTRAS", "base serve").split()
"""The sets of extras to install, such as train,plots; base has none."""
NEEDS: Mapping[str, set[str]] = {
    "serve": {"serve"},
    "mcp": {"mcp"},
    "train": {"train"},
    "evaluate": {"train"},
    "derive": {"train"},
}
"""The extras that a command needs."""
OF_CORPUS = {"collect", "originality", "corpus", "train", "evaluate"}
"""The commands that need the corpus."""
NOT_RUN = re.compile(r"\b[A-Z]{4,}\b|package/dist|runs/ended")
"""What a reader fills in, unpacks or copies before."""
SHORTER = {
    "--count 1000": "--count 2",
}
"""What takes minutes, and the same in seconds."""
SHORT_TRAINING = "--set epochs=0.01 --set decay_epochs=0.005"
SCRIPTS: Mapping[str, Sequence[str]] = {
    "base": ("docs/walk.py", "docs/exercises.py", "tools/run_page.py docs/first-poem.md"),
    "train": ("tools/run_page.py docs/training-explained.md",),
    "train,plots": ("tools/lstm_derivation.py", "tools/training_pictures.py variance"),
}
"""The scripts that the documents name, by the extras that they need."""
POEM = "獨坐寒窗下，無人問姓名。閑眠不可見，何處有琴聲。"
OCTAVE = f"{POEM}野水連天遠，山雲入戶輕。歸來一樽酒，相對話平生。"
Done = subprocess.CompletedProcess[str]


class Place(NamedTuple):
    """An environment, and the folder in which its commands run."""

    extras: set[str]
    python: Path
    folder: Path

    def run(self, *arguments: str, home: Path | None = None, cwd: Path | None = None) -> Done:
        """Run this environment's Python; `home` is the folder of the corpus, by default an empty one."""
        return subprocess.run(
            [self.python, *arguments],
            cwd=cwd or self.folder,
            env=self.environment(home),
            input=json.dumps({"split": "dev", "perplexity": 100.5}),
            capture_output=True,
            encoding="utf-8",
            check=False,
        )

    def environment(self, home: Path | None = None) -> dict[str, str]:
        """The variables of its processes: of programs, only this environment's are on the path, so no npm."""
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        own = {"PYTHONUTF8": "1", "PINGZE_HOME": str(home or self.folder / "home")}
        return kept | own | {"PATH": str(self.python.parent)}


@pytest.fixture(scope="module", params=SETS)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """What `pip install '.[extras]'` installs, and a folder with what the documents' commands read."""
    extras = set() if request.param == "base" else set(request.param.split(","))
    folder = tmp_path_factory.mktemp("install")
    python = new_environment(folder)
    wanted = f".[{','.join(sorted(extras))}]" if extras else "."
    subprocess.run([python, "-m", "pip", "install", "--quiet", wanted], cwd=ROOT, check=True)
    made = Place(extras, python, folder)
    (folder / "poems.txt").write_text(POEM, encoding="utf-8")
    (folder / "poem.txt").write_text(OCTAVE, encoding="utf-8")
    if "train" not in extras:  # else the documents' own commands train them
        for run in ("runs/mine", "runs/ci", "runs/few"):
            exported = made.run("-m", "pingze", "export", "--to", run)
            assert exported.returncode == 0, exported.stderr
    return made


def documented() -> list[tuple[Path, list[str]]]:
    """Each command of the documents once, shortened, with its document."""
    found: dict[str, tuple[Path, list[str]]] = {}
    for path in DOCUMENTS:
        for arguments in commands(path):
            line = shlex.join(arguments)
            for long, short in SHORTER.items():
                line = line.replace(long, short)
            if arguments[0] == "train":
                line = f"{line} {SHORT_TRAINING}"
            if arguments[0] not in ("serve", "mcp") and not NOT_RUN.search(line):
                found.setdefault(line, (path, shlex.split(line)))
    return list(found.values())


def needed(arguments: Sequence[str]) -> set[str]:
    """The extras that a command needs, where there is no npm."""
    if arguments == ["corpus", "fetch"]:
        return {"corpus"}
    plots = {"plots"} if "--plots" in arguments else set()
    return NEEDS.get(arguments[0], set()) | plots


def fault(arguments: Sequence[str], done: Done, missing: set[str], *, corpus: bool) -> str | None:
    """Describe what is wrong with the end of a command, or return None."""
    one_line = re.fullmatch(r"pingze: .*\n", done.stderr)
    if missing:
        named = one_line and any(f"'.[{extra}]'" in done.stderr for extra in missing)
        right = done.returncode == 2 and not done.stdout and named
    elif not corpus and ("--original" in arguments or arguments[0] in OF_CORPUS):
        right = done.returncode == 2 and one_line and "`pingze corpus fetch`" in done.stderr
    else:  # the check of a poem with faults ends with 1
        right = done.returncode == 0 or (arguments[0] == "check" and done.returncode == 1)
    return None if right else f"{shlex.join(arguments)}: {done.returncode}, {done.stderr[-500:]}"


def test_each_command_of_the_documents_runs_or_names_its_extra(
    place: Place, request: pytest.FixtureRequest
) -> None:
    """Base runs all of them, another set those that need one of its extras."""
    home = own = None
    if "train" in place.extras:
        home = request.getfixturevalue("corpus_home")
        own = place.folder / "own"
        (place.folder / "verse").mkdir()
        poems = "\n\n".join(invented.texts(400))
        (place.folder / "verse" / "mine.txt").write_text(poems, encoding="utf-8")
        read = place.run("-m", "pingze", "corpus", "fetch", "verse", home=own)
        assert read.returncode == 0, read.stderr
    faults = []
    for path, arguments in documented():
        wanted = needed(arguments)
        if place.extras and not wanted & place.extras:
            continue
        here = own if path.name == "your-own.md" else home
        done = place.run("-m", "pingze", *arguments, home=here)
        faults.append(fault(arguments, done, wanted - place.extras, corpus="train" in place.extras))
    assert [each for each in faults if each] == []


def test_the_python_of_the_documents_runs(place: Place) -> None:
    for name in ("docs", "lab", "tools"):
        shutil.copytree(ROOT / name, place.folder / name, dirs_exist_ok=True)
    extras = ",".join(
        name for name in ("train", "plots", "serve", "corpus") if name in place.extras
    )
    for script in SCRIPTS.get(extras or "base", ()):
        done = place.run(*script.split())
        assert done.returncode == 0, f"{script}: {done.stderr}"
    for path in [] if place.extras else RUN:
        for block in blocks(path, "python"):
            done = place.run("-c", block)
            assert done.returncode == 0, f"{path.name}: {done.stderr}"


def test_minimal_py_says_in_one_line_that_there_is_no_corpus(place: Place) -> None:
    done = place.run(str(ROOT / "examples" / "minimal.py"), home=place.folder / "nothing")
    assert done.returncode == 2
    assert re.fullmatch("minimal.py: .*`pingze corpus fetch`.*\n", done.stderr)


def test_serve_answers_or_names_its_extra(place: Place) -> None:
    """The page, a poem, and a QR code, for which a package of the extra is imported only then."""
    command = [place.python, "-m", "pingze", "serve", "--port", "0", "--workers", "1"]
    how: dict[str, Any] = {"cwd": place.folder, "env": place.environment(), "encoding": "utf-8"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, **how) as server:
        try:
            check_served(server, serves="serve" in place.extras)
        finally:
            server.kill()  # else leaving the block waits for a server that nothing stops


def check_served(server: subprocess.Popen[str], *, serves: bool) -> None:
    """Ask a starting server for its page, a poem and a QR code, and stop it; without the extra it ends."""
    assert server.stderr
    said = server.stderr.readline()
    if not serves:
        assert re.fullmatch(r"pingze: .* '\.\[serve\]'\n", said)
        assert server.wait(60) == 2
        return
    (address,) = re.findall(r"http://\S+", said)
    asked = {
        "/": None,
        "/v1/fill": {"sheet": {"form": "五絕", "seed": 1}},
        "/v1/code": {"text": "http://127.0.0.1/#poem"},
    }
    for route, body in asked.items():
        data = None if body is None else json.dumps(body).encode()
        sent = urllib.request.Request(address + route, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(sent, timeout=60) as answer:
            assert answer.status == 200
    server.send_signal(signal.SIGINT)
    assert "Traceback" not in server.stderr.read()
