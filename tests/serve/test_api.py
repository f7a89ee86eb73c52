"""The API over real loopback connections: every route, every kind of error, and what no answer tells."""

import json
import os
import re
import signal
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
        ("revise", {"poem": POEM, "targets": [{"line": 9}]}, 422, "line"),
        ("revise", {"poem": POEM, "targets": []}, 422, "targets"),
        ("revise", {"poem": {"lines": []}, "targets": [{"line": 1}]}, 422, "poem"),
        ("revise", {"poem": {"lines": ["", ""]}, "targets": [{"line": 1}]}, 422, "poem"),
        ("mend", {"text": "春"}, 422, "text"),
        ("mend", {"text": "，".join(LINES), "form": "七絕"}, 422, "text"),
        ("alternatives", {"poem": POEM, "line": 1}, 422, "position"),
        ("explain", {"poem": {"lines": [*LINES[:3], "春"], "form": "五絕"}}, 422, "poem"),
        ("units", {"poem": POEM, "layer": 9}, 422, "layer"),
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
            {"code": "oblique_rhyme", "field": "rhyme", "has": "上聲一董", "form": "七絕"},
        ),
        ("compose", {"seed": "x"}, {"code": "type", "field": "seed", "wanted": "integer"}),
        ("compose", {"loud": 1}, {"code": "unknown_field", "field": "loud"}),
        ("units", {"poem": POEM, "layer": 9}, {"code": "beyond", "field": "layer", "has": 9, "most": 1}),
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
        {"code": "converted", "field": "include", "has": "风", "read": "風"},
        {"code": "one_by_one", "field": "include", "has": "春風秋月夏雨", "width": 5},
    ]
    assert post(client, "compose", form="五絕", **MODEL).json()["notes"] == []


def test_a_mood_is_told_with_the_poem_and_kept_by_its_revision(client: httpx.Client) -> None:
    answer = post(client, "compose", form="五絕", about="壽", particles=8, seed=1).json()
    (poem,) = answer["poems"]
    assert poem["mood"] == "joyful"
    assert answer["remarks"] == [{"code": "mood_joyful", "field": "mood", "has": "joyful"}]
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
        assert answer.status_code == 200 or answer.json()["cause"]["code"] in (
            "too_slow",
            "too_much",
        )  # on a slow machine
        assert post(client, "compose", **body | {name: most + 1}).json()["cause"]["code"] == "range"


def test_messages_are_in_the_reader_s_language(client: httpx.Client) -> None:
    chinese = {"accept-language": "zh-TW,zh;q=0.9,en;q=0.8"}
    sentences = []
    for headers in ({}, {"accept-language": "en-GB, zh"}, chinese):
        client.headers.update(headers)
        refused = post(client, "compose", form="詞").json()
        assert refused["cause"]["code"] == "choice"
        (clash,) = post(client, "conflicts", form="五絕", acrostic="春夏秋冬", exclude="春").json()["clashes"]
        nothing = client.get("/v1/nothing").json()
        sentences.append([refused["detail"], nothing["detail"], clash["constraint"]])
    assert sentences[0] == sentences[1]
    assert sentences[2][0].startswith("詩體沒有「詞」")
    assert sentences[2][1].startswith("這個位址沒有東西")
    assert not any(sentence.isascii() for sentence in sentences[2])


def test_a_worker_that_is_killed_is_replaced(server: Server, client: httpx.Client) -> None:
    """Its jobs fail with one clear error."""
    process = Path(f"/proc/{server.process.pid}")
    body = {"form": "五絕", "particles": 64, "count": 16, "model": "report"}
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(post, client, "compose", **body)
        until_jobs_wait(client)
        before = workers(process)
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        problem = asked.result()
        assert (problem.status_code, problem.json()["cause"]["code"]) == (503, "lost")
        assert int(problem.headers["retry-after"]) > 0
    while (answer := post(client, "compose", form="五絕", seed=1, **MODEL)).status_code == 503:
        time.sleep(0.05)  # sent to a worker whose death was not yet seen: the client asks again
    assert answer.status_code == 200
    assert not workers(process) & before


def until_jobs_wait(client: httpx.Client) -> None:
    while not client.get("/v1/health").json()["queue"]:
        time.sleep(0.05)


def workers(process: Path) -> set[int]:
    """The processes that compute for a server."""
    children = (process / "task" / process.name / "children").read_text(encoding="ascii").split()
    return {int(pid) for pid in children if b"spawn_main" in (process.parent / pid / "cmdline").read_bytes()}


def test_told_to_stop_it_finishes_what_runs(tmp_path: Path) -> None:
    server = Server(tmp_path)
    server.start()
    with httpx.Client(base_url=server.address, timeout=SECONDS) as client, ThreadPoolExecutor(1) as pool:
        asked = pool.submit(post, client, "compose", form="五絕", count=16, particles=64, model="report")
        until_jobs_wait(client)
        server.process.send_signal(signal.SIGTERM)
        answer = asked.result()
    assert (answer.status_code, len(answer.json()["poems"])) == (200, 16)
    assert server.stop() == ""
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{server.address}/v1/health")
