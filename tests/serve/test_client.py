"""A client that is generated from the OpenAPI document, in an environment of its own: it reads what the API answers."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.environments import new_environment, programs
from tests.serve.process import SECONDS, Server
from tests.test_documents import blocks

pytestmark = pytest.mark.slow

GENERATOR = "openapi-python-client==0.29.1"
"""It is in no extra, since it wants an older typer than the newest that pingze works with."""
DOCUMENT = Path(__file__).parents[2] / "docs" / "serving.md"
LINES = ["獨坐寒窗下", "無人問姓名", "閑眠不可見", "何處有琴聲"]
REQUESTS: dict[str, dict[str, Any]] = {
    "check": {"text": "，".join(LINES)},
    "fill": {"sheet": {"form": "五絕", "lines": LINES[:1], "seed": 1, "count": 2}},
    "alternatives": {"sheet": {"form": "五絕", "lines": LINES}, "line": 2, "start": 3, "end": 3},
}
USE = """
import importlib, json, sys
from client import Client, models

address, requests, bad = sys.argv[1:]
client = Client(base_url=address, timeout=180, raise_on_unexpected_status=True)
typed = {}
answers = {}
for route, body in json.loads(requests).items():
    module = importlib.import_module(f"client.api.default.{route}")
    asked = getattr(models, f"{route.title()}Request").from_dict(body)
    answer = module.sync(client=client, body=asked)
    assert not isinstance(answer, models.Problem), answer
    typed[route] = answer
    answers[route] = answer.to_dict()
assert typed["check"].verdicts[0].form == "五絕"
assert [len(line) for line in typed["fill"].poems[1].lines] == [5, 5, 5, 5]
assert len(typed["alternatives"].alternatives[0].text) == 1
from client.api.default import fill
problem = fill.sync(client=client, body=models.FillRequest.from_dict(json.loads(bad)))
assert isinstance(problem, models.Problem)
answers["problem"] = problem.to_dict()
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def folder(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the generated client, and an environment with what it needs."""
    made = tmp_path_factory.mktemp("client")
    document = httpx.get(f"{server.address}/v1/openapi.json", timeout=SECONDS)
    (made / "document.json").write_bytes(document.content)
    new_environment(made)
    run(made, "pip", "install", "--quiet", GENERATOR)
    generate = ("generate", "--path", "document.json", "--output-path", "client", "--meta", "none")
    said = run(made, "openapi_python_client", *generate)
    assert "warning" not in said.lower(), said
    return made


def run(folder: Path, module: str, *arguments: str) -> str:
    """What a module or file prints that the environment's Python runs there."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    kept["PATH"] = (
        f"{programs(folder)}{os.pathsep}{kept['PATH']}"  # the generator looks for ruff there
    )
    how = [module] if module.endswith(".py") else ["-m", module]
    done = subprocess.run(
        [programs(folder) / "python", *how, *arguments],
        cwd=folder,
        env=kept | {"PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + (done.stderr if module == "openapi_python_client" else "")


def test_the_client_reads_the_answers_whole(server: Server, folder: Path) -> None:
    """Its objects, written as JSON again, are what the API sent; a refusal is a Problem."""
    bad = {"sheet": {"form": "九絕"}}
    (folder / "use.py").write_text(USE, encoding="utf-8")
    said = run(folder, "use.py", server.address, json.dumps(REQUESTS), json.dumps(bad))
    answers = json.loads(said)
    with httpx.Client(base_url=server.address, timeout=SECONDS) as client:
        for route, body in REQUESTS.items():
            sent = client.post(f"/v1/{route}", json=body)
            assert sent.status_code == 200, sent.text
            assert answers[route] == sent.json()
        assert answers["problem"] == client.post("/v1/fill", json=bad).json()


def test_the_documented_lines_run(server: Server, folder: Path) -> None:
    code = blocks(DOCUMENT, "text", "A generated client")[0]
    code = code.replace("http://localhost:8000", server.address)
    (folder / "documented.py").write_text(f"{code}\nprint(verdict.form, verdict.ok)", "utf-8")
    assert run(folder, "documented.py") == "七絕 True\n"
