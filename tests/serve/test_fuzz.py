"""Requests of every kind: numbers of any size, text of any kind, each option at and beyond its bounds.

`FUZZ_REQUESTS` and `FUZZ_SEED` ask for more of them, or for others.
"""

import json
import os
import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from pingze.serve.worker import REST
from tests.serve.process import serving

pytestmark = pytest.mark.slow

REQUESTS = int(os.environ.get("FUZZ_REQUESTS", "400"))
SEED = int(os.environ.get("FUZZ_SEED", "0"))
CLIENTS = 4
LATE = 90.0
"""Seconds after which an answer is later than its limit, on a machine that has other work."""
RESTED = 60
"""Seconds within which memory is given back, on such a machine."""

HAN = "春夏秋冬日月山水花雁白黃明一二三平東不人江天風雲龘𠀀后发云"
ODD = "aＡ\0\n\t \u200b\ud800\U0010ffff□＿_，。？！<>&'\"\\{}%é́☃"
LINES = ["春月紅芳碧", "風流夜漏深", "此心何必住", "金草與山陰"]


def text(chance: random.Random, most: int) -> str:
    """Characters that a model knows, or of any kind, few or as many as the bound allows, or more."""
    length = chance.choice((0, 1, 2, 5, 7, 20, most, most + 1, chance.randrange(most + 20)))
    pool = chance.choice((HAN, HAN, HAN, HAN + ODD, ODD))
    return "".join(chance.choices(pool, k=length))


def number(chance: random.Random, bounds: dict[str, Any]) -> Any:
    """At a bound, beside it, between, or of another size or kind."""
    low, high = bounds.get("minimum", bounds.get("exclusiveMinimum", 0)), bounds.get("maximum", 10**6)
    within = chance.randint(int(low), int(min(high, 12)) if high > low else int(low))
    wild = (10**400, -(10**20), 2**53, 2**63, 1e308, -1e-308, 0.5, True, None, "3", [], float("nan"))
    return chance.choice((within, within, within, low, high, low - 1, high + 1, chance.choice(wild)))


def value(chance: random.Random, name: str, shape: dict[str, Any]) -> Any:
    """A value for a field of the schema, good or bad."""
    if chance.random() < 0.05:
        return chance.choice((None, {}, [], "", 0, "\ud800", {"春": [1]}))
    if name == "poem":  # mostly one that can be read
        lines = chance.choices(LINES, k=chance.choice((4, 4, 4, 8, 20, 200, 201, 1, 0)))
        if chance.random() < 0.2:
            lines = [text(chance, 9) for _ in range(chance.randrange(12))]
        return chance.choice(({"lines": lines}, {"lines": lines, "rhyme": "侵"}, {"lines": lines}, lines))
    if name == "targets":
        target = {"line": number(chance, {"minimum": 1, "maximum": 4}), "position": chance.choice((None, 1, 5, 8))}
        return [target] * chance.choice((0, 1, 2, 300))
    kinds = [shape, *shape.get("anyOf", [])]
    names = [name for each in kinds for name in each.get("enum", []) if name]
    if names and chance.random() < 0.9:
        return chance.choice(names)
    kind = next((each["type"] for each in kinds if each.get("type") not in (None, "null")), "string")
    if kind == "boolean":
        return chance.choice((True, False))
    if kind in ("integer", "number"):
        return number(chance, shape)
    return text(chance, min(shape.get("maxLength", 50), 1100))


def body(chance: random.Random, schema: dict[str, Any]) -> bytes:
    """A body for a route of that schema: some of its fields, or something else."""
    if chance.random() < 0.03:
        return chance.choice((b"", b"{", b"[]", b"null", b"\xff", b"[" * 5000, b'"x"', b"{}" * 2))
    fields = schema["properties"]
    chosen = set(chance.sample(sorted(fields), chance.randrange(min(5, len(fields)) + 1)))
    names = sorted(chosen | set(schema.get("required", [])))
    made = {name: value(chance, name, fields[name]) for name in names}
    if chance.random() < 0.02:
        made["no_such_field"] = 1
    return json.dumps(made, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")


def test_no_request_breaks_the_server_or_waits_beyond_its_limit_and_memory_returns(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        described = httpx.get(f"{server.address}/v1/openapi.json", timeout=LATE).json()
        routes = []
        for path, operations in described["paths"].items():
            if "post" in operations:
                asked = operations["post"]["requestBody"]["content"]["application/json"]
                shape = asked["schema"]["$ref"].rpartition("/")[2]
                routes.append((path, described["components"]["schemas"][shape]))
                # What is held after a first use belongs to the start.
                httpx.post(server.address + path, json=asked["example"], timeout=LATE)
        time.sleep(2 * REST + 1)
        before, seen = server.memory(), Counter[int]()

        def client(number: int) -> None:
            chance = random.Random(f"{SEED} {number}")
            with httpx.Client(base_url=server.address, timeout=LATE) as asking:
                for _ in range(REQUESTS // CLIENTS):
                    path, schema = chance.choice(routes)
                    content = body(chance, schema)
                    begun = time.monotonic()
                    answer = asking.post(path, content=content, headers={"content-type": "application/json"})
                    told = path, content[:500], answer.status_code, answer.text[:300]
                    assert answer.status_code < 500 or answer.status_code == 503, told
                    assert time.monotonic() - begun < LATE, told
                    if answer.status_code >= 400:
                        assert answer.headers["content-type"] == "application/problem+json", told
                        assert answer.json()["cause"]["code"] != "fault", told
                    seen[answer.status_code] += 1

        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(client, range(CLIENTS)))
        begun = time.monotonic()
        while (after := server.memory()) > 1.2 * before and time.monotonic() < begun + RESTED:
            time.sleep(REST)
    print(f"{seen.total()} requests {dict(seen)}, {before / 1e6:.0f} MB before, {after / 1e6:.0f} after")  # noqa: T201
    assert seen[200] > seen.total() / 20
    assert after <= 1.2 * before
