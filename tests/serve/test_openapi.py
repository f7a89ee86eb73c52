"""The OpenAPI document, from which other programs generate clients: its names, its types and its choices."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.serve.process import SECONDS, Server, fill


@pytest.fixture
def document(server: Server) -> dict[str, Any]:
    answer = httpx.get(f"{server.address}/v1/openapi.json", timeout=SECONDS)
    found: dict[str, Any] = answer.json()
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for operation in methods.values():
            yield path.removeprefix("/v1/"), operation


def test_the_title_names_a_package(document: dict[str, Any]) -> None:
    """Generators derive the package's name from it; pip installs none that is not ASCII."""
    assert re.fullmatch(r"[A-Za-z][A-Za-z0-9]*", document["info"]["title"])


def test_an_operation_is_called_as_its_route(document: dict[str, Any]) -> None:
    called = {route: operation["operationId"] for route, operation in operations(document)}
    assert called == {route: route for route in called}


def test_every_answer_is_a_named_type(document: dict[str, Any]) -> None:
    types = document["components"]["schemas"]
    for route, operation in operations(document):
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        assert schema.keys() == {"$ref"}, route
        assert types[schema["$ref"].removeprefix("#/components/schemas/")]["properties"], route


def test_names_that_can_be_spelled_otherwise_are_not_enumerated(document: dict[str, Any]) -> None:
    found = set()
    for shape in document["components"]["schemas"].values():
        if shape.get("additionalProperties") is False:  # a request
            for name in shape["properties"].keys() & {"form", "rhyme", "level"}:
                field = shape["properties"][name]
                assert "enum" not in field
                if name != "level":
                    assert "GET /v1/forms" in field["description"]
                found.add(name)
    assert found == {"form", "rhyme", "level"}


@pytest.mark.parametrize(
    ("given", "form", "rhyme"),
    [
        ({"form": "七绝", "rhyme": "阳"}, "七絕", "陽"),
        ({"form": "減字浣溪沙"}, "浣溪沙", None),
        ({"form": "五絕", "level": "strict-對句相救"}, "五絕", None),
        ({"form": "憶江南", "rhyme": "第二部"}, "憶江南", "第二部"),
    ],
)
def test_the_server_takes_other_spellings(
    server: Server, given: dict[str, str], form: str, rhyme: str | None
) -> None:
    with httpx.Client(base_url=server.address, timeout=SECONDS) as client:
        answer = fill(client, seed=1, particles=4, **given)
    assert answer.status_code == 200, answer.text
    (poem,) = answer.json()["poems"]
    assert poem["form"] == form
    assert rhyme in (None, poem["rhyme"])
