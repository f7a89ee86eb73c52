"""Turn errors into problem details (RFC 9457).

They hold a sentence in the reader's language, a code and its parameters. No answer reveals a path,
a version or a location in the code.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import Response

from pingze.deadline import DeadlineError
from pingze.errors import (
    Cause,
    Clash,
    CorpusError,
    InfeasibleError,
    InputError,
    PingzeError,
    UnfinishedError,
)
from pingze.messages import Language, Parameter, one_line, say

MEDIA_TYPE = "application/problem+json"
WAIT_SECONDS = 2  # after this time, a client may ask a busy server again

_TYPES = {
    "int": "integer",
    "float": "number",
    "finite": "number",
    "str": "string",
    "bool": "boolean",
    "NoneType": "null",
    "list": "array",
    "dict": "object",
    "dataclass": "object",
    "model": "object",
}
"""JSON Schema's names for the types of Python and of pydantic's errors."""


class RefusedError(PingzeError):
    """An error for a request that the server refuses to answer, with the HTTP status."""

    def __init__(self, status: int, code: str, **parameters: Parameter) -> None:
        super().__init__(code, **parameters)
        self.status = status


busy = partial(RefusedError, HTTPStatus.SERVICE_UNAVAILABLE, "busy", seconds=WAIT_SECONDS)
"""Build the error for a busy server: too many jobs wait, or a request would wait too long."""
worker_lost = partial(RefusedError, HTTPStatus.SERVICE_UNAVAILABLE, "lost", seconds=WAIT_SECONDS)
"""Build the error for a job whose process ended before it answered."""


def invalid(fault: Mapping[str, Any]) -> RefusedError:
    """Convert one of pydantic's validation errors, such as that of a missing field."""
    if fault["type"] == "json_invalid":
        return RefusedError(400, "json")
    # 1) Find the place, such as sheet.rhyme, and the field: on a sheet, the field of the sheet.
    names = [str(part) for part in fault["loc"] if part != "body"]
    if not names:  # the body as a whole is wrong
        names = ["body"]
    field = names[0]
    if field == "sheet" and len(names) > 1:
        field = names[1]
    # A client may name fields as it likes, so the names are cut for the message.
    place = {"field": field[:40], "place": ".".join(names)[:80]}
    # 2) Say what is wrong. All other types of pydantic's errors begin with the type that the field
    # must have, as int_parsing does.
    codes = {"missing": "missing", "unexpected_keyword_argument": "unknown_field"}
    if fault["type"] in codes:
        return RefusedError(422, codes[fault["type"]], **place)
    wanted_type = fault["type"].split("_")[0]
    given_type = type(fault["input"]).__name__
    wanted = _TYPES.get(wanted_type, wanted_type)
    has = _TYPES.get(given_type, given_type)
    return RefusedError(422, "type", **place, wanted=wanted, has=has)


def language_of(headers: Headers) -> Language:
    """Choose the language of messages by Accept-Language.

    Chinese if the header names it first, else English.
    """
    accepted = headers.get("accept-language", "").strip().lower()
    return "zh" if accepted.startswith("zh") else "en"


@dataclass(frozen=True)
class Problem:
    """The reason why a request was not answered, as it is sent to the client."""

    title: str
    """The HTTP status in words, in the reader's language."""
    status: int
    detail: str
    """One line that tells a person what is wrong."""
    cause: Cause
    """The detail as a code with parameters; docs/serving.md lists the codes."""
    field: str | None = None
    clashes: Sequence[Clash] = ()
    type: str = "about:blank"

    @classmethod
    def of(cls, error: Exception, language: Language) -> "Problem":
        """Build the problem for an error; reveal nothing about an unexpected error."""
        if isinstance(error, MemoryError):
            error = RefusedError(503, "memory", seconds=WAIT_SECONDS)
        match error:
            case RefusedError():
                status = error.status
            case InfeasibleError() | UnfinishedError():
                status = 409
            case CorpusError():
                status = 409
                error = CorpusError("no_corpus_here")  # its message has no path
            case InputError() | DeadlineError():
                status = 422
            case _:  # a fault in pingze itself, whose message may reveal a path
                return cls(
                    title=say("status_500", {}, language),
                    status=500,
                    detail=say("server_fault", {}, language),
                    cause={"code": "fault"},
                )
        field = error.cause.get("field")
        clashes = getattr(error, "clashes", ())  # only an InfeasibleError has some
        return cls(
            title=say(f"status_{status}", {}, language),
            status=status,
            detail=one_line(error.text(language)),
            cause=error.cause,
            field=field if isinstance(field, str) else None,
            clashes=[clash.in_language(language) for clash in clashes],
        )

    def response(self, headers: Mapping[str, str] | None = None) -> Response:
        """Build the HTTP response; leave out `field` and `clashes` if they are empty."""
        fields = asdict(self)
        for name in ("field", "clashes"):
            if not fields[name]:
                del fields[name]
        # A message may quote half a surrogate pair of a request, which UTF-8 cannot encode.
        body = json.dumps(fields, ensure_ascii=False).encode("utf-8", "replace")
        all_headers = dict(headers or {})
        if self.status == HTTPStatus.SERVICE_UNAVAILABLE:
            all_headers["retry-after"] = str(WAIT_SECONDS)
        return Response(body, self.status, all_headers, MEDIA_TYPE)

    def line(self) -> bytes:
        """Return the body of `response` as one line.

        If an error occurs after drafts, this line ends the answer.
        """
        return bytes(self.response().body) + b"\n"
