"""Connect the processes of a training run, to sum and to broadcast values.

An error says that another process has ended.
"""

import atexit
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch

# torch's optimizers import this module. If that happened only after a process group was made,
# default arguments in it would hold the group, so that destroying the group would not end Gloo's
# threads.
import torch.distributed.nn.functional
from torch import Tensor, distributed

from pingze.errors import TrainingError

T = TypeVar("T")


@dataclass(frozen=True)
class Processes:
    """A process's connection to the others. Ranks start at 0.

    Raises TrainingError if another process has ended.
    """

    device: torch.device
    rank: int = 0
    count: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this is the process that reads and writes the run's folder and shows progress."""
        return self.rank == 0

    def sum(self, tensor: Tensor) -> None:
        """Sum a tensor over all processes, in place."""
        if self.count > 1:
            with _reporting_ended_processes():
                distributed.all_reduce(tensor)

    def broadcast(self, value: T) -> T:
        """Send the first process's value to all processes and return it."""
        if self.count == 1:
            return value
        values = [value]
        with _reporting_ended_processes():
            distributed.broadcast_object_list(values, device=self.device)
        return values[0]


def launch() -> Processes:
    """Choose the device of this process, and connect to the others if `torchrun` started several.

    The device is a GPU if the machine has a GPU for each of its processes, otherwise the CPU.
    Apple's GPUs are never used: evaluation needs float64, which they lack. Raises TrainingError if
    the other processes do not start.
    """
    if not distributed.is_torchelastic_launched():
        if torch.cuda.is_available():
            return Processes(device=torch.device("cuda", 0))
        return Processes(device=torch.device("cpu"))
    device = torch.device("cpu")
    backend = "gloo"  # sums tensors of CPUs; "nccl" sums those of GPUs
    if torch.cuda.device_count() >= int(os.environ["LOCAL_WORLD_SIZE"]):
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        backend = "nccl"
        torch.cuda.set_device(device)
    processes = Processes(
        device=device,
        rank=int(os.environ["RANK"]),
        count=int(os.environ["WORLD_SIZE"]),
    )
    if processes.count > 1:
        with _reporting_ended_processes():
            distributed.init_process_group(backend)
        # A Gloo thread may still hold tensors of the last sum; if it frees them while Python exits,
        # the process aborts.
        atexit.register(distributed.destroy_process_group)
    return processes


@contextmanager
def _reporting_ended_processes() -> Iterator[None]:
    """Raise TrainingError in place of the errors by which a call notices an ended process."""
    try:
        yield
    except RuntimeError as fault:
        # Gloo raises a plain RuntimeError, which only the names of its source files tell apart from
        # others.
        if not isinstance(fault, distributed.DistError) and "gloo" not in str(fault):
            raise
        raise TrainingError("train_process_ended") from fault
