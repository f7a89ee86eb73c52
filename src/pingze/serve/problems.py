"""What went wrong, as problem details (RFC 9457): a sentence, and beside it a code with parameters.

No answer names a path, a version or a place in the code.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from pingze.deadline import DeadlineError
from pingze.errors import Cause, Clash, CorpusError, InfeasibleError, InputError, PingzeError, UnfinishedError

MEDIA_TYPE = "application/problem+json"
NO_CORPUS = "this needs the corpus, which is not there"
WAIT_SECONDS = 2
"""What a client that finds the queue full is told to wait."""

Code = str


_SHAPES: dict[str, tuple[Code, str]] = {
    "missing": ("missing", ""),
    "unexpected_keyword_argument": ("unknown_field", ""),
}
_JSON = {
    "int": "integer",
    "float": "number",
    "finite": "number",
    "bool": "boolean",
    "list": "array",
    "dataclass": "object",
    "dict": "object",
    "model": "object",
}
"""What pydantic calls a type, and JSON Schema's name of it."""


class BusyError(PingzeError):
    """There is more to do than is let in."""

    code = "busy"

    def __init__(self) -> None:
        super().__init__("there is too much to do just now: ask again soon", seconds=WAIT_SECONDS)


class TooMuchError(PingzeError):
    """What is asked for would take longer than it may, and is not begun."""

    code = "too_slow"

    def __init__(self, takes: float, seconds: float) -> None:
        super().__init__(
            f"this would take {takes:.0f} seconds, more than {seconds:g}: ask for fewer poems, lines or particles",
            seconds=seconds,
            takes=round(takes),
        )


@dataclass(frozen=True)
class Problem:
    """Why a request was not answered."""

    title: str
    """The status in words."""
    status: int
    detail: str
    """What is wrong, in one line for a person."""
    cause: Cause
    """The same as a code with parameters: docs/serving.md lists them."""
    field: str | None = None
    """The field at fault, where it is known."""
    clashes: Sequence[Clash] = ()
    """What cannot be met together."""
    type: str = "about:blank"

    @classmethod
    def of(cls, status: int, detail: str, cause: Cause, clashes: Sequence[Clash] = ()) -> "Problem":
        """A problem of an HTTP status."""
        field = cause.get("field")
        named = field if isinstance(field, str) else None
        return cls(HTTPStatus(status).phrase, status, " ".join(detail.split()), cause, named, clashes)

    @classmethod
    def of_error(cls, error: Exception) -> "Problem":
        """The problem that an error is; of an error that no one foresaw nothing is told."""
        match error:
            case InputError() | DeadlineError() | TooMuchError():
                return cls.of(422, str(error), error.cause)
            case InfeasibleError():
                return cls.of(409, str(error), error.cause, error.clashing)
            case UnfinishedError():
                return cls.of(409, str(error), error.cause)
            case CorpusError():
                return cls.of(409, NO_CORPUS, error.cause)
            case BusyError():
                return cls.of(503, str(error), error.cause)
        return cls.of(500, "a fault in pingze; nothing of the request was kept", {"code": PingzeError.code})

    @classmethod
    def of_validation(cls, fault: Mapping[str, Any]) -> "Problem":
        """The first fault of a body that is not JSON, or has not the shape of the schema, as pydantic tells it."""
        if fault["type"] == "json_invalid":
            return _no_json()
        names = [str(part) for part in fault["loc"] if part != "body"]
        where = ".".join(names)[:80]
        detail = f"{where}: {fault['msg']}" if where else fault["msg"]
        code, wanted = _SHAPES.get(fault["type"], ("type", fault["type"].split("_")[0]))
        cause: Cause = {"code": code, "place": where} | (
            {"wanted": _JSON.get(wanted, wanted)} if wanted else {}
        )
        return cls.of(422, detail, {"field": names[0][:40], **cause} if names else cause)

    @classmethod
    def of_status(cls, status: int, detail: str) -> "Problem":
        """The problem of a request that no route takes."""
        match status:
            case 400:
                return _no_json()
            case 404:
                return cls.of(
                    status, "there is nothing at this address; see /v1/openapi.json", {"code": "no_route"}
                )
            case 405:
                return cls.of(status, "this address does not take that method; see Allow", {"code": "method"})
        return cls.of(status, detail, {"code": PingzeError.code})

    def as_json(self) -> dict[str, Any]:
        """The fields by name, without what is not known."""
        values = asdict(self)
        if not self.field:
            del values["field"]
        if not self.clashes:
            del values["clashes"]
        return values

    def response(self, headers: Mapping[str, str] | None = None) -> Response:
        """The answer that tells it."""
        body = json.dumps(self.as_json(), ensure_ascii=False).encode("utf-8", "replace")
        wait = {"retry-after": str(WAIT_SECONDS)} if self.status == HTTPStatus.SERVICE_UNAVAILABLE else {}
        return Response(body, self.status, {**(headers or {}), **wait}, MEDIA_TYPE)


def _no_json() -> Problem:
    return Problem.of(400, "the body is not JSON", {"code": "json"})
