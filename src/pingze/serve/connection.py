"""A connection that must send the headers of each request in time.

uvicorn waits for them as long as it takes, so that a few hundred sockets which send a byte now and then stay for ever.
"""

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADER_SECONDS = 10.0


class Connection(H11Protocol):
    """uvicorn's, closed where a request's headers are not there `HEADER_SECONDS` after they could begin."""

    late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._wait_or_not()

    def data_received(self, data: bytes) -> None:
        """Take some bytes; what they leave unfinished must be finished in time."""
        super().data_received(data)
        self._wait_or_not()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        super().connection_lost(exc)
        self._wait_no_more()

    def _wait_or_not(self) -> None:
        if self.conn.their_state is not h11.IDLE:
            self._wait_no_more()
        elif self.late is None:
            self.late = self.loop.call_later(HEADER_SECONDS, self.transport.close)

    def _wait_no_more(self) -> None:
        if self.late is not None:
            self.late.cancel()
            self.late = None
