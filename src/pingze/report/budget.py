"""How much a rerun trains and measures: two budgets, of minutes and of hours."""

from dataclasses import dataclass

from pingze.report.claims import document


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
    """With how many seeds each claim is judged."""
    poems: int
    """How many poems are written for each of the report's samples."""
    real: int
    """Real poems of each form at most."""
    shortened: int
    """By what the steps and epochs of `claims.toml` are divided."""


BUDGETS = {
    "sketch": Budget(
        name="sketch",
        embedding_size=32,
        hidden_size=64,
        batch_size=16,
        precision="float32",
        train=1024,
        dev=64,
        seeds=len(document()["seeds"]["sketch"]),
        poems=4,
        real=50,
        shortened=16,
    ),
    "hours": Budget(
        name="hours",
        embedding_size=256,
        hidden_size=512,
        batch_size=32,
        precision="bf16",
        train=16384,
        dev=256,
        seeds=len(document()["seeds"]["hours"]),
        poems=20,
        real=1000,
        shortened=1,
    ),
}
"""`sketch` shows in minutes that everything works; `hours` measures the report's own model."""
