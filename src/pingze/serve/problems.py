"""What went wrong, as problem details (RFC 9457): an error comes in, one JSON object of plain words goes out.

No answer names a path, a version or a place in the code.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from pingze.composing.patience import OutOfPatienceError
from pingze.errors import (
    Clash,
    CorpusError,
    InfeasibleError,
    InputError,
    PingzeError,
    UnfinishedError,
)

MEDIA_TYPE = "application/problem+json"
NO_CORPUS = "this needs the corpus, which is not there"
WAIT_SECONDS = 2
"""What a client that finds the queue full is told to wait."""


class BusyError(PingzeError):
    """There is more to do than is let in."""


@dataclass(frozen=True)
class Problem:
    """Why a request was not answered."""

    title: str
    """The status in words."""
    status: int
    detail: str
    """What is wrong, in one line for a person."""
    field: str | None = None
    """The field at fault, where it is known."""
    clashes: Sequence[Clash] = ()
    """What cannot be met together."""
    type: str = "about:blank"

    @classmethod
    def of(
        cls, status: int, detail: str, field: str | None = None, clashes: Sequence[Clash] = ()
    ) -> "Problem":
        """A problem of an HTTP status."""
        return cls(HTTPStatus(status).phrase, status, " ".join(detail.split()), field, clashes)

    @classmethod
    def of_error(cls, error: Exception) -> "Problem":
        """The problem that an error is; of an error that no one foresaw nothing is told."""
        match error:
            case InputError():
                return cls.of(422, str(error), error.field)
            case OutOfPatienceError():
                return cls.of(422, str(error))
            case InfeasibleError():
                return cls.of(409, str(error), clashes=error.clashing)
            case UnfinishedError():
                return cls.of(409, str(error))
            case CorpusError():
                return cls.of(409, NO_CORPUS)
            case BusyError():
                return cls.of(503, "there is too much to do just now: ask again soon")
        return cls.of(500, "a fault in pingze; nothing of the request was kept")

    def as_json(self) -> dict[str, Any]:
        """The fields by name, without what is not known."""
        values = asdict(self)
        if not self.field:
            del values["field"]
        if not self.clashes:
            del values["clashes"]
        return values

    def response(self) -> Response:
        """The answer that tells it."""
        body = json.dumps(self.as_json(), ensure_ascii=False).encode("utf-8", "replace")
        headers = (
            {"retry-after": str(WAIT_SECONDS)} if self.status == HTTPStatus.SERVICE_UNAVAILABLE else None
        )
        return Response(body, self.status, headers, MEDIA_TYPE)
