"""A connection that must send the headers of each request, and read its answer, in time.

uvicorn waits for both as long as it takes, so that a few hundred sockets which send a byte now and then, or read none,
stay for ever.
"""

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADER_SECONDS = 10.0
READING_SECONDS = 30.0
"""After so long a pause in which what was answered is not taken, nobody is there."""


class Connection(H11Protocol):
    """uvicorn's, closed where a request's headers are not there `HEADER_SECONDS` after they could begin.

    And where what it holds to be sent stays more than it should hold for `READING_SECONDS`.
    """

    late: asyncio.TimerHandle | None = None
    unread: asyncio.TimerHandle | None = None

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
        self._has_read()

    def pause_writing(self) -> None:
        """Begin to wait for the client to read."""
        super().pause_writing()
        self.unread = self.loop.call_later(READING_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """The client has read."""
        super().resume_writing()
        self._has_read()

    def _has_read(self) -> None:
        if self.unread is not None:
            self.unread.cancel()
            self.unread = None

    def _wait_or_not(self) -> None:
        if self.conn.their_state is not h11.IDLE:
            self._wait_no_more()
        elif self.late is None:
            self.late = self.loop.call_later(HEADER_SECONDS, self.transport.close)

    def _wait_no_more(self) -> None:
        if self.late is not None:
            self.late.cancel()
            self.late = None
