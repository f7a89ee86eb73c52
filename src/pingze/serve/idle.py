"""How the server gives back memory: garbage now and then under load, and all that a load has left when it rests."""

import asyncio
import gc

from anyio import to_thread

from pingze.corpus.store import let_go
from pingze.ops.memory import give_back_freed_memory
from pingze.serve.composing import Desk

REST = 3.0
"""Seconds without a request after which memory is given back."""
PAUSE = 0.5
"""Seconds between two collections of garbage under load: what requests leave in cycles is large, and few objects."""


async def tidy(desk: Desk) -> None:
    """Give memory back after each load, until this is cancelled."""
    tidied = 0
    gc.freeze()  # what stands at the start stays; collecting the rest takes a millisecond
    while True:
        asked = desk.asked
        for _ in range(int(REST / PAUSE)):
            await asyncio.sleep(PAUSE)
            if asked != desk.asked:
                gc.collect()
        if asked != tidied and asked == desk.asked and desk.rests:
            await to_thread.run_sync(give_back)
            tidied = asked


def give_back() -> None:
    """Free what can be loaded again, and hand what is free to the system."""
    let_go()
    gc.collect()
    give_back_freed_memory()
