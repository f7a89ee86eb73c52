"""Pages of other origins: those that `--allow-origin` names read the API's answers, and no others do."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from pingze.cli import application_for
from pingze.errors import InputError
from pingze.serve.app import create_app
from pingze.serve.pool import Lane, Lanes
from pingze.serve.problems import busy
from tests.serve.process import SECONDS, serving

ALLOWED = "https://garden.example.org"
OTHER = "https://elsewhere.example.org"
HEADER = "access-control-allow-origin"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a server that allows two origins."""
    options = ("--allow-origin", ALLOWED, "--allow-origin", "http://localhost:5173")
    home = tmp_path_factory.mktemp("home")
    with (
        serving(home, "--workers", "1", *options) as server,
        httpx.Client(base_url=server.address, timeout=SECONDS) as found,
    ):
        yield found


def preflight(client: httpx.Client, origin: str, method: str = "POST") -> httpx.Response:
    asked = {
        "origin": origin,
        "access-control-request-method": method,
        "access-control-request-headers": "content-type",
    }
    return client.options("/v1/check", headers=asked)


@pytest.mark.parametrize("origin", [ALLOWED, "http://localhost:5173"])
def test_a_page_of_an_allowed_origin_reads_the_answer(client: httpx.Client, origin: str) -> None:
    before = preflight(client, origin)
    assert (before.status_code, before.headers[HEADER]) == (200, origin)
    assert "content-type" in before.headers["access-control-allow-headers"].lower()
    answer = client.post("/v1/check", json={"text": "孤舟夜雨寒"}, headers={"origin": origin})
    assert (answer.status_code, answer.headers[HEADER]) == (200, origin)


def test_a_page_of_another_origin_reads_no_answer(client: httpx.Client) -> None:
    before = preflight(client, OTHER)
    assert before.status_code == 400
    assert HEADER not in before.headers
    answer = client.post("/v1/check", json={"text": "孤舟夜雨寒"}, headers={"origin": OTHER})
    assert HEADER not in answer.headers


def test_only_the_methods_of_the_api_are_allowed(client: httpx.Client) -> None:
    assert preflight(client, ALLOWED).headers["access-control-allow-methods"] == "GET, POST"
    assert preflight(client, ALLOWED, "DELETE").status_code == 400


@pytest.mark.parametrize("path", ["/", "/page/about.js"])
def test_the_page_itself_is_for_no_other_origin(client: httpx.Client, path: str) -> None:
    answer = client.get(path, headers={"origin": ALLOWED})
    assert answer.status_code == 200
    assert HEADER not in answer.headers


@pytest.mark.parametrize("origin", [ALLOWED, OTHER])
def test_a_host_name_that_is_not_allowed_is_refused_from_any_origin(
    client: httpx.Client, origin: str
) -> None:
    headers = {"origin": origin, "host": "elsewhere.example.org"}
    answer = client.post("/v1/check", json={"text": "孤舟夜雨寒"}, headers=headers)
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("status", "method", "path", "options"),
    [
        (404, "GET", "/v1/nothing", {}),
        (405, "GET", "/v1/check", {}),
        (413, "POST", "/v1/check", {"json": {"text": "寒" * 30_000}}),
        (415, "POST", "/v1/check", {"content": "孤舟夜雨寒"}),
        (422, "POST", "/v1/check", {"json": {"text": 5}}),
        (422, "POST", "/v1/fill", {"json": {"sheet": {"form": "九絕"}}}),
    ],
)
def test_a_refusal_is_read_too(
    client: httpx.Client, status: int, method: str, path: str, options: dict[str, Any]
) -> None:
    answer = client.request(method, path, headers={"origin": ALLOWED}, **options)
    assert (answer.status_code, answer.headers[HEADER]) == (status, ALLOWED)
    assert answer.json()["detail"]


@pytest.mark.parametrize(("error", "status"), [(busy(), 503), (ValueError(), 500)])
def test_a_server_without_an_answer_is_heard(error: Exception, status: int) -> None:
    """A busy server says when to ask again."""
    asked: list[tuple[object, ...]] = []

    async def compute(*call: object) -> bytes:
        asked.append(call)
        raise error

    async def ask() -> httpx.Response:
        lanes = Lanes.__new__(Lanes)  # without its processes
        lanes.quick = Lane.__new__(Lane)
        lanes.quick.compute = compute
        app = create_app(lanes, origins=[ALLOWED])
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.post("/v1/check", json={"text": "寒"}, headers={"origin": ALLOWED})

    answer = asyncio.run(ask())
    assert asked
    assert (answer.status_code, answer.headers[HEADER]) == (status, ALLOWED)
    assert ("retry-after" in answer.headers) == (status == 503)
    assert answer.headers["access-control-expose-headers"] == "retry-after"


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "null",
        "garden.example.org",
        "https://garden.example.org/",
        "https://Garden.example.org",
        "https://*.example.org",
        "ftp://garden.example.org",
    ],
)
def test_what_is_no_origin_is_one_line(origin: str) -> None:
    with pytest.raises(InputError, match=r"^allow-origin is .*: give an origin") as raised:
        application_for(["serve"])(["serve", "--allow-origin", origin], standalone_mode=False)
    assert "\n" not in str(raised.value)
