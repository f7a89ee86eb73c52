"""The API over real loopback connections: every route, every kind of error, and what no answer tells."""

import json
import os
import pickle
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
from PIL import Image, ImageOps

import pingze
from pingze.composing.desk import choose_drafts
from pingze.composing.options import Composing
from pingze.serve import answers
from pingze.serve.app import QUICK_CHECK, size_of
from pingze.serve.schemas import CheckRequest, SheetBody
from pingze.verse.suggestions import suggest
from tests.serve.process import (
    SECONDS,
    Server,
    children,
    code_in,
    fill,
    of_sheet,
    post,
    until_jobs_wait,
)

DOCUMENT = Path(__file__).parents[2] / "docs" / "serving.md"
CODES = set(re.findall(r"`([a-z_]+)`", DOCUMENT.read_text(encoding="utf-8")))
MODEL = {"model": "report", "particles": 4}
FAULTY = "月日風平月，平平月日東。平平平月日，月日日平天。"
TURNED = "月日風平月，平月月日東。平平平月日，月日日平同。"
MATCHED = "一月山風起，孤舟夜雨寒。舟歸千里水，船還百尺竿。天光生海樹，人語出雲端。不見長安路，空思白玉盤。"
SPOKEN = "夜靜江風起，天寒月照波。扁舟何處去，一笑念山國。"
LINES = ["春月紅芳碧", "風流夜漏深", "此心何必住", "金草與山陰"]
POEM = {"lines": LINES}


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.address, timeout=SECONDS) as found:
        yield found


def test_poems_of_many_clients_at_once_are_those_that_python_composes(client: httpx.Client) -> None:
    asked: list[dict[str, Any]] = [
        {"form": "五絕", "seed": 1, "start": "春"},
        # three populations
        {"form": "七絕", "seed": 2, "rhyme": "陽", "count": 2, "particles": 130},
        {"form": "五律", "seed": 3, "include": "月", "temperature": 0.5},
        {"form": "五古", "seed": 4, "repeat": True, "top_p": 0.9},
    ]
    asked = [MODEL | {"particles": 8} | body for body in asked]
    with ThreadPoolExecutor(len(asked)) as pool:
        answers = list(pool.map(lambda body: fill(client, **body).json(), asked))
    for body, answer in zip(asked, answers, strict=True):
        for got, poem in zip(answer["poems"], pingze.compose(**body), strict=True):
            expected = poem.as_json()
            assert got.pop("log_probability") == pytest.approx(
                expected.pop("log_probability"), rel=1e-5
            )
            assert got == expected


@pytest.mark.parametrize("taste", [0.0, 1.0])
def test_drafts_do_not_depend_on_how_many_workers_write_them(taste: float) -> None:
    """Without taste no text has a score, and their order decides."""
    sheet = pingze.Sheet(form="五絕", particles=4, count=5, seed=3, antithesis=0.0, taste=taste)
    packed = pickle.dumps((sheet, "report"))
    found = []
    for part in range(3):
        found += answers.candidates(packed, part, 3)[0]
    assert choose_drafts(found, 5) == answers.fill(packed)[0]


def test_conflicts_name_field_and_place(client: httpx.Client) -> None:
    clash = {"rhyme": "陽", "pattern": "＿＿＿＿＿ ＿＿＿＿天"}
    answer = post(client, "conflicts", **of_sheet({"form": "五絕"} | clash)).json()
    assert answer["possible"] is False
    (named,) = answer["clashes"]
    assert {
        "field": "pattern",
        "line": 2,
        "position": 5,
        "has": "天",
        "wanted": "陽",
    }.items() <= named.items()
    refused = fill(client, form="五絕", **clash)
    assert refused.status_code == 409
    assert refused.json()["detail"] == answer["detail"]
    assert refused.json()["clashes"] == answer["clashes"]
    (bad,) = post(client, "conflicts", sheet={"rhyme": "龘"}).json()["clashes"]
    assert bad["field"] == "rhyme"
    nothing = {"possible": True, "cause": None, "detail": "", "clashes": []}
    assert post(client, "conflicts", sheet={"form": "五絕", "start": "春"}).json() == nothing


def test_a_line_is_written_again_as_by_python(client: httpx.Client) -> None:
    poem = pingze.read_poem("，".join(LINES))
    blank = pingze.Sheet.of(poem).free(2)
    sheet = {
        "form": poem.form,
        "template": poem.template,
        "rhyme": poem.rhyme,
        "seed": 1,
        "count": 3,
    }
    body = {"lines": blank.lines, "was": blank.was, **sheet, **MODEL}
    drafts = fill(client, **body).json()["poems"]
    expected = pingze.revise(poem, [2], seed=1, count=3, **MODEL)
    assert [draft["lines"] for draft in drafts] == [draft.lines for draft in expected]


def test_alternatives_are_those_of_python(client: httpx.Client) -> None:
    poem = pingze.read_poem("，".join(LINES))
    body = {"sheet": {"form": "五絕", **POEM}, "limit": 3, "line": 2, "start": 3, "end": 3}
    found = post(client, "alternatives", model="report", **body).json()["alternatives"]
    sheet = pingze.Sheet(form="五絕", lines=poem.lines)
    expected = pingze.alternatives(sheet, 2, 3, 3, count=3, model="report")
    assert [row["text"] for row in found] == [one.text for one in expected]


def test_a_text_is_read_as_sheets(client: httpx.Client) -> None:
    text = "《江上》\nOn the river\n張乙\n" + "，".join(LINES) + "\n\n不是詩"
    first, second = post(client, "read", text=text).json()["sheets"]
    assert (first["heading"], second["heading"]) == ("江上　On　the　river　張乙", "")
    assert first["sheet"]["lines"] == LINES
    assert first["sheet"]["form"] == first["verdict"]["form"] == "五絕"
    assert second["sheet"] is None


def test_reasons_and_mending_are_those_of_python(client: httpx.Client) -> None:
    reasons = post(client, "explain", poem=POEM, model="report").json()["reasons"]
    assert "".join(row["character"] for row in reasons) == "".join(LINES)
    text = "獨坐寒窗下，無人問姓名。閑眠不可見，何處有琴天。"
    (mended,) = post(client, "mend", text=text, keep="琴 問", seed=1).json()["mended"]
    (by_python,) = pingze.mend(text, keep=["琴", "問"], seed=1)
    assert mended["poem"]["lines"] == by_python.poem.lines
    assert mended["changes"] == json.loads(
        json.dumps([asdict(change) for change in by_python.changes])
    )


@pytest.mark.parametrize(
    ("asked", "last", "cause"),
    [
        (
            {"text": FAULTY, "form": "五絕"},
            "仄仄仄平平",
            {"code": "rhyme", "wanted": "東", "has": ["先"]},
        ),
        (
            {"text": TURNED, "form": "五絕"},
            "仄仄仄平平",
            {"code": "tone", "wanted": "平", "has": "仄"},
        ),
        (
            {"text": MATCHED, "form": "五律", "fine": True},
            "平平仄仄平",
            {"code": "tone", "wanted": "仄", "has": "平"},
        ),
        ({"text": SPOKEN, "standard": "xinyun", "level": "strict-對句相救"}, "平仄仄平平", {}),
        ({"text": "白发悲明镜，青山出发迟。秋风吹旧梦，落日入江时。\n\n一二三"}, "仄仄中", {}),
    ],
)
def test_verdicts_are_those_of_python(
    client: httpx.Client, asked: dict[str, Any], last: str, cause: dict[str, Any]
) -> None:
    """They have the tones of each line too, and of each fault the cause and what would fit in its place."""
    answers = post(client, "check", explain=True, **asked).json()["verdicts"]
    assert answers[-1]["tones"][-1] == last
    for text, found in zip(asked["text"].split("\n\n"), answers, strict=True):
        verdict = pingze.check(**asked | {"text": text})
        notes = [
            *verdict.doubts,
            *verdict.notes,
            *(pingze.antithesis_notes(verdict) if "fine" in asked else ()),
        ]
        told = {"notes": notes, "remarks": [note.cause for note in notes]}
        told["explanation"] = list(map(asdict, pingze.explain_verdict(verdict)))
        expected = json.loads(json.dumps(verdict.as_json() | told))
        faults = zip(
            verdict.violations, expected.pop("violations"), found["violations"], strict=True
        )
        for violation, wanted, fault in faults:
            assert wanted.items() <= fault.items()
            assert fault["cause"] == cause | {
                name: wanted[name] for name in ("rule", "line", "position")
            }
            assert fault["fitting"] == list(suggest(verdict, violation))
        same = expected.keys() - {"doubts", "kinds"}
        assert {name: found[name] for name in same} == {name: expected[name] for name in same}


def test_a_text_is_judged_by_the_form_that_its_heading_names(client: httpx.Client) -> None:
    text = "《江上》五古\n" + "，".join(LINES)
    (read,) = post(client, "read", text=text).json()["sheets"]
    assert read["sheet"]["form"] == read["verdict"]["form"] == "五古"


def test_a_sheet_to_check_waits_for_no_poem() -> None:
    asked = CheckRequest(sheet=SheetBody(form="七律"))
    assert size_of(asked) < QUICK_CHECK < size_of(asked.sheet)


def test_what_may_be_chosen(client: httpx.Client) -> None:
    choices = client.get("/v1/forms").json()
    assert {form["name"] for form in choices["forms"]} >= {"五絕", "七律", "七古"}
    assert choices["default_model"] in {model["name"] for model in choices["models"]}
    assert choices["corpus"] is False
    script = client.get("/v1/script").json()
    assert (script["simplified"]["陽"], script["usual"]["羣"]) == ("阳", "群")
    assert client.get("/v1/health").json()["status"] == "ok"
    (long,) = [form for form in choices["forms"] if form["name"] == "七排"]
    assert (long["lines"], long["default_lines"]) == (None, 10)
    options = {option["name"]: option for option in choices["options"]}
    assert options["top_p"]["default"] == Composing().top_p
    assert options["particles"]["bounds"] == {"minimum": 1, "maximum": 256}
    assert client.get("/").headers["content-type"].startswith("text/html")
    tune = next(tune for tune in choices["tunes"] if tune["name"] == "憶江南")
    assert (tune["widths"], tune["marks"], tune["rhymes"]) == (
        [3, 5, 7, 7, 5],
        "，。，。。",
        ["平"],
    )
    assert choices["standards"][0]["parts"][0] == {
        "name": "第一部",
        "label": "第一部 東冬董腫送宋",
        "side": "平仄",
    }
    (poem,) = fill(client, form="憶江南", particles=4).json()["poems"]
    assert poem["model"] == next(m["name"] for m in choices["models"] if "憶江南" in m["tunes"])


def test_a_rare_shape_of_a_tune_is_described(client: httpx.Client) -> None:
    tune = client.get("/v1/tunes", params={"name": "聲聲慢·格十三"}).json()
    assert (tune["name"], sum(tune["widths"]), tune["rhymes"]) == ("聲聲慢·格十三", 97, ["仄"])
    assert client.get("/v1/tunes", params={"name": "無此調"}).status_code == 422


@pytest.mark.parametrize(
    ("route", "body", "cause"),
    [
        ("fill", {"form": "詞"}, {"code": "choice", "field": "form", "has": "詞"}),
        ("fill", {"particles": 300}, {"code": "range", "field": "particles", "most": 256}),
        ("fill", {"count": 65}, {"code": "range", "field": "count", "most": 64}),
        (
            "fill",
            {"particles": "many"},
            {"code": "type", "field": "particles", "wanted": "integer"},
        ),
        ("fill", {"lines": -int("9" * 400)}, {"code": "range", "field": "lines"}),
        ("fill", {"temperature": float("nan")}, {"field": "temperature"}),
        ("fill", {"count": 64, "particles": 256}, {"code": "too_many_texts", "field": "count"}),
        ("fill", {"loud": True}, {"code": "unknown_field", "field": "loud"}),
        ("fill", {"model": "/etc/passwd"}, {"code": "choice", "field": "model"}),
        ("fill", {"title": "\ud800"}, {"code": "surrogate", "field": "title"}),
        ("fill", {"title": "春", "model": "report"}, {"code": "no_condition", "field": "title"}),
        ("fill", {"lines": ["春"]}, {"code": "block_width", "field": "lines"}),
        ("fill", {"lines": 1}, {"code": "range", "field": "lines"}),
        (
            "fill",
            {"choices": [{"line": 5, "position": 1, "characters": "春"}]},
            {"code": "no_line", "field": "choices"},
        ),
        (
            "fill",
            {"choices": [{"line": 1, "characters": "春"}] * 201},
            {"code": "too_many", "field": "choices", "has": 201, "most": 200},
        ),
        ("units", {"poem": {"lines": ["春"] * 61}}, {"code": "too_many", "field": "lines"}),
        (
            "reach",
            {"poem": {"lines": LINES * 5, "form": "五古"}},
            {"code": "too_many_lines", "field": "poem", "has": 20, "most": 16},
        ),
        ("fill", {"pattern": "＿" * 241}, {"code": "too_long", "field": "pattern", "most": 240}),
        ("mend", {"text": "春" * 401}, {"code": "too_long", "field": "text", "most": 400}),
        (
            "couplet",
            {"write": "新春", "count": 10, "particles": 256},
            {"code": "too_many_texts", "has": 2560, "most": 1280},
        ),
        ("explain", {"poem": {"lines": ["", ""]}}, {"field": "poem"}),
        ("mend", {"text": "春"}, {"field": "text"}),
        ("mend", {"text": "，".join(LINES), "form": "七絕"}, {"field": "text"}),
        ("alternatives", {"sheet": POEM}, {"code": "missing", "field": "line"}),
        ("explain", {"poem": {"lines": [*LINES[:3], "春"], "form": "五絕"}}, {"field": "poem"}),
        ("code", {"text": ""}, {"code": "empty", "field": "text"}),
        ("code", {"text": "春" * 985}, {"code": "code_too_long", "has": 2955, "most": 2953}),
        ("check", {"text": "!"}, {"code": "no_verse", "field": "text"}),
        ("check", {"text": "春" * 5000}, {"code": "too_long", "field": "text"}),
        ("originality", {"poem": POEM}, {"code": "no_corpus"}),
        ("check", {"text": "春", "standard": "zhongyuan"}, {"field": "standard"}),
        (
            "couplet",
            {"line": "海內存知己", "upper": True},
            {"code": "ends_oblique", "field": "line", "has": "己"},
        ),
        ("nothing", {}, {"code": "no_route"}),
    ],
)
def test_bad_input_has_a_code(
    client: httpx.Client, route: str, body: dict[str, Any], cause: dict[str, Any]
) -> None:
    headers = {"content-type": "application/json"}
    body = of_sheet(body) if route == "fill" else body
    answer = client.post(f"/v1/{route}", content=json.dumps(body).encode(), headers=headers)
    problem = answer.json()
    status = {"no_corpus": 409, "no_route": 404}.get(problem["cause"]["code"], 422)
    assert (answer.status_code, problem["status"]) == (status, status)
    assert answer.headers["content-type"] == "application/problem+json"
    assert cause.items() <= problem["cause"].items()
    assert problem.get("field") == problem["cause"].get("field")
    assert problem["cause"]["code"] in CODES
    assert "\n" not in problem["detail"]
    assert not re.search(
        r"Traceback|\.py|/home|/usr|site-packages|/tmp|pydantic|pingze/", answer.text
    )


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"", {}, 422),
        (b"\xff\xfe", {}, 400),
        (b"[" * 60_000, {}, 400),
        (b'{"seed": ' + b"9" * 5000 + b"}", {}, 400),
        (b" " * 70_000, {}, 413),
        (b"{}", {"content-type": "text/plain"}, 415),
        (b"{}", {"host": "evil.example"}, 400),
        (b"{}", {"host": "127.0.0.1.evil.example:80"}, 400),
        (b'{"sheet": {}}', {"host": "localhost:80"}, 200),
    ],
)
def test_what_goes_no_further(
    client: httpx.Client, content: bytes, headers: dict[str, str], status: int
) -> None:
    headers = {"content-type": "application/json"} | headers
    # an iterator is sent without its length
    body = iter([content]) if len(content) > 65_536 else content
    answer = client.post("/v1/conflicts", content=body, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-security-policy"].startswith("default-src 'self'")


def test_composing_tells_how_what_was_asked_for_was_read_and_a_mood_is_kept(
    client: httpx.Client,
) -> None:
    asked = {"form": "五絕", "seed": 1, "start": "云", "include": "春风秋月夏雨", **MODEL}
    answer = fill(client, **asked).json()
    assert answer["poems"][0]["lines"][0].startswith("雲")
    assert answer["notes"][0] == "云 was read as 雲"
    assert answer["remarks"] == [
        {"code": "converted", "field": "start", "has": "云", "read": "雲"},
        {"code": "converted", "field": "include", "has": "风", "read": "風"},
        {"code": "one_by_one", "field": "include", "has": "春風秋月夏雨", "width": 5},
    ]
    answer = fill(client, form="五絕", about="壽", particles=8, seed=1).json()
    (poem,) = answer["poems"]
    assert answer["remarks"] == [{"code": "mood_joyful", "field": "mood", "has": "joyful"}]
    assert poem["mood"] == "joyful"
    plain = fill(client, form="五絕", mood="calm", seed=1, **MODEL).json()
    assert (plain["poems"][0]["mood"], plain["notes"]) == ("calm", [])


@pytest.mark.parametrize(
    "text", ["https://poems.example.org/#" + "Ab_-" * 60, "春風", "5", "x" * 900]
)
def test_another_program_reads_a_code(client: httpx.Client, tmp_path: Path, text: str) -> None:
    rows = post(client, "code", text=text).json()["modules"]
    assert set(map(len, rows)) == {len(rows)}
    picture = Image.new("L", (len(rows), len(rows)))
    picture.putdata([255 * (module == "0") for row in rows for module in row])
    drawn = ImageOps.expand(picture, border=4, fill=255)
    drawn.resize((4 * drawn.width, 4 * drawn.height), Image.Resampling.NEAREST).save(
        tmp_path / "code.png"
    )
    assert code_in(tmp_path / "code.png") == text


MANY = {"form": "五絕", "count": 64, "particles": 32, "model": "report"}
AT_ONCE = 4  # requests of one client, more than may run at once


def test_a_client_that_leaves_frees_its_place(server: Server) -> None:
    with httpx.Client(base_url=server.address) as client, pytest.raises(httpx.TimeoutException):
        client.post("/v1/fill", json=of_sheet(MANY), timeout=0.2)
    with httpx.Client(base_url=server.address, timeout=SECONDS) as client:
        while client.get("/v1/health").json()["queue"]:
            time.sleep(0.01)
        assert fill(client, form="五絕", seed=1, **MODEL).status_code == 200


def test_every_answer_is_guarded_and_tells_no_version(client: httpx.Client) -> None:
    for path in (
        "/",
        "/v1/health",
        "/v1/nothing",
        "/page/../../app.py",
        "/page/%2e%2e/app.py",
        "/docs",
    ):
        answer = client.get(path)
        assert "server" not in answer.headers
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert "from pingze" not in answer.text
    assert client.get("/docs").status_code == 404
    refused = client.delete("/v1/fill")
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
    assert refused.json()["cause"] == {"code": "method"}


def test_what_is_documented_is_true(client: httpx.Client) -> None:
    described = client.get("/v1/openapi.json").json()
    for path, operations in described["paths"].items():
        for operation in operations.values():
            assert {"404", "405", "409", "422", "500", "503"} <= operation["responses"].keys()
            if body := operation.get("requestBody"):
                answer = post(
                    client,
                    path.removeprefix("/v1/"),
                    **body["content"]["application/json"]["example"],
                )
                expected = 409 if path.endswith(("originality", "collect")) else 200
                assert answer.status_code == expected, answer.text
    asked = described["components"]["schemas"]["SheetBody"]["properties"]
    assert (asked["particles"]["maximum"], asked["count"]["maximum"]) == (256, 64)


def test_messages_are_in_the_reader_s_language(client: httpx.Client) -> None:
    sentences = []
    for headers in (
        {},
        {"accept-language": "en-GB, zh"},
        {"accept-language": "zh-TW,zh;q=0.9,en;q=0.8"},
    ):
        client.headers.update(headers)
        refused = fill(client, form="詞").json()
        assert refused["cause"]["code"] == "choice"
        (clash,) = post(
            client, "conflicts", sheet={"form": "五絕", "acrostic": "春夏秋冬", "exclude": "春"}
        ).json()["clashes"]
        sentences.append(
            [refused["detail"], client.get("/v1/nothing").json()["detail"], clash["constraint"]]
        )
    assert sentences[0] == sentences[1]
    assert sentences[2][0].startswith("詩體沒有「詞」")
    assert sentences[2][1].startswith("這個位址沒有東西")
    assert not any(sentence.isascii() for sentence in sentences[2])


@pytest.mark.slow
def test_a_worker_that_is_killed_is_replaced(server: Server, client: httpx.Client) -> None:
    """Its job fails with one clear error."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        asked = [pool.submit(fill, client, **MANY) for _ in range(AT_ONCE)]
        until_jobs_wait(client, asked[0])
        kill_workers(server)
        refused = [one.result() for one in asked if one.result().status_code != 200]
    # on a slow machine others were refused since they would have waited for too long
    lost = [answer for answer in refused if answer.json()["cause"]["code"] == "lost"]
    assert [answer.status_code for answer in lost] == [503] * len(lost)
    assert all(int(answer.headers["retry-after"]) > 0 for answer in lost)
    assert lost
    # sent to a worker whose death was not yet seen: the client asks again
    while (answer := fill(client, form="五絕", seed=1, **MODEL)).status_code == 503:
        time.sleep(0.05)
    assert answer.status_code == 200


def kill_workers(server: Server) -> None:
    """Kill the processes that compute for a server."""
    for pid in children(server.process.pid):
        if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGKILL)


@pytest.mark.slow
def test_told_to_stop_it_finishes_what_runs(tmp_path: Path) -> None:
    server = Server(tmp_path, "--workers", "1")
    server.start()
    body = {"form": "五絕", "particles": 64, "count": 4, "model": "report"}
    at_once = 2  # one runs and one waits: on a slow machine a third might be refused as too late
    with httpx.Client(base_url=server.address) as client, ThreadPoolExecutor(at_once) as pool:
        asked = [pool.submit(fill, client, **body) for _ in range(at_once)]
        until_jobs_wait(client, asked[0])
        server.process.send_signal(signal.SIGTERM)
        for one in asked:
            assert len(one.result().json()["poems"]) == 4
    assert server.stop() == ""
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{server.address}/v1/health")
