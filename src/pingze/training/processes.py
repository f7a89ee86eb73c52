"""The processes that train together: which this one is, their sums and broadcasts, their end."""

import atexit
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, distributed

from pingze.errors import TrainingError

T = TypeVar("T")


@contextmanager
def _others_there() -> Iterator[None]:
    try:
        yield
    except RuntimeError as fault:
        # What gloo raises is no more than a RuntimeError, which names gloo's files.
        if not isinstance(fault, distributed.DistError) and "gloo" not in str(fault):
            raise
        raise TrainingError(
            "another process of this run has ended or is out of reach; it may have said why"
        ) from fault


@dataclass(frozen=True)
class Processes:
    """The processes of a run, as one of them sees them; collectives raise TrainingError where another has ended."""

    device: torch.device
    rank: int = 0
    """Of this one, from 0."""
    count: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this is the one that reads, writes and speaks."""
        return self.rank == 0

    def sum(self, tensor: Tensor) -> None:
        """Sum a tensor over all processes, in place."""
        if self.count > 1:
            with _others_there():
                distributed.all_reduce(tensor)

    def broadcast(self, value: T) -> T:
        """Give every process the first one's value."""
        if self.count == 1:
            return value
        values = [value]
        with _others_there():
            distributed.broadcast_object_list(values, device=self.device)
        return values[0]


def launch() -> Processes:
    """The device of this process, and its place among those that `torchrun` started, or alone.

    A GPU where there is one for each, else the CPU: Apple's GPUs lack the float64 of the evaluation. Raises
    TrainingError when the others do not come.
    """
    if not distributed.is_torchelastic_launched():
        return Processes(torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu"))
    rank, count, here, local = (
        int(os.environ[name]) for name in ("RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "LOCAL_RANK")
    )
    on_gpu = torch.cuda.device_count() >= here
    processes = Processes(torch.device("cuda", local) if on_gpu else torch.device("cpu"), rank, count)
    if on_gpu:
        torch.cuda.set_device(processes.device)
    if count > 1:
        with _others_there():
            distributed.init_process_group("nccl" if on_gpu else "gloo")
        # Gloo's threads may hold the last tensors of a sum; one that frees them while Python ends aborts the process.
        atexit.register(distributed.destroy_process_group)
    return processes
