"""Turn errors into problem details (RFC 9457): a sentence in the reader's language, a code and its parameters.

No answer reveals a path, a version or a location in the code.
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
from pingze.messages import Language, Parameter, say

MEDIA_TYPE = "application/problem+json"
WAIT_SECONDS = 2  # after this time, a client may ask a busy server again

_PYDANTIC = (
    "int:integer float:number finite:number str:string bool:boolean NoneType:null list:array"
)
_TYPES = dict(
    pair.split(":") for pair in f"{_PYDANTIC} dict:object dataclass:object model:object".split()
)
"""JSON Schema's names for pydantic's types."""


class RefusedError(PingzeError):
    """An error for a request that the server refuses to answer, with the HTTP status of the refusal."""

    def __init__(self, status: int, code: str, **parameters: Parameter) -> None:
        super().__init__(code, **parameters)
        self.status = status


busy = partial(RefusedError, HTTPStatus.SERVICE_UNAVAILABLE, "busy", seconds=WAIT_SECONDS)
"""Build the error for a busy server: too many jobs wait, or a request cannot be answered in time because of others."""
lost = partial(RefusedError, HTTPStatus.SERVICE_UNAVAILABLE, "lost", seconds=WAIT_SECONDS)
"""Build the error for a job whose process ended before it answered."""


def invalid(fault: Mapping[str, Any]) -> RefusedError:
    """Convert one of pydantic's validation errors, such as invalid JSON or a missing field, to a RefusedError."""
    if fault["type"] == "json_invalid":
        return RefusedError(400, "json")
    names = [str(part) for part in fault["loc"] if part != "body"] or ["body"]
    field = names[1] if names[0] == "sheet" and len(names) > 1 else names[0]
    place = {"field": field[:40], "place": ".".join(names)[:80]}
    codes = {"missing": "missing", "unexpected_keyword_argument": "unknown_field"}
    if code := codes.get(fault["type"]):
        return RefusedError(422, code, **place)
    wanted, has = fault["type"].split("_")[0], type(fault["input"]).__name__
    return RefusedError(
        422, "type", **place, wanted=_TYPES.get(wanted, wanted), has=_TYPES.get(has, has)
    )


def language_of(headers: Headers) -> Language:
    """Choose the language of messages by Accept-Language.

    Chinese if the header names it first, else English.
    """
    return "zh" if headers.get("accept-language", "").strip().lower().startswith("zh") else "en"


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
                status, error = 409, CorpusError("no_corpus_here")  # leaves out the path
            case InputError() | DeadlineError():
                status = 422
            case _:  # a fault in pingze itself
                detail = say("server_fault", {}, language)
                return cls(say("status_500", {}, language), 500, detail, {"code": "fault"})
        field = error.cause.get("field")
        return cls(
            title=say(f"status_{status}", {}, language),
            status=status,
            detail=" ".join(error.text(language).split()),
            cause=error.cause,
            field=field if isinstance(field, str) else None,
            clashes=[clash.in_language(language) for clash in getattr(error, "clashes", ())],
        )

    def response(self, headers: Mapping[str, str] | None = None) -> Response:
        """Build the HTTP response; leave out `field` and `clashes` if they are empty."""
        fields = {
            name: value
            for name, value in asdict(self).items()
            if value or name not in ("field", "clashes")
        }
        body = json.dumps(fields, ensure_ascii=False).encode("utf-8", "replace")
        wait = (
            {"retry-after": str(WAIT_SECONDS)}
            if self.status == HTTPStatus.SERVICE_UNAVAILABLE
            else {}
        )
        return Response(body, self.status, {**(headers or {}), **wait}, MEDIA_TYPE)

    def line(self) -> bytes:
        """Return the body of `response` as one line.

        If an error occurs after drafts, this line ends the answer.
        """
        return bytes(self.response().body) + b"\n"
