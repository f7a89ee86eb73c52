"""Close the connections of clients that are idle, slow, or gone.

uvicorn itself closes a connection that is idle after an answer. But it waits for ever for the first request, for the
rest of a refused body, and for a client to read its answer. Nor does it notice the departure of a client that has sent
more than one request.
"""

import asyncio
import select
import time
from asyncio.trsock import TransportSocket
from typing import Any

from pingze.serve.guard import Guard

IDLE_SECONDS = 20.0
"""Seconds after which a connection is closed if no answer is being computed and the client reads nothing."""
PAUSE = 1.0
"""Seconds between two checks of the connections."""


async def watch(connections: set[Any], guard: Guard, seconds: float = IDLE_SECONDS) -> None:
    """Close idle and abandoned connections until this task is cancelled.

    Args:
        connections: The open connections of uvicorn's server; each has a `transport`.
        guard: The application's guard, which records when each peer last received part of an answer.
        seconds: How long a connection may be idle.
    """
    seen: dict[Any, float] = {}  # when each connection was first seen
    while True:
        await asyncio.sleep(min(PAUSE, seconds))
        now = time.monotonic()
        seen = {each.transport: seen.get(each.transport, now) for each in list(connections)}
        peers = {transport: transport.get_extra_info("peername")[:2] for transport in seen}
        guard.moved = {peer: guard.moved[peer] for peer in peers.values() if peer in guard.moved}
        for transport, peer in peers.items():
            moved = guard.moved.get(peer, seen[transport])
            if moved + seconds < now or _has_left(transport.get_extra_info("socket")):
                transport.abort()


def _has_left(connection: TransportSocket) -> bool:
    """Return whether the peer has closed the connection, even if its bytes are still unread; False except on Linux."""
    if not hasattr(select, "POLLRDHUP") or connection.fileno() < 0:
        return False
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLRDHUP)
    return bool(poll.poll(0))
