"""The tools of `pingze mcp`, called by the protocol's own client over standard input and output and over HTTP."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp.types import CallToolResult

import pingze
from pingze.composing.finding import find
from pingze.serve import answers, schemas
from tests.serve.process import SECONDS

COMMAND = [sys.executable, "-m", "pingze", "mcp", "--workers", "1"]
SHEET = {"form": "五絕", "title": "秋夜", "count": 2, "particles": 8, "seed": 1}
REGULAR = "獨坐寒窗下，無人問姓名。閑眠不可見，何處有琴聲。"
FAULTY = "獨坐寒窗下，無人問姓名。閑眠不可見，何處有琴天。"
NONSENSE: dict[str, tuple[str, dict[str, Any], str]] = {
    "a form that is not": ("fill", {"sheet": {"form": "八絕"}}, "八絕"),
    "a tune that is not": ("check", {"text": REGULAR, "form": "無此調"}, "無此調"),
    "a poem of 10^5 characters": ("check", {"text": "春" * 10**5}, "KiB|bytes|65536"),
    "a poem that is too long": ("mend", {"text": "春" * 500}, "500"),
    "a number for a text": ("check", {"text": 7}, "text"),
    "a text for a number": ("fill", {"sheet": {"count": "many"}}, "count"),
    "a list for a sheet": ("fill", {"sheet": [1, 2]}, "sheet"),
    "no sheet": ("fill", {}, "sheet"),
    "an option that is not": ("fill", {"sheet": {"metre": "iambic"}}, "metre"),
    "a line that is not": ("alternatives", {"sheet": {"form": "五絕"}, "line": 9}, "line"),
    "more drafts than may be": ("fill", {"sheet": {"count": 10**9}}, "count"),
    "no verse": ("check", {"text": "hello"}, "verse"),
    "nothing to find": ("find_characters", {}, "nothing to find"),
    "a tool that is not": ("write_sonnet", {}, "write_sonnet"),
}
Talk = Callable[[Callable[[Client], Awaitable[Any]]], Any]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server, which has said nothing more when it ends."""
    home = {"PINGZE_HOME": str(tmp_path_factory.mktemp("home"))}
    with subprocess.Popen(
        [*COMMAND, "--port", "0"], stderr=subprocess.PIPE, text=True, env=os.environ | home
    ) as server:
        assert server.stderr
        (found,) = re.findall(r"http://\S+/mcp", server.stderr.readline())
        yield found
        server.send_signal(signal.SIGTERM)
        assert server.communicate(timeout=SECONDS)[1] == ""


@pytest.fixture(params=[pytest.param("stdio", marks=pytest.mark.slow), "http"])
def talk(request: pytest.FixtureRequest, tmp_path: Path) -> Talk:
    """Have a conversation with a server over one of the transports."""
    target: Any
    if request.param == "http":
        target = request.getfixturevalue("url")
    else:
        environment = os.environ | {"PINGZE_HOME": str(tmp_path)}
        target = StdioServerParameters(command=COMMAND[0], args=COMMAND[1:], env=environment)

    def talked(conversation: Callable[[Client], Awaitable[Any]]) -> Any:
        async def run() -> Any:
            async with Client(target, read_timeout_seconds=SECONDS) as client:
                return await conversation(client)

        return asyncio.run(run())

    return talked


def text(result: CallToolResult) -> str:
    """The first part of what a model is given."""
    return str(result.content[0].text)


def test_results_are_the_json_of_the_http_api(talk: Talk) -> None:
    poems = [{"id": "one", "text": REGULAR}, {"id": "two", "text": FAULTY}]
    sheet = {"form": "五絕", "lines": re.findall(r"\w+", REGULAR)}
    asked = {
        "fill": {"sheet": SHEET},
        "alternatives": {"sheet": sheet, "line": 4, "start": 5, "end": 5, "limit": 3},
        "check": {"poems": poems},
        "mend": {"text": FAULTY, "seed": 1},
        "find_characters": {"tone": "平", "rhyme": "先", "meaning": "river"},
        "couplet": {"line": "山重水複疑無路", "particles": 8, "seed": 1},
    }

    async def conversation(client: Client) -> Any:
        tools = [tool.name for tool in (await client.list_tools()).tools]
        results = {name: await client.call_tool(name, body) for name, body in asked.items()}
        return tools, results

    tools, results = talk(conversation)
    assert tools == list(asked)
    assert [name for name, result in results.items() if result.is_error] == []
    given = {name: json.loads(text(result)) for name, result in results.items()}
    drafts = pingze.fill(pingze.Sheet(**SHEET), 2)
    assert [poem["lines"] for poem in given["fill"]["poems"]] == [poem.lines for poem in drafts]
    (mended,) = given["mend"]["mended"]
    assert mended["poem"]["lines"] == pingze.mend(FAULTY, seed=1)[0].poem.lines
    checked = schemas.CheckRequest(poems=[schemas.GivenText(**poem) for poem in poems])
    assert given["check"] == json.loads(answers.encoded(answers.check, checked, "en"))
    found = find(**asked["find_characters"])
    texts = [one["text"] for one in given["find_characters"]["characters"]]
    assert texts == [one.text for one in found.characters]
    assert len(given["alternatives"]["alternatives"]) == 3
    assert len(given["couplet"]["couplets"][0]["lower"]) == 7


def test_verdicts_come_back_in_order_with_their_ids(talk: Talk) -> None:
    poems = [
        {"id": "a", "text": REGULAR},
        {"id": "b", "text": "hello"},
        {"id": "c", "text": FAULTY, "form": "五絕"},
    ]
    result = talk(lambda client: client.call_tool("check", {"poems": poems}))
    verdicts = json.loads(text(result))["verdicts"]
    assert [verdict["id"] for verdict in verdicts] == ["a", "b", "c"]
    assert [verdict["ok"] for verdict in verdicts] == [True, False, False]
    assert verdicts[1]["notes"][0] == "no line of verse was found"
    assert "聲" in verdicts[2]["violations"][0]["fitting"]


def test_each_nonsense_is_one_error_after_which_the_server_answers(talk: Talk) -> None:
    async def conversation(client: Client) -> dict[str, CallToolResult]:
        results = {}
        for what, (name, body, _) in NONSENSE.items():
            results[what] = await client.call_tool(name, body)
        results["sense"] = await client.call_tool("check", {"text": REGULAR})
        return results

    results = talk(conversation)
    assert not results.pop("sense").is_error
    for what, result in results.items():
        assert result.is_error, what
        assert len(result.content) == 1, what
        assert "\n" not in text(result), what
        assert re.search(NONSENSE[what][2], text(result)), (what, text(result))


def test_a_refusal_says_what_to_give_up(talk: Talk) -> None:
    sheet = {"form": "五絕", "rhyme": "陽", "lines": ["", "＿＿＿＿天"], "kept": ["", "00001"]}
    result = talk(lambda client: client.call_tool("fill", {"sheet": sheet}))
    assert result.is_error
    assert "give up 天 (line 2, character 5 must rhyme in 陽" in text(result)
    (clash,) = json.loads(result.content[1].text)["clashes"]
    assert (clash["line"], clash["position"], clash["wanted"]) == (2, 5, "陽")


def test_a_client_that_closes_its_input_ends_the_server(tmp_path: Path) -> None:
    done = subprocess.run(
        COMMAND,
        input="this is no JSON\n",
        env=os.environ | {"PINGZE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "headers", [{"origin": "https://example.org"}, {"host": "example.org"}], ids=["origin", "host"]
)
def test_pages_of_other_sites_are_refused(url: str, headers: dict[str, str]) -> None:
    accepted = {"accept": "application/json, text/event-stream"}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    answer = httpx.post(url, json=body, headers=accepted | headers, timeout=SECONDS)
    assert answer.status_code in (403, 421)
