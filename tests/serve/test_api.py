"""The API over real loopback connections: every route, every kind of error, and what no answer tells."""

import json
import re
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx
import pytest

import pingze
from pingze.composing.request.options import Composing
from pingze.serve.connection import HEADER_SECONDS, READING_SECONDS
from tests.serve.process import SECONDS, Server, post, serving

CODES = set(
    re.findall(
        r"`([a-z_]+)`", (Path(__file__).parents[2] / "docs" / "serving.md").read_text(encoding="utf-8")
    )
)
MODEL = {"model": "report", "particles": 4}
LINES = ["春月紅芳碧", "風流夜漏深", "此心何必住", "金草與山陰"]
POEM = {"lines": LINES}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("home")) as found:
        yield found


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.address, timeout=SECONDS) as found:
        yield found


def test_poems_of_many_clients_at_once_are_those_that_python_composes(client: httpx.Client) -> None:
    asked: list[dict[str, Any]] = [
        {"form": "五絕", "seed": 1, "start": "春"},
        {"form": "七絕", "seed": 2, "rhyme": "陽", "count": 2, "particles": 130},  # three populations
        {"form": "五律", "seed": 3, "include": "月", "temperature": 0.5},
        {"form": "五古", "seed": 4, "repeat": True, "top_p": 0.9},
    ]
    asked = [MODEL | {"particles": 8} | body for body in asked]
    with ThreadPoolExecutor(len(asked)) as pool:
        answers = list(pool.map(lambda body: post(client, "compose", **body).json(), asked))
    for body, answer in zip(asked, answers, strict=True):
        poems = [poem.as_json() for poem in pingze.compose(**body)]
        for got, expected in zip(answer["poems"], poems, strict=True):
            assert got.pop("log_probability") == pytest.approx(expected.pop("log_probability"), rel=1e-5)
            assert got == expected


def test_a_stream_tells_each_poem_and_then_the_end(client: httpx.Client) -> None:
    answer = post(client, "stream", form="五絕", seed=1, count=3, **MODEL)
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = [
        (name, json.loads(data)) for name, data in re.findall("event: (.*)\ndata: (.*)\n\n", answer.text)
    ]
    assert [name for name, _ in events] == ["poem"] * 3 + ["done"]
    assert {poem["seed"] for _, poem in events[:-1]} == {1, 2, 3}
    poems = post(client, "compose", form="五絕", seed=1, count=3, **MODEL).json()["poems"]
    assert sorted((poem for _, poem in events[:-1]), key=lambda poem: poem["seed"]) == poems


def test_conflicts_name_field_and_place(client: httpx.Client) -> None:
    clash = {"rhyme": "陽", "pattern": "＿＿＿＿＿ ＿＿＿＿天"}
    answer = post(client, "conflicts", form="五絕", **clash).json()
    assert answer["possible"] is False
    (named,) = answer["clashes"]
    assert (named["field"], named["line"], named["position"], named["wanted"]) == ("pattern", 2, 5, "陽")
    refused = post(client, "compose", form="五絕", **clash)
    assert refused.status_code == 409
    assert refused.json()["detail"] == answer["detail"]
    assert refused.json()["clashes"] == answer["clashes"]
    (bad,) = post(client, "conflicts", rhyme="龘").json()["clashes"]
    assert bad["field"] == "rhyme"
    assert post(client, "conflicts", form="五絕", start="春").json() == {
        "possible": True,
        "cause": None,
        "detail": "",
        "clashes": [],
    }


def test_revision_and_alternatives_and_reasons(client: httpx.Client) -> None:
    target = {"line": 2, "position": 3}
    revised = post(client, "revise", poem=POEM, targets=[target], seed=1, **MODEL).json()
    expected = pingze.revise(pingze.read_poem("，".join(LINES)), [(2, 3)], seed=1, **MODEL)
    assert revised["lines"] == expected.lines
    found = post(client, "alternatives", poem=POEM, limit=3, model="report", **target).json()["alternatives"]
    poem = pingze.read_poem("，".join(LINES))
    assert [row["character"] for row in found] == [
        each.character for each in pingze.alternatives(poem, 2, 3, limit=3, model="report")
    ]
    reasons = post(client, "explain", poem=POEM, model="report").json()["reasons"]
    assert "".join(row["character"] for row in reasons) == "".join(LINES)


def test_a_draft_is_mended_as_in_python(client: httpx.Client) -> None:
    text = "獨坐寒窗下，無人問姓名。閑眠不可見，何處有琴天。"
    mended = post(client, "mend", text=text, keep="琴 問", seed=1).json()
    expected = pingze.mend(text, keep=["琴", "問"], seed=1)
    assert mended["poem"]["lines"] == expected.poem.lines
    assert mended["changes"] == json.loads(json.dumps([asdict(change) for change in expected.changes]))


def test_a_checked_poem_has_tones_and_what_would_fit(client: httpx.Client) -> None:
    text = "月日風平月，平平月日東。平平平月日，月日日平天。"
    (verdict,) = post(client, "check", text=text, form="五絕").json()["verdicts"]
    (fault,) = verdict["violations"]
    assert (fault["rule"], fault["line"], fault["position"], fault["char"]) == ("出韻", 4, 5, "天")
    assert "中" in fault["fitting"]
    assert verdict["tones"][0] == "仄仄平平仄"
    (none,) = post(client, "check", text="一二三").json()["verdicts"]
    assert none["form"] is None
    assert none["notes"]


def test_a_checked_poem_has_the_lines_as_they_were_read(client: httpx.Client) -> None:
    text = "白发悲明镜，青山出发迟。秋风吹旧梦，落日入江时。"
    (verdict,) = post(client, "check", text=text).json()["verdicts"]
    assert verdict["lines"] == text.strip("。").replace("。", "，").split("，")
    assert verdict["read"] == ["白髮悲明鏡", "青山出發遲", "秋風吹舊夢", "落日入江時"]


def test_a_look_inside_agrees_with_the_model(client: httpx.Client) -> None:
    found = post(client, "inside", poem=POEM, line=2, position=1, unit=7, model="report").json()
    assert "".join(found["tokens"]).startswith("春月紅芳碧，風")
    assert found["tokens"][found["token"]] == "風"
    reasons = post(client, "explain", poem=POEM, model="report").json()["reasons"]
    surprise = [
        s for s, token in zip(found["surprise"], found["tokens"], strict=True) if token in "".join(LINES)
    ]
    assert [2.718281828459045**-s for s in surprise] == pytest.approx(
        [r["probability"] for r in reasons], rel=1e-3
    )
    i, f, candidate, o = (found["gates"][name] for name in ("i", "f", "candidate", "o"))
    for t in range(1, len(i)):
        assert found["cell"][t] == pytest.approx(f[t] * found["cell"][t - 1] + i[t] * candidate[t], abs=1e-5)
    assert all(0 <= value <= 1 for value in (*i, *f, *o))
    assert len(found["reach"]) == found["token"] + 1
    assert found["reach"][-1] == 1
    place = {"poem": POEM, "line": 2, "position": 1, "model": "report"}
    assert post(client, "inside", **place, unit=7, reach=False).json() == found | {"reach": []}
    assert post(client, "reach", **place).json() == {"token": found["token"], "reach": found["reach"]}


def test_what_may_be_chosen(client: httpx.Client) -> None:
    choices = client.get("/v1/forms").json()
    assert {form["name"] for form in choices["forms"]} >= {"五絕", "七律", "七古"}
    assert choices["default_model"] in {model["name"] for model in choices["models"]}
    assert choices["corpus"] is False
    assert client.get("/v1/script").json()["simplified"]["陽"] == "阳"
    assert client.get("/v1/health").json()["status"] == "ok"
    (long,) = [form for form in choices["forms"] if form["name"] == "七排"]
    assert (long["lines"], long["default_lines"]) == (None, 10)
    assert long["acrostic_positions"] == {"head": 1, "middle": 4, "end": 7}
    options = {option["name"]: option for option in choices["options"]}
    assert options["top_p"]["default"] == Composing().top_p
    assert options["particles"]["bounds"] == {"minimum": 1, "maximum": 256}
    assert client.get("/").headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(
    ("route", "body", "status", "field"),
    [
        ("compose", {"form": "詞"}, 422, "form"),
        ("compose", {"seed": -1}, 422, "seed"),
        ("compose", {"seed": 2**70}, 422, "seed"),
        ("compose", {"seed": int("9" * 400)}, 422, "seed"),
        ("compose", {"seed": False}, 422, "seed"),
        ("compose", {"lines": -int("9" * 400)}, 422, "lines"),
        ("compose", {"original": int("9" * 400)}, 422, "original"),
        ("compose", {"temperature": int("9" * 400)}, 422, "temperature"),
        ("compose", {"repeat": 1}, 422, "repeat"),
        ("compose", {"antithesis": 1e100, "form": "五律"}, 422, "antithesis"),
        ("compose", {"temperature": float("nan")}, 422, "temperature"),
        ("compose", {"particles": "many"}, 422, "particles"),
        ("compose", {"particles": 300}, 422, "particles"),
        ("compose", {"count": 257, "particles": 1}, 422, "count"),
        ("compose", {"count": 100, "particles": 128}, 422, "count"),
        ("compose", {"loud": True}, 422, "loud"),
        ("compose", {"model": "/etc/passwd"}, 422, "model"),
        ("compose", {"title": "\ud800"}, 422, "title"),
        ("compose", {"exclude": "\ud800"}, 422, "exclude"),
        ("compose", {"start": "龘"}, 422, "start"),
        ("compose", {"title": "春", "model": "report"}, 422, "title"),
        ("stream", {"rhyme": "龘"}, 422, "rhyme"),
        ("revise", {"poem": POEM, "targets": [{"line": 9}]}, 422, "line"),
        ("revise", {"poem": POEM, "targets": []}, 422, "targets"),
        ("revise", {"poem": {"lines": []}, "targets": [{"line": 1}]}, 422, "poem"),
        ("revise", {"poem": {"lines": ["", ""]}, "targets": [{"line": 1}]}, 422, "poem"),
        ("mend", {"text": "春"}, 422, "text"),
        ("mend", {"text": "，".join(LINES), "form": "七絕"}, 422, "text"),
        ("alternatives", {"poem": POEM, "line": 1}, 422, "position"),
        ("explain", {"poem": {"lines": [*LINES[:3], "春"], "form": "五絕"}}, 422, "poem"),
        ("inside", {"poem": POEM, "layer": 9}, 422, "layer"),
        ("inside", {"poem": POEM, "unit": 60000}, 422, "unit"),
        ("check", {"text": "!"}, 422, "text"),
        ("check", {"text": "春" * 5000}, 422, "text"),
        ("originality", {"poem": POEM}, 409, None),
        ("nothing", {}, 404, None),
    ],
)
def test_bad_input_is_one_problem(
    client: httpx.Client, route: str, body: dict[str, Any], status: int, field: str | None
) -> None:
    content = json.dumps(body).encode()
    headers = {"content-type": "application/json"}
    answer = client.post(f"/v1/{route}", content=content, headers=headers)
    problem = answer.json()
    assert (answer.status_code, problem["status"]) == (status, status)
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem.get("field") == field == problem["cause"].get("field")
    assert problem["cause"]["code"] in CODES
    assert "\n" not in problem["detail"]
    assert not re.search(
        r"Traceback|\.py|/home|/usr|site-packages|/tmp|pydantic|" + pingze.__name__ + r"/", answer.text
    )


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"", {}, 422),
        (b"{", {}, 400),
        (b"\xff\xfe", {}, 400),
        (b"\xf0(", {}, 400),
        (b"[" * 60_000, {}, 400),
        (b'{"seed": ' + b"9" * 5000 + b"}", {}, 400),
        (b" " * 70_000, {}, 413),
        (b"{}", {"content-type": "text/plain"}, 415),
        (b"{}", {"host": "evil.example"}, 421),
        (b"{}", {"host": "127.0.0.1.evil.example:80"}, 421),
        (b"{}", {"host": "localhost:80"}, 200),
    ],
)
def test_what_goes_no_further(
    client: httpx.Client, content: bytes, headers: dict[str, str], status: int
) -> None:
    base = {"content-type": "application/json"}
    answer = client.post("/v1/conflicts", content=content, headers=base | headers)
    assert answer.status_code == status
    assert answer.headers["content-security-policy"].startswith("default-src 'self'")


@pytest.mark.parametrize(
    ("route", "body", "cause"),
    [
        ("compose", {"form": "詞"}, {"code": "choice", "field": "form", "has": "詞"}),
        ("compose", {"particles": 0}, {"code": "range", "field": "particles", "has": 0, "least": 1}),
        ("compose", {"start": "春" * 29}, {"code": "too_long", "field": "start", "has": 29, "most": 28}),
        ("compose", {"start": "龘"}, {"code": "character", "field": "start", "has": "龘"}),
        (
            "compose",
            {"pattern": "＿ ＿＿"},
            {"code": "block_width", "field": "pattern", "line": 1, "has": 1, "wanted": 7},
        ),
        (
            "compose",
            {"lines": 6},
            {"code": "line_count", "field": "lines", "form": "七絕", "has": 6, "wanted": 4},
        ),
        (
            "compose",
            {"rhyme": "董"},
            {"code": "oblique_rhyme", "field": "rhyme", "has": "董", "form": "七絕"},
        ),
        ("compose", {"seed": "x"}, {"code": "type", "field": "seed", "wanted": "integer"}),
        ("compose", {"loud": 1}, {"code": "unknown_field", "field": "loud"}),
        (
            "inside",
            {"poem": POEM, "unit": 60000},
            {"code": "range", "field": "unit", "has": 60000, "least": 1},
        ),
        ("check", {}, {"code": "missing", "field": "text"}),
        ("originality", {"poem": POEM}, {"code": "no_corpus"}),
        ("nothing", {}, {"code": "no_route"}),
    ],
)
def test_an_error_is_a_code_with_parameters_too(
    client: httpx.Client, route: str, body: dict[str, Any], cause: dict[str, Any]
) -> None:
    answer = post(client, route, **body).json()
    assert cause.items() <= answer["cause"].items()


def test_faults_notes_and_clashes_are_codes_with_parameters_too(client: httpx.Client) -> None:
    text = "月日風平月，平平月日東。平平平月日，月日日平天。"
    (verdict,) = post(client, "check", text=text, form="五絕").json()["verdicts"]
    (fault,) = verdict["violations"]
    place = {"rule": "出韻", "line": 4, "position": 5}
    assert fault["cause"] == {"code": "rhyme", **place, "wanted": "東", "has": ["先"]}
    assert len(verdict["remarks"]) == len(verdict["notes"])
    assert {"lines", "repeated"} & {remark["code"] for remark in verdict["remarks"]}
    (verdict,) = post(client, "check", text=text.replace("平平月日東", "平月月日東"), form="五絕").json()[
        "verdicts"
    ]
    tone = {"code": "tone", "rule": "失對", "line": 2, "position": 2, "wanted": "平", "has": "仄"}
    assert tone in [fault["cause"] for fault in verdict["violations"]]
    answer = post(client, "conflicts", form="五絕", rhyme="陽", pattern="＿＿＿＿＿ ＿＿＿＿天").json()
    assert [(clash["field"], clash["has"], clash["wanted"]) for clash in answer["clashes"]] == [
        ("pattern", "天", "陽")
    ]


def test_composing_tells_how_what_was_asked_for_was_read(client: httpx.Client) -> None:
    asked = {"form": "五絕", "seed": 1, "start": "云", "include": "春风秋月夏雨", **MODEL}
    answer = post(client, "compose", **asked).json()
    assert answer["poems"][0]["lines"][0].startswith("雲")
    assert answer["notes"][0] == "云 was read as 雲"
    assert answer["remarks"] == [
        {"code": "converted", "field": "start", "has": "云", "read": "雲"},
        {"code": "converted", "field": "include", "has": "春风秋月夏雨", "read": "春風秋月夏雨"},
        {"code": "one_by_one", "field": "include", "has": "春風秋月夏雨", "width": 5},
    ]
    assert post(client, "stream", **asked).text.startswith('event: note\ndata: {"note": "云 was read as 雲"')
    assert post(client, "compose", form="五絕", **MODEL).json()["notes"] == []


def test_a_mood_is_told_with_the_poem_and_kept_by_its_revision(client: httpx.Client) -> None:
    answer = post(client, "compose", form="五絕", about="壽", particles=8, seed=1).json()
    (poem,) = answer["poems"]
    assert poem["mood"] == "joyful"
    assert answer["remarks"] == [{"code": "mood", "field": "mood", "has": "joyful"}]
    revised = post(client, "revise", poem=poem, targets=[{"line": 2}], particles=8, seed=1).json()
    assert revised["mood"] == "joyful"
    plain = post(client, "compose", form="五絕", mood="calm", seed=1, **MODEL).json()
    assert (plain["poems"][0]["mood"], plain["notes"]) == ("calm", [])


def test_a_body_in_pieces_is_measured_too(client: httpx.Client) -> None:
    pieces = (b" " * 1000 for _ in range(100))
    headers = {"content-type": "application/json"}
    assert client.post("/v1/compose", content=pieces, headers=headers).status_code == 413


def test_every_answer_is_guarded_and_tells_no_version(client: httpx.Client) -> None:
    for path in ("/", "/v1/health", "/v1/nothing", "/page/../../app.py", "/page/%2e%2e/app.py", "/docs"):
        answer = client.get(path)
        assert "server" not in answer.headers
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert "import" not in answer.text
    assert client.get("/docs").status_code == 404
    refused = client.delete("/v1/compose")
    assert (refused.status_code, refused.headers["allow"], refused.json()["cause"]) == (
        405,
        "POST",
        {"code": "method"},
    )


def test_what_is_documented_is_true(client: httpx.Client) -> None:
    described = client.get("/v1/openapi.json").json()
    for path, operations in described["paths"].items():
        for operation in operations.values():
            assert {"404", "405", "409", "422", "500", "503"} <= operation["responses"].keys()
            if body := operation.get("requestBody"):
                example = body["content"]["application/json"]["example"]
                answer = post(client, path.removeprefix("/v1/"), **example)
                assert answer.status_code == (409 if path.endswith("originality") else 200), answer.text
    asked = described["components"]["schemas"]["ComposeRequest"]["properties"]
    assert asked["form"]["enum"] == [form["name"] for form in client.get("/v1/forms").json()["forms"]]
    for name in ("particles", "count"):
        most = int(asked[name]["maximum"])
        body = {"form": "五絕", "particles": 1, "model": "report", name: most}
        answer = post(client, "compose", **body)
        assert answer.status_code == 200 or answer.json()["cause"]["code"] == "too_slow"  # on a slow machine
        assert post(client, "compose", **body | {name: most + 1}).json()["cause"]["code"] == "range"


def test_a_request_whose_headers_do_not_come_is_closed(server: Server) -> None:
    """One byte now and then keeps no connection."""
    with (
        socket.create_connection(("127.0.0.1", server.port)) as slow,
        httpx.Client(base_url=server.address, timeout=SECONDS) as quick,
    ):
        slow.settimeout(1)
        begun = time.monotonic()
        while not closed(slow, b"X"):
            assert time.monotonic() < begun + HEADER_SECONDS + SECONDS
        assert time.monotonic() > begun + HEADER_SECONDS - 1
        assert quick.get("/v1/health").status_code == 200


@pytest.mark.slow
def test_a_client_that_does_not_read_is_closed(server: Server) -> None:
    """The page's font is larger than what the system holds for it."""
    with httpx.Client(base_url=server.address, timeout=SECONDS) as quick:
        font = quick.get("/page/kai.woff").content
    while connections(server):
        time.sleep(0.05)
    with socket.socket() as idle:
        idle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        idle.connect(("127.0.0.1", server.port))
        idle.sendall(b"GET /page/kai.woff HTTP/1.1\r\nhost: localhost\r\n\r\n")
        idle.recv(1)
        assert connections(server) == 1
        begun = time.monotonic()
        while connections(server):
            assert time.monotonic() < begun + READING_SECONDS + SECONDS
            time.sleep(0.05)
        assert sum(map(len, iter(lambda: idle.recv(1 << 20), b""))) < len(font)


def connections(server: Server) -> int:
    """How many clients the server is connected with."""
    table = Path(f"/proc/{server.process.pid}/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    local, state = f"0100007F:{server.port:04X}", "01"  # established
    return sum(row.split()[1] == local and row.split()[3] == state for row in table)


def closed(slow: socket.socket, byte: bytes) -> bool:
    """Whether a connection on which one more byte is sent is closed within a second."""
    try:
        slow.sendall(byte)
        return slow.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def test_told_to_stop_it_finishes_what_runs(tmp_path: Path) -> None:
    server = Server(tmp_path)
    server.start()
    body = {"form": "七律", "particles": 64, "count": 3}
    with httpx.stream("POST", f"{server.address}/v1/stream", json=body, timeout=SECONDS) as answer:
        lines = answer.iter_lines()
        assert next(lines) == "event: poem"  # the request runs
        server.process.send_signal(signal.SIGTERM)
        events = [line for line in lines if line.startswith("event: ")]
    assert events == ["event: poem"] * 2 + ["event: done"]
    assert server.stop() == ""
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{server.address}/v1/health")
