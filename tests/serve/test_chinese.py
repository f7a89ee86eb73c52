"""Answers to a reader of Chinese: no sentence has English in it, only names that a request has to spell so."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.serve.process import SECONDS, Server, fill, of_sheet, post

SENTENCES = {"title", "detail", "notes", "definition", "constraint", "reason", "description"}
"""The fields of answers that are read by people."""
NAMES = {"pingze", "JSON", "Allow", "allow", "host", "content", "application", "json", "openapi"}
POEM = {"lines": ["春月紅芳碧", "風流夜漏深", "此心何必住", "金草與山陰"]}
ODD = ([], "春風", 10**9, True, 2.5, None, "春" * 5000)
"""Values, each of which most fields refuse."""
CLASHES = [
    {"form": "五絕", "rhyme": "陽", "pattern": "＿＿＿＿＿ ＿＿＿＿天"},
    {"form": "五絕", "acrostic": "春夏秋冬", "exclude": "春"},
    {"form": "五絕", "start": "山山平平平", "rhyme": "東"},
    {"form": "五絕", "rhyme": "陽", "template": "平起", "start": "日日日日日"},
    {"form": "五絕", "include": "春 夏 秋", "exclude": "春 夏 秋"},
]
ASKED: list[tuple[str, dict[str, Any]]] = [
    *(("conflicts", clash) for clash in CLASHES),
    ("conflicts", {"rhyme": "龘"}),
    ("conflicts", {"original": 4}),
    ("conflicts", {"form": "五絕", "lines": 6}),
    ("conflicts", {"form": "五古", "template": "平起"}),
    ("conflicts", {"form": "五絕", "rhyme": "送"}),
    ("conflicts", {"include": "春風 " * 9}),
    ("conflicts", {"pattern": "春"}),
    ("conflicts", {"form": "浣溪沙", "rhyme": "陽"}),
    ("conflicts", {"title": "春", "model": "report"}),
    (
        "fill",
        {"form": "五絕", "start": "云", "include": "春风秋月夏雨", "title": "喜", "particles": 4},
    ),
    ("fill", {"count": 64, "particles": 256}),
    ("check", {"text": "獨坐寒窗下，無人問姓名。閑眠不可見，何處有琴天。", "explain": True}),
    ("check", {"text": "月日風平月，平平月日東。平平平月日，月日日平天。", "fine": True}),
    ("check", {"text": "秋山無客夜，古寺有僧時", "form": "浣溪沙"}),
    ("check", {"text": "白发悲明镜，青山出发迟。秋风吹旧梦，落日入江时。"}),
    ("check", {"text": "一二三，四五六。"}),
    ("check", {"text": "！"}),
    ("mend", {"text": "春"}),
    ("couplet", {"line": "春風楊柳萬千條"}),
    ("fill", {"lines": ["春"]}),
    ("next", {"poem": POEM, "line": 9}),
    ("nothing", {}),
]
"""Requests beside the documented examples."""


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    headers = {"accept-language": "zh-TW"}
    with httpx.Client(base_url=server.address, headers=headers, timeout=SECONDS) as found:
        yield found


def sentences(answer: Any, field: str = "") -> Iterator[str]:
    """The texts of an answer that are sentences."""
    if isinstance(answer, dict):
        for name, value in answer.items():
            yield from sentences(value, name)
    elif isinstance(answer, list):
        for value in answer:
            yield from sentences(value, field)
    elif isinstance(answer, str) and field in SENTENCES:
        yield answer


def requests(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each documented example; and for each field an example with an odd value in it."""
    for route, body in ASKED:
        yield route, of_sheet(body) if route in ("fill", "conflicts") else body
    varied: set[str] = set()
    for path, methods in document["paths"].items():
        route = path.removeprefix("/v1/")
        body = methods.get("post", {}).get("requestBody")
        if body:
            content = body["content"]["application/json"]
            example = content["example"]
            shape = content["schema"]["$ref"].removeprefix("#/components/schemas/")
            fields = document["components"]["schemas"][shape]["properties"].keys()
            few = {"particles": 4} if "particles" in fields else {}
            yield route, example | few
            yield route, {}
            if "sheet" in fields:
                for field in document["components"]["schemas"]["SheetBody"]["properties"]:
                    for value in ODD:
                        yield route, example | {"sheet": {"particles": 4, field: value}}
            for field in fields - few.keys() - varied - {"count"}:
                varied.add(field)
                for value in ODD:
                    yield route, example | few | {field: value}


@pytest.mark.slow
def test_no_sentence_has_english_in_it(client: httpx.Client) -> None:
    document = client.get("/v1/openapi.json").json()
    allowed = NAMES | set(client.get("/v1/forms").json()["levels"])
    for shape in document["components"]["schemas"].values():
        for name, field in shape["properties"].items():
            allowed.update([name, *filter(None, field.get("enum", []))])
    answers = [client.get(f"/v1/{route}") for route in ("forms", "example", "fill")]
    answers.append(client.post("/v1/check", content=b"{}", headers={"content-type": "text/plain"}))
    for route, body in requests(document):
        answers.append(post(client, route, **body))
    read = 0
    for answer in answers:
        for sentence in sentences(answer.json()):
            read += 1
            words = set(re.findall(r"[A-Za-z_]{2,}", sentence))
            assert words <= allowed, sentence
    assert read > 500


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_clash_has_a_reason(client: httpx.Client, language: str) -> None:
    client.headers["accept-language"] = language
    for body in [*CLASHES, {"rhyme": "龘"}, {"original": 4}]:
        clashes = post(client, "conflicts", **of_sheet(body)).json()["clashes"]
        assert clashes, body
        for clash in clashes:
            assert clash["reason"], clash
    refused = fill(client, **CLASHES[0]).json()
    assert refused["cause"] == {"code": "clash", "form": "五絕"}
    assert all(clash["reason"] for clash in refused["clashes"])


def test_options_are_described_in_the_reader_s_language(client: httpx.Client) -> None:
    chinese = client.get("/v1/forms").json()
    english = client.get("/v1/forms", headers={"accept-language": "en"}).json()
    for here, there in zip(chinese["options"], english["options"], strict=True):
        assert re.search(r"[一-鿿]", here["description"])
        assert here["description"] != there["description"]
    assert [each | {"description": ""} for each in chinese["options"]] == [
        each | {"description": ""} for each in english["options"]
    ]
