"""The processes that train together: which this one is, their sums and broadcasts, their end."""

import atexit
import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from lightning_fabric import Fabric

from pingze.errors import TrainingError


@contextmanager
def _others_there() -> Iterator[None]:
    try:
        yield
    except RuntimeError as fault:
        # What gloo raises is no more than a RuntimeError, which names gloo's files.
        if not isinstance(fault, torch.distributed.DistError) and "gloo" not in str(fault):
            raise
        raise TrainingError(
            "another process of this run has ended or is out of reach; it may have said why"
        ) from fault


class Processes(Fabric):
    """Fabric, whose collectives raise TrainingError where another process has ended."""

    all_reduce = _others_there()(Fabric.all_reduce)
    broadcast = _others_there()(Fabric.broadcast)


def launch() -> Processes:
    """The device of this process, and its place among those that `torchrun` started, or alone.

    A GPU where there is one, else the CPU: Apple's GPUs lack the float64 of the evaluation. Raises TrainingError when
    the others do not come.
    """
    count, here = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("LOCAL_WORLD_SIZE", 1))
    processes = Processes(
        accelerator="cuda" if torch.cuda.is_available() else "cpu",
        strategy="ddp" if count > 1 else "auto",
        devices=here,
        num_nodes=count // here,
    )
    with _others_there():
        processes.launch()
    if count > 1:
        # Gloo's threads may hold the last tensors of a sum; one that frees them while Python ends aborts the process.
        atexit.register(torch.distributed.destroy_process_group)
    return processes
