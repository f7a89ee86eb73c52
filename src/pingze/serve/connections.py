"""Close the connections of clients that are idle, slow, or gone.

uvicorn closes a connection that is idle after an answer. It waits for ever for the first request, for the rest of a
body that was refused, and for a client to read its answer; and it does not see that a client has left which had sent
more than one request.
"""

import asyncio
import select
import time
from asyncio.trsock import TransportSocket
from typing import Any

from pingze.serve.guard import Guard

IDLE_SECONDS = 20.0
"""After so long without an answer that is computed or read, nobody is there."""
PAUSE = 1.0
"""Seconds between two looks at the connections."""


async def watch(connections: set[Any], guard: Guard, seconds: float = IDLE_SECONDS) -> None:
    """Close idle and left connections until this is cancelled.

    Args:
        connections: Those of uvicorn's server; each has a `transport`.
        guard: It knows when each peer last took an answer.
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
    """Whether the other end was closed, even where bytes of it are still to be read; known on Linux only."""
    if not hasattr(select, "POLLRDHUP") or connection.fileno() < 0:
        return False
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLRDHUP)
    return bool(poll.poll(0))
