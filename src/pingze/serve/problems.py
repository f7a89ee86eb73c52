"""Answer errors as problem details (RFC 9457): a sentence in the reader's language, a code and its parameters.

No answer names a path, a version or a place in the code.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import Response

from pingze.deadline import DeadlineError
from pingze.errors import Cause, Clash, CorpusError, InfeasibleError, InputError, PingzeError, UnfinishedError
from pingze.messages import Language, say

MEDIA_TYPE = "application/problem+json"
WAIT_SECONDS = 2
"""The seconds after which a client may ask a busy server again."""

_CODES = {"missing": "missing", "unexpected_keyword_argument": "unknown_field"}
_JSON = {
    "int": "integer",
    "float": "number",
    "str": "string",
    "NoneType": "null",
    "finite": "number",
    "bool": "boolean",
    "list": "array",
    "dataclass": "object",
    "dict": "object",
    "model": "object",
}
"""JSON Schema's names of pydantic's types."""


class BusyError(PingzeError):
    """Too much waits, or the jobs of others would make the answer late."""

    def __init__(self) -> None:
        super().__init__("busy", seconds=WAIT_SECONDS)


class LostError(PingzeError):
    """The process that computed a job ended before it answered."""

    def __init__(self) -> None:
        super().__init__("lost", seconds=WAIT_SECONDS)


class TooMuchError(PingzeError):
    """A request would take longer than one may; it is not begun."""

    def __init__(self, takes: float, seconds: float) -> None:
        super().__init__("too_much", seconds=seconds, takes=round(takes))


def language_of(headers: Headers) -> Language:
    """Read the language of the messages from Accept-Language: Chinese if it is named first, else English."""
    return "zh" if headers.get("accept-language", "").strip().lower().startswith("zh") else "en"


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
    """The constraints that cannot be met together."""
    type: str = "about:blank"

    @classmethod
    def of(cls, status: int, cause: Cause, detail: str, clashes: Sequence[Clash] = ()) -> "Problem":
        """Make the problem of an HTTP status."""
        field = cause.get("field")
        named = field if isinstance(field, str) else None
        return cls(HTTPStatus(status).phrase, status, " ".join(detail.split()), cause, named, clashes)

    @classmethod
    def of_code(cls, status: int, cause: Cause, language: Language, said_as: str = "") -> "Problem":
        """Make a problem of a code; `said_as` is the code of its sentence, where that is another."""
        return cls.of(status, cause, say(said_as or str(cause["code"]), cause, language))

    @classmethod
    def of_error(cls, error: Exception, language: Language = "en") -> "Problem":
        """Make the problem of an error; of one that no one foresaw nothing is said."""
        match error:
            case InfeasibleError():
                clashes = [clash.in_language(language) for clash in error.clashing]
                return cls.of(409, error.cause, error.text(language), clashes)
            case InputError() | DeadlineError() | TooMuchError():
                return cls.of(422, error.cause, error.text(language))
            case UnfinishedError():
                return cls.of(409, error.cause, error.text(language))
            case CorpusError():
                return cls.of_code(409, error.cause, language, "no_corpus_here")
            case BusyError() | LostError():
                return cls.of(503, error.cause, error.text(language))
        return cls.of_code(500, {"code": "fault"}, language, "server_fault")

    @classmethod
    def of_validation(cls, fault: Mapping[str, Any], language: Language) -> "Problem":
        """Make the problem of a body that is not JSON or has not the schema's shape, from pydantic's first fault."""
        if fault["type"] == "json_invalid":
            return cls.of_code(400, {"code": "json"}, language)
        names = [str(part) for part in fault["loc"] if part != "body"] or ["body"]
        cause: Cause = {
            "code": _CODES.get(fault["type"], "type"),
            "field": names[0][:40],
            "place": ".".join(names)[:80],
        }
        if cause["code"] == "type":
            wanted, has = fault["type"].split("_")[0], type(fault["input"]).__name__
            cause |= {"wanted": _JSON.get(wanted, wanted), "has": _JSON.get(has, has)}
        return cls.of_code(422, cause, language)

    @classmethod
    def of_status(cls, status: int, language: Language) -> "Problem":
        """Make the problem of a request that no route takes."""
        codes = {400: "json", 404: "no_route", 405: "method"}
        return cls.of_code(
            status, {"code": codes.get(status, "fault")}, language, codes.get(status, "server_fault")
        )

    def as_json(self) -> dict[str, Any]:
        """The fields by name, without those that are empty."""
        return {
            name: value for name, value in asdict(self).items() if value or name not in ("field", "clashes")
        }

    def response(self, headers: Mapping[str, str] | None = None) -> Response:
        """Answer with the problem."""
        body = json.dumps(self.as_json(), ensure_ascii=False).encode("utf-8", "replace")
        wait = {"retry-after": str(WAIT_SECONDS)} if self.status == HTTPStatus.SERVICE_UNAVAILABLE else {}
        return Response(body, self.status, {**(headers or {}), **wait}, MEDIA_TYPE)
