"""How much a rerun trains and measures: two budgets, of minutes and of hours."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Budget:
    """How much is trained and measured: fixed counts, never a clock."""

    name: str
    embedding_size: int
    hidden_size: int
    batch_size: int
    precision: str
    train: int
    """Training poems at most."""
    dev: int
    """Dev poems at most, and so many training poems where those are measured too."""
    seeds: int
    """With how many seeds the optimizers are compared."""
    poems: int
    """How many poems are written for each of the report's samples."""
    real: int
    """Real poems of each form at most."""
    steps: Mapping[str, int]
    """Optimizer steps of each training, by experiment."""


BUDGETS = {
    "sketch": Budget(
        name="sketch",
        embedding_size=32,
        hidden_size=64,
        batch_size=16,
        precision="float32",
        train=1024,
        dev=64,
        seeds=1,
        poems=4,
        real=50,
        steps={
            "zero": 48,
            "initialization": 32,
            "activation": 32,
            "clipping": 32,
            "data": 96,
            "softmax": 32,
            "optimizers": 32,
        },
    ),
    "hours": Budget(
        name="hours",
        embedding_size=256,
        hidden_size=512,
        batch_size=32,
        precision="bf16",
        train=16384,
        dev=256,
        seeds=2,
        poems=20,
        real=1000,
        steps={
            "zero": 512,
            "initialization": 768,
            "activation": 384,
            "clipping": 320,
            "data": 2560,
            "softmax": 256,
            "optimizers": 384,
        },
    ),
}
"""`sketch` shows in minutes that everything works; `hours` measures the report's own model."""
