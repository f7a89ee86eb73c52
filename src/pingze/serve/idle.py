"""What the server does when nobody asks: it gives back the memory that a load has left behind."""

import asyncio
import gc

from anyio import to_thread

from pingze.lstm.memory import give_back_freed_memory
from pingze.serve.composing import Desk

REST = 3.0
"""Seconds without a request after which memory is given back."""


async def tidy(desk: Desk) -> None:
    """Give memory back after each load, until this is cancelled."""
    tidied = 0
    while True:
        asked = desk.asked
        await asyncio.sleep(REST)
        if asked != tidied and asked == desk.asked and desk.rests:
            await to_thread.run_sync(give_back)
            tidied = asked


def give_back() -> None:
    """Free what can be loaded again, and hand what is free to the system."""
    gc.collect()
    give_back_freed_memory()
