"""Serve the HTTP API's answers as tools of the Model Context Protocol (MCP), for agents.

A tool is a route of the API: its arguments are the route's body, and its result the route's JSON. A
call is a request to the application inside this process, so that it has the API's bounds, workers
and sentences.
"""

import asyncio
import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import Any

import httpx2
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.server.transport_security import TransportSecuritySettings
from mcp.types import (
    CallToolRequestParams,
    CallToolResult,
    ContentBlock,
    ListToolsResult,
    TextContent,
    Tool,
    ToolAnnotations,
)
from pydantic import TypeAdapter
from starlette.applications import Starlette
from starlette.types import ASGIApp

from pingze.messages import here, language
from pingze.serve import schemas
from pingze.serve.app import LOOPBACK, create_app, measure
from pingze.serve.pool import Lanes

INSTRUCTIONS = """\
pingze writes and checks classical Chinese verse: 絕句, 律詩, 古詩 and 詞, their tones 平仄 and rhyme. \
Two ways to a poem that keeps every rule. (1) Write it yourself, then call `check` before you show it \
to anyone: each violation names line and position, both from 1, what is wanted there, and `fitting` \
characters; `find_characters` gives more by tone, rhyme and meaning. Rewrite, and check again, all your \
drafts in one call. (2) Call `fill` with form, title and `count` 8; choose the best, put its good lines \
into `lines` with `kept`, leave ＿ for the rest, and fill again; `alternatives` lists what else could \
stand at a place. Drafts of `fill` keep the rules; sense and beauty are yours to judge. A refusal is an \
error that says what is wrong and, where wishes clash, which to give up: change that and call again; \
the same call is refused again."""


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A tool: the route that answers it, the type of the route's body, and what a model is told."""

    route: str
    body: type
    description: str


OFFERS = {
    "fill": Offer(
        route="fill",
        body=schemas.FillRequest,
        description="Write drafts of a poem on a sheet: `count` different ones, best first. All keep the "
        "form, tones and rhyme, and what the sheet fixes. Begin with form, title (Chinese) and count 8. "
        "To go on from a draft, write its good lines into `lines`, 1 for each character to keep into "
        "`kept`, and ＿ for each blank; empty and absent lines are blank. Couplets of different drafts "
        "go together if `template` and `rhyme` are the same: set both to have all drafts so. Call it for "
        "one poem after another: what would take more than 30 seconds, beside other calls too, is "
        "refused. Refused with what to give up if the wishes cannot all be kept.",
    ),
    "alternatives": Offer(
        route="alternatives",
        body=schemas.AlternativesRequest,
        description="List what else could stand at the places `start` to `end` of a `line` of a full "
        "sheet, which needs no `kept`, best first, judged by the whole poem; `change` above 0 is likelier "
        "than what stands. The sense is yours to judge.",
    ),
    "check": Offer(
        route="check",
        body=schemas.CheckRequest,
        description="Check the form, tones and rhyme of poems that are written. Give all of them in one "
        "call as `poems`, each with an `id` that comes back with its verdict, in the same order; `form` "
        "is the form asked for, or null to find it. Or give a `sheet` with blanks: `wants` says which "
        "tone and rhyme each blank needs. `ok` is true if nothing is wrong. What is no verse gets a "
        "verdict that says so.",
    ),
    "mend": Offer(
        route="mend",
        body=schemas.MendRequest,
        description="Mend the faults of a written poem by changing as few characters as possible, in "
        "`count` ways; `keep` names words that must stay. Look at each change: the sense is yours to "
        "judge.",
    ),
    "find_characters": Offer(
        route="find",
        body=schemas.FindRequest,
        description="Find characters, and words of two characters, by tone (平 or 仄; 平仄 for a word), "
        "rhyme group (as 先), and meaning, in English or Chinese. With `line`, such as 孤舟＿夜雨, those "
        "that fit its blanks best come first. Each has its gloss and how often verse uses it.",
    ),
    "couplet": Offer(
        route="couplet",
        body=schemas.CoupletRequest,
        description="Write lower lines that answer an upper line 對聯, or, with `write`, whole couplets "
        "with a heading on a theme.",
    ),
}
"""The tools by name."""


def create_server(app: ASGIApp, ready: "asyncio.Future[None] | None" = None) -> Server[Any]:
    """Build the server of the protocol, which no transport has yet.

    Args:
        app: The HTTP API, which answers the calls.
        ready: A future that is done when the workers of `app` are ready; calls wait for it. None if
            the workers are ready already.
    """

    async def list_tools(_context: object, _parameters: object) -> ListToolsResult:
        return ListToolsResult(tools=list(tools()))

    async def call_tool(context: Any, parameters: CallToolRequestParams) -> CallToolResult:
        if ready is not None:
            await asyncio.shield(ready)  # a call that is cancelled does not cancel `ready`
        client = "stdio"  # over standard input and output there is no request and no address
        if context.request is not None and context.request.client:
            client = context.request.client.host
        return await call(app, parameters.name, parameters.arguments or {}, client)

    server: Server[Any] = Server(
        "pingze",
        version=version("pingze"),
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )
    # The package would print a line for each request that it refuses, and its middleware would send
    # traces if the environment configures that.
    logging.getLogger("mcp").setLevel(logging.ERROR)
    server.middleware.clear()
    return server


@cache
def tools() -> tuple[Tool, ...]:
    """List the tools.

    Only the schema of `fill` says what a sheet consists of. The other tools refer to it, because a
    model reads every word of all schemas.
    """
    listed = []
    for name, offer in OFFERS.items():
        schema = TypeAdapter(offer.body).json_schema()
        _drop_titles(schema)
        if name != "fill" and "sheet" in schema["properties"]:
            schema["properties"]["sheet"] = {"type": "object", "description": "As of `fill`."}
            definitions = schema.get("$defs", {})  # without the sheet, nothing refers to these
            for unused in ("SheetBody", "Limit"):
                definitions.pop(unused, None)
        tool = Tool(
            name=name,
            description=offer.description,
            input_schema=schema,
            annotations=ToolAnnotations(read_only_hint=True, open_world_hint=False),
        )
        listed.append(tool)
    return tuple(listed)


def _drop_titles(schema: Any) -> None:
    """Remove the titles of a schema in place: they only repeat the names of the fields."""
    if isinstance(schema, list):
        for part in schema:
            _drop_titles(part)
    if isinstance(schema, dict):
        # A field that is called title has its schema, a dictionary, under the same key.
        if isinstance(schema.get("title"), str):
            del schema["title"]
        for part in schema.values():
            _drop_titles(part)


async def call(app: ASGIApp, name: str, arguments: dict[str, Any], client: str) -> CallToolResult:
    """Answer a call of a tool with the route's JSON.

    An error is answered with a sentence and, if wishes clash, with those to give up.

    Args:
        app: The HTTP API.
        name: The tool's name.
        arguments: The body of the tool's route.
        client: The client's address, so that no client holds all workers.
    """
    if name not in OFFERS:
        sentence = here("choice", field="tool", has=name[:40], choices=list(OFFERS))
        return CallToolResult(content=[TextContent(text=sentence)], is_error=True)
    # The request passes no network: it is a call of `app`, which accepts the host name localhost.
    transport = httpx2.ASGITransport(app, client=(client, 0))
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as api:
        answer = await api.post(
            f"/v1/{OFFERS[name].route}",
            content=json.dumps(arguments).encode(),
            headers={"content-type": "application/json", "accept-language": language()},
            timeout=None,  # the application bounds its time
        )
    if answer.status_code == 200:
        return CallToolResult(content=[TextContent(text=answer.text)])
    problem = answer.json()
    content: list[ContentBlock] = [TextContent(text=problem["detail"])]
    if "clashes" in problem:
        given_up = json.dumps({"clashes": problem["clashes"]}, ensure_ascii=False)
        content.append(TextContent(text=given_up))
    return CallToolResult(content=content, is_error=True)


async def serve_stdio(workers: int | None) -> None:
    """Serve one client over standard input and output, until it closes them.

    Args:
        workers: How many jobs of the client run at once; None for the default of `Lanes`.
    """
    async with stdio_server() as (read, write):
        lanes = Lanes(workers)  # started now that standard output belongs to the protocol

        async def get_ready() -> None:
            await asyncio.to_thread(lanes.wait_until_ready)
            await measure(lanes)

        # The client is greeted at once, while the workers load. Only its calls wait for them.
        ready = asyncio.ensure_future(get_ready())
        server = create_server(create_app(lanes), ready)
        try:
            await server.run(read, write, server.create_initialization_options())
        finally:
            ready.cancel()
            lanes.close()


def create_mcp_app(lanes: Lanes, hosts: Iterable[str]) -> Starlette:
    """Build the application that serves the protocol over streamable HTTP at /mcp.

    Pages of other sites are refused: only programs that send no Origin may call.

    Args:
        lanes: The workers, which are ready.
        hosts: The host names to accept beside the loopback names.
    """
    names = [*LOOPBACK, *hosts]
    names_with_port = [f"{name}:*" for name in names]
    return create_server(create_app(lanes)).streamable_http_app(
        json_response=True,
        stateless_http=True,
        transport_security=TransportSecuritySettings(allowed_hosts=names + names_with_port),
    )
